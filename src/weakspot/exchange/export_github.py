"""GitHub annotations out of a run: the worst failures as workflow commands, to be printed in a job's log.

GitHub shows 10 errors and 10 warnings of a step and drops the rest without a word, so no more are written and a notice
says how many there are.
"""

from collections.abc import Iterator

from weakspot.exchange.export_sarif import level
from weakspot.exchange.exporting import Exported, Exporter, Outcome
from weakspot.rendering.formats import plural
from weakspot.rendering.github import annotation
from weakspot.rendering.text import one_line

MOST = 10


def files(run: Exported) -> Iterator[tuple[str, bytes]]:
    """One text of a line each."""
    yield "annotations.txt", "".join(line + "\n" for line in _lines(run)).encode()


def _lines(run: Exported) -> Iterator[str]:
    failures = [(name, o) for name, outcomes in run.outcomes.items() for o in outcomes if o.failed]
    failures.sort(key=lambda pair: -_severity(pair[1]))
    errors = [pair for pair in failures if level(_severity(pair[1]) or None) == "error"]
    warnings = [pair for pair in failures if level(_severity(pair[1]) or None) != "error"]
    for name, outcome in errors[:MOST]:
        yield annotation("error", *_told(name, outcome))
    for name, outcome in warnings[:MOST]:
        yield annotation("warning", *_told(name, outcome))
    every = [o for outcomes in run.outcomes.values() for o in outcomes if o.probe.counted]
    unscored = sum(o.passed is None and o.informative for o in every)
    hidden = len(failures) - len(errors[:MOST]) - len(warnings[:MOST])
    said = f"{plural(len(failures), 'failure')} on {plural(len(every), 'item')} of {run.suite}"
    said += f", {unscored} without a verdict" if unscored else ""
    said += f"; {hidden} more failures are in the run folder" if hidden else ""
    yield annotation("notice", "Weakspot", f"{said}.")


def _severity(outcome: Outcome) -> int:
    return (outcome.score.severity or 0) if outcome.score is not None else 0


def _told(candidate: str, outcome: Outcome) -> tuple[str, str]:
    probe = outcome.probe
    reply = one_line(outcome.reply or "", 300)
    return f"{candidate}, {probe.category}: {probe.id}", f"{outcome.reason[:600]}\nReply: {reply}"


EXPORTER = Exporter(title="GitHub annotations", files=files, printed=True)
