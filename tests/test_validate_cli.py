"""`weakspot scorers` in the terminal: the list, mistakes, and hostile names."""

import json
from pathlib import Path

import pytest

import weakspot
from weakspot import registry
from weakspot.cli.main import main


def test_list_names_every_scorer(capsys: pytest.CaptureFixture[str]) -> None:
    """`scorers list` has one line for each registered scorer, and `--json` its fields and rules."""
    assert main(["scorers", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == registry.names("scorers")
    assert all(len(line.split()) > 3 for line in lines)
    assert main(["scorers", "list", "--json"]) == 0
    told = {s["name"]: s for s in json.loads(capsys.readouterr().out)}
    assert "negated" in told["answer"]["rules"]
    assert set(told) == {s.name for s in weakspot.list_scorers()}


def test_rules_belong_to_scorers_that_can_leave_them_out() -> None:
    """Every scorer with named rules has the field that leaves them out."""
    for name in registry.BUILT_IN["scorer_rules"]:
        assert "without" in registry.load("scorers", name).__struct_fields__


@pytest.mark.parametrize(
    "words",
    [["validate"], ["measure"], ["validate", "--data", "/nowhere"], ["validate", "--data", ".", "--resamples", "1"]],
)
def test_mistakes_are_usage_errors(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A missing folder, a wrong action and a senseless count exit 2 with a sentence."""
    assert main(["scorers", *words]) == 2
    assert capsys.readouterr().err


def test_hostile_text_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Escape sequences in a task or a label are printed as visible characters."""
    row = {"task": "\x1b[31mred", "response": "x", "label": "y"}
    (tmp_path / "set.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert main(["scorers", "validate", "--data", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "red" in printed
