"""What a gate found, as lines for a terminal, annotations for GitHub and Markdown for a job's page.

It knows the plain data of `weakspot.exchange.gate.GateResult` (`to_builtins`), as a saved result has it.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from weakspot.rendering import formats
from weakspot.rendering.github import annotation
from weakspot.rendering.markdown import escaped

Check = Mapping[str, Any]


def gate_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """One line a check: what, counts with the bound or interval, the verdict in words; then notes and the outcome."""
    checks = result["checks"]
    width = max((len(_what(check)) for check in checks), default=0)
    for check in checks:
        mark = "✗" if check["closes"] else "·"
        yield f"{mark} {_what(check):<{min(width, 60)}}  {_counts(check)}; {check['words']}"
    yield from (f"note: {note}" for note in result["notes"])
    yield outcome(result)


def outcome(result: Mapping[str, Any]) -> str:
    """The gate in one sentence."""
    closing = sum(check["closes"] for check in result["checks"])
    checks = formats.plural(len(result["checks"]), "check")
    if result["passed"]:
        return f"The gate is open: none of {checks} shows a regression."
    way = "closed, counted strictly" if result["strict"] else "closed: a regression is shown"
    return f"The gate is {way} in {closing} of {checks}."


def _what(check: Check) -> str:
    against = "limit" if check["kind"] == "limit" else "baseline"
    return f"{check['candidate']}, {check['category'] or 'overall'} ({against})"


def _counts(check: Check) -> str:
    if check["kind"] == "limit":
        said = f"{check['failed']} of {check['n']} failed, {formats.percent(check['rate'])}"
        said += f" (at least {_down(check['low'])}, at most {_up(check['high'])})"
    elif check["n"]:
        said = f"{check['failed']} of {check['n']} failed, before {check['before']}"
        said += f" ({formats.points(check['difference'])} points, 95% interval "
        said += f"{formats.point_interval(check['low'], check['high'])})"
    else:
        said = "no item that both have a verdict on"
    if check["unscored"]:
        said += f"; {check['unscored']} without a verdict"
        if check["lowest"] is not None:
            said += f", with them {formats.interval(check['lowest'], check['highest'])}"
    if check["uninformative"]:
        said += f"; {check['uninformative']} uninformative"
    return said


def _down(rate: float | None) -> str:
    """A lower bound, never rounded up."""
    return formats.percent(None if rate is None else math.floor(rate * 1000) / 1000)


def _up(rate: float | None) -> str:
    """An upper bound, never rounded down."""
    return formats.percent(None if rate is None else math.ceil(rate * 1000) / 1000)


def annotations(result: Mapping[str, Any]) -> Iterator[str]:
    """GitHub workflow commands: an error for each check that closes the gate, one notice for the outcome."""
    for check in result["checks"]:
        if check["closes"]:
            yield annotation("error", f"Weakspot gate: {_what(check)}", f"{_counts(check)}; {check['words']}")
    yield annotation("notice", "Weakspot gate", outcome(result))


def summary_markdown(result: Mapping[str, Any]) -> str:
    """A table for `$GITHUB_STEP_SUMMARY`; foreign names are escaped."""
    lines = ["### Weakspot gate", "", outcome(result), "", "| check | counts | verdict |", "| --- | --- | --- |"]
    for check in result["checks"]:
        mark = "❌" if check["closes"] else "✅"
        cells = (f"{mark} {escaped(_what(check))}", escaped(_counts(check)), escaped(check["words"]))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *(f"- {escaped(note)}" for note in result["notes"])]
    return "\n".join(lines) + "\n"
