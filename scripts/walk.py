"""Runs the commands of a page of the docs and compares, or renews, the output that stands below each of them.

    python scripts/walk.py                          renew every page
    python scripts/walk.py --check docs/findings.md fail when an output is stale

A page's fenced `console` blocks hold commands, `$ command`, each with its output below. All commands of a page run one
after the other in one temporary folder that has the files beside the page. A command goes on behind a backslash and
to the end of a here-document. In an output, a line `...` stands for lines left out, and `⋯` for what differs from run
to run. Words behind `console`: `models` (runs models), `fails` (an exit code other than 0 is meant). The terminal
is 110 columns wide, or as a comment `<!-- columns: 160 -->` in the page says. A model's replies can differ from one
kind of processor to another: `<!-- cpu: ... -->` says on which they were made, and on others they are not compared.
"""

import argparse
import difflib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = "110"
FENCE = re.compile(r"^(`{3,})console(?: (.*))?$")
WIDTH = re.compile(r"<!-- columns: (\d+) -->")
MADE_ON = re.compile(r"<!-- cpu: (.*) -->")
LEFT_OUT, ANYTHING = "...", "⋯"
HERE = re.compile(r"<<\s*['\"]?(\w+)['\"]?")
TIMEOUT_S = 1500  # two models on a busy machine


@dataclass
class Step:
    """A command of a page, the output that stands below it, and where that stands (lines of the page, from 0)."""

    command: str
    shown: list[str]
    first: int
    last: int
    marks: frozenset[str] = frozenset()
    block: int = 0


@dataclass
class Outcome:
    """What a command really printed; standard error with it where it failed (progress is no output)."""

    step: Step
    lines: list[str]
    code: int
    problems: list[str] = field(default_factory=list)


def pages() -> list[Path]:
    """The pages that are walked."""
    return [*sorted((ROOT / "docs" / "learn").glob("*.md")), ROOT / "docs" / "findings.md"]


def cpu() -> str:
    """The kind of this machine's processor: its name, and a digest of what it can do, since names are shared."""
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    named = re.search(r"^model name\s*: (.*)$", told, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*: (.*)$", told, re.MULTILINE)
    digest = hashlib.sha256(flags[1].encode() if flags else b"").hexdigest()[:8]
    return f"{named[1] if named else platform.machine()}, {digest}"


def comparable(page: str) -> bool:
    """Whether replies of models on this machine should be those of the page."""
    made = MADE_ON.search(page)
    return made is None or made[1] == cpu()


def steps(text: str) -> list[Step]:
    """The commands of a page, in order."""
    lines = text.split("\n")
    found: list[Step] = []
    at = block = 0
    while at < len(lines):
        fence = FENCE.match(lines[at])
        if fence is None:
            at += 1
            continue
        marks = frozenset((fence[2] or "").split())
        end = lines.index(fence[1], at)
        found += _block(lines, at + 1, end, marks, block)
        at, block = end + 1, block + 1
    return found


def _block(lines: Sequence[str], at: int, end: int, marks: frozenset[str], block: int) -> Iterator[Step]:
    while at < end:
        if not lines[at].startswith("$ "):
            raise ValueError(f"line {at + 1}: a console block begins with a command")
        after = _end_of_command(lines, at, end)
        below = next((n for n in range(after, end) if lines[n].startswith("$ ")), end)
        command = "\n".join([lines[at][2:], *lines[at + 1 : after]])
        yield Step(command, list(lines[after:below]), after, below, marks, block)
        at = below


def _end_of_command(lines: Sequence[str], at: int, end: int) -> int:
    after = at + 1
    while after < end and lines[after - 1].endswith("\\"):
        after += 1
    if here := HERE.search("\n".join(lines[at:after])):
        return next(n for n in range(after, end) if lines[n] == here[1]) + 1
    return after


def run(step: Step, folder: Path, columns: str = COLUMNS) -> Outcome:
    """Run a command as a reader would, in bash, at a fixed width."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "COLUMNS": columns, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(  # noqa: S603 - the page's own commands, reviewed as its text is
        ["bash", "-c", step.command],  # noqa: S607 - the reader's bash
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    said = done.stdout + (done.stderr if done.returncode else b"")
    return Outcome(step, _trimmed(said.decode("utf-8", "replace").split("\n")), done.returncode)


def walk(path: Path, folder: Path, *, models: bool = True, workers: int = 1) -> list[Outcome]:
    """Run a page's commands; those marked `models` only if asked for.

    Args:
        path: the page.
        folder: an empty folder to run them in.
        models: whether to run models.
        workers: how many blocks run at once; more than 1 only where no block needs what another one left.
    """
    for beside in path.parent.iterdir():
        if beside.is_file() and beside.suffix != ".md":
            shutil.copy(beside, folder)
    page = path.read_text("utf-8")
    columns = found[1] if (found := WIDTH.search(page)) else COLUMNS
    models_count = comparable(page)
    wanted = [step for step in steps(page) if models or "models" not in step.marks]
    blocks: dict[int, list[Step]] = {}
    for step in wanted:
        blocks.setdefault(step.block, []).append(step)
    with ThreadPoolExecutor(workers) as pool:
        done = pool.map(lambda rows: [run(step, folder, columns) for step in rows], blocks.values())
        outcomes = [outcome for part in done for outcome in part]
    for outcome in outcomes:
        _judge(outcome, compared=models_count or "models" not in outcome.step.marks)
    return outcomes


def _judge(outcome: Outcome, *, compared: bool) -> None:
    step = outcome.step
    if outcome.code and "fails" not in step.marks:
        outcome.problems.append(f"exit code {outcome.code}")
    if compared and not same(step.shown, outcome.lines):
        outcome.problems.append("the output is another one")


def same(shown: Sequence[str], real: Sequence[str]) -> bool:
    """Whether a printed output is the real one, but for what is marked."""
    parts = [r"(?:[^\n]*\n)*" if line == LEFT_OUT else _pattern(line) + r"\n" for line in _trimmed(shown)]
    return re.fullmatch("".join(parts), "".join(line + "\n" for line in real)) is not None


def _pattern(line: str) -> str:
    return r"[^\n]*".join(map(re.escape, line.split(ANYTHING)))


def _trimmed(lines: Sequence[str]) -> list[str]:
    kept = [line.rstrip() for line in lines]
    while kept and not kept[-1]:
        kept.pop()
    return kept


def renewed(shown: Sequence[str], real: Sequence[str]) -> list[str]:
    """The real output with the lines left out that were left out before, as far as they can be told."""
    if same(shown, real):
        return list(shown)
    if LEFT_OUT not in shown:
        return [_marked(line, shown) for line in real]
    chunks = "\n".join(shown).split(f"\n{LEFT_OUT}\n") if shown else []
    found: list[str] = []
    at = 0
    for number, text in enumerate(chunks):
        chunk = [line for line in text.split("\n") if line != LEFT_OUT]
        start = at if number == 0 and shown[0] != LEFT_OUT else _best(chunk, real, at)
        if number == len(chunks) - 1 and shown[-1] != LEFT_OUT:
            start = max(at, len(real) - len(chunk))
        found += [LEFT_OUT] * (start > at) + [_marked(line, chunk) for line in real[start : start + len(chunk)]]
        at = start + len(chunk)
    return found + [LEFT_OUT] * (at < len(real))


def _best(chunk: Sequence[str], real: Sequence[str], at: int) -> int:
    """Where in the real output the lines lie that are most like the chunk's."""

    def likeness(start: int) -> float:
        pairs = zip(chunk, real[start : start + len(chunk)], strict=False)
        return sum(difflib.SequenceMatcher(None, a, b).ratio() for a, b in pairs)

    return max(range(at, max(at + 1, len(real) - len(chunk) + 1)), key=likeness, default=at)


def _marked(line: str, before: Sequence[str]) -> str:
    """The line as it was written before where that holds marks and still fits."""
    fits = (old for old in before if ANYTHING in old and re.fullmatch(_pattern(old), line))
    return next(fits, line)


def renew(path: Path, outcomes: Sequence[Outcome]) -> int:
    """Write the real outputs into a page; returns how many were stale."""
    lines = path.read_text("utf-8").split("\n")
    stale = [one for one in outcomes if one.problems]
    for one in sorted(stale, key=lambda one: -one.step.first):
        lines[one.step.first : one.step.last] = renewed(one.step.shown, one.lines)
    page = "\n".join(lines)
    if any("models" in one.step.marks for one in outcomes):
        page = MADE_ON.sub(lambda _: f"<!-- cpu: {cpu()} -->", page)
    path.write_text(page, "utf-8")
    return len(stale)


def report(path: Path, outcomes: Sequence[Outcome]) -> str:
    """What is stale, as differences; empty where nothing is."""
    parts = []
    for one in outcomes:
        if one.problems:
            parts.append(f"{path.name}: $ {one.step.command}\n  {'; '.join(one.problems)}")
            parts += difflib.unified_diff(one.step.shown, one.lines, "page", "real", lineterm="", n=1)
    return "\n".join(parts)


def main() -> int:
    """Renew the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something is stale")
    parser.add_argument("--no-models", action="store_true", help="leave out blocks that run models")
    given = parser.parse_args()
    failed = 0
    for path in given.pages or pages():
        with tempfile.TemporaryDirectory() as folder:
            outcomes = walk(path, Path(folder), models=not given.no_models)
        if given.check:
            sys.stdout.write(report(path, outcomes) + "\n" if report(path, outcomes) else "")
            failed += sum(bool(one.problems) for one in outcomes)
        else:
            failed += sum(bool(one.code) and "fails" not in one.step.marks for one in outcomes)
            sys.stdout.write(f"{path}: {renew(path, outcomes)} of {len(outcomes)} outputs renewed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
