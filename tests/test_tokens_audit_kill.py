"""An audit that is killed goes on to the same end; Ctrl-C keeps what was done; workers end with their parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from small_corpora import mixed_corpus, tokenizer_file
from test_tokens_audit import comparable


def command(corpus: Path, tokenizer: Path, out: Path, *more: str) -> list[str]:
    """The command line, saving its state after every batch."""
    code = (
        "import sys, time\nfrom weakspot.corpora import auditing, batching\n"
        "auditing.SAVED_EVERY = 0.0\nbatching.CHARACTERS = 20_000\n"
        "merge = auditing.Auditor._merge\n"
        "auditing.Auditor._merge = lambda *a: (time.sleep(0.03), merge(*a))[1]\n"
        "from weakspot.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    )
    words = ["tokens", "audit", str(corpus), "-t", str(tokenizer), "--out", str(out), "--log-most", "300", *more]
    return [sys.executable, "-c", code, *words]


def wait_for(path: Path, least: int, process: "subprocess.Popen[bytes]") -> None:
    """Until a file has so many bytes, or the process has ended."""
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        if path.is_file() and path.stat().st_size >= least:
            return
        time.sleep(0.01)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_killed_twice_and_resumed_gives_the_same(tmp_path: Path, processes: str) -> None:
    """After two kill -9 the summary, apart from seconds, and the log are those of an audit that was never stopped."""
    corpus = mixed_corpus(tmp_path / "a.jsonl", 1500)
    tokenizer = tokenizer_file(tmp_path)
    subprocess.run(command(corpus, tokenizer, tmp_path / "whole"), check=True, capture_output=True)
    log = tmp_path / "cut" / "findings.jsonl"
    for least in (50_000, 400_000):
        with subprocess.Popen(command(corpus, tokenizer, tmp_path / "cut", "--processes", processes)) as process:
            wait_for(log, least, process)
            assert process.poll() is None, "it ended before it could be killed"
            process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "cut" / "summary.json").exists()
    subprocess.run(command(corpus, tokenizer, tmp_path / "cut", "--processes", processes), check=True)
    assert comparable(tmp_path / "cut") == comparable(tmp_path / "whole")


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    """Ctrl-C ends the audit and its workers with exit code 130 and one sentence."""
    corpus = mixed_corpus(tmp_path / "a.jsonl", 1500)
    words = command(corpus, tokenizer_file(tmp_path), tmp_path / "out", "--processes", "2")
    with subprocess.Popen(words, stderr=subprocess.PIPE, start_new_session=True) as process:
        wait_for(tmp_path / "out" / "findings.jsonl", 10_000, process)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "The same command goes on from here" in said.decode()


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    """No worker is left behind when the audit is killed."""
    corpus = mixed_corpus(tmp_path / "a.jsonl", 1500)
    words = command(corpus, tokenizer_file(tmp_path), tmp_path / "out", "--processes", "2")
    with subprocess.Popen(words, start_new_session=True) as process:
        wait_for(tmp_path / "out" / "findings.jsonl", 10_000, process)
        process.send_signal(signal.SIGKILL)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a worker lives on")
