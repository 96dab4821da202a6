"""How small a difference can be shown, against exact power and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from weakspot.stats.paired import mcnemar_exact, sign_flip
from weakspot.stats.power import items_needed, smallest_detectable


def exact_power(n: int, discordant: float, difference: float, alpha: float) -> float:
    """Power of McNemar's exact test: over every count of discordant items and every split of it."""
    power = 0.0
    for m in range(n + 1):
        splits = np.arange(m + 1)
        rejects = np.array([mcnemar_exact(int(k), m - int(k)) <= alpha for k in splits])
        chance = binom.pmf(splits, m, (1 + difference / discordant) / 2)
        power += binom.pmf(m, n, discordant) * float(chance[rejects].sum())
    return power


@pytest.mark.parametrize("n", [20, 40, 80])
@pytest.mark.parametrize("discordant", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("alpha", [0.05, 0.003125])
def test_smallest_detectable_has_the_power_it_says(n: int, discordant: float, alpha: float) -> None:
    """At the smallest detectable difference the exact test's power is 76% to 90%, close to the 80% it is meant for."""
    found = smallest_detectable(n, discordant, alpha=alpha)
    assert found is not None
    assert 0.76 <= exact_power(n, max(discordant, found), found, alpha) <= 0.90


@pytest.mark.parametrize(("difference", "discordant"), [(0.1, 0.3), (0.2, 0.2), (-0.15, 0.4)])
def test_items_needed_reach_the_power(difference: float, discordant: float) -> None:
    """With as many items as are said to be needed the exact test's power is near 80%, and clearly less with half."""
    n = items_needed(difference, discordant)
    assert n is not None
    assert exact_power(n, discordant, difference, 0.05) == pytest.approx(0.8, abs=0.03)
    assert exact_power(n // 2, discordant, difference, 0.05) < 0.65


def test_design_effect_buys_back_the_power_that_groups_cost() -> None:
    """In groups of 4 that hang together, items times the design effect give the sign-flip test 80% power again."""
    difference, discordant, size, together = 0.15, 0.3, 4, 0.7
    effect = 1 + (size - 1) * together**2  # two items both copy the group's draw with chance together²
    n = items_needed(difference, discordant, design_effect=effect)
    assert n is not None
    assert power_in_groups(n // size, size, together, (difference, discordant)) == pytest.approx(0.8, abs=0.06)
    bare = items_needed(difference, discordant)
    assert bare is not None
    assert power_in_groups(bare // size, size, together, (difference, discordant)) < 0.65


def power_in_groups(groups: int, size: int, together: float, truth: tuple[float, float], runs: int = 500) -> float:
    """How often the sign-flip test rejects in simulated comparisons."""
    rng = np.random.default_rng(3)
    difference, discordant = truth
    luck = np.where(
        rng.random((runs, groups, size)) < together, rng.random((runs, groups, 1)), rng.random((runs, groups, size))
    )
    more = (discordant + difference) / 2
    signs = (luck < more).astype(int) - ((luck >= more) & (luck < discordant)).astype(int)
    return float(np.mean([sign_flip(run.tolist()) <= 0.05 for run in signs.sum(axis=2)]))


@settings(deadline=None)  # the machine may be busy
@given(st.floats(0.01, 1), st.floats(0, 1), st.floats(1, 5))
def test_the_two_are_inverse(difference: float, discordant: float, effect: float) -> None:
    """As many items as a difference needs can show that difference, and one item fewer only a larger one."""
    n = items_needed(difference, discordant, design_effect=effect)
    assert n is not None
    enough = smallest_detectable(n, discordant, design_effect=effect)
    assert enough is not None
    assert enough <= difference + 1e-9
    fewer = smallest_detectable(n - 1, discordant, design_effect=effect)
    assert fewer is None or fewer > difference - 1e-9


@settings(deadline=None)  # the machine may be busy
@given(st.integers(1, 500), st.floats(0, 1))
def test_more_items_never_show_less(n: int, discordant: float) -> None:
    """The smallest detectable difference does not grow with the number of items."""
    fewer, more = smallest_detectable(n, discordant), smallest_detectable(n + 1, discordant)
    assert fewer is None or (more is not None and more <= fewer + 1e-9)


def test_too_few_items_show_nothing() -> None:
    """Five items cannot show any difference at 5%, since even all of them one way give p = 0.0625."""
    assert smallest_detectable(5, 1.0) is None
    assert smallest_detectable(0, 0.0) is None
    assert mcnemar_exact(5, 0) > 0.05


def test_no_difference_needs_no_number_of_items() -> None:
    """No finite number of items shows a difference of 0."""
    assert items_needed(0.0, 0.3) is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"difference": 1.1, "discordant": 0.2},
        {"difference": 0.1, "discordant": -0.2},
        {"difference": 0.1, "discordant": 0.2, "alpha": 0},
        {"difference": 0.1, "discordant": 0.2, "power": 1},
        {"difference": 0.1, "discordant": 0.2, "design_effect": 0},
    ],
)
def test_nonsense_is_refused(arguments: dict[str, float]) -> None:
    """Shares, levels and design effects that cannot be raise ValueError."""
    with pytest.raises(ValueError, match=r"within|between"):
        items_needed(**arguments)
