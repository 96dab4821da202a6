import json
from pathlib import Path

import pytest

from weakspot.errors import ImportFailed
from weakspot.exchange.importing import Asked, detect, read_foreign

LOG = Path(__file__).parent / "data" / "openai_evals" / "log.jsonl"


def lines(path: Path, *rows: object) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def event(kind: str, sample: str | None = "s.1", **data: object) -> dict:
    """An event as the recorder writes it."""
    return {"run_id": "r", "event_id": 0, "sample_id": sample, "type": kind, "data": data}


def test_counts_equal_the_final_report() -> None:
    """The log of the real recorder: 12 samples, 3 of 11 right as its final report says, one error without a verdict."""
    found = read_foreign(LOG)
    model = found.models[0]
    verdicts = [score.passed for score in model.scores]
    assert detect(LOG) == "openai-evals"
    assert [verdicts.count(one) for one in (True, False, None)] == [3, 8, 1]
    assert model.reported["share passed: accuracy"] == pytest.approx(3 / 11)
    assert model.candidate.name == "gpt-3.5-turbo"
    assert [probe.id for probe in found.probes][-1] == "capitals.dev.11"
    assert found.probes[0].messages[0].role == "system"
    assert any("asked in several calls" in note for note in found.notes)


def test_samples(tmp_path: Path) -> None:
    """A file of samples becomes probes: any of the ideal answers is expected."""
    rows = [{"input": [{"role": "user", "content": "2+2"}], "ideal": ["4", "four"]}, {"input": "hi", "ideal": "ho"}]
    path = lines(tmp_path / "sums.jsonl", *rows)
    found = read_foreign(path)
    assert detect(path) == "openai-evals"
    assert found.models == ()
    assert [probe.expect["values"] for probe in found.probes] == [["4", "four"], ["ho"]]


def test_metrics_as_verdicts(tmp_path: Path) -> None:
    """Where a log has no match events, a metric of 1 or 0 is the verdict, and a grade only with a threshold."""
    rows = [event("sampling", prompt="p", sampled="a"), event("metrics", score=0.75, choice="A")]
    path = lines(tmp_path / "log.jsonl", {"spec": {"completion_fns": ["m"]}}, *rows)
    assert read_foreign(path).models[0].scores[0].passed is None
    assert read_foreign(path, asked=Asked(threshold=0.7)).models[0].scores[0].passed is True
    with pytest.raises(ImportFailed, match="no metric 'nope'"):
        read_foreign(path, asked=Asked(metric="nope"))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"spec": {"completion_fns": []}}], "holds no samples"),
        ([{"spec": {}}, {"what": 1}], "Line 2 .* neither spec, event nor final_report"),
        ([{"input": "a", "ideal": "b"}, {"ideal": "b"}], "Line 2 .* has no 'input'"),
        ([{"input": 5, "ideal": "b"}], "does not have the form"),
    ],
)
def test_bad_files(tmp_path: Path, rows: list, words: str) -> None:
    """A log without samples, foreign lines and wrong inputs are one sentence each."""
    with pytest.raises(ImportFailed, match=words):
        read_foreign(lines(tmp_path / "x.jsonl", *rows), "openai-evals")
