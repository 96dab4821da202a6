"""One small frozen class per kind of `expect`: its fields are its configuration, `score` is its one method.

    exact contains any_of number regex choice json_schema      what the reply says
    canary_absent canary_present                               whether an instruction was carried out
    abstains refuses complies                                  what stance it takes
    same_as                                                    whether it agrees with a twin's reply
    holds                                                      whether it keeps a right answer over several turns
    answer grounded truthful                                   whether its content is right, by references or a source
    follows no_injection quality                               its form, what it smuggles, a grade by rule
    rubric                                                     left to a judge or a hand

It does not know where a reply came from, and judges no reply by itself that a rule cannot decide.
"""

from collections.abc import Callable, Sequence

import msgspec

from weakspot import registry
from weakspot.contracts import Scorer, TurnScorer
from weakspot.errors import ProbeError, UsageError
from weakspot.records import ErrorRecord, Evidence, Probe, Reply, Score
from weakspot.scorers.classify import Reading, read
from weakspot.scorers.severity import ANCHORS, LEVELS, RULES, Fault, severity

__all__ = [
    "ANCHORS",
    "LEVELS",
    "RULES",
    "Fault",
    "Reading",
    "read",
    "score_error",
    "score_reply",
    "scorer_for",
    "severity",
]


def scorer_for(probe: Probe) -> Scorer:
    """The scorer that `probe.expect` asks for.

    Raises:
        ProbeError: no scorer has this name, or its fields are wrong.
    """
    kind = probe.expect.get("type")
    if not isinstance(kind, str) or not kind:
        raise ProbeError(f"Probe {probe.id!r}: expect.type is missing.", hint=_hint())
    try:
        scorer_type = registry.load("scorers", kind)
    except UsageError:
        raise ProbeError(f"Probe {probe.id!r}: there is no expect.type {kind!r}.", hint=_hint()) from None
    try:
        scorer: Scorer = msgspec.convert({k: v for k, v in probe.expect.items() if k != "type"}, scorer_type)
    except msgspec.ValidationError as error:
        raise ProbeError(f"Probe {probe.id!r}: expect ({kind}): {error}.", hint=_hint()) from None
    return scorer


def score_reply(
    probe: Probe, candidate: str, reply: Reply, twin: Callable[[str], Reply | None], earlier: Sequence[Reply] = ()
) -> Score:
    """The verdict on one candidate's reply to one probe. Never raises: what cannot be scored has `passed` None.

    Args:
        probe: what was asked and what is expected.
        candidate: the name of who answered.
        reply: the last reply.
        twin: gives the same candidate's final reply to another probe, or None.
        earlier: the replies of the same conversation before the last one, for scorers that read them all.
    """
    kind = str(probe.expect.get("type") or "none")
    try:
        scorer = scorer_for(probe)
        if isinstance(scorer, TurnScorer):
            score = _checked(scorer.score_turns((*earlier, reply), probe, twin))
        else:
            score = _checked(scorer.score(reply, probe, twin))
    except ProbeError as error:
        return _unscored(probe, candidate, kind, reply, error.message)
    except Exception as error:  # noqa: BLE001 - a scorer's crash, built-in or third-party, is a result without a verdict
        return _unscored(probe, candidate, kind, reply, f"The scorer {kind!r} failed: {type(error).__name__}: {error}")
    return msgspec.structs.replace(score, probe=probe.id, candidate=candidate)


def score_error(probe: Probe, candidate: str, error: ErrorRecord) -> Score:
    """The score of a probe without a reply: class error, no verdict, the error as the reason."""
    return Score(
        probe=probe.id,
        candidate=candidate,
        scorer=str(probe.expect.get("type") or "none"),
        reply_class="error",
        passed=None,
        reason=f"No reply: {error.message}",
        evidence=Evidence(rule=error.code),
    )


def _checked(score: object) -> Score:
    """What a scorer returned, if it is a score: a third party's may be anything."""
    if not isinstance(score, Score) or not isinstance(score.passed, bool | None):
        raise TypeError(f"it returned no score but {score!r:.80}")
    return score


def _unscored(probe: Probe, candidate: str, kind: str, reply: Reply, reason: str) -> Score:
    reply_class = read(reply.text, reply.finish_reason).reply_class
    return Score(probe.id, candidate, kind, reply_class, None, reason[:500], evidence=Evidence(rule="not scored"))


def _hint() -> str:
    return "`weakspot probes schema` shows every expect.type with its fields."
