"""Candidates in order, with the groups that no test could tell apart.

It knows names and which pairs are shown to differ. "Not told apart" is not transitive: a may stand with b, b with c,
and a be shown better than c; so a candidate can belong to several groups.
"""

from collections.abc import Collection, Sequence


def groups_not_told_apart(ordered: Sequence[str], shown: Collection[frozenset[str]]) -> list[tuple[str, ...]]:
    """The largest sets of candidates among which no pair is shown to differ.

    The insert-and-absorb algorithm of the compact letter display (Piepho 2004, Journal of Computational and Graphical
    Statistics 13, 456-466): every pair that is not shown shares a group, no pair that is shown does.

    Args:
        ordered: all candidates, best first; groups and their members come out in this order.
        shown: pairs that are shown to differ.

    Returns:
        The groups; each candidate is in at least one.

    Raises:
        ValueError: a pair is not of two of these candidates.
    """
    everyone = frozenset(ordered)
    groups = [everyone]
    for pair in shown:
        if len(pair) != 2 or not pair <= everyone:
            raise ValueError("A pair is of two of the candidates that are ranked.")
        split: list[frozenset[str]] = []
        for group in groups:
            split += [group - {name} for name in pair] if pair <= group else [group]
        groups = _absorbed(split)
    place = {name: number for number, name in enumerate(ordered)}
    members = [tuple(sorted(group, key=place.__getitem__)) for group in groups if group]
    return sorted(members, key=lambda group: [place[name] for name in group])


def _absorbed(groups: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Without the groups that lie inside another."""
    distinct = list(dict.fromkeys(groups))
    return [group for group in distinct if not any(group < other for other in distinct)]
