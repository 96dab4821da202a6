import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from jsonschema import Draft7Validator

from conftest import probe
from weakspot import compare, export, import_results
from weakspot.cli.main import main
from weakspot.errors import NotARun, UsageError
from weakspot.records import Probe, Rating, Score, from_json, to_json
from weakspot.rendering.github import annotation
from weakspot.store.run import RunStore

NASTY = "=cmd|' /C calc'!A0 \x1b[31m\u202e ::error::x %0A ]]></failure> \x01"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two scripted models on hostile texts, a control, several turns, a raw prompt and an unscored item."""
    folder = tmp_path_factory.mktemp("run")
    said = [{"role": "user", "content": "poem"}, {"role": "assistant"}, {"role": "user", "content": "more"}]
    probes = [
        probe("a1", messages=[{"role": "user", "content": "yes <b>"}]),
        probe("a2", messages=[{"role": "user", "content": NASTY}]),
        probe("a3", "in,jec:tion", messages=[{"role": "user", "content": "no"}], group="g"),
        probe("a4", "in,jec:tion", messages=[{"role": "user", "content": "yes"}], group="g", arm="positive-control"),
        probe("a5", "judge", messages=said, expect={"type": "rubric", "rubric": "good?"}),
        Probe("a6", "raw", {"type": "exact", "value": "A"}, prompt="A: yes\nB:"),
    ]
    suite = folder / "mine.jsonl"
    suite.write_bytes(b"".join(to_json(one) + b"\n" for one in probes))
    place = folder / "run"
    compare(["scripted:echo", "scripted:agree"], suite=str(suite), out=place, cache=False)
    rating = Rating("a5", "scripted:echo", "ann", "hand", False, severity=2, note="=dull")
    with RunStore.open(place, write=True) as store:
        store.add_ratings([("ann", "a5", "scripted:echo", to_json(rating))])
    return place


def written(run: Path, to: str, out: Path) -> list[Path]:
    """The files of an export."""
    return [Path(name) for name in export(run, to, out=out).files]


def verdicts(folder: Path, name: str | None = None) -> dict[str, bool | None]:
    """The verdicts of a run, by item."""
    with RunStore.open(folder) as store:
        scores = [from_json(row, Score) for row in store.scores()]
    return {score.probe: score.passed for score in scores if name in (None, score.candidate)}


def test_inspect_round_trip(run: Path, tmp_path: Path) -> None:
    """An exported Inspect log, imported again, has the same verdicts and the same items, byte for byte."""
    paths = written(run, "inspect", tmp_path / "logs")
    assert len(paths) == 2
    made = import_results(paths[0], out=tmp_path / "back")
    assert verdicts(tmp_path / "back") == verdicts(run, "scripted:echo")
    assert made.reported[1].agrees
    with RunStore.open(run) as old, RunStore.open(tmp_path / "back") as new:
        assert list(old.probes()) == list(new.probes())


def test_lm_eval_round_trip(run: Path, tmp_path: Path) -> None:
    """Exported lm-eval samples, imported again, have the same verdicts in the same order."""
    paths = written(run, "lm-eval", tmp_path / "samples")
    rows = [json.loads(line) for line in paths[0].read_text(encoding="utf-8").splitlines()]
    assert [row["doc_id"] for row in rows] == list(range(6))
    assert rows[0]["resps"] == [["yes <b>"]]
    import_results(paths[0], out=tmp_path / "back")
    assert list(verdicts(tmp_path / "back").values()) == list(verdicts(run, "scripted:echo").values())


def test_junit(run: Path, tmp_path: Path) -> None:
    """The XML parses, holds no character that XML forbids, and counts failures as the run does; controls are skipped."""
    text = written(run, "junit", tmp_path / "junit.xml")[0].read_text(encoding="utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f]", text)
    root = ET.fromstring(text)  # noqa: S314 - our own file
    assert root.attrib | {"name": ""} == {"name": "", "tests": "12", "failures": "4", "errors": "0", "skipped": "4"}
    assert len(root.findall(".//failure")) == 4
    skipped = [one.attrib["message"] for one in root.findall(".//skipped")]
    assert sum("a control" in message for message in skipped) == 2
    assert any("⟨ESC⟩" in (one.text or "") for one in root.findall(".//failure"))


def test_csv_is_harmless_and_holds_ratings(run: Path, tmp_path: Path) -> None:
    """Cells that a spreadsheet would run get an apostrophe; prompt, reply, verdict and every rating are there."""
    text = written(run, "csv", tmp_path / "items.csv")[0].read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 12
    nasty = next(row for row in rows if row["probe"] == "a2" and row["candidate"] == "scripted:echo")
    assert nasty["prompt"].startswith("'=cmd")
    assert nasty["reply"].startswith("'=cmd")
    rated = next(row for row in rows if row["probe"] == "a5" and row["candidate"] == "scripted:echo")
    assert (rated["passed"], rated["ann: passed"], rated["ann: severity"], rated["ann: note"]) == (
        "",
        "false",
        "2",
        "'=dull",
    )


SARIF = {  # the parts of the standard's schema (2.1.0, 3.13 to 3.27) that a result of ours uses
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {"driver": {"type": "object", "required": ["name"]}},
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "kind": {"enum": ["fail", "pass", "open", "review", "notApplicable", "informational"]},
                                "message": {"type": "object", "required": ["text"]},
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_sarif(run: Path, tmp_path: Path) -> None:
    """Each failure that counts is a result with its rule and line; unscored items are said; the form is the standard's."""
    log = json.loads(written(run, "sarif", tmp_path / "w.sarif")[0].read_text(encoding="utf-8"))
    Draft7Validator(SARIF).validate(log)
    first = log["runs"][0]
    rules = [rule["id"] for rule in first["tool"]["driver"]["rules"]]
    assert [(r["ruleId"], rules[r["ruleIndex"]]) for r in first["results"]] == [
        (name, name) for name in ("facts", "in,jec:tion", "raw")
    ]
    assert [r["locations"][0]["physicalLocation"]["region"]["startLine"] for r in first["results"]] == [2, 3, 6]
    assert first["properties"]["unscored"] == 1
    assert "\x1b" not in json.dumps(log, ensure_ascii=False)


def test_github_annotations(run: Path) -> None:
    """Every line is one command of ours: foreign text can't begin another, and its signs are escaped."""
    lines = export(run, "github").printed.splitlines()
    assert len(lines) == 5
    assert all(re.match(r"::(error|warning|notice) title=[^:,]*::", line) for line in lines)
    assert "%250A" in lines[0]
    assert "4 failures on 10 items" in lines[-1]


def test_annotation_escapes() -> None:
    """Percent, line ends, colons and commas are written as the runner reads them back."""
    assert annotation("error", "a: b, c%", "x\ny%") == "::error title=a%3A b%2C c%25::x%0Ay%25"


def test_places(run: Path, tmp_path: Path) -> None:
    """Without a place files lie in the run folder; several files do not go into one; one candidate alone may."""
    assert Path(export(run, "junit").files[0]) == run / "exports" / "junit" / "junit.xml"
    with pytest.raises(UsageError, match="one file, and 2 are to be written"):
        export(run, "inspect", out=tmp_path / "log.json")
    assert export(run, "inspect", out=tmp_path / "log.json", candidate="scripted:agree").files == (
        str(tmp_path / "log.json"),
    )


def test_wrong_words(run: Path, tmp_path: Path) -> None:
    """An unknown form, an unknown candidate and a folder without a run are told apart."""
    with pytest.raises(UsageError, match="no exporter named 'xls'"):
        export(run, "xls")
    with pytest.raises(UsageError, match="no candidate 'nobody'"):
        export(run, "csv", candidate="nobody")
    with pytest.raises(NotARun):
        export(tmp_path, "csv")


def test_command(run: Path, tmp_path: Path, weakspot_command, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints the files, or the annotations themselves, or JSON."""
    done = weakspot_command("export", str(run), "--to", "junit", "--out", str(tmp_path / "j.xml"))
    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "j.xml"))
    assert main(["export", str(run), "--to", "github", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["printed"].startswith("::")
    assert main(["export", str(run), "--to", "xls"]) == 2


def test_result_is_plain_data(run: Path) -> None:
    """The result of the call goes to JSON as it is."""
    assert msgspec.to_builtins(export(run, "github"))["to"] == "github"
