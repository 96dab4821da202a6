"""A lab's report in words and rows, the same in every face: verdict, cautions, trade-off, decodings, crossings."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from weakspot.records.lab import Arm, Crossing, LabReport, LengthRate
from weakspot.rendering import formats

FREE = "free"
SHOWN_STANDINGS = ("confirmed", "consistent with")
SHOWN = 6
"""So many pairs are named in a sentence."""
METHOD = """\
A cell is one training: one shape, one task, one seed, a fixed number of steps. Sequence i of a length is the same for
  every shape. Test sequences are held out of training, but for lengths with fewer than 4,096 sequences (one or two
  letters, up to five brackets): there both share them, and exact match at trained lengths counts them too.
The gate: a seed passes where exact match over the trained lengths, free decoding, is at least 95%; an arm is trained
  where at least two thirds of its seeds pass; a training that failed did not pass. Of an undertrained arm nothing is
  said beyond the trained lengths.
Intervals are 95%, with seeds as clusters where there are three or more (Wilson's, with a design effect and Student's
  t); with fewer they are over sequences alone and say nothing of another training.
Patterns: holds, exact match is never under 50% beyond the trained lengths; cliff, it falls from at least 90% to at most
  10% within two lengths; short slope, it is under 50% by 1.5 times the longest trained length; long slope, later. The
  half length is the first tested one with exact match under 50%.
A crossing compares two arms beyond the trained lengths, free decoding. It is shown only where two tests both fall after
  Holm's correction over all crossings here: an exact sign-flip test paired by sequence, and Student's t over seeds with
  floors under the spread between them; and where all seeds agree in sign.
Confirmed is said only where exactly one part differs within the lab's own block, and that part is not the kind: all
  shapes of a task have as many parameters, so an encoder-decoder has twice the layers and a far narrower feed-forward
  than a decoder. Whole architectures differ in several
  parts, so between them a difference is consistent with each, and confirmed for none."""
LIMITS = """\
These are small models on made-up tasks: what holds here is a reason to look, no proof, for large pretrained ones.
Three seeds are few: a difference of under about 25 points between arms can rarely be shown.
One recipe (width, layers, rate, steps) for all shapes of a task: another could teach an arm what this one did not."""


def paragraphs(text: str) -> list[str]:
    """The sentences of `METHOD` or `LIMITS`: what is indented goes on."""
    return text.replace("\n  ", " ").split("\n")


class Trade(NamedTuple):
    """One arm's row of the trade-off."""

    task: str
    shape: str
    passed: str
    in_length: str
    beyond: str
    half: str
    parameters: str
    speed: str
    state: str
    memory: str


class Decoded(NamedTuple):
    """One arm under one decoding: exact and valid answers, at trained lengths and beyond."""

    task: str
    shape: str
    decoding: str
    exact_in: str
    valid_in: str
    exact_beyond: str
    valid_beyond: str


class Crossed(NamedTuple):
    """One crossing's row."""

    task: str
    part: str
    pair: str
    difference: str
    interval: str
    p: str
    standing: str
    sentence: str


def free_arms(report: LabReport) -> list[Arm]:
    """The arms under free decoding: what the gate, the patterns and the crossings are about."""
    return [arm for arm in report.arms if arm.decoding == FREE]


def headline(report: LabReport) -> str:
    """The report in one sentence."""
    arms = free_arms(report)
    learned = [arm for arm in arms if arm.pattern != "undertrained"]
    kept = [arm for arm in learned if arm.pattern == "holds"]
    if not learned:
        return "No arm learned its task: nothing is said beyond the trained lengths"
    keep = "none is" if not kept else "1 is" if len(kept) == 1 else f"{len(kept)} are"
    beyond = "right at least half the time at every length beyond the trained ones"
    return f"{len(learned)} of {formats.plural(len(arms), 'arm')} learned; {keep} {beyond}"


def verdict(report: LabReport) -> list[str]:
    """What was found: each task's arms, then what the crossings say."""
    said = [_of_task(task, arms) for task, arms in _by_task(free_arms(report)).items()]
    return [*said, *_of_crossings(report.crossings)]


def _by_task(arms: Sequence[Arm]) -> dict[str, list[Arm]]:
    found: dict[str, list[Arm]] = {}
    for arm in arms:
        found.setdefault(arm.task, []).append(arm)
    return found


def _of_task(task: str, arms: Sequence[Arm]) -> str:
    order = ("holds", "long slope", "short slope", "cliff", "undertrained")
    parts = []
    for pattern in order:
        found = [arm for arm in arms if arm.pattern == pattern]
        if found:
            parts.append(f"{_pattern_words(pattern)}: {', '.join(_named(arm) for arm in found)}")
    return f"{task}: {'; '.join(parts)}."


def _pattern_words(pattern: str) -> str:
    return {
        "holds": "is right at least half the time up to the longest tested length",
        "undertrained": "undertrained, so not judged",
        "cliff": "falls off a cliff",
    }.get(pattern, f"falls along a {pattern}")


def _named(arm: Arm) -> str:
    if arm.pattern == "undertrained":
        return f"{arm.shape} ({arm.passed} of {arm.seeds} seeds passed)"
    return arm.shape if arm.half_length is None else f"{arm.shape} (under half at {arm.half_length})"


def _of_crossings(crossings: Sequence[Crossing]) -> Iterator[str]:
    if not crossings:
        yield "No two of these arms make a crossing, so no part is singled out."
        return
    confirmed = [c for c in crossings if c.standing == "confirmed by"]
    consistent = [c for c in crossings if c.standing == "consistent with"]
    open_ = [c for c in crossings if c.standing == "no difference shown"]
    for task, part in dict.fromkeys((c.task, c.part) for c in confirmed):
        found = [c for c in confirmed if (c.task, c.part) == (task, part)]
        most = max(found, key=lambda c: abs(c.difference or 0.0))
        yield (
            f"{task}: that {part} make{'s' * (not part.endswith('s'))} a difference beyond the trained lengths is "
            f"confirmed by {formats.plural(len(found), 'crossing')}, the largest {most.first} to {most.second} "
            f"({formats.points(most.difference)} points)."
        )
    if not confirmed:
        yield "No part is confirmed as the cause of a difference."
    if consistent:
        pairs = ", ".join(f"{c.first} / {c.second} ({c.task})" for c in consistent[:SHOWN])
        more = f" and {len(consistent) - SHOWN} more" if len(consistent) > SHOWN else ""
        yield f"Shown to differ, but in several parts, the kind or the block: {pairs}{more}; no part is singled out."
    if open_:
        yield f"No difference shown in {len(open_)} of {formats.plural(len(crossings), 'comparison')}."


def cautions(report: LabReport) -> list[str]:
    """What is missing, failed, or few."""
    said = list(report.notes)
    if report.missing:
        said.append(
            f"{formats.plural(len(report.missing), 'cell')} of the plan {'is' if len(report.missing) == 1 else 'are'} "
            "not trained yet: this is a part of the report."
        )
    said += [f"{name} failed: {error}" for name, error in report.failed.items()]
    return said


def pooled(rates: Sequence[LengthRate]) -> float | None:
    """Exact match over these lengths together; None where nothing is said of them."""
    n = sum(one.n for one in rates)
    return sum(one.exact for one in rates) / n if n else None


def trained(arm: Arm) -> list[LengthRate]:
    """The arm's rates at trained lengths."""
    return [one for one in arm.rates if one.length <= arm.high]


def beyond(arm: Arm) -> list[LengthRate]:
    """The arm's rates beyond the trained lengths, as far as anything is said of them."""
    return [one for one in arm.rates if one.length > arm.high and one.rate is not None]


def _valid(rates: Sequence[LengthRate]) -> float | None:
    if not rates or any(one.valid is None for one in rates):
        return None
    n = sum(one.n for one in rates)
    return sum((one.valid or 0.0) * one.n for one in rates) / n if n else None


def half_words(arm: Arm) -> str:
    """The half length; "never" where exact match never falls so low, a dash where nothing is said."""
    if arm.pattern == "undertrained":
        return formats.NONE
    return "not reached" if arm.half_length is None else formats.count(arm.half_length)


def trades(report: LabReport) -> list[Trade]:
    """What each arm reaches and costs."""
    return [
        Trade(
            task=arm.task,
            shape=arm.shape,
            passed=f"{arm.passed} of {arm.seeds}",
            in_length=formats.percent(sum(arm.in_length) / len(arm.in_length)),
            beyond=formats.percent(pooled(beyond(arm))),
            half=half_words(arm),
            parameters=formats.count(arm.parameters),
            speed=formats.decimal(arm.steps_per_s),
            state=formats.size(arm.state_bytes),
            memory=formats.size(arm.memory),
        )
        for arm in free_arms(report)
    ]


def decoded(report: LabReport) -> list[Decoded]:
    """Arms of tasks that are decoded in more than one way."""
    more = {arm.task for arm in report.arms if arm.decoding != FREE}
    return [
        Decoded(
            task=arm.task,
            shape=arm.shape,
            decoding=arm.decoding,
            exact_in=formats.percent(pooled(trained(arm))),
            valid_in=formats.percent(_valid(trained(arm))),
            exact_beyond=formats.percent(pooled(beyond(arm))),
            valid_beyond=formats.percent(_valid(beyond(arm))),
        )
        for arm in report.arms
        if arm.task in more
    ]


def crossed(report: LabReport) -> list[Crossed]:
    """Crossings, what is shown first."""
    order = ("confirmed by", "consistent with", "no difference shown", "undertrained")
    return [
        Crossed(
            task=c.task,
            part=c.part,
            pair=f"{c.first} → {c.second}",
            difference=formats.points(c.difference),
            interval=formats.point_interval(c.low, c.high),
            p=formats.p_value(c.p_adjusted),
            standing=standing_words(c),
            sentence=_alone(c.sentence),
        )
        for c in sorted(report.crossings, key=lambda c: order.index(c.standing))
    ]


def _alone(sentence: str) -> str:
    """A crossing's sentence where its task and pair stand beside it."""
    said = sentence.partition(": ")[2] or sentence
    return said[:1].upper() + said[1:]


def standing_words(crossing: Crossing) -> str:
    """The standing as it reads alone."""
    return {"confirmed by": "confirmed", "consistent with": "consistent with"}.get(crossing.standing, crossing.standing)
