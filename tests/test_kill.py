"""A run that is killed at any moment goes on to the same end."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KILLS = 20
LINES = 150


def write_suite(file: Path, count: int) -> None:
    """A suite of small questions, some of them dialogues."""
    with file.open("w") as out:
        for number in range(count):
            messages: list[dict[str, Any]] = [{"role": "user", "content": f"Say one word about number {number}."}]
            if number % 5 == 0:
                messages += [{"role": "assistant"}, {"role": "user", "content": "Are you sure?"}]
            line = {
                "id": f"q{number}",
                "category": f"c{number % 3}",
                "group": f"g{number // 2}",
                "messages": messages,
                "expect": {"type": "contains", "value": "number"},
                "generation": {"max_tokens": 8},
            }
            out.write(json.dumps(line) + "\n")


def command(*words: str) -> list[str]:
    """The command line, as a user would run it."""
    return [sys.executable, "-m", "weakspot.cli.main", *words]


def start(*words: str) -> "subprocess.Popen[bytes]":
    """Begin a command in the background."""
    return subprocess.Popen(command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def rows(folder: Path) -> list[tuple[str, str]]:
    """What the responses table holds, by probe and candidate."""
    with sqlite3.connect(folder / "run.sqlite") as db:
        return db.execute("SELECT probe, candidate FROM responses").fetchall()


def comparable(folder: Path) -> dict[str, Any]:
    """The summary without wall-clock seconds and names of this run."""
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    for model in summary["models"].values():
        for timed in ("wall_s", "latency_p50_s", "latency_p95_s"):
            model.pop(timed)
    return summary


def killed_run(folder: Path, words: list[str], kills: int, pause: Callable[[], float]) -> int:
    """Begin a run and kill it again and again at random moments; returns how many kills met a living process."""
    process = start("compare", *words, "--out", str(folder))
    while not (folder / "run.sqlite").exists() and process.poll() is None:
        time.sleep(0.01)
    met = 0
    for _ in range(kills):
        time.sleep(pause())
        met += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = set(rows(folder)) if tables(folder) else set()
        process = start("resume", str(folder))
        assert before <= set(rows(folder)) if before else True
    process.wait(timeout=300)
    subprocess.run(command("resume", str(folder)), check=True, capture_output=True, timeout=300)
    return met


def tables(folder: Path) -> bool:
    """Whether the run had got as far as its tables."""
    with sqlite3.connect(folder / "run.sqlite") as db:
        return db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'responses'").fetchone()[0] == 1


def same_end(tmp_path: Path, models: list[str], count: int, kills: int, longest_s: float) -> None:
    """Compare a run that was killed with one that was not."""
    suite = tmp_path / "suite.jsonl"
    write_suite(suite, count)
    words = [*models, "--suite", str(suite), "--no-cache"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command("compare", *words, "--out", str(whole)), check=True, capture_output=True, timeout=300)
    dice = random.Random(20261123)
    met = killed_run(killed, words, kills, lambda: dice.uniform(0.3, longest_s))
    assert met >= kills // 2
    found = rows(killed)
    assert len(found) == len(set(found)) == count * len(models)
    assert comparable(killed) == comparable(whole)


@pytest.mark.timeout(600)
def test_twenty_kills_scripted(tmp_path: Path) -> None:
    """After 20 kills at random moments each (probe, model) stands once and the summary equals the uninterrupted one."""
    models = ["scripted:random?latency=0.04", "scripted:echo?latency=0.04"]
    same_end(tmp_path, models, LINES, KILLS, 0.8)


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kills_with_llamacpp_and_one_slot(tmp_path: Path, bundled_model: Callable[[str], Path]) -> None:
    """The same holds for a real model with one slot, whose replies do not depend on what was asked before."""
    path = bundled_model("smollm2")
    same_end(tmp_path, [f"{path}?slots=1&name=real"], 120, KILLS, 3.0)


def test_polite_stop_says_how_to_go_on(tmp_path: Path) -> None:
    """Ctrl-C ends with exit code 130, a sentence and the command that goes on, which then finishes the run."""
    suite = tmp_path / "suite.jsonl"
    write_suite(suite, 60)
    folder = tmp_path / "run"
    words = command("compare", "scripted:echo?latency=0.05", "--suite", str(suite), "--out", str(folder))
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env={**os.environ})
    while not (folder / "run.sqlite").exists() or not tables(folder) or len(rows(folder)) < 5:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"weakspot resume {folder}" in said
    assert "Traceback" not in said
    done = subprocess.run(command("resume", str(folder)), capture_output=True, check=False, timeout=60)
    assert done.returncode == 0
    assert len(rows(folder)) == 60
