"""What the measures are made from: one row for each probe of one candidate, and the bricks that they share."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from weakspot.records import Probe, ReplyClass
from weakspot.records.metrics import Estimate, PairedEffect
from weakspot.stats.compare import Compared
from weakspot.stats.interval import wilson
from weakspot.stats.resampling import mean_interval
from weakspot.stats.verdict import verdict

T = TypeVar("T")


class Row(msgspec.Struct, frozen=True):
    """One candidate's response to one probe, read.

    Attributes:
        probe: what was asked.
        passed: the verdict; None where there is none.
        informative: whether the probe's own positive control was passed.
        reply_class: answered, refused, ...; None where there was no reply.
        answer: what was said, brought to one form: the option picked, the number, else the text; None where a reply
            declines or names no single option.
        words: the reply's length in words.
        text: the reply, for readers of pronouns and stated confidence.
        confidence: 0 to 1, as the reply states it; None where it states none.
        logprob: the mean log-probability of the reply's tokens in nats, or for a choice by likelihood that of the right
            choice minus the best other one; None where the engine gives none.
        likelihood: 0 to 1, the probability of the answer by the model itself (over the choices, where it chose by
            likelihood); None where the engine gives none.
        checks: the score's partial results.
    """

    probe: Probe
    passed: bool | None
    informative: bool = True
    reply_class: ReplyClass | None = None
    answer: str | None = None
    words: int = 0
    text: str = ""
    confidence: float | None = None
    logprob: float | None = None
    likelihood: float | None = None
    checks: dict[str, bool | None] = {}


Rows = Mapping[str, Sequence[Row]]
"""By candidate."""


def rate(outcomes: Iterable[bool | None]) -> Estimate:
    """The share that is true, with Wilson's interval; outcomes that are None are left out."""
    known = [outcome for outcome in outcomes if outcome is not None]
    ends = wilson(sum(known), len(known))
    return Estimate(sum(known) / len(known), ends.low, ends.high, len(known)) if ends else Estimate()


def mean(values: Iterable[float | None], groups: Sequence[str | None] | None = None) -> Estimate:
    """A mean with its bootstrap interval; values that are None are left out with their groups.

    There is no interval under 8 groups, nor where all values are equal: drawing them again would show no width at all.
    """
    given = list(values)
    named = [None] * len(given) if groups is None else list(groups)
    kept = [(v, g) for v, g in zip(given, named, strict=True) if v is not None]
    if not kept:
        return Estimate()
    row = [v for v, _ in kept]
    ends = mean_interval(row, [g for _, g in kept]) if len(set(row)) > 1 else None
    return Estimate(sum(row) / len(row), ends.low if ends else None, ends.high if ends else None, len(row))


def effect(compared: Compared, first: str, second: str) -> PairedEffect:
    """A paired comparison of failures as a record; `first` and `second` name the two sides in its sentence."""
    paired = compared.paired
    shown, said = verdict(paired, compared.p_adjusted, first, second)
    return PairedEffect(
        n=paired.n,
        difference=paired.difference,
        low=paired.low,
        high=paired.high,
        p=paired.p,
        p_adjusted=compared.p_adjusted,
        shown=shown,
        verdict=said,
        first_only=paired.only_a,
        second_only=paired.only_b,
        test=paired.test,
    )


def by_group(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by their group; a probe without one stands alone under its id."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.probe.group or row.probe.id, []).append(row)
    return found


def tagged(rows: Iterable[Row], **tags: str) -> list[Row]:
    """The rows whose probes have these tags and were asked as they stand."""
    return [row for row in rows if as_it_stands(row) and all(row.probe.tags.get(k) == v for k, v in tags.items())]


def as_it_stands(row: Row) -> bool:
    """Whether a probe is the suite's own: no part of an attack, no sample, and without a wish for a confidence."""
    return not {"attack", "sample", "confidence"} & row.probe.tags.keys()
