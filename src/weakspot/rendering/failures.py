"""The failures, worst first: which are shown in full, which in one line, and what is shown of each.

A page has to open on a phone, so long replies and prompts are cut; what is cut is counted on the page and lies whole
in the run folder.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from weakspot.records import Reply, Score
from weakspot.rendering import formats
from weakspot.rendering.anchors import Anchors, Link
from weakspot.rendering.expected import expected
from weakspot.rendering.text import Excerpt, excerpt, one_line
from weakspot.rendering.view import FailureView, ItemRow, ReportInput, TrailToken

IN_FULL = 6
"""Failures shown in full per candidate and category."""

IN_LINES = 100
"""Further failures listed per candidate and category."""

HEAD, MIDDLE, TAIL, SLACK = 80, 500, 60, 60
"""Tokens of a trail: shown at once, behind a click, at the end, and how few are not worth a click."""

LONGEST_TURN = 1_500
LONGEST_EXPECTED = 600


class Trail(NamedTuple):
    """A token trail cut for the page: the middle lies behind a click, `left_out` tokens of it are not there at all."""

    head: tuple[TrailToken, ...]
    middle: tuple[TrailToken, ...]
    left_out: int
    tail: tuple[TrailToken, ...]

    @property
    def total(self) -> int:
        """Tokens of the whole trail."""
        return len(self.head) + len(self.middle) + self.left_out + len(self.tail)


class Turn(NamedTuple):
    """One message of the conversation, where there is no trail."""

    role: str
    text: Excerpt


class Case(NamedTuple):
    """One failure in full. `reply` is None where no reply came; `error` then says why."""

    anchor: str
    probe: str
    severity: int | None
    reply_class: str
    teaser: str
    expected: str
    reason: str
    rule: str
    checks: tuple[tuple[str, str], ...]
    reply: Excerpt | None
    reply_note: str
    error: str
    prompt: Trail | None
    output: Trail | None
    trail_note: str
    turns: tuple[Turn, ...]
    facts: tuple[tuple[str, str], ...]
    links: tuple[Link, ...]


class Line(NamedTuple):
    """One failure in one line."""

    probe: str
    severity: int | None
    reply_class: str
    teaser: str
    item: str | None


class Group(NamedTuple):
    """A candidate's failures in one category: the worst as cases, more as lines, and how many are not listed."""

    anchor: str
    name: str
    failed: int
    worst: int | None
    rate_anchor: str
    cases: tuple[Case, ...]
    lines: tuple[Line, ...]
    unlisted: int


class Shelf(NamedTuple):
    """All of one candidate's failures; the category with the worst one first."""

    model: str
    anchor: str
    groups: tuple[Group, ...]
    failed: int


def shelves(report: ReportInput, anchors: Anchors) -> list[Shelf]:
    """The failures by candidate and category, worst first."""
    sorted_in: dict[tuple[str, str], list[FailureView]] = defaultdict(list)
    alone = _alone(report.items)
    for failure in sorted(report.failures, key=lambda f: _badness(f, alone)):
        sorted_in[failure.candidate, failure.probe.category].append(failure)
    found = []
    for model in anchors.models:
        groups = [_group(v, anchors) for (candidate, _), v in sorted_in.items() if candidate == model]
        groups.sort(key=lambda group: (-(group.worst or 0), -group.failed))
        found.append(Shelf(model, anchors.failures(model), tuple(groups), sum(g.failed for g in groups)))
    return found


def cut_trail(tokens: Sequence[TrailToken]) -> Trail | None:
    """A trail with its middle set aside; None where there are no tokens."""
    if not tokens:
        return None
    whole = tuple(tokens)
    if len(whole) <= HEAD + TAIL + SLACK:
        return Trail(whole, (), 0, ())
    middle = whole[HEAD : len(whole) - TAIL]
    return Trail(whole[:HEAD], middle[:MIDDLE], max(0, len(middle) - MIDDLE), whole[-TAIL:])


def _alone(items: Sequence[ItemRow]) -> set[tuple[str, str]]:
    """(probe, candidate) where this candidate alone failed: there the models differ."""
    found = set()
    for row in items:
        failed = [name for name, result in row.results.items() if result.passed is False]
        if len(failed) == 1 and len(row.results) > 1:
            found.add((row.probe, failed[0]))
    return found


def _badness(failure: FailureView, alone: set[tuple[str, str]]) -> tuple[int, bool, str]:
    return (-(failure.score.severity or 0), (failure.probe.id, failure.candidate) not in alone, failure.probe.id)


def _group(failures: Sequence[FailureView], anchors: Anchors) -> Group:
    first = failures[0]
    category, model = first.probe.category, first.candidate
    rest = failures[IN_FULL:]
    return Group(
        anchor=anchors.failures(model, category),
        name=formats.category(category),
        failed=len(failures),
        worst=max((f.score.severity for f in failures if f.score.severity is not None), default=None),
        rate_anchor=anchors.rate(category),
        cases=tuple(_case(f, anchors) for f in failures[:IN_FULL]),
        lines=tuple(_line(f, anchors) for f in rest[:IN_LINES]),
        unlisted=max(0, len(rest) - IN_LINES),
    )


def _line(failure: FailureView, anchors: Anchors) -> Line:
    score = failure.score
    return Line(failure.probe.id, score.severity, score.reply_class, _teaser(failure), anchors.item(failure.probe.id))


def _case(failure: FailureView, anchors: Anchors) -> Case:
    probe, score, reply = failure.probe, failure.score, failure.response.final
    prompt, output = cut_trail(failure.prompt_trail), cut_trail(failure.output_trail)
    error = failure.response.error
    return Case(
        anchor=anchors.failure(failure.candidate, probe.id),
        probe=probe.id,
        severity=score.severity,
        reply_class=score.reply_class,
        teaser=_teaser(failure),
        expected=one_line(expected(probe.expect), LONGEST_EXPECTED),
        reason=one_line(score.reason, LONGEST_EXPECTED),
        rule=_rule(score),
        checks=tuple((name, _word(passed)) for name, passed in score.checks.items()),
        reply=None if reply is None else excerpt(reply.text, _span(score, reply)),
        reply_note=_reply_note(reply),
        error="" if error is None else one_line(f"{error.code}: {error.message}", LONGEST_EXPECTED),
        prompt=prompt,
        output=output,
        trail_note=failure.trail_note,
        turns=() if prompt else _turns(failure),
        facts=_facts(failure),
        links=_links(failure, anchors),
    )


def _teaser(failure: FailureView) -> str:
    reply = failure.response.final
    if reply is None:
        return one_line(failure.response.error.message) if failure.response.error else "no reply"
    return one_line(reply.text.strip(), 90) or "(empty reply)"


def _span(score: Score, reply: Reply) -> tuple[int, int] | None:
    evidence = score.evidence
    if evidence is None:
        return None
    if evidence.start is not None and evidence.end is not None:
        return evidence.start, evidence.end
    start = reply.text.find(evidence.quote) if evidence.quote else -1
    return None if start < 0 else (start, start + len(evidence.quote))


def _rule(score: Score) -> str:
    return f"{score.scorer}: {one_line(score.evidence.rule)}" if score.evidence else score.scorer


def _word(passed: bool | None) -> str:
    return {True: "pass", False: "fail", None: "not decided"}[passed]


def _reply_note(reply: Reply | None) -> str:
    if reply is None:
        return ""
    tokens = len(reply.output_ids) if reply.output_ids is not None else reply.usage.completion_tokens
    ended = {"stop": "", "length": "cut at the token limit", "content_filter": "stopped by a content filter"}
    notes = ["" if tokens is None else formats.plural(tokens, "token"), ended.get(reply.finish_reason, "")]
    return ", ".join(note for note in notes if note)


def _turns(failure: FailureView) -> tuple[Turn, ...]:
    """The conversation, the model's own earlier turns filled in; the last reply is shown by itself."""
    if failure.probe.messages is None:
        return (Turn("prompt", excerpt(failure.probe.prompt or "", limit=LONGEST_TURN)),)
    earlier = iter(failure.response.replies[:-1] if failure.response.error is None else failure.response.replies)
    turns = []
    for message in failure.probe.messages:
        text = message.content
        if text is None:
            reply = next(earlier, None)
            if reply is None:
                continue
            text = reply.text
        turns.append(Turn(message.role, excerpt(text, limit=LONGEST_TURN)))
    return tuple(turns)


def _facts(failure: FailureView) -> tuple[tuple[str, str], ...]:
    probe = failure.probe
    facts = [
        ("group", probe.group or ""),
        ("arm", probe.arm or ""),
        ("tags", ", ".join(f"{key} {value}" for key, value in probe.tags.items())),
        ("source", probe.source),
        ("licence", probe.licence),
    ]
    return tuple((name, one_line(value)) for name, value in facts if value)


def _links(failure: FailureView, anchors: Anchors) -> tuple[Link, ...]:
    links = [Link("rate", anchors.rate(failure.probe.category))]
    if (item := anchors.item(failure.probe.id)) is not None:
        links.insert(0, Link("item, all candidates", item))
    if (level := anchors.severity(failure.score.severity)) is not None:
        links.append(Link("severity rubric", level))
    return tuple(links)
