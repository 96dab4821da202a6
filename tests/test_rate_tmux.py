"""The rating screen in a real terminal, driven through tmux as a person would."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rating_fixture import make_run
from weakspot.rating.answers import ratings
from weakspot.records import Rating
from weakspot.store.run import RunStore

pytest.importorskip("textual", reason="the screen needs the extra [rate]")
if shutil.which("tmux") is None:
    pytest.skip("tmux is not installed here", allow_module_level=True)

PATIENCE = 60.0


class Terminal:
    """A terminal of 90 x 24 in a tmux server of its own."""

    def __init__(self, socket: Path) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
        self("new-session", "-d", "-x", "90", "-y", "24", "sh")

    def __call__(self, *words: str) -> str:
        """One command of tmux."""
        return subprocess.run([*self._tmux, *words], capture_output=True, text=True, check=True).stdout

    def screen(self) -> str:
        """What a person sees."""
        return self("capture-pane", "-p")

    def type(self, text: str) -> None:
        """A line at the shell."""
        self("send-keys", "-l", text)
        self("send-keys", "Enter")

    def press(self, *keys: str) -> None:
        """Keys, one after another."""
        for key in keys:
            self("send-keys", key)
            time.sleep(0.05)

    def wait(self, condition: Callable[[str], bool]) -> str:
        """The screen once it is as wanted."""
        end = time.monotonic() + PATIENCE
        while not condition(shown := self.screen()):
            assert time.monotonic() < end, shown
            time.sleep(0.1)
        return shown


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal that is gone afterwards."""
    made = Terminal(tmp_path / "tmux")
    yield made
    made("kill-server")


def kept(run: Path) -> list[Rating]:
    """What the run holds, in the order given."""
    with RunStore.open(run) as store:
        return sorted(ratings(store), key=lambda r: r.at)


def test_rating_survives_a_killed_terminal(tmp_path: Path, terminal: Terminal) -> None:
    """Start, grade, take back, note, kill -9, start again, quit: nothing that was graded is lost, and it goes on there."""
    run = make_run(tmp_path / "made", number=6)
    command = f"{sys.executable} -m weakspot.cli.main rate {run} --rater ada --blind"
    terminal.type(f"{command}; echo left")
    terminal.wait(lambda s: "1 of 12" in s and "ANSWER" in s)
    terminal.press("p", "3", "u", "5", "n")
    terminal("send-keys", "-l", "made up")
    terminal.press("Enter", "2")
    shown = terminal.wait(lambda s: "4 of 12" in s)
    assert "good" not in shown
    found = [(r.passed, r.severity, r.note) for r in kept(run)]
    assert found == [(True, None, ""), (False, 5, ""), (False, 2, "made up")]
    child = terminal("list-panes", "-F", "#{pane_pid}").strip()
    pid = subprocess.run(["pgrep", "-P", child, "-n"], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(["kill", "-9", pid], check=True)
    terminal.wait(lambda s: "left" in s)
    terminal("respawn-pane", "-k", "sh")  # a killed program leaves its terminal in disorder: a new one
    terminal.wait(lambda s: "ANSWER" not in s)
    terminal.type(f"{command}; echo gone $?")
    terminal.wait(lambda s: "4 of 12" in s and "ANSWER" in s)
    terminal.press("s", "q")
    shown = terminal.wait(lambda s: "gone 0" in s)
    assert "3 of 12 rated, 1 skipped" in shown
    assert len(kept(run)) == 4


def test_without_textual_it_says_what_to_install(tmp_path: Path, terminal: Terminal) -> None:
    """In a terminal without the extra, one sentence names the package, and exit code 13."""
    run = make_run(tmp_path / "made", number=2)
    file = tmp_path / "without.py"
    file.write_text(
        "import sys; sys.modules['textual'] = None\n"
        "from weakspot.cli.main import main\n"
        f"print('code', main(['rate', {str(run)!r}]))\n"
    )
    terminal.type(f"{sys.executable} {file}")
    shown = terminal.wait(lambda s: "code 1" in s)
    assert "code 13" in shown
    assert "pip install 'weakspot[rate]'" in shown
