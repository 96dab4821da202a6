"""The whole decision procedure, simulated: a model against itself, and models that truly differ.

python -m pytest tests/test_stats_self.py -m slow -s    # 2,000 comparisons, printed
"""

import numpy as np
import pytest

from weakspot.stats.compare import Compared, Item, compare_categories

ALPHA = 0.05
CATEGORIES = 8


def layout(rng: np.random.Generator) -> tuple[list[str], list[str | None], np.ndarray, float]:
    """Categories, groups and failure chances of a realistic suite, and how tightly groups hang together."""
    categories: list[str] = []
    groups: list[str | None] = []
    chances: list[float] = []
    for c in range(CATEGORIES):
        n = int(rng.integers(10, 36))
        base = rng.uniform(0.1, 0.9)
        logits = np.log(base / (1 - base)) + rng.normal(0, 1, n)
        chances.extend(1 / (1 + np.exp(-logits)))
        categories.extend([f"category-{c}"] * n)
        grouped = int(rng.uniform(0, 0.8) * n)
        names: list[str | None] = []
        while len(names) < grouped:
            names.extend([f"{c}-{len(names)}"] * int(rng.integers(2, 6)))
        groups.extend((names + [None] * n)[:n])
    return categories, groups, np.array(chances), float(rng.uniform(0.2, 0.9))


def outcomes(rng: np.random.Generator, groups: list[str | None], chances: np.ndarray, together: float) -> list[bool]:
    """One candidate's failures; items of a group share their luck with the chance `together`."""
    seen: dict[str, int] = {}
    codes = [len(groups) + i if g is None else seen.setdefault(g, len(seen)) for i, g in enumerate(groups)]
    shared = rng.random(2 * len(groups))[codes]
    luck = np.where(rng.random(len(groups)) < together, shared, rng.random(len(groups)))
    return (luck < chances).tolist()


def against_itself(rng: np.random.Generator) -> list[Item]:
    """Two runs of the same model on one suite."""
    categories, groups, chances, together = layout(rng)
    a, b = (outcomes(rng, groups, chances, together) for _ in range(2))
    return [Item(c, g, x, y) for c, g, x, y in zip(categories, groups, a, b, strict=True)]


def shown(result: dict[str, Compared]) -> list[str]:
    """Names of the differences shown."""
    return [name for name, r in result.items() if r.p_adjusted is not None and r.p_adjusted <= ALPHA]


def count_shown(runs: int, seed: int) -> tuple[int, int, int]:
    """In how many runs any difference is shown: as built, without groups and adjustment, without groups only."""
    rng = np.random.default_rng(seed)
    built = bare = ungrouped = 0
    for _ in range(runs):
        items = against_itself(rng)
        loose = compare_categories([Item(i.category, None, i.failed_a, i.failed_b) for i in items], alpha=ALPHA)
        built += bool(shown(compare_categories(items, alpha=ALPHA)))
        ungrouped += bool(shown(loose))
        bare += any(r.paired.p is not None and r.paired.p <= ALPHA for r in loose.values())
    return built, bare, ungrouped


def test_a_model_against_itself_shows_no_difference_in_200_runs() -> None:
    """Of 200 simulated comparisons of a model with itself at most 5% show any difference; bare tests show far more."""
    built, bare, _ = count_shown(runs=200, seed=20250101)
    assert built <= 10
    assert bare > 20  # the simulation has teeth


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_model_against_itself_shows_no_difference_in_2000_runs() -> None:
    """Of 2,000 simulated comparisons of a model with itself at most 5% show any difference; without groups more do."""
    built, bare, ungrouped = count_shown(runs=2000, seed=1)
    print(f"\nany difference shown in {built} of 2000; without groups {ungrouped}; and without adjustment {bare}")
    assert built <= 100
    assert ungrouped > 100
