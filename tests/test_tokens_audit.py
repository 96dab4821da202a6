"""An audit finds in every document what `show` finds there, and its figures are those of a count by hand."""

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from small_corpora import MIXED, jsonl, mixed_corpus, tokenizer_file
from weakspot.api.tokens_audit import Audit, audit
from weakspot.corpora.auditing import LogPlan
from weakspot.corpora.reading import Layout, read_corpus
from weakspot.errors import RunInUse, UsageError
from weakspot.findings.measures import Measurer
from weakspot.findings.viewing import view_text
from weakspot.records import from_json
from weakspot.records.audit import AuditSummary, LoggedFinding
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.loading import load_tokenizer

ALL = LogPlan(most=10**9)
UDHR = Path(__file__).parents[2] / "shared" / "data" / "failure-modes" / "multilingual" / "udhr_articles.jsonl"


def rows(folder: Path) -> list[LoggedFinding]:
    """The rows of an audit's log."""
    return [from_json(line, LoggedFinding) for line in (folder / "findings.jsonl").read_bytes().splitlines()]


def assert_like_show(tokenizer: Tokenizer, paths: list[Path], folder: Path) -> None:
    """For each document, the log has just the findings that `view_text` gives."""
    by_document: dict[tuple[str, int], list[Any]] = {}
    for row in rows(folder):
        found = (row.code, *row.span, row.severity, row.stage, row.message, row.evidence)
        by_document.setdefault((row.source, row.document), []).append(found)
    for document in read_corpus(paths):
        view = view_text(tokenizer, document.given)
        expected = [(f.code, f.start, f.end, f.severity, f.stage, f.message, f.evidence) for f in view.findings]
        if document.goes_on:
            expected = [found for found in expected if found[0] != "unstable-end"]
        actual = by_document.get((document.source, document.number), [])
        assert sorted(expected, key=repr) == sorted(actual, key=repr), document.text[:80]


def test_an_audit_finds_what_show_finds(tmp_path: Path) -> None:
    """Codes, spans, severities, stages, sentences and evidence of every document are those of `view_text`."""
    corpus = mixed_corpus(tmp_path / "a.jsonl", 30)
    (tmp_path / "b.txt").write_bytes(b"bad \xff byte " * 3 + b'{"x": [1, 2]} ' * 6000 + "\ufffd é x² ".encode() * 20)
    tokenizer = load_tokenizer(str(tokenizer_file(tmp_path)))
    done = audit([corpus, tmp_path / "b.txt"], tokenizer, out=tmp_path / "out", log=ALL)
    assert "gigatoken" in done.summary.engine
    assert_like_show(tokenizer, [corpus, tmp_path / "b.txt"], tmp_path / "out")
    assert done.summary.logged == len(rows(tmp_path / "out"))


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", ["gpt2", "cl100k", "bert-minilm", "mistral-spm", "gemma3", "deberta-v3"])
def test_an_audit_finds_what_show_finds_under_real_tokenizers(
    name: str, real_tokenizer: Callable[[str], Tokenizer], tmp_path: Path
) -> None:
    """The same, for byte-level BPE, WordPiece, SentencePiece and Unigram as they are used."""
    corpus = mixed_corpus(tmp_path / "a.jsonl", 2)
    source = Path(__file__).parent / "small_corpora.py"
    audit([corpus, source], real_tokenizer(name), out=tmp_path / "out", log=ALL)
    assert_like_show(real_tokenizer(name), [corpus, source], tmp_path / "out")


def test_figures_are_those_of_a_count_by_hand(tmp_path: Path) -> None:
    """Bytes, characters, words, fertility, tokens, unknown, fallback, ids used and entropy equal a slow count."""
    corpus = mixed_corpus(tmp_path / "a.jsonl", 3)
    tokenizer = load_tokenizer(str(tokenizer_file(tmp_path)))
    found = audit(corpus, tokenizer).summary
    texts = [document.text for document in read_corpus([corpus])]
    measures = [Measurer(tokenizer).measure(text) for text in texts]
    words = sum(m.words for m in measures)
    pieces = sum((m.fertility or 0) * m.words for m in measures)
    assert (found.whole.documents, found.whole.bytes) == (len(texts), sum(len(text.encode()) for text in texts))
    assert found.whole.characters == sum(map(len, texts))
    assert found.whole.words == words
    assert found.whole.fertility == pytest.approx(pieces / words)
    assert found.whole.tokens == sum(m.tokens for m in measures)
    assert (found.unknown, found.byte_fallback) == (0, sum(m.byte_fallback for m in measures))
    counts = Counter(token for text in texts for token in tokenizer.ids(text))
    shares = [many / counts.total() for many in counts.values()]
    assert found.renyi_efficiency == pytest.approx(
        math.log(sum(share**2.5 for share in shares)) / (1 - 2.5) / math.log(found.vocabulary)
    )
    assert found.used == len([token for token in counts if not tokenizer.vocabulary[token].special])


def test_how_numbers_are_cut_is_counted(tmp_path: Path) -> None:
    """Every run of four digits and more is counted once, by how its digits are grouped."""
    corpus = jsonl(tmp_path / "a.jsonl", [{"text": "1234 and 12345678 but not 123, nor abc"}])
    found = audit(corpus, str(tokenizer_file(tmp_path))).summary
    assert found.numbers == 2
    assert found.digit_groupings == dict.fromkeys(found.digit_groupings, 0) | {"single": 2}


def test_premium_is_taken_over_the_same_texts_in_english(tmp_path: Path) -> None:
    """A group's premium is its tokens over the tokens of the paired English texts, with an interval around it."""
    rows_ = []
    for n in range(12):
        rows_ += [
            {"text": f"the of and {n}", "lang": "en", "id": n},
            {"text": "ภาษาไทย " * (n + 1), "lang": "th", "id": n},
        ]
    corpus = jsonl(tmp_path / "a.jsonl", [*rows_, {"text": "ไทย", "lang": "th", "id": 99}])
    tokenizer = load_tokenizer(str(tokenizer_file(tmp_path)))
    found = audit(corpus, tokenizer, layout=Layout(group="lang", pair="id")).summary
    groups = {group.group: group for group in found.groups}
    tokens = {
        lang: sum(len(tokenizer.ids(str(r["text"]))) for r in rows_ if r["lang"] == lang) for lang in ("en", "th")
    }
    assert found.reference_group == "en"
    assert (groups["th"].parallel, groups["th"].documents) == (12, 13)
    assert groups["th"].premium == pytest.approx(tokens["th"] / tokens["en"])
    low, high = groups["th"].premium_low, groups["th"].premium_high
    assert low is not None
    assert high is not None
    assert low < tokens["th"] / tokens["en"] < high


def test_one_code_has_its_share_of_the_log_and_is_counted_beyond(tmp_path: Path) -> None:
    """The log holds at most so many rows of a code; counts and documents are those of the whole log."""
    corpus = mixed_corpus(tmp_path / "a.jsonl", 40)
    tokenizer = load_tokenizer(str(tokenizer_file(tmp_path)))
    whole = audit(corpus, tokenizer, out=tmp_path / "all", log=ALL).summary
    part = audit(corpus, tokenizer, out=tmp_path / "few", log=LogPlan(most=5)).summary
    kept = Counter((row.code, row.stage) for row in rows(tmp_path / "few"))
    assert max(kept.values()) == 5
    expected = {(c.code, c.stage): (c.findings, c.documents, c.severity) for c in whole.codes}
    assert {(c.code, c.stage): (c.findings, c.documents, c.severity) for c in part.codes} == expected
    assert part.logged + part.not_logged == sum(c.findings for c in part.codes)
    assert all(example.severity == c.severity for c in part.codes for example in c.examples)


def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    """Summary and log do not depend on the number of processes."""
    corpus = mixed_corpus(tmp_path / "a.jsonl", 600)
    tokenizer = str(tokenizer_file(tmp_path))
    found = []
    for many in (1, 2):
        audit(corpus, tokenizer, out=tmp_path / str(many), processes=many, log=LogPlan(most=50))
        found.append(comparable(tmp_path / str(many)))
    assert found[0] == found[1]


def comparable(folder: Path) -> tuple[dict[str, Any], bytes]:
    """The summary without seconds and processes, and the log."""
    summary = json.loads((folder / "summary.json").read_bytes())
    for name in ("seconds", "processes"):
        summary.pop(name)
    return summary, (folder / "findings.jsonl").read_bytes()


def test_other_arguments_in_the_same_folder_are_refused(tmp_path: Path) -> None:
    """A folder goes on with the arguments that it was made with, and with no others; nor in a folder of other things."""
    corpus = mixed_corpus(tmp_path / "a.jsonl")
    tokenizer = load_tokenizer(str(tokenizer_file(tmp_path)))
    first = audit(corpus, tokenizer, out=tmp_path / "out").summary
    assert audit(corpus, tokenizer, out=tmp_path / "out").summary == first
    with pytest.raises(UsageError, match="made from another corpus, tokenizer or option"):
        audit(corpus, tokenizer, out=tmp_path / "out", log=LogPlan(most=7))
    with pytest.raises(UsageError, match="holds something else"):
        audit(corpus, tokenizer, out=tmp_path)


def test_a_folder_in_use_is_told(tmp_path: Path) -> None:
    """Two audits can't write to one folder at once."""
    corpus = mixed_corpus(tmp_path / "a.jsonl")
    tokenizer = load_tokenizer(str(tokenizer_file(tmp_path)))

    def again(what: str, done: int, whole: int) -> None:
        with pytest.raises(RunInUse, match="Another process is writing"):
            audit(corpus, tokenizer, out=tmp_path / "out")
        seen.append((what, done, whole))

    seen: list[tuple[str, int, int]] = []
    audit(corpus, tokenizer, out=tmp_path / "out", progress=again)
    assert seen


def test_damage_and_odd_files_are_in_the_summary(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, an empty file and left-out binaries are told with their file; nothing is dropped."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "bad.txt").write_bytes(b"caf\xe9 here")
    (folder / "empty.txt").touch()
    (folder / "x.bin").write_bytes(b"\0")
    found = audit(folder, str(tokenizer_file(tmp_path))).summary
    told = {Path(source.name).name: source for source in found.sources}
    assert (told["bad.txt"].invalid_bytes, told["bad.txt"].invalid_at) == (1, (3,))
    assert told["empty.txt"].remark == "No text is in it."
    assert told["corpus"].remark == "Left out: 1 binary file."
    assert {"invalid-utf8"} <= {code.code for code in found.codes}


def test_a_parquet_log_holds_the_same_rows(tmp_path: Path) -> None:
    """The log in Parquet has a row for each line of the log in JSONL."""
    parquet = pytest.importorskip("pyarrow.parquet")
    corpus = mixed_corpus(tmp_path / "a.jsonl", 3)
    tokenizer = str(tokenizer_file(tmp_path))
    audit(corpus, tokenizer, out=tmp_path / "one")
    done = audit(corpus, tokenizer, out=tmp_path / "two", log=LogPlan("parquet"))
    table = parquet.read_table(tmp_path / "two" / "findings.parquet").to_pylist()
    assert [(r["code"], r["start"], r["end"], r["ids"]) for r in table] == [
        (row.code, *row.span, list(row.ids)) for row in rows(tmp_path / "one")
    ]
    assert done.summary.log == "findings.parquet"


def test_the_saved_summary_is_the_returned_one(tmp_path: Path) -> None:
    """summary.json is the record; the page and the notebook fragment are drawn from it."""
    corpus = mixed_corpus(tmp_path / "a.jsonl")
    done = audit(corpus, str(tokenizer_file(tmp_path)), out=tmp_path / "out")
    assert isinstance(done, Audit)
    assert from_json((tmp_path / "out" / "summary.json").read_bytes(), AuditSummary) == done.summary
    assert "<html" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert MIXED[7] not in done._repr_html_()


@pytest.mark.tokenizers
def test_languages_of_a_parallel_corpus(real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """On articles of the Declaration of Human Rights, every language has a premium over English, and it is at least 1."""
    if not UDHR.is_file():
        pytest.skip("the parallel corpus is not beside the project")
    found = audit(UDHR, real_tokenizer("gpt2"), layout=Layout(group="lang", pair="article")).summary
    premiums = {group.group: group.premium for group in found.groups}
    assert premiums.pop("eng") == 1
    assert all(premium is not None and premium > 1 for premium in premiums.values())
