"""Token features of a text: counted by hand, by brute force on any text, and on real tokenizers; of a run: its files."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import weakspot
from link_fixture import make_tokenizer, write_rules, write_suite
from weakspot import tokens
from weakspot.findings.measures import Measurer, digit_runs, even, groups, is_word, pieces_of, runs
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.loading import load_tokenizer


@pytest.fixture
def tiny(tmp_path: Path) -> Tokenizer:
    """The tiny tokenizer, opened."""
    return load_tokenizer(str(make_tokenizer(tmp_path)))


def test_measures_equal_those_made_by_hand(tiny: Tokenizer) -> None:
    """Every measure of a short text equals what is counted by hand from the merges.

    `abc` is one piece and ` abd` three (space, ab, d), `{"` one token, `x` one; `1234` is 123|4, which is uneven; the
    rarest merge is `12 3`, the fifth; "é" is two bytes of which each is a token.
    """
    found = Measurer(tiny).measure('abc abd {"x 1234 é')
    assert found.tokens == len(["abc", " ", "ab", "d", " ", '{"', "x", " ", "123", "4", " ", "Ã", "©"])
    assert found.bytes == 19
    assert found.bytes_per_token == pytest.approx(19 / 13)
    assert found.pieces == {"abd": 2, "é": 2}
    assert (found.words, found.fertility) == (4, pytest.approx((1 + 2 + 1 + 2) / 4))
    assert (found.unknown, found.byte_fallback, found.special_ids, found.lossy) == (0, 2, 0, False)
    assert (found.rarest, found.rarest_token) == (4, "123")
    assert (found.numbers, found.uneven_numbers) == (1, 1)
    assert found.structural_merges == 1
    assert found.unstable_boundary == 0


def test_special_text_and_boundaries(tiny: Tokenizer) -> None:
    """Text that spells a special token counts; a trailing space is unstable where a merge joins it with what follows.

    Of the continuations, "yes" takes the space (` y`, ` ye`, ` yes` are merges); " yes" brings its own space along, and
    no merge joins a space with a digit or a new line.
    """
    assert Measurer(tiny).measure("a <|end|> b").special_ids == 1
    assert Measurer(tiny).measure("x {").unstable_boundary == 0
    assert tiny.ids("x ")[1:] + tiny.ids("1") == tiny.ids("x 1")[1:]
    assert Measurer(tiny).measure("x ").unstable_boundary == 1


def test_empty_and_odd_texts(tiny: Tokenizer) -> None:
    """No text has no ratios, not zeros; a lone surrogate and a bidirectional mark do no harm."""
    empty = Measurer(tiny).measure("")
    assert (empty.tokens, empty.bytes_per_token, empty.fertility, empty.rarest) == (0, None, None, None)
    assert Measurer(tiny).measure("\ud800 \u202e").bytes == 7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("HER2/neu", ["HER2", "neu"]),
        ("ภาษาไทย", ["ภาษาไทย"]),
        ("cafe\u0301!", ["cafe\u0301"]),
        ("a\u200cb\u200c c", ["a\u200cb", "c"]),
        ("", []),
    ],
)
def test_runs(text: str, words: list[str]) -> None:
    """Marks and joiners belong to a word; offsets are bytes and cut the same text out."""
    found = list(runs(text))
    assert [run.text for run in found] == words
    assert [text.encode()[run.start : run.end].decode() for run in found] == words


def test_digit_runs_and_groups() -> None:
    """Two digits and more are a number; 12|345 and 1|2|3 are even, 123|45 and 1|22|1 are not."""
    found = list(digit_runs("v2 é12,345 7 ٤٢"))
    assert [run.text for run in found] == ["12", "345", "٤٢"]
    assert "é12,345".encode()[found[0].start - 3 : found[0].end - 3] == b"12"
    assert [even(sizes) for sizes in ([2, 3], [1, 1, 1], [5], [], [3, 2], [1, 2, 1])] == [True] * 4 + [False] * 2


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", ["gpt2", "llama3.1", "qwen3", "gemma3", "bert-minilm", "deberta-v3", "mistral-nemo"])
def test_pieces_of_words_equal_the_librarys(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """On real tokenizers a lone word's pieces are the tokens that the word alone becomes, and ranks are in order."""
    tokenizer = real_tokenizer(name)
    measurer = Measurer(tokenizer)
    for word in ("pembrolizumab", "hello", "Krankenversicherung"):
        found = measurer.measure(word)
        assert found.pieces.get(word, 1) == len(tokenizer.ids(word))
        assert found.fertility == found.pieces.get(word, 1)
    assert (measurer.measure("the").rarest or 0) < (measurer.measure("pembrolizumab").rarest or 0)


ANY = st.text(st.one_of(st.sampled_from('abc{"12 é<|end|>\n\u200cก\u0301'), st.characters()), max_size=40)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANY)
def test_any_text_equals_brute_force(tiny: Tokenizer, text: str) -> None:
    """On any text, lone surrogates too, words, pieces and groups of digits equal those of a count byte by byte."""
    found = Measurer(tiny).measure(text)
    plain = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    encoded = tiny.encode(plain, parse_special=True)
    size = len(plain.encode())
    assert (found.bytes, found.tokens) == (size, len(encoded.ids))
    owner = [[at for at in range(len(encoded.ids)) if encoded.starts[at] <= b < encoded.ends[at]] for b in range(size)]
    words = list(runs(plain))
    assert [word.text for word in words] == [plain.encode()[word.start : word.end].decode() for word in words]
    by_hand = [len({at for b in range(word.start, word.end) for at in owner[b]}) for word in words]
    assert pieces_of(words, encoded) == by_hand
    named = [count for word, count in zip(words, by_hand, strict=True) if is_word(word.text)]
    assert found.fertility == (pytest.approx(sum(named) / len(named)) if named else None)
    uneven = 0
    for number in digit_runs(plain):
        counts: dict[int, int] = {}
        for b in range(number.start, number.end):
            for at in owner[b]:
                counts[at] = counts.get(at, 0) + 1
        assert groups(number, encoded) == list(counts.values())
        uneven += not even(list(counts.values()))
    assert found.uneven_numbers == uneven


def test_a_table_holds_a_row_a_response_and_what_the_records_hold(
    tmp_path: Path, own_cache: Path, weakspot_command: Callable[..., CompletedProcess[str]]
) -> None:
    """CSV, JSON and the records of the call hold the same numbers, one row a response."""
    suite = write_suite(tmp_path / "s.jsonl", [(f"p{i}", "c", f"abc {'z' * i} 1234{i}") for i in range(9)])
    weakspot.compare([write_rules(tmp_path / "a.jsonl", ["zz"]) + "?name=a"], suite=suite, out=tmp_path / "run")
    named = {"a": str(make_tokenizer(tmp_path))}
    (found,) = tokens.features(tmp_path / "run", tokenizers=named, csv=tmp_path / "f.csv")
    with (tmp_path / "f.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    data = json.loads(weakspot_command("tokens", "features", str(tmp_path / "run"), "--json").stdout)
    assert len(table) == len(found.rows) == len(data[0]["rows"]) == 9
    for row, record, flat in zip(found.rows, data[0]["rows"], table, strict=True):
        assert flat["probe"] == row.probe == record["probe"]
        assert int(flat["user_tokens"]) == row.user.tokens == record["user"]["tokens"]
        assert float(flat["user_fertility"]) == row.user.fertility == record["user"]["fertility"]
        assert flat["prompt_tokens"] == ""
    shown = weakspot_command("tokens", "features", str(tmp_path / "run")).stdout
    assert "uneven: numbers cut in uneven groups" in shown
