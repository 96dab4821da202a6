"""How small a difference a paired comparison can show, and how many items a difference needs.

Both answer for the exact tests in `weakspot.stats.paired`, at a given level. It knows counts only.
"""

import math
from statistics import NormalDist

_BISECTIONS = 40  # 1e-12 of a failure rate: far below what any item count can tell


def items_needed(
    difference: float, discordant: float, *, alpha: float = 0.05, power: float = 0.8, design_effect: float = 1.0
) -> int | None:
    """How many items show a true difference with the given power; None where the difference is 0.

    Miettinen (1968), Biometrics 24, 339-352, with a continuity correction for the exact test. Of n items m are
    discordant, by `net` more one way. (net - 1) / sqrt(m) is nearly normal with mean

        sqrt(n * discordant) * r - 1 / sqrt(n * discordant)     where r = |difference| / discordant

    and variance 1 - r² * (3 + discordant) / 4 (the 3 stands for m varying as well, which Connor (1987),
    Biometrics 43, 207-211, leaves out). Without the 1 this is Miettinen's formula. The exact test needs it: of 30
    items with all discordance one way it has 80% power from a difference of 0.25 on; Connor's formula says 0.22,
    Miettinen's 0.18, this one 0.25.

    Args:
        difference: the true difference between the failure rates, -1 to 1.
        discordant: the share of items on which the two differ. Taken as |difference| where it is smaller, since
            the two cannot differ less often than their rates do.
        alpha: the level of the two-sided test.
        power: the chance to show the difference.
        design_effect: how many grouped items weigh as much as one that stands alone.

    Raises:
        ValueError: a number that is out of its range.
    """
    _check(alpha, power, design_effect)
    if not (abs(difference) <= 1 and 0 <= discordant <= 1):
        raise ValueError("A difference lies within -1 to 1, a discordant share within 0 to 1.")
    if difference == 0:
        return None
    share = max(discordant, abs(difference))
    ratio = abs(difference) / share
    normal = NormalDist()
    spread = math.sqrt(max(0.0, 1 - ratio**2 * (3 + share) / 4))
    reach = normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power) * spread
    root = (reach + math.sqrt(reach**2 + 4 * ratio)) / (2 * ratio)  # of: root * ratio - 1 / root = reach
    return math.ceil(root**2 / share * design_effect)


def smallest_detectable(
    n: int, discordant: float, *, alpha: float = 0.05, power: float = 0.8, design_effect: float = 1.0
) -> float | None:
    """The smallest true difference that `n` items show with the given power; None where not even 1 would do.

    The inverse of `items_needed`, with the same arguments. `discordant` is the share as it was seen; for a larger
    difference it rises with it.

    Raises:
        ValueError: a number that is out of its range.
    """
    _check(alpha, power, design_effect)

    def shows(difference: float) -> bool:
        needed = items_needed(difference, discordant, alpha=alpha, power=power, design_effect=design_effect)
        return needed is not None and needed <= n

    if not shows(1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high


def _check(alpha: float, power: float, design_effect: float) -> None:
    if not (0 < alpha < 1 and 0.5 <= power < 1 and design_effect > 0):
        raise ValueError("alpha lies between 0 and 1, power within 0.5 to 1, the design effect above 0.")
