"""How often the 95% interval of a paired difference holds the true one.

python -m pytest tests/test_stats_coverage.py -m slow -s    # the whole table, printed
"""

import numpy as np
import pytest

from weakspot.stats.paired import paired

LAYOUTS = {
    "12 alone": [1] * 12,
    "30 alone": [1] * 30,
    "240 alone": [1] * 240,
    "6 groups of 5": [5] * 6,
    "12 groups of 2": [2] * 12,
    "30 groups of 3": [3] * 30,
    "30 alone and 32 groups of 2 to 5": [1] * 30 + [2, 3, 4, 5] * 8,
    "20 alone and a group of 20": [1] * 20 + [20],
}
CHANCES = [(0.15, 0.15), (0.3, 0.05), (0.1, 0.0), (0.6, 0.1), (0.05, 0.05)]  # of only a failing, only b
TOGETHER = [0.0, 0.6, 1.0]


def coverage(sizes: list[int], chances: tuple[float, float], together: float, runs: int) -> float:
    """The share of simulated comparisons whose interval holds the true difference.

    Each item of a group takes the group's outcome with the chance `together`, else one of its own, so that the true
    difference is the same whatever the dependence.
    """
    rng = np.random.default_rng(7)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    groups = [str(code) for code in codes]
    only_a, only_b = chances
    hits = 0
    for _ in range(runs):
        luck = np.where(rng.random(len(codes)) < together, rng.random(len(sizes))[codes], rng.random(len(codes)))
        a = luck < only_a
        found = paired(a.tolist(), (~a & (luck < only_a + only_b)).tolist(), groups)
        assert found.low is not None
        assert found.high is not None
        hits += found.low - 1e-9 <= only_a - only_b <= found.high + 1e-9
    return hits / runs


@pytest.mark.parametrize(
    ("layout", "chances", "together"),
    [
        ("30 alone", (0.3, 0.05), 0.0),
        ("12 groups of 2", (0.6, 0.1), 1.0),
        ("30 groups of 3", (0.15, 0.15), 0.6),
        ("30 alone and 32 groups of 2 to 5", (0.3, 0.05), 0.6),
    ],
)
def test_interval_holds_the_truth(layout: str, chances: tuple[float, float], together: float) -> None:
    """In 400 simulated comparisons the 95% interval holds the true difference at least 92.5% of the time."""
    assert coverage(LAYOUTS[layout], chances, together, runs=400) >= 0.925


def test_ignoring_groups_would_not_hold_it() -> None:
    """Were items that go together taken as standing alone, the interval would miss far too often."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(300):
        luck = np.repeat(rng.random(30), 3)
        found = paired((luck < 0.3).tolist(), ((luck >= 0.3) & (luck < 0.35)).tolist())
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.25 <= found.high
    assert hits / 300 < 0.85


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_coverage_table() -> None:
    """Over all layouts the interval holds the truth at least 95% of the time on average and 91% at worst."""
    found = {}
    for name, sizes in LAYOUTS.items():
        for chances in CHANCES:
            for together in TOGETHER if len(sizes) != sum(sizes) else TOGETHER[:1]:
                found[name, chances, together] = coverage(sizes, chances, together, runs=1000)
                print(f"{name:35} only a {chances[0]:4} only b {chances[1]:4} together {together:3}:", end=" ")
                print(f"{found[name, chances, together]:.3f}")
    print(f"mean {np.mean(list(found.values())):.3f}, least {min(found.values()):.3f}, {len(found)} settings")
    assert np.mean(list(found.values())) >= 0.95
    assert min(found.values()) >= 0.91
