"""The gate of a CI: which failure rates are shown to be above their limits, and which have become worse.

A limit is held against an exact one-sided test (`weakspot.stats.exceeding`), all limits corrected together by Holm; a
baseline is compared item by item (`weakspot.stats.compare`), all categories and candidates corrected together. What is
not shown does not close the gate: a rate above the limit by chance would close it every few runs, and a gate that
cries wolf is switched off. `strict` closes it on the point estimate, with items without a verdict taken as failures.

It knows records, not run folders.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from weakspot.errors import UsageError
from weakspot.records import Probe
from weakspot.rendering import formats
from weakspot.runs.compare import Scores, Sheet
from weakspot.stats.compare import POOLED, Item, compare_pairs
from weakspot.stats.exceeding import failures, lower_bound, p_above, upper_bound
from weakspot.stats.multiplicity import holm
from weakspot.stats.verdict import verdict

ALPHA = 0.05
OVERALL = "overall"


class GateCheck(msgspec.Struct, frozen=True):
    """One rate held against its limit, or against its baseline.

    `category` is empty for all categories together. `rate` is failed / n; `low` and `high` are its exact 95% bounds,
    each one-sided, or for a baseline the ends of the difference's 95% interval. `unscored` items have no verdict,
    `uninformative` ones failed their own positive control; with the unscored ones the rate lies within `lowest` to
    `highest`. `shown` says that the test, corrected for all that were made at once, shows a rate above the limit or a
    worsening; `closes` that this check closes the gate. For a baseline `n` counts the items that both runs have a
    verdict on, `before` the failures among them then, and `difference` is now minus then.
    """

    kind: Literal["limit", "baseline"]
    candidate: str
    category: str
    n: int
    failed: int
    rate: float | None
    shown: bool
    closes: bool
    words: str
    limit: float | None = None
    low: float | None = None
    high: float | None = None
    p_adjusted: float | None = None
    unscored: int = 0
    uninformative: int = 0
    lowest: float | None = None
    highest: float | None = None
    before: int | None = None
    difference: float | None = None
    smallest_detectable: float | None = None

    @property
    def name(self) -> str:
        """The category, or that it is all of them."""
        return self.category or OVERALL


class GateResult(msgspec.Struct, frozen=True):
    """Whether the gate is open, with every check and what could not be checked (`notes`, sentences)."""

    run: str
    passed: bool
    strict: bool
    checks: tuple[GateCheck, ...]
    baseline: str = ""
    notes: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True):
    """What is asked of a run: the highest failure rate by category, and over all categories (None: no limit)."""

    rates: Mapping[str, float] = {}
    overall: float | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        for name, limit in [*self.rates.items(), *([] if self.overall is None else [(OVERALL, self.overall)])]:
            if not 0 <= limit <= 1:  # NaN is not within either
                raise UsageError(f"The limit of {name!r} is {limit:g}.", hint="A rate lies between 0 and 1.")


def check_limits(sheet: Sheet, candidates: Sequence[str], limits: Limits) -> list[GateCheck]:
    """Each candidate's rates held against the limits.

    Raises:
        UsageError: there is no such category, or none of its items has a verdict.
    """
    unknown = [name for name in limits.rates if name not in sheet.categories]
    if unknown:
        raise UsageError(
            f"The run has no category {unknown[0]!r}.", hint=f"It has: {', '.join(sheet.categories) or 'none'}."
        )
    wanted: list[tuple[str, float]] = list(limits.rates.items())
    if limits.overall is not None:
        wanted.append(("", limits.overall))
    found = [_limit(sheet, name, category, limit) for name in candidates for category, limit in wanted]
    adjusted = holm([check.p_adjusted for check in found])
    return [_judged(check, p, limits.strict) for check, p in zip(found, adjusted, strict=True)]


def _limit(sheet: Sheet, candidate: str, category: str, limit: float) -> GateCheck:
    """A check before it is corrected for the others: `p_adjusted` is its own p."""
    rate = sheet.rate(candidate, category or None)
    if rate.n == 0:
        reason = f"{rate.unscored} without a verdict, {rate.uninformative} uninformative"
        raise UsageError(
            f"No item of {category or OVERALL!r} has a verdict on {candidate!r} ({reason}).",
            hint="There is nothing to hold against the limit; look at the run's errors.",
        )
    telling = [
        (passed is False, probe.group)
        for probe in sheet.counted
        if category in ("", probe.category)
        and (passed := sheet.passed(probe, candidate)) is not None
        and sheet.informative(probe, candidate)
    ]
    counts = failures([failed for failed, _ in telling], [group for _, group in telling])
    return GateCheck(
        kind="limit",
        candidate=candidate,
        category=category,
        n=rate.n,
        failed=rate.failed,
        rate=rate.rate,
        shown=False,
        closes=False,
        words="",
        limit=limit,
        low=lower_bound(counts),
        high=upper_bound(counts),
        p_adjusted=p_above(counts, limit),
        unscored=rate.unscored,
        uninformative=rate.uninformative,
        lowest=rate.lowest,
        highest=rate.highest,
    )


def _judged(check: GateCheck, p: float | None, strict: bool) -> GateCheck:
    limit, rate = check.limit or 0.0, check.rate or 0.0
    shown = p is not None and p <= ALPHA
    closes = shown or (strict and (check.highest or rate) > limit)
    stated = formats.percent(limit)
    if shown:
        words = f"above the limit of {stated}: shown ({formats.p_equals(p)})"
    elif rate > limit:
        words = f"above the limit of {stated} in this run, but not shown: chance alone could do it"
    elif (check.highest or 0.0) > limit:
        words = f"within the limit of {stated} only if most items without a verdict would have passed"
    elif (check.high or 0.0) > limit:
        words = f"within the limit of {stated} in this run, though not shown to be: too few items"
    else:
        words = f"within the limit of {stated}: shown"
    if closes and not shown:
        words += "; strict counts it"
    return msgspec.structs.replace(check, shown=shown, closes=closes, words=words, p_adjusted=p)


def shared_probes(now: Sequence[Probe], before: Sequence[Probe]) -> tuple[list[Probe], int]:
    """The counted items that both runs put in the same words, and how many share only the id."""
    old = {probe.id: probe for probe in before}
    same = [p for p in now if p.id in old and _asks(p) == _asks(old[p.id])]
    return same, sum(p.id in old for p in now) - len(same)


def _asks(probe: Probe) -> object:
    return probe.category, probe.messages, probe.prompt, probe.expect, probe.arm


def check_baseline(
    probes: Sequence[Probe], now: Scores, before: Scores, pairs: Sequence[tuple[str, str]], *, strict: bool
) -> list[GateCheck]:
    """Each candidate held against its baseline on the same items.

    Args:
        probes: the items of both runs (`shared_probes`), controls included.
        now: the scores of the run.
        before: those of the baseline.
        pairs: the candidate's name now, and then.
        strict: whether more failures than before close the gate, shown or not, and no verdict is a failure now.

    Raises:
        UsageError: a pair has no item that both have a verdict on.
    """
    then, new = Sheet(probes, before), Sheet(probes, now)
    items = {pair: _items(new, then, *pair, strict=strict) for pair in pairs}
    for name, old in pairs:
        if not items[name, old]:
            raise UsageError(
                f"No item has a verdict on both {name!r} and {old!r} of the baseline.",
                hint="There is nothing to compare; look at the errors of both runs.",
            )
    found = compare_pairs(items, categories=new.categories)
    checks = []
    for (name, old), compared in found.items():
        for category, result in compared.items():
            paired = result.paired
            some = [i for i in items[name, old] if category in (POOLED, i.category)]
            difference = paired.difference
            differs, sentence = verdict(paired, result.p_adjusted, "now", "before")
            worse = differs and difference is not None and difference > 0
            failed = sum(item.failed_a for item in some)
            rate = new.rate(name, None if category == POOLED else category)
            checks.append(
                GateCheck(
                    kind="baseline",
                    candidate=name,
                    category="" if category == POOLED else category,
                    n=paired.n,
                    failed=failed,
                    rate=failed / paired.n if paired.n else None,
                    shown=worse,
                    closes=worse or (strict and difference is not None and difference > 0),
                    words=_worsening(worse, differs, sentence),
                    low=paired.low,
                    high=paired.high,
                    p_adjusted=result.p_adjusted,
                    unscored=rate.unscored,
                    uninformative=rate.uninformative,
                    before=sum(item.failed_b for item in some),
                    difference=difference,
                    smallest_detectable=paired.smallest_detectable,
                )
            )
    return checks


def _worsening(worse: bool, differs: bool, sentence: str) -> str:
    if worse:
        return f"worse than before: {sentence}"
    return f"better than before: {sentence}" if differs else f"no worsening shown: {sentence}"


def lost_verdicts(probes: Sequence[Probe], now: Scores, before: Scores, pair: tuple[str, str]) -> int:
    """How many items had a verdict in the baseline and have none now."""
    then, new = Sheet(probes, before), Sheet(probes, now)
    return sum(new.passed(probe, pair[0]) is None and then.passed(probe, pair[1]) is not None for probe in new.counted)


def _items(new: Sheet, then: Sheet, name: str, old: str, *, strict: bool) -> list[Item]:
    found = []
    for probe in new.counted:
        now, before = new.passed(probe, name), then.passed(probe, old)
        now = False if now is None and strict else now
        if now is None or before is None:
            continue
        if new.informative(probe, name) and then.informative(probe, old):
            found.append(Item(probe.category, probe.group, not now, not before))
    return found
