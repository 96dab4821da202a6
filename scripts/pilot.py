"""Writes docs/pilot.md: how the items of a suite came out for the candidates of a finished run (see COMMANDS)."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from weakspot.api.evidence import saved
from weakspot.records import Probe, Score, Summary, from_json
from weakspot.runs.compare import Scores, Sheet
from weakspot.store.run import RunStore

PAGE = Path(__file__).resolve().parent.parent / "docs" / "pilot.md"
LOW, HIGH = 0.2, 0.8
COMMANDS = (
    "weakspot compare smollm2 gemma3-270m --suite core --accept-licence --no-cache --out runs/pilot",
    "python scripts/pilot.py runs/pilot",
)


def cell(passed: int, n: int) -> str:
    """Passed of n, with a word where the share is outside 20-80%."""
    if not n:
        return "–"
    word = " floor" if passed / n < LOW else " ceiling" if passed / n > HIGH else ""
    return f"{passed}/{n} ({passed / n:.0%}){word}"


def rows(probes: Sequence[Probe], scores: Scores, names: Sequence[str], key: Callable[[Probe], str]) -> Iterator[str]:
    """A line for each value of `key`: counted, informative items, then controls."""
    sheet = Sheet(probes, scores)
    for value in dict.fromkeys(key(probe) for probe in probes):
        cells = []
        for name in names:
            here = [p for p in probes if key(p) == value]
            told = [sheet.passed(p, name) for p in here if p.counted and sheet.informative(p, name)]
            controls = [sheet.passed(p, name) for p in here if not p.counted]
            cells += [cell(told.count(True), len(told) - told.count(None)), cell(controls.count(True), len(controls))]
        counted = sum(p.counted for p in probes if key(p) == value)
        yield f"| {value} | {counted} | {' | '.join(cells)} |"


def kind(probe: Probe) -> str:
    """The category with its kind; the grids of structured output go by depth, of long context by length."""
    by = {"structured-output": "depth", "long-context": "length"}.get(probe.category, "kind")
    return f"{probe.category}: {by} {probe.tags.get(by, '')}".replace(": kind ", ": ")


def main() -> int:
    """Write the page from the run named on the command line."""
    with RunStore.open(Path(sys.argv[1])) as store:
        summary = saved(store, "summary", Summary)
        probes = [from_json(row, Probe) for row in store.probes()]
        scores = {(s.probe, s.candidate): s for s in (from_json(row, Score) for row in store.scores())}
    names = list(summary.models)
    head = f"| | counted | {' | '.join(f'{name} | its controls' for name in names)} |"
    rule = "|---" * (2 + 2 * len(names)) + "|"
    lines = [
        f"# Pilot of the suite {summary.suite}",
        "",
        "How many items passed, of those that have a verdict and whose own positive control passed. The aim is 20-80%",
        "by category; what lies outside is marked. Controls are not counted in any rate. Made by:",
        "",
        "```sh",
        *COMMANDS,
        "```",
        "",
        "## By category",
        "",
        head,
        rule,
        *rows(probes, scores, names, lambda probe: probe.category),
        "",
        "## By kind",
        "",
        head,
        rule,
        *rows(
            probes,
            scores,
            names,
            lambda probe: f"{probe.category}: {probe.tags.get('kind', probe.id.split('/')[-1].rsplit('-', 1)[0])}",
        ),
    ]
    PAGE.write_text("\n".join(lines) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
