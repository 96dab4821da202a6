"""Agreement between raters: kappa, AC1 and alpha out of counts, with intervals by drawing items again.

It knows whole-number codes 0..k-1 and counts only. Everything here is a function of tables that add up over items, so
that a thousand draws are one matrix product. A coefficient that its data do not define (nobody used a second code) is
not a number here, and None in `Estimate`.

Sources: Cohen (1960), Educational and Psychological Measurement 20, 37-46; weights: Cohen (1968), Psychological
Bulletin 70, 213-220; AC1: Gwet (2008), British Journal of Mathematical and Statistical Psychology 61, 29-48; alpha:
Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability"; intervals: Efron and Tibshirani (1993), ch. 13.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Weights = Literal["none", "linear", "quadratic"]
Level = Literal["nominal", "ordinal", "interval"]

DRAWS = 2_000
FEWEST_GROUPS = 8
"""Below so many groups, drawing again says little, and no interval is given."""
LEAST_DEFINED = 0.95
"""An interval is given where the coefficient is defined in at least this share of the draws."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A coefficient and its 95% interval.

    Attributes:
        value: None where the data do not define it.
        low: the lower end, None where there is no honest interval; `note` says why.
        high: the upper end.
        n: items behind it.
        note: why something is missing; empty where nothing is.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    note: str = ""


def pair_tables(first: Sequence[int | None], second: Sequence[int | None], codes: int) -> Floats:
    """One table per item, shape (items, codes, codes): 1 where (first, second) is the pair of codes.

    Items that one of the two did not code have a table of zeros.

    Raises:
        ValueError: the two are not equally long, or a code is not in 0..codes-1.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} codes cannot be paired with {len(second)}.")
    tables = np.zeros((len(first), codes, codes))
    for item, (a, b) in enumerate(zip(first, second, strict=True)):
        if a is not None and b is not None:
            tables[item, _checked(a, codes), _checked(b, codes)] = 1.0
    return tables


def coincidences(ratings: Sequence[Sequence[int | None]], codes: int) -> Floats:
    """Krippendorff's coincidence matrix of each item, shape (items, codes, codes); they add up.

    Args:
        ratings: one row per rater, one entry per item, None where that rater did not code it.
        codes: how many codes there are.

    Raises:
        ValueError: rows of unequal length, or a code outside of 0..codes-1.
    """
    items = len(ratings[0]) if ratings else 0
    if any(len(row) != items for row in ratings):
        raise ValueError("Every rater needs an entry for every item.")
    found = np.zeros((items, codes, codes))
    for item in range(items):
        counts = np.zeros(codes)
        for row in ratings:
            code = row[item]
            if code is not None:
                counts[_checked(code, codes)] += 1
        if (used := counts.sum()) >= 2:  # an item that one rater coded pairs with nothing
            found[item] = (np.outer(counts, counts) - np.diag(counts)) / (used - 1)
    return found


def percent_agreement(table: Floats) -> Floats:
    """The share of items on which both agree. `table` has shape (..., codes, codes), here and below."""
    return _ratio(np.trace(table, axis1=-2, axis2=-1), table.sum((-2, -1)))


def cohen_kappa(table: Floats, weights: Weights = "none") -> Floats:
    """1 - observed / expected disagreement; with weights, by the distance of the codes or its square."""
    codes = table.shape[-1]
    distance = np.abs(np.subtract.outer(np.arange(codes), np.arange(codes))).astype(np.float64)
    cost = {"none": (distance > 0).astype(np.float64), "linear": distance, "quadratic": distance**2}[weights]
    rows, columns = table.sum(-1), table.sum(-2)
    expected = np.einsum("...i,...j,ij->...", rows, columns, cost)
    seen = (table * cost).sum((-2, -1)) * table.sum((-2, -1))
    return 1.0 - _ratio(seen, expected)


def gwet_ac1(table: Floats) -> Floats:
    """Gwet's AC1, which stays sensible where nearly all items have one code (kappa falls towards 0 there)."""
    codes = table.shape[-1]
    total = table.sum((-2, -1))
    share = _ratio(table.sum(-1) + table.sum(-2), 2 * total[..., None])
    chance = (share * (1 - share)).sum(-1) / (codes - 1)
    return _ratio(percent_agreement(table) - chance, 1 - chance)


def krippendorff_alpha(table: Floats, level: Level = "nominal") -> Floats:
    """Alpha of summed coincidence matrices; codes are their own values at level "interval"."""
    codes = table.shape[-1]
    marginal = table.sum(-1)
    total = marginal.sum(-1)
    if level == "ordinal":
        # the squared number of ranks between two codes, half of each end counted
        middle = np.cumsum(marginal, -1) - marginal / 2
        cost = (middle[..., :, None] - middle[..., None, :]) ** 2
    else:
        distance = np.subtract.outer(np.arange(codes), np.arange(codes)).astype(np.float64)
        cost = np.broadcast_to(distance**2 if level == "interval" else distance != 0, table.shape)
    expected = np.einsum("...i,...j,...ij->...", marginal, marginal, cost)
    return 1.0 - _ratio((total - 1) * (table * cost).sum((-2, -1)), expected)


def balanced_accuracy(table: Floats) -> Floats:
    """The mean of the two recalls of a 2 x 2 table whose rows are the truth; not a number where a row is empty."""
    recall = _ratio(np.diagonal(table, axis1=-2, axis2=-1), table.sum(-1))
    found: Floats = recall.mean(-1)
    return found


def estimate(
    tables: Floats,
    groups: Sequence[str],
    statistic: Callable[[Floats], Floats],
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> Estimate:
    """A coefficient of the summed tables, with a 95% percentile interval over groups drawn again with return.

    Args:
        tables: shape (items, ...); an item with a table of zeros counts for nothing.
        groups: what each item belongs to; items of one group (answers to one probe) are drawn together.
        statistic: from summed tables, shape (n, ...), to values, shape (n,).
        seed: the same seed gives the same interval.
        draws: how often.
    """
    telling = [i for i in range(len(tables)) if tables[i].any()]
    if not telling:
        return Estimate(None, None, None, 0, "nothing was rated by both")
    names = list(dict.fromkeys(groups[i] for i in telling))
    place = {name: number for number, name in enumerate(names)}
    summed = np.zeros((len(names), *tables.shape[1:]))
    for i in telling:
        summed[place[groups[i]]] += tables[i]
    value = float(statistic(summed.sum(0)[None])[0])
    if not np.isfinite(value):
        return Estimate(None, None, None, len(telling), "not defined: all have one and the same verdict")
    if len(names) < FEWEST_GROUPS:
        return Estimate(value, None, None, len(telling), f"fewer than {FEWEST_GROUPS} items: no interval")
    # Groups with equal tables are interchangeable: drawing kinds by their share is the same draw, and far faster.
    kinds, sizes = np.unique(summed.reshape(len(names), -1), axis=0, return_counts=True)
    times = np.random.default_rng(seed).multinomial(len(names), sizes / len(names), draws)
    drawn = statistic((times @ kinds).reshape(draws, *tables.shape[1:]))
    return _interval(value, drawn, len(telling))


def _interval(value: float, drawn: Floats, n: int) -> Estimate:
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < LEAST_DEFINED * len(drawn):
        return Estimate(value, None, None, n, "one verdict is too rare for an interval")
    low, high = (float(end) for end in np.quantile(defined, (0.025, 0.975)))
    if high - low < 1e-12:  # no two items differ: drawing again cannot show how sure this is
        return Estimate(value, None, None, n, "no disagreement to draw again: no interval")
    return Estimate(value, low, high, n)


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(np.abs(below) > 1e-12, above / below, np.nan)
    return found


def _checked(code: int, codes: int) -> int:
    if not 0 <= code < codes:
        raise ValueError(f"A code must be 0 to {codes - 1}, not {code}.")
    return code
