"""Cutting added tokens out of a text before the model sees it, as the `tokenizers` library does."""

import re
from collections.abc import Sequence
from typing import NamedTuple


class AddedToken(NamedTuple):
    """A token that is matched in the text as it stands, before the model.

    Attributes:
        id: its number.
        content: its text.
        special: whether the file flags it special.
        normalized: whether it is matched in the normalised text instead of the raw one.
        single_word: whether it only matches between characters that belong to no word.
        lstrip: whether it takes the white space before it.
        rstrip: whether it takes the white space behind it.
    """

    id: int
    content: str
    special: bool = False
    normalized: bool = False
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False


class Cut(NamedTuple):
    """A stretch of a text in characters; `token` is the added token's id, or None for text between."""

    start: int
    end: int
    token: int | None


class AddedMatcher:
    """Finds added tokens, leftmost first and the longest of those.

    Args:
        tokens: what to find; with empty contents left out.
    """

    def __init__(self, tokens: Sequence[AddedToken]) -> None:
        self._tokens = {token.content: token for token in tokens if token.content}
        longest_first = sorted(self._tokens, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def cut(self, text: str) -> list[Cut]:
        """The text in stretches, added tokens apart from what lies between; empty stretches are left out."""
        if self._pattern is None:
            return [Cut(0, len(text), None)] if text else []
        found: list[Cut] = []
        done = 0
        for match in self._pattern.finditer(text):
            token = self._tokens[match[0]]
            start, end = match.span()
            if start < done or (token.single_word and _inside_word(text, start, end)):
                continue
            while token.lstrip and start > done and text[start - 1].isspace():
                start -= 1
            while token.rstrip and end < len(text) and text[end].isspace():
                end += 1
            if start > done:
                found.append(Cut(done, start, None))
            found.append(Cut(start, end, token.id))
            done = end
        if done < len(text):
            found.append(Cut(done, len(text), None))
        return found


def _inside_word(text: str, start: int, end: int) -> bool:
    return bool((start and re.match(r"\w", text[start - 1])) or (end < len(text) and re.match(r"\w", text[end])))
