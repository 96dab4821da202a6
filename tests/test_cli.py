"""The command line, run as a user runs it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from weakspot import registry
from weakspot.cli.main import WAY, main, visible

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LINES = [
    {
        "id": f"q{number}",
        "category": "facts" if number % 2 else "letters",
        "messages": [{"role": "user", "content": f"Question {number}: yes or no?"}],
        "expect": {"type": "contains", "value": "know" if number % 3 else "Question"},
    }
    for number in range(30)
]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A small suite on disk."""
    file = tmp_path / "suite.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in LINES))
    return file


def test_alone_it_shows_the_way(weakspot_command: Run) -> None:
    """`weakspot` alone prints the commands grouped as the front door has them, and a first step."""
    done = weakspot_command()
    assert done.returncode == 0
    positions = [done.stdout.index(f"  {group}") for group in WAY]
    assert positions == sorted(positions)
    assert "weakspot compare smollm2 gemma3-270m" in done.stdout


def test_the_way_names_what_is_built() -> None:
    """Every command on the way exists, and every command that exists stands on the way."""
    assert [name for commands in WAY.values() for name in commands] == list(registry.BUILT_IN["commands"])


@pytest.mark.parametrize("command", list(registry.BUILT_IN["commands"]))
def test_help_has_examples(command: str, weakspot_command: Run) -> None:
    """Every command's help shows examples, and exits with 0."""
    done = weakspot_command(command, "--help")
    assert done.returncode == 0
    assert f"  weakspot {command} " in done.stdout


def test_compare_leaves_a_report(suite: Path, tmp_path: Path, weakspot_command: Run) -> None:
    """A comparison leaves its files, prints the summary as JSON, and the report renders again from the folder alone."""
    folder = tmp_path / "run"
    done = weakspot_command(
        "compare", "scripted:echo", "scripted:abstain", "--suite", str(suite), "--out", str(folder), "--json"
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    rate = summary["models"]["scripted:echo"]["categories"]["facts"]
    assert {"n", "failed", "rate", "low", "high", "unscored"} <= rate.keys()
    assert (rate["n"], rate["failed"]) == (15, 10)
    pooled = summary["comparisons"][0]["pooled"]
    assert {"difference", "low", "high", "test", "p", "p_adjusted", "smallest_detectable", "verdict"} <= pooled.keys()
    assert pooled["difference"] == pytest.approx(1 / 3)
    names = ("report.html", "report.md", "summary.json")
    before = {name: (folder / name).read_bytes() for name in names}
    assert json.loads(before["summary.json"]) == summary
    for name in names:
        (folder / name).unlink()
    suite.unlink()
    assert weakspot_command("report", str(folder)).returncode == 0
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_text_output_is_a_table(suite: Path, tmp_path: Path, weakspot_command: Run) -> None:
    """Without --json a table with every category and the verdict is printed, and where the report lies."""
    done = weakspot_command(
        "compare", "scripted:echo", "scripted:abstain", "--suite", str(suite), "--out", str(tmp_path / "r")
    )
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("Facts", "Letters", "report.html"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["fly"], 2),
        (["compare"], 2),
        (["compare", "no-such-model"], 3),
        (["compare", "scripted:echo", "--suite", "no-such-suite"], 2),
        (["compare", "scripted:no-such"], 3),
        (["resume", "no-such-folder"], 10),
        (["report", "no-such-folder"], 10),
        (["models", "pull", "no-such"], 3),
        (["models", "pull"], 2),
        (["probes", "show", "no-such"], 2),
    ],
)
def test_mistakes_get_a_sentence_and_a_code(words: list[str], code: int, weakspot_command: Run, tmp_path: Path) -> None:
    """A mistake gives one sentence and a hint on standard error, its own exit code, and no traceback."""
    done = weakspot_command(*words, WEAKSPOT_CACHE=str(tmp_path))
    assert done.returncode == code
    first, *rest = done.stderr.splitlines()
    assert first.startswith("weakspot: ")
    assert len(rest) <= 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_broken_probe_lines_are_named(tmp_path: Path, weakspot_command: Run) -> None:
    """A probe file with a broken line 7 is told by that line, and nothing is written."""
    lines = [json.dumps(line) for line in LINES]
    lines[6] = '{"id": "broken", '
    file = tmp_path / "s.jsonl"
    file.write_text("\n".join(lines))
    done = weakspot_command("compare", "scripted:echo", "--suite", str(file), "--out", str(tmp_path / "r"))
    assert done.returncode == 8
    assert "line 7" in done.stderr
    assert not (tmp_path / "r").exists()


def test_probes_check(tmp_path: Path, suite: Path, weakspot_command: Run) -> None:
    """`probes check` passes a good file and names what is wrong in a bad one, with its exit code."""
    assert weakspot_command("probes", "check", str(suite)).returncode == 0
    bad = tmp_path / "bad.jsonl"
    bad.write_text(
        suite.read_text() + '\n{"id": "q1", "category": "c", "prompt": "x", "expect": {"type": "exact", "value": "x"}}'
    )
    done = weakspot_command("probes", "check", str(bad))
    assert done.returncode == 8
    assert "line 31" in done.stdout


def test_an_unforeseen_error_shows_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even a fault of Weakspot's own is one sentence, with the way to see more."""
    monkeypatch.setitem(registry.BUILT_IN["commands"], "report", "no.such.module:run")
    assert main(["report", "x"]) == 70
    assert "WEAKSPOT_DEBUG=1" in capsys.readouterr().err


def test_show_is_in_words(weakspot_command: Run) -> None:
    """`models show` prints no Python values."""
    done = weakspot_command("models", "show", "scripted:echo?seed=3")
    assert done.returncode == 0
    assert not set("{}[]") & set(done.stdout)


def test_terminal_text_is_tamed() -> None:
    """Escape sequences in a name or a path can't steer the terminal."""
    assert visible("a\x1b[31mb\u202ec") == "a\\x1b[31mb\\u202ec"
