"""Every hard input under 18 real tokenizers: ids, text and offsets against the reference libraries, losses against the
table that is kept in tests/data/token_table.json (`python tests/token_table.py` writes it anew).
"""

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import token_table
from hard_texts import HARD_TEXTS, RUNS, SURROGATE_TEXTS, long_run
from token_checks import check_against, check_losses, check_offsets
from token_references import FILES, Reference, reference
from weakspot import tokens
from weakspot.findings.viewing import view_text
from weakspot.records import TokenView, to_builtins
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.text import without_surrogates

pytestmark = pytest.mark.tokenizers

VIEW = ["tokenizer", "fingerprint", "text", "ids", "pieces", "decoded", "lossless", "findings"]
BESIDES = ["format", "engine", "known_as", "pipeline", "remarks"]
STEPS = {"normalizer", "pre_tokenizer", "model", "post_processor", "decoder"}
PIECE = {"id", "text", "bytes", "start", "end", "kind"}
FINDING = {"code", "start", "end", "severity", "stage", "message", "evidence"}
KINDS = {"normal", "byte", "control", "unused", "added", "unknown"}
STAGES = {"input", "normalizer", "pre-tokenizer", "model", "post-processor", "decoder", "truncation", "vocabulary"}
NAMES = sorted(FILES)
FEW_RUNS = ("a", "🤦")


@pytest.fixture(scope="module")
def references(tokenizers_folder: Path) -> Callable[[str], Reference]:
    """The reference libraries' own calls, opened once."""
    return cache(lambda name: reference(name, tokenizers_folder))


@pytest.fixture(scope="module")
def views(real_tokenizer: Callable[[str], Tokenizer]) -> Callable[[str], list[TokenView]]:
    """Every hard text under a tokenizer, and the texts with lone surrogates; made once."""
    return cache(lambda name: [view_text(real_tokenizer(name), text) for text in (*HARD_TEXTS, *SURROGATE_TEXTS)])


@pytest.mark.parametrize("name", NAMES)
def test_ids_and_decoded_text_are_the_librarys(
    name: str, views: Callable[[str], list[TokenView]], references: Callable[[str], Reference]
) -> None:
    """`show` gives every hard text the ids and the decoded text of the reference library's own call."""
    for text, view in zip((*HARD_TEXTS, *SURROGATE_TEXTS), views(name), strict=True):
        check_against(view, text, references(name))


@pytest.mark.parametrize("name", NAMES)
def test_offsets_and_losses(name: str, views: Callable[[str], list[TokenView]]) -> None:
    """Offsets are inside the text and byte-exact, and each loss is inside a finding's stretch with a stage."""
    for text, view in zip((*HARD_TEXTS, *SURROGATE_TEXTS), views(name), strict=True):
        check_offsets(view)
        check_losses(view, text)


@pytest.mark.parametrize("name", NAMES)
def test_the_kept_table(name: str, views: Callable[[str], list[TokenView]]) -> None:
    """Ids, spans, losslessness and the causes of losses are those of the kept table, for every hard text."""
    kept = token_table.read()
    for text, view in zip((*HARD_TEXTS, *SURROGATE_TEXTS), views(name), strict=True):
        assert kept[token_table.key(text)][name] == token_table.row(view), text


@pytest.mark.parametrize("text", SURROGATE_TEXTS)
@pytest.mark.parametrize("name", NAMES)
def test_lone_surrogates_are_told(name: str, text: str, views: Callable[[str], list[TokenView]]) -> None:
    """A lone surrogate is read as U+FFFD, never counts as lossless, and is located in the input."""
    view = views(name)[len(HARD_TEXTS) + SURROGATE_TEXTS.index(text)]
    assert view.text == without_surrogates(text)
    assert not view.lossless
    told = [finding for finding in view.findings if finding.code in ("lone-surrogate", "invalid-utf8")]
    covered = {at for finding in told for at in range(finding.start, finding.end)}
    raw = view.text.encode()
    assert {at for at in range(len(raw)) if raw[at : at + 3] == "\ufffd".encode()} <= covered


@pytest.mark.parametrize("unit", FEW_RUNS)
@pytest.mark.parametrize("name", NAMES)
def test_runs_of_100000_characters(
    name: str, unit: str, real_tokenizer: Callable[[str], Tokenizer], references: Callable[[str], Reference]
) -> None:
    """A run of 100,000 characters has the library's ids, right offsets and told losses."""
    text = long_run(unit)
    view = view_text(real_tokenizer(name), text)
    check_against(view, text, references(name))
    check_offsets(view)
    check_losses(view, text)


@pytest.mark.slow
@pytest.mark.parametrize("unit", [unit for unit in RUNS if unit not in FEW_RUNS])
@pytest.mark.parametrize("name", NAMES)
def test_all_runs_of_100000_characters(
    name: str, unit: str, real_tokenizer: Callable[[str], Tokenizer], references: Callable[[str], Reference]
) -> None:
    """The same holds for runs of every sort of character."""
    test_runs_of_100000_characters(name, unit, real_tokenizer, references)


@pytest.mark.parametrize("name", ["bert-minilm", "mistral-spm", "o200k"])
def test_json_has_the_shape_that_is_promised(name: str, views: Callable[[str], list[TokenView]]) -> None:
    """JSON of a view has the promised fields, then what the tokenizer is, and no others; all of it is plain JSON."""
    for view in views(name):
        data = json.loads(json.dumps(to_builtins(view)))
        assert list(data) == [*VIEW, *BESIDES]
        assert set(data["pipeline"]) == STEPS
        assert type(data["lossless"]) is bool
        assert [piece["id"] for piece in data["pieces"]] == data["ids"]
        for piece in data["pieces"]:
            assert set(piece) - {"special"} == PIECE
            assert piece.get("special", True) is True  # stands there only where it is so
            assert piece["kind"] in KINDS
            bytes.fromhex(piece["bytes"])
        for finding in data["findings"]:
            assert set(finding) == FINDING
            assert finding["stage"] in STAGES
            assert 1 <= finding["severity"] <= 5
            assert finding["message"].endswith(".")
            assert "\n" not in finding["message"]


def test_the_library_call_and_the_command_say_the_same(
    weakspot_command: Callable[..., Any], tokenizers_folder: Path
) -> None:
    """`weakspot tokens show --json` prints what `weakspot.tokens.show` returns, and more tokenizers give a list."""
    text = "naïve ﬁle x² 🤦🏽‍♂️"
    paths = [str(tokenizers_folder / name / FILES[name]) for name in ("bert-minilm", "mistral-spm")]
    done = weakspot_command("tokens", "show", "--json", "-t", paths[0], text)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(json.dumps(to_builtins(tokens.show(text, paths[0])[0])))
    both = weakspot_command("tokens", "show", "--json", "-t", paths[0], "-t", paths[1], text)
    assert [view["tokenizer"] for view in json.loads(both.stdout)] == paths


def test_the_table_is_as_large_as_was_promised() -> None:
    """At least 50 hard inputs x 15 tokenizers are in the kept table, and it holds no input that is not tested."""
    kept = token_table.read()
    keys: Sequence[str] = [token_table.key(text) for text in (*HARD_TEXTS, *SURROGATE_TEXTS)]
    assert list(kept) == keys
    assert len(kept) >= 50
    assert all(sorted(row) == NAMES for row in kept.values())
    assert len(NAMES) >= 15
