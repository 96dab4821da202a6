"""`weakspot.plan`: what a comparison would ask, and cost, before it starts."""

from collections.abc import Sequence

import msgspec

from weakspot.artifacts.reference import parse_all
from weakspot.models.price import estimate_cost
from weakspot.probes.suite import load_suite
from weakspot.records import Candidate, Probe
from weakspot.runs.plan import Estimate, estimate


class Planned(msgspec.Struct, frozen=True):
    """A comparison that has not begun: its size, items by category, and the cost in USD of each priced candidate."""

    suite: str
    quick: bool
    probes: int
    counted: int
    categories: dict[str, int]
    estimate: Estimate
    candidates: tuple[Candidate, ...]
    usd: dict[str, float]


def plan(models: Sequence[str], *, suite: str = "core", quick: bool = False) -> Planned:
    """What `compare` with the same arguments would ask of each candidate. Tokens are upper estimates.

    Raises:
        UnknownModel, UsageError, ProbeError.
    """
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
    )


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
