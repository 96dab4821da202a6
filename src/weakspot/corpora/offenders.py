"""The most frequent of many things in bounded memory."""

from collections.abc import Iterable, Mapping

Entry = tuple[int, int, tuple[int, ...], bool]
"""Times, pieces, ids, and whether the times are exact."""

MOST = 20_000
"""Things that are kept; when there are twice as many, the rarer half is forgotten (the counts that are kept are lower
bounds for what came in after that: Manku and Motwani's (2002) lossy counting without its correction)."""

IDS = 20


def add(kept: dict[str, Entry], found: Mapping[str, tuple[int, int, tuple[int, ...]]], *, forgot: bool) -> bool:
    """Count things up; returns whether anything was ever forgotten.

    Args:
        kept: times, pieces, ids and exactness by text; changed.
        found: times, pieces and ids of what was met.
        forgot: whether something was forgotten before, so that what is new may not be.
    """
    for text, (times, pieces, ids) in found.items():
        before = kept.get(text)
        if before is None:
            kept[text] = (times, pieces, ids[:IDS], not forgot)
        else:
            kept[text] = (before[0] + times, before[1], before[2], before[3])
    if len(kept) <= 2 * MOST:
        return forgot
    order = sorted(kept.items(), key=lambda item: (-item[1][0], item[0]))
    kept.clear()
    kept.update(order[:MOST])
    return True


def largest(kept: Mapping[str, Entry], most: int) -> Iterable[tuple[str, Entry]]:
    """The most frequent, in order; equally frequent ones by their text."""
    return sorted(kept.items(), key=lambda item: (-item[1][0], item[0]))[:most]
