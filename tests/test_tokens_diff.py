"""A comparison pairs two tokenizers document by document; its figures are those of each audit and of a count by hand."""

import math
from pathlib import Path

import numpy as np
import pytest

from small_corpora import MIXED, jsonl, mixed_corpus, tokenizer_file
from weakspot.api.tokens_audit import audit
from weakspot.api.tokens_diff import diff
from weakspot.cli.main import main
from weakspot.cli.tokens_diff import prices
from weakspot.corpora.pairing import MOST_ROWS, Column, _chance
from weakspot.corpora.reading import Layout
from weakspot.errors import UsageError
from weakspot.findings.viewing import view_text
from weakspot.stats.paired import mcnemar_exact
from weakspot.stats.ratio import ratio_change
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.load_hf import from_json
from weakspot.tokens.loading import load_tokenizer


def bytes_only() -> Tokenizer:
    """A byte-level tokenizer without a merge."""
    import json  # a small tokenizer.json is written by hand

    from tokenizers.pre_tokenizers import ByteLevel

    vocab = {letter: number for number, letter in enumerate(sorted(ByteLevel.alphabet()))}
    made = {
        "model": {"type": "BPE", "vocab": vocab, "merges": []},
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "added_tokens": [],
    }
    return from_json(json.dumps(made), "bytes")


def test_costs_and_findings_are_paired_by_document(tmp_path: Path) -> None:
    """Tokens, their change with its interval, and documents with a code under one only, equal a count by hand."""
    corpus = mixed_corpus(tmp_path / "a.jsonl", 2)
    ours, theirs = load_tokenizer(str(tokenizer_file(tmp_path))), bytes_only()
    found = diff(corpus, [ours, theirs]).diff
    texts = [text + f" {n}" if n else text for n in range(2) for text in MIXED]
    first = np.asarray([len(ours.ids(text)) for text in texts], np.float64)
    second = np.asarray([len(theirs.ids(text)) for text in texts], np.float64)
    expected = ratio_change(first, second)
    whole = found.costs[0]
    assert (whole.documents, whole.first, whole.second) == (len(texts), first.sum(), second.sum())
    assert (whole.change, whole.low, whole.high) == (expected.change, expected.low, expected.high)
    assert whole.verdict == "first is cheaper"
    assert found.same_ids == sum(ours.ids(text) == theirs.ids(text) for text in texts)
    codes = [[{f.code for f in view_text(one, text).findings} for text in texts] for one in (ours, theirs)]
    for paired in found.codes:
        has = [np.asarray([paired.code in of for of in side]) for side in codes]
        assert paired.first_only == np.count_nonzero(has[0] & ~has[1])
        assert paired.second_only == np.count_nonzero(has[1] & ~has[0])
        assert paired.both == np.count_nonzero(has[0] & has[1])
        assert paired.p_value == mcnemar_exact(paired.first_only, paired.second_only)
        assert paired.adjusted >= paired.p_value
    assert {paired.code for paired in found.codes} == {code for side in codes for of in side for code in of}


def test_each_side_is_its_audit(tmp_path: Path) -> None:
    """Both summaries of a comparison are those of two audits."""
    corpus = mixed_corpus(tmp_path / "a.jsonl", 2)
    pair = [load_tokenizer(str(tokenizer_file(tmp_path))), bytes_only()]
    found = diff(corpus, pair, out=tmp_path / "out").diff
    for number, (one, side) in enumerate(zip(pair, (found.first, found.second), strict=True)):
        alone = audit(corpus, one, out=tmp_path / str(number)).summary
        assert (side.whole, side.codes, side.offenders, side.used) == (
            alone.whole,
            alone.codes,
            alone.offenders,
            alone.used,
        )
        log = ("findings-first.jsonl", "findings-second.jsonl")[number]
        assert (tmp_path / "out" / log).read_bytes() == (tmp_path / str(number) / "findings.jsonl").read_bytes()


def test_a_tokenizer_against_itself_shows_no_difference(tmp_path: Path) -> None:
    """The same tokenizer twice: equal ids everywhere, no change, no difference in any code."""
    corpus = mixed_corpus(tmp_path / "a.jsonl", 2)
    one = load_tokenizer(str(tokenizer_file(tmp_path)))
    found = diff(corpus, [one, one]).diff
    assert (found.same_vocabulary, found.same_behaviour, found.same_ids) == (True, True, 2 * len(MIXED))
    assert found.documents == ()
    assert {cost.verdict for cost in found.costs} == {"no difference shown"}
    assert {code.verdict for code in found.codes} == {"no difference shown"}


def test_a_price_per_million_characters_follows_from_tokens(tmp_path: Path) -> None:
    """Price per million characters = price per million tokens x tokens / characters, by name or by A and B."""
    corpus = jsonl(tmp_path / "a.jsonl", [{"text": "the of and to" * 10}])
    one = load_tokenizer(str(tokenizer_file(tmp_path)))
    found = diff(corpus, [one, bytes_only()], prices={"A": 2.0, "bytes": 3.0}).diff
    whole = found.first.whole
    assert [price.per_million_characters for price in found.prices] == pytest.approx(
        [2.0 * whole.tokens / whole.characters, 3.0]
    )
    with pytest.raises(UsageError, match="a price for 'other', which is not compared"):
        diff(corpus, [one, one], prices={"other": 1.0})
    with pytest.raises(UsageError, match="'x' is no price"):
        prices(["x"])


def test_groups_and_the_documents_that_differ_most(tmp_path: Path) -> None:
    """Each group has its own change; the documents with the largest gap come first, with how they begin."""
    rows: list[dict[str, object]] = [
        {"text": "the of and " * (n + 1), "lang": "en" if n % 2 else "de"} for n in range(30)
    ]
    corpus = jsonl(tmp_path / "a.jsonl", rows)
    one = load_tokenizer(str(tokenizer_file(tmp_path)))
    found = diff(corpus, [one, bytes_only()], layout=Layout(group="lang")).diff
    assert [cost.group for cost in found.costs] == ["", "en", "de"]
    assert sum(cost.documents for cost in found.costs[1:]) == 30
    gaps = [one_.second - one_.first for one_ in found.documents]
    assert gaps == sorted(gaps, reverse=True)
    assert found.documents[0].document == 29
    assert found.documents[0].opening.startswith("the of and")


def test_columns_are_bounded_and_keep_their_sums() -> None:
    """Of very many documents neighbours are summed: few rows are kept, and the totals stay."""
    column = Column()
    for n in range(3 * MOST_ROWS + 5):
        column.add(n % 7, n % 5)
    assert len(column.first) <= MOST_ROWS
    assert column.documents == 3 * MOST_ROWS + 5
    assert sum(column.first) == sum(n % 7 for n in range(3 * MOST_ROWS + 5))
    assert sum(column.second) == sum(n % 5 for n in range(3 * MOST_ROWS + 5))


@pytest.mark.parametrize(("first", "second"), [(1500, 1400), (2000, 2300), (5, 2500)])
def test_the_test_for_many_documents_is_the_exact_one(first: int, second: int) -> None:
    """In logarithms the exact test gives what it gives in whole numbers."""
    assert math.isclose(_chance(first, second), mcnemar_exact(first, second), rel_tol=1e-9, abs_tol=1e-300)


def test_two_tokenizers_are_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One tokenizer, or three, is one clear sentence and exit code 2."""
    corpus = mixed_corpus(tmp_path / "a.jsonl")
    assert main(["tokens", "diff", str(corpus), "-t", str(tokenizer_file(tmp_path))]) == 2
    assert "Two tokenizers are compared." in capsys.readouterr().err
