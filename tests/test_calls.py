"""The library calls, as a script or a notebook makes them."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

import weakspot
from weakspot.errors import CorruptFile, ModelError, NotARun, UsageError
from weakspot.runs.silent import Silent


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Two items."""
    file = tmp_path / "s.jsonl"
    lines = [
        {"id": name, "category": "c", "prompt": f"{name} <script>", "expect": {"type": "contains", "value": "a"}}
        for name in ("a", "b")
    ]
    file.write_text("\n".join(json.dumps(line) for line in lines))
    return file


def test_every_command_is_a_call() -> None:
    """All that the package promises can be loaded and has a docstring."""
    calls = [name for name in weakspot.__all__ if not name.startswith("__")]
    assert [name for name in calls if not getattr(weakspot, name).__doc__] == []
    with pytest.raises(AttributeError):
        weakspot.no_such_call  # noqa: B018 - the access is the test


def test_a_call_inside_a_running_loop(suite: Path, tmp_path: Path, own_cache: Path) -> None:
    """A notebook, whose loop is running, can compare with the reply cache on, and shows the result."""

    async def cell() -> str:
        result = weakspot.compare(["scripted:echo", "scripted:abstain"], suite=suite, out=tmp_path / "r")
        return result._repr_html_()

    shown = asyncio.run(cell())
    assert "scripted:echo" in shown
    assert "<script>" not in shown


def test_paths_and_nonsense(suite: Path, tmp_path: Path, own_cache: Path) -> None:
    """Paths are taken where references are; anything else is told."""
    rules = tmp_path / "rules.jsonl"
    rules.write_text('{"contains": "a", "reply": "a"}')
    result = weakspot.compare([f"scripted:{rules}"], suite=suite, out=tmp_path / "r")
    assert result.summary.models[f"scripted:{rules}"].pooled.failed == 1
    for wrong in ("smollm2", [], [1], [None]):
        with pytest.raises(UsageError):
            weakspot.compare(wrong)  # type: ignore[arg-type]


def test_a_damaged_candidate_is_found_before_anything_is_asked(suite: Path, tmp_path: Path) -> None:
    """A broken file in the last place leaves no run folder behind."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\xff" * 40)
    with pytest.raises(CorruptFile):
        weakspot.compare(["scripted:echo", broken], suite=suite, out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("key", ["plan", "summary", "environment"])
def test_a_damaged_record_is_told(key: str, suite: Path, tmp_path: Path, own_cache: Path) -> None:
    """JSON that was damaged inside a run is told as a damaged run."""
    folder = tmp_path / "r"
    weakspot.compare(["scripted:echo"], suite=suite, out=folder)
    with sqlite3.connect(folder / "run.sqlite") as db:
        db.execute("UPDATE meta SET value = ? WHERE key = ?", (b'{"x', key))
    with pytest.raises(NotARun, match="damaged"):
        weakspot.report(folder)


class Listening(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def note(self, text: str) -> None:
        """Keep it."""
        self.heard.append(text)


def test_the_cost_is_said_before_anything_is_asked(suite: Path, tmp_path: Path) -> None:
    """Before an endpoint is reached, the size of the run and its price are told."""
    sink = Listening()
    dead = "http://127.0.0.1:9/v1#m?price_in=1000&price_out=1000&name=priced"
    with pytest.raises(ModelError):
        weakspot.compare([dead], suite=suite, out=tmp_path / "r", sink=sink)
    assert "2 probes" in sink.heard[0]
    assert "priced at most about 0." in sink.heard[0]
