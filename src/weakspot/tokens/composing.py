"""NFC with a trail: which characters of the input each composed one comes from."""

import unicodedata
from collections.abc import Sequence
from functools import cache


def composed_with_origins(text: str) -> tuple[str, Sequence[int]]:
    """A text in NFC, and for each of its characters (and its end) the input character where its stretch begins.

    A stretch is what is composed on its own: from a character that nothing before it can change or join, up to the
    next. All composed characters of a changed stretch have its beginning; in one that NFC leaves alone each has its
    own place.

    Returns:
        The text, and positions of the shape (len(text) + 1,).
    """
    if unicodedata.is_normalized("NFC", text):
        return text, range(len(text) + 1)
    pieces: list[str] = []
    origins: list[int] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and _joins_the_one_before(text[end]):
            continue
        stretch = text[start:end]
        composed = unicodedata.normalize("NFC", stretch)
        origins += range(start, end) if composed == stretch else [start] * len(composed)
        pieces.append(composed)
        start = end
    origins.append(len(text))
    return "".join(pieces), origins


def _joins_the_one_before(character: str) -> bool:
    """Whether composition can move it or join it to what stands before it."""
    return character >= "\u0300" and (unicodedata.combining(character) != 0 or character in _second_parts())


@cache
def _second_parts() -> frozenset[str]:
    """Every character that is the second of a canonical pair, and what such a character decomposes to at first."""
    found = {chr(point) for point in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}  # Hangul vowels and finals
    for point in range(0xA0, 0x30000):
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            found.add(chr(int(parts[1], 16)))
    # A character whose own decomposition begins with one of these joins too.
    for point in range(0xA0, 0x30000):
        apart = unicodedata.normalize("NFD", chr(point))
        if apart != chr(point) and (apart[0] in found or unicodedata.combining(apart[0])):
            found.add(chr(point))
    return frozenset(found)
