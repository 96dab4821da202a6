"""JUnit XML out of a run, as CI servers read it: a suite for each candidate and category, a case for each item.

A failure is an item that failed and counts; an error is one without a reply; skipped is what has no verdict, says
nothing of the candidate, or is a control. Characters that XML cannot hold become symbols.
"""

from collections.abc import Iterator, Sequence
from html import escape

from weakspot.exchange.exporting import Exported, Exporter, Outcome, prompt_text
from weakspot.rendering.text import visible

LONGEST = 4_000
"""Characters of a prompt or reply; the run folder has the rest."""


def files(run: Exported) -> Iterator[tuple[str, bytes]]:
    """One file for the whole run."""
    suites = [text for candidate in run.candidates for text in _suites(run, candidate.name)]
    every = [outcome for outcomes in run.outcomes.values() for outcome in outcomes]
    head = f"<testsuites{_attribute('name', f'weakspot {run.suite}')}{_counts(every)}>"
    text = "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>", ""])
    yield "junit.xml", text.encode()


def _suites(run: Exported, candidate: str) -> Iterator[str]:
    outcomes = run.outcomes[candidate]
    for category in dict.fromkeys(outcome.probe.category for outcome in outcomes):
        some = [outcome for outcome in outcomes if outcome.probe.category == category]
        name = f"{candidate}.{category}"
        stamp = _attribute("timestamp", run.created.partition("+")[0])
        yield f"  <testsuite{_attribute('name', name)}{stamp}{_counts(some)}>"
        for outcome in some:
            yield from _case(outcome, name)
        yield "  </testsuite>"


def _case(outcome: Outcome, name: str) -> Iterator[str]:
    replies = outcome.response.replies if outcome.response is not None else ()
    seconds = sum(reply.timings.total_s for reply in replies)
    head = (
        f"{_attribute('classname', name)}{_attribute('name', outcome.probe.id)}{_attribute('time', f'{seconds:.3f}')}"
    )
    kind = _kind(outcome)
    if not kind:
        yield f"    <testcase{head}/>"
        return
    yield f"    <testcase{head}>"
    message = _attribute("message", _skipped(outcome) if kind == "skipped" else outcome.reason[:500])
    if kind == "skipped":
        yield f"      <skipped{message}/>"
    else:
        severity = outcome.score.severity if outcome.score is not None else None
        label = _attribute("type", "no reply" if kind == "error" else f"severity {severity or 'unknown'}")
        asked, said = prompt_text(outcome.probe)[:LONGEST], (outcome.reply or "")[:LONGEST]
        yield f"      <{kind}{message}{label}>{_text(f'asked: {asked}')}\n{_text(f'replied: {said}')}</{kind}>"
    yield "    </testcase>"


def _kind(outcome: Outcome) -> str:
    """failure, error, skipped, or empty where it passed."""
    if outcome.failed:
        return "failure"
    if outcome.probe.counted and (outcome.response is None or outcome.response.error is not None):
        return "error"
    return "" if outcome.probe.counted and outcome.informative and outcome.passed else "skipped"


def _skipped(outcome: Outcome) -> str:
    if not outcome.probe.counted:
        return f"{outcome.probe.arm}: a control, not an item"
    if not outcome.informative:
        return "uninformative: the candidate failed the item's positive control"
    return f"no verdict: {outcome.reason[:400]}"


def _counts(outcomes: Sequence[Outcome]) -> str:
    kinds = [_kind(outcome) for outcome in outcomes]
    counts = {
        "tests": len(kinds),
        "failures": kinds.count("failure"),
        "errors": kinds.count("error"),
        "skipped": kinds.count("skipped"),
    }
    return "".join(_attribute(key, str(count)) for key, count in counts.items())


def _attribute(name: str, value: str) -> str:
    return f' {name}="{escape(visible(value)).replace(chr(10), "&#10;")}"'


def _text(value: str) -> str:
    return escape(visible(value), quote=False)


EXPORTER = Exporter(title="JUnit XML", files=files)
