"""What a comparison could show, worked out before it is made."""

import msgspec


class Assumption(msgspec.Struct, frozen=True):
    """How often two candidates differ (0-1), and how many grouped items weigh as much as one that stands alone."""

    discordant: float
    design_effect: float = 1.0


class Reach(msgspec.Struct, frozen=True):
    """One row: a category, or "pooled". Differences are 0-1, `needed` counts items; None: not even 1 would be shown.

    Each list has one entry per assumption of the plan.
    """

    scope: str
    items: int
    groups: int
    level: float
    smallest: tuple[float | None, ...]
    needed: tuple[int | None, ...] = ()


class Power(msgspec.Struct, frozen=True):
    """What a comparison of so many pairs could show with 80% chance at 5% for the whole run."""

    pairs: int
    difference: float | None
    learned_from: str
    assumptions: tuple[Assumption, ...]
    rows: tuple[Reach, ...]
