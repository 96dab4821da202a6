"""Which stretches of a text another text changed: the shortest edit script, in linear time on long texts.

Characters, not bytes. It knows no tokenizer.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]
_WHITE = np.asarray([point for point in range(0x3001) if chr(point).isspace()], np.int64)

WINDOW = 32_768
"""Longer texts are compared a window at a time; a window costs 60 ms at most, since the script is quadratic in it."""

KEPT = 0.75
"""The share of a window whose script is taken before the next window begins: its end may be cut at the wrong place."""


class Change(NamedTuple):
    """Characters `start` to `end` of the old text became `new_start` to `new_end` of the new one."""

    start: int
    end: int
    new_start: int
    new_end: int


def changes(old: str, new: str) -> list[Change]:
    """What was changed, in order; neighbouring changes are one, and equal texts give none.

    Both texts are aligned by the shortest edit script of their plain forms (NFKD, lower case, no marks), white space
    last, so that a letter stands against what became of it; every stretch between two aligned letters that differs is
    a change.
    """
    if old == new:
        return []
    found: list[Change] = []
    for change in _differing(old, new):
        joins = found and (found[-1].end, found[-1].new_end) == (change.start, change.new_start)
        if joins and found[-1].start < change.start < change.end and _alike(old, change.start):
            found[-1] = found[-1]._replace(end=change.end, new_end=change.new_end)
        else:
            found.append(change)
    return found


def _alike(old: str, at: int) -> bool:
    """Whether both characters at a place are white space, or neither is: what was lost of the two is told apart."""
    return old[at - 1].isspace() == old[at].isspace()


def _differing(old: str, new: str) -> Iterator[Change]:
    (plain_old, from_old), (plain_new, from_new) = _plain(old), _plain(new)
    i, j = _aligned(plain_old, plain_new)
    first = _begins(from_old, i) & _begins(from_new, j) if len(i) else i.astype(bool)
    p = np.concatenate(([0], from_old[i][first], [len(old)]))
    q = np.concatenate(([0], from_new[j][first], [len(new)]))
    points_old, points_new = _points(old), _points(new)
    single = (np.diff(p) == 1) & (np.diff(q) == 1)
    same = single.copy()
    same[single] = points_old[p[:-1][single]] == points_new[q[:-1][single]]
    for at in np.flatnonzero(~same).tolist():
        yield from _trimmed(old, new, Change(int(p[at]), int(p[at + 1]), int(q[at]), int(q[at + 1])))


def _begins(origin: Places, at: Places) -> npt.NDArray[np.bool_]:
    """Whether a place is the first of those that come from one character."""
    before = origin[np.maximum(at - 1, 0)]
    found: npt.NDArray[np.bool_] = (at == 0) | (before != origin[at])
    return found


def _trimmed(old: str, new: str, change: Change) -> Iterator[Change]:
    """The change without what is equal at its ends, and with white space behind what was rewritten apart from it."""
    start, end, low, high = change
    while start < end and low < high and old[start] == new[low]:
        start, low = start + 1, low + 1
    while start < end and low < high and old[end - 1] == new[high - 1]:
        end, high = end - 1, high - 1
    if start == end and low == high:
        return
    body, new_body = len(old[start:end].rstrip()), len(new[low:high].rstrip())
    if body and new_body and (body < end - start or new_body < high - low):
        yield Change(start, start + body, low, low + new_body)
        yield Change(start + body, end, low + new_body, high)
    else:
        yield Change(start, end, low, high)


def _points(text: str) -> Places:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)


def _plain(text: str) -> tuple[str, Places]:
    """The plain form, and the character that each of its characters comes from."""
    if text.isascii():
        return text.lower(), np.arange(len(text))
    parts = [_plain_character(character) for character in text]
    sizes = np.fromiter(map(len, parts), np.int64, len(parts))
    return "".join(parts), np.repeat(np.arange(len(text)), sizes)


@lru_cache(maxsize=16_384)
def _plain_character(character: str) -> str:
    forms = unicodedata.normalize("NFKD", character).lower()
    return "".join(c for c in forms if unicodedata.category(c) != "Mn")


def _aligned(old: str, new: str) -> tuple[Places, Places]:
    """Places of the characters that stay: first all but white space, then white space that is the same between them.

    A script over everything would now and then take a letter for lost to save a space.
    """
    solid_old, solid_new = _solid(old), _solid(new)
    a, b = _scripted("".join(old.split()), "".join(new.split()))
    return _with_spaces(old, new, solid_old[a], solid_new[b])


def _solid(text: str) -> Places:
    """Places of all characters but white space."""
    return np.flatnonzero(~np.isin(_points(text), _WHITE))


def _with_spaces(old: str, new: str, i: Places, j: Places) -> tuple[Places, Places]:
    """The aligned places, and of the stretches between two of them what is equal at their ends."""
    points_old, points_new = _points(old), _points(new)
    starts_old, starts_new = np.concatenate(([0], i + 1)), np.concatenate(([0], j + 1))
    sizes_old = np.concatenate((i, [len(old)])) - starts_old
    sizes_new = np.concatenate((j, [len(new)])) - starts_new
    both = np.minimum(sizes_old, sizes_new)
    single = (sizes_old == 1) & (sizes_new == 1)
    at_old, at_new = starts_old[single], starts_new[single]
    kept = points_old[at_old] == points_new[at_new]
    left, right = [i, at_old[kept]], [j, at_new[kept]]
    for place in np.flatnonzero((both > 0) & ~single).tolist():
        a, b, most = int(starts_old[place]), int(starts_new[place]), int(both[place])
        end_a, end_b = a + int(sizes_old[place]), b + int(sizes_new[place])
        front = _same(points_old[a : a + most], points_new[b : b + most])
        back = _same(points_old[end_a - most + front : end_a][::-1], points_new[end_b - most + front : end_b][::-1])
        left += [np.arange(a, a + front), np.arange(end_a - back, end_a)]
        right += [np.arange(b, b + front), np.arange(end_b - back, end_b)]
    return np.sort(np.concatenate(left)), np.sort(np.concatenate(right))


def _same(one: Places, other: Places) -> int:
    """How many of the first places of two rows of one length are equal."""
    differ = np.flatnonzero(one != other)
    return int(differ[0]) if len(differ) else len(one)


def _scripted(old: str, new: str) -> tuple[Places, Places]:
    """Places of the characters that the shortest edit script leaves as they are."""
    left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    a = b = 0
    for change in [*_edits(old, new), Change(len(old), len(old), len(new), len(new))]:
        left.append(np.arange(a, change.start))
        right.append(np.arange(b, change.new_start))
        a, b = change.end, change.new_end
    return np.concatenate(left), np.concatenate(right)


def _edits(old: str, new: str) -> Iterator[Change]:
    a = b = 0
    while a < len(old) or b < len(new):
        if old[a : a + WINDOW] == new[b : b + WINDOW]:
            a, b = min(len(old), a + WINDOW), min(len(new), b + WINDOW)
            continue
        last = len(old) - a <= WINDOW and len(new) - b <= WINDOW
        if not last and (jump := _long_cut(old, new, a, b)) is not None:
            yield jump
            a, b = jump.end, jump.new_end
            continue
        ahead, next_a, next_b = _window(old[a : a + WINDOW], new[b : b + WINDOW], last=last)
        yield from (Change(c.start + a, c.end + a, c.new_start + b, c.new_end + b) for c in ahead)
        a, b = a + next_a, b + next_b


def _long_cut(old: str, new: str, a: int, b: int) -> Change | None:
    """One side is at its end, or begins a run of one character that is longer than a window and the other's is not."""
    if a == len(old) or b == len(new):
        return Change(a, len(old), b, len(new))
    run_a, run_b = _run(old, a), _run(new, b)
    if max(run_a, run_b) <= WINDOW // 4 or run_a == run_b:
        return None
    if old[a] == new[b]:
        same = min(run_a, run_b)
        return Change(a + same, a + run_a, b + same, b + run_b)
    return Change(a, a + run_a, b, b) if run_a > run_b else Change(a, a, b, b + run_b)


def _run(text: str, at: int) -> int:
    """How many times the character at a place stands there in a row."""
    character = text[at]
    step, end = 1, at
    while text.startswith(character * step, end):
        end += step
        step *= 2
    while step := step // 2:
        if text.startswith(character * step, end):
            end += step
    return end - at


def _window(old: str, new: str, *, last: bool) -> tuple[list[Change], int, int]:
    from rapidfuzz.distance import Levenshtein  # 30 ms: only a text that changed needs it

    script = Levenshtein.opcodes(old, new)
    found: list[Change] = []
    limit = len(old) if last else int(len(old) * KEPT)
    for edit in script:
        tag, start, end, new_start, new_end = edit.tag, edit.src_start, edit.src_end, edit.dest_start, edit.dest_end
        if not last and start >= limit and tag == "equal":
            return found, start, new_start
        if tag != "equal":
            found.append(Change(start, end, new_start, new_end))
        elif not last and end > limit:
            return found, end, new_end
    return found, len(old), len(new)
