"""`weakspot.plan`: what a comparison would ask, and cost, before it starts."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from weakspot.artifacts.reference import parse_all
from weakspot.errors import NotARun, UsageError
from weakspot.models.price import estimate_cost
from weakspot.probes.suite import load_suite
from weakspot.records import Assumption, Candidate, Power, Probe, Score, from_json
from weakspot.runs.compare import Sheet
from weakspot.runs.plan import Estimate, estimate
from weakspot.runs.reach import learned, power
from weakspot.store.run import RunStore


class Planned(msgspec.Struct, frozen=True):
    """A comparison that has not begun: its size, items by category, and the cost in USD of each priced candidate.

    `power` says what it could show; None for fewer than two candidates.
    """

    suite: str
    quick: bool
    probes: int
    counted: int
    categories: dict[str, int]
    estimate: Estimate
    candidates: tuple[Candidate, ...]
    usd: dict[str, float]
    power: Power | None = None


def plan(
    models: Sequence[str],
    *,
    suite: str = "core",
    quick: bool = False,
    difference: float | None = None,
    like: str | Path | None = None,
    baseline: bool = False,
) -> Planned:
    """What `compare` with the same arguments would ask of each candidate, and what it could show.

    Args:
        models: model references.
        suite: as in `compare`.
        quick: as in `compare`.
        difference: a difference of failure rates (0-1): how many items would show it with 80% chance?
        like: a run folder; how often its candidates differed, and how alike the items of a set were, is taken over.
        baseline: whether each is held against one of them only, which needs fewer items than all pairs.

    Returns:
        The size in requests and tokens (upper estimates), the cost, and the power.

    Raises:
        UnknownModel, UsageError, ProbeError, NotARun.
    """
    if difference is not None and not 0 < difference <= 1:
        raise UsageError("A difference of failure rates lies between 0 and 1.", hint="10 points are 0.1.")
    candidates = parse_all(list(models))
    probes = load_suite(suite, quick=quick)
    size = estimate(probes)
    categories: dict[str, int] = {}
    for probe in probes:
        if probe.counted:
            categories[probe.category] = categories.get(probe.category, 0) + 1
    return Planned(
        suite=suite,
        quick=quick,
        probes=len(probes),
        counted=sum(categories.values()),
        categories=categories,
        estimate=size,
        candidates=tuple(candidates),
        usd={c.name: cost for c in candidates if (cost := usd(c, size)) is not None},
        power=_power(probes, len(candidates), difference, like, baseline=baseline),
    )


def _power(
    probes: Sequence[Probe], candidates: int, difference: float | None, like: str | Path | None, *, baseline: bool
) -> Power | None:
    if candidates < 2:
        return None
    pairs = candidates - 1 if baseline else candidates * (candidates - 1) // 2
    if like is None:
        return power(probes, pairs, difference)
    place = Path(like).expanduser()
    return msgspec.structs.replace(power(probes, pairs, difference, _seen(place)), learned_from=place.name)


def _seen(folder: Path) -> Assumption:
    """How often the candidates of an earlier run differed."""
    with RunStore.open(folder) as store:
        probes = [from_json(row, Probe) for row in store.probes()]
        scores = {(s.probe, s.candidate): s for s in (from_json(row, Score) for row in store.scores())}
    names = list(dict.fromkeys(name for _, name in scores))
    sheet = Sheet(probes, scores)
    pairs = {(a, b): sheet.pairs(a, b) for number, a in enumerate(names) for b in names[number + 1 :]}
    if (found := learned(pairs)) is None:
        raise NotARun(f"The run in {folder} has no item with verdicts on two candidates to learn from.")
    return found


def usd(candidate: Candidate, size: Estimate) -> float | None:
    """The cost of a run for one candidate in USD, an upper estimate; None where it has no prices."""
    options = candidate.options
    return estimate_cost(options.get("price_in"), options.get("price_out"), size.prompt_tokens, size.completion_tokens)


def announcement(candidates: Sequence[Candidate], probes: Sequence[Probe]) -> str:
    """What is about to be asked, and what it will cost at most where prices are given, in a sentence."""
    size = estimate(probes)
    costs = [f"{c.name} at most about {cost:.2f} USD" for c in candidates if (cost := usd(c, size)) is not None]
    return (
        f"{len(probes)} probes and {size.requests} requests for each of {len(candidates)} candidates, at most about "
        f"{size.prompt_tokens:,} prompt and {size.completion_tokens:,} reply tokens each"
        + (f"; {', '.join(costs)}." if costs else ".")
    )
