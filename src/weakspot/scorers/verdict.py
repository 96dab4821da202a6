"""Puts a scorer's finding together with the reply's class and its severity into one `Score`.

It does not know the kinds of `expect`.
"""

import msgspec

from weakspot.records import Evidence, Probe, Reply, ReplyClass, Score
from weakspot.scorers.classify import Reading, read
from weakspot.scorers.severity import Fault, severity


class Finding(msgspec.Struct, frozen=True):
    """What a scorer found, before the common parts are added. A failure names its `fault`."""

    passed: bool | None
    reason: str
    evidence: Evidence | None = None
    fault: Fault = "wrong"
    checks: dict[str, bool | None] = {}


_SILENT: dict[ReplyClass, str] = {
    "refused": "The model refused.",
    "abstained": "The model said that it does not know.",
    "empty": "The reply is empty.",
}


def verdict(scorer: str, finding: Finding, reply: Reply, probe: Probe, reading: Reading | None = None) -> Score:
    """The score of one reply; `candidate` is filled in by `weakspot.scorers.score_reply`.

    A failure of a reply that refused, abstained or is empty counts as no answer (severity 2), not as a wrong one,
    and its reason begins with that; a failure of a reply that was cut says at how many tokens.
    """
    reading = reading or read(reply.text, reply.finish_reason)
    reason, fault, noted = finding.reason, finding.fault, finding.evidence
    if finding.passed is False and reading.reply_class in _SILENT and fault in ("wrong", "unusable_format"):
        reason, fault = f"{_SILENT[reading.reply_class]} {reason}", "no_answer"
        noted = noted if noted and noted.start is not None else reading.evidence
    if finding.passed is not None and reply.finish_reason == "length":
        reason += f" The reply was cut at {cut_at(reply, probe)} tokens."
    return Score(
        probe=probe.id,
        candidate="",
        scorer=scorer,
        reply_class=reading.reply_class,
        passed=finding.passed,
        reason=reason,
        severity=severity(fault, probe) if finding.passed is False else None,
        evidence=noted,
        checks=finding.checks,
    )


def cut_at(reply: Reply, probe: Probe) -> int:
    """Tokens after which the reply was cut: as the engine counted, else as it was asked."""
    counted = reply.usage.completion_tokens
    return probe.generation.max_tokens if counted is None else counted
