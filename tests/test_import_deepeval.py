import json
from pathlib import Path

import pytest

from weakspot.errors import ImportFailed
from weakspot.exchange.importing import Asked, detect, read_foreign

CASE = {
    "name": "t",
    "input": "2+2",
    "actualOutput": "4",
    "expectedOutput": "4",
    "success": True,
    "metricsData": [{"name": "Faithfulness", "success": True, "score": 1.0, "reason": "it is so"}],
}


def saved(path: Path, document: object) -> Path:
    """A JSON file."""
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_shared_goldens(shared_data: Path) -> None:
    """JSON and CSV of the real goldens give the same 15 questions, expectations and answers, none with a verdict."""
    folder = shared_data / "failure-modes" / "formats" / "deepeval"
    by_json, by_csv = read_foreign(folder / "goldens.json"), read_foreign(folder / "goldens.csv")
    assert detect(folder / "goldens.csv") == detect(folder / "goldens.json") == "deepeval"
    assert by_json.probes == by_csv.probes
    assert len(by_json.probes) == 15
    assert by_json.models[0].responses == by_csv.models[0].responses
    assert {score.passed for score in by_json.models[0].scores} == {None}


def test_goldens_without_answers_are_a_suite(tmp_path: Path) -> None:
    """Goldens that nobody answered become probes; the context stays out of what is asked."""
    rows = [{"input": "capital?", "expected_output": "Paris", "context": ["France"], "source_file": None}]
    found = read_foreign(saved(tmp_path / "g.json", rows))
    assert found.models == ()
    assert found.probes[0].messages[0].content == "capital?"
    assert found.probes[0].tags["context"] == "France"


def test_a_test_run_keeps_deepevals_verdicts(tmp_path: Path) -> None:
    """A test run's cases keep DeepEval's own success, and its counts are held against ours."""
    failed = CASE | {"success": False, "metricsData": [{"name": "Bias", "success": False, "reason": "it is biased"}]}
    run = {"testCases": [CASE, failed], "metricsScores": [], "testPassed": 1, "testFailed": 1}
    path = saved(tmp_path / "run.json", run)
    found = read_foreign(path, asked=Asked(model="m"))
    assert detect(path) == "deepeval"
    assert [score.passed for score in found.models[0].scores] == [True, False]
    assert found.models[0].scores[1].checks == {"Bias": False}
    assert found.models[0].reported == {"passed: testPassed": 1, "failed: testFailed": 1}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "holds no items"),
        ([{"input": ["a"]}], "Golden 1 .* no text 'input'"),
        ([{"turns": []}], "conversations are not|Golden 1"),
        ({"a": 1}, "neither goldens nor testCases"),
    ],
)
def test_bad_goldens(tmp_path: Path, document: object, words: str) -> None:
    """Empty lists, conversations and other documents are one sentence each."""
    with pytest.raises(ImportFailed, match=words):
        read_foreign(saved(tmp_path / "g.json", document), "deepeval")
