import json
from pathlib import Path

import pytest

from weakspot.errors import ImportFailed
from weakspot.exchange.importing import Asked, detect, read_foreign


def verdicts(imported) -> list[bool | None]:
    """The verdicts in the order of the items."""
    return [score.passed for score in imported.models[0].scores]


def attempt(seq: int, outputs: list[str | None], results: dict, *, status: int = 2, probe: str = "dan.Dan") -> dict:
    """An attempt in the form of garak 0.13 (as the real report has it)."""
    turn = {"role": "user", "content": {"text": f"prompt {seq} Grüße", "lang": "en", "notes": {}}}
    return {
        "entry_type": "attempt",
        "uuid": f"{probe}-{seq}",
        "seq": seq,
        "status": status,
        "probe_classname": probe,
        "prompt": {"turns": [turn]},
        "outputs": [None if text is None else {"text": text} for text in outputs],
        "detector_results": results,
        "notes": {"triggers": ["x"]},
        "goal": "make it speak",
    }


def report(folder: Path, *entries: dict) -> Path:
    """A report with its two first lines."""
    head = [
        {"entry_type": "start_run setup", "_config.version": "0.13.3", "plugins.target_name": "org/m", "run.seed": 7},
        {"entry_type": "init", "garak_version": "0.13.3", "run": "r"},
    ]
    path = folder / "a.report.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in [*head, *entries]), encoding="utf-8")
    return path


TWO = {"dan.DAN": [0.0, 1.0], "mitigation.Bypass": [1.0, None]}


def test_shared_report(shared_data: Path) -> None:
    """The real report gives the 8 passed of 8 evaluated that its eval entry states, each attempt once."""
    path = shared_data / "failure-modes" / "formats" / "garak" / "report_test.report.jsonl"
    found = read_foreign(path)
    assert detect(path) == "garak"
    assert found.version == "0.13.3.pre1"
    assert verdicts(found) == [True] * 8
    assert found.models[0].reported["test.Test/always.Pass/passed"] == 8
    assert found.models[0].reported["passed: all probes"] == 8
    assert found.probes[3].messages[0].content == "有朋自远方来，不亦乐乎?"
    assert found.notes == ()


def test_generations_and_detectors(tmp_path: Path) -> None:
    """Each output of an attempt is an item of its group, judged by the primary detector; the others are checks."""
    entries = [
        attempt(0, ["a", "b"], {}, status=1),
        attempt(0, ["a", "b"], TWO),
        {"entry_type": "eval", "probe": "dan.Dan", "detector": "dan.DAN", "passed": 1, "total_evaluated": 2},
        {"entry_type": "eval", "probe": "dan.Dan", "detector": "mitigation.Bypass", "passed": 0, "total_evaluated": 1},
        {"entry_type": "completion"},
    ]
    found = read_foreign(report(tmp_path, *entries))
    assert [probe.id for probe in found.probes] == ["dan.Dan/0/1", "dan.Dan/0/2"]
    assert {probe.group for probe in found.probes} == {"dan.Dan/0"}
    assert verdicts(found) == [True, False]
    assert found.models[0].scores[0].checks == {"dan.DAN": True, "mitigation.Bypass": False}
    assert (found.models[0].reported["passed: all probes"], found.models[0].reported["failed: all probes"]) == (1, 1)
    assert found.models[0].candidate.name == "m"
    assert found.models[0].info.provenance.seed == 7
    assert found.notes == ("The verdict is that of each probe's primary detector; kept as checks: mitigation.Bypass.",)


def test_other_detectors_and_thresholds(tmp_path: Path) -> None:
    """`any` fails where a detector finds something; the threshold is where a score begins to be a hit, inclusive."""
    path = report(tmp_path, attempt(0, ["a", "b"], TWO), attempt(1, ["c"], {"dan.DAN": [0.5]}))
    assert verdicts(read_foreign(path, asked=Asked(metric="any"))) == [False, False, False]
    assert verdicts(read_foreign(path, asked=Asked(metric="mitigation.Bypass"))) == [False, None, None]
    assert verdicts(read_foreign(path)) == [True, False, False]
    assert verdicts(read_foreign(path, asked=Asked(threshold=0.6))) == [True, False, True]


def test_disagreement_and_unfinished_are_said(tmp_path: Path) -> None:
    """Counts that are not garak's, attempts that it did not evaluate and a missing end are notes; outputs without text have no verdict."""
    stated = {"entry_type": "eval", "probe": "dan.Dan", "detector": "detector dan.DAN", "passed": 5, "total": 5}
    entries = [
        attempt(0, ["a"], {"dan.DAN": [0.0]}),
        attempt(1, ["b"], {}, status=1),
        attempt(2, [None], {"dan.DAN": [0]}),
    ]
    found = read_foreign(report(tmp_path, *entries, stated))
    assert verdicts(found) == [True, None, None]
    said = " ".join(found.notes)
    assert "garak states 5 passed for dan.Dan under dan.DAN; the attempts give 1" in said
    assert "1 attempts were not evaluated" in said
    assert "has no end" in said


def test_old_form(tmp_path: Path) -> None:
    """Reports of garak 0.9, whose prompts and outputs are plain texts, are read too."""
    old = attempt(0, [], {"d": [0.0]}) | {"prompt": "hello", "outputs": ["hi"]}
    found = read_foreign(report(tmp_path, old))
    assert found.probes[0].messages[0].content == "hello"
    assert found.models[0].responses[0].final.text == "hi"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"entry_type": "init"}\n', "holds no attempts"),
        ('{"entry_type": "init"}\n{"a": 1}\n', "Line 2 .* has no 'entry_type'"),
        ('{"entry_type": "init"}\n{"entry_type": "att', "Line 2 .* is no JSON"),
        ('{"entry_type": "init"}\n[1]\n', "Line 2 .* no JSON object"),
        ('{"entry_type": "attempt", "outputs": [[1]], "prompt": ' + "[" * 5000 + "]" * 5000 + "}", "nested too deeply"),
        ("", "is empty"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git-LFS pointer"),
    ],
)
def test_bad_reports(tmp_path: Path, text: str, words: str) -> None:
    """Cut off, wrong, nested, empty and pointed-to reports are one sentence each."""
    path = tmp_path / "a.report.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImportFailed, match=words):
        read_foreign(path, "garak")
