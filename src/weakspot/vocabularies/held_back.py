"""Which documents train and which are held back to measure: by a hash of the text, so that no copy is on both sides.

Copies that differ in case, white space or numbers count as one text: a licence with another year must not be learned
from on one side and measured on the other. What differs by more than that is another document.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator

from weakspot.tokens.text import without_surrogates

Texts = Callable[[], Iterable[str]]
"""A corpus that can be read more than once, document by document."""

_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"\d+")


def fold(text: str) -> bytes:
    """16 bytes that are the same for texts which differ only in case, white space or numbers."""
    folded = _NUMBER.sub("0", _SPACE.sub(" ", text.casefold()).strip())
    return hashlib.blake2b(without_surrogates(folded).encode(), digest_size=16).digest()


def is_held_back(text: str, share: float) -> bool:
    """Whether a document belongs to the held-back part; the same text is always on the same side."""
    return int.from_bytes(fold(text)[:8], "big") < share * 2**64


def training_part(texts: Texts, share: float) -> Iterator[str]:
    """The documents to train on, in the corpus's order, copies included: how often a text occurs is a fact of it."""
    for text in texts():
        if text.strip() and not is_held_back(text, share):
            yield without_surrogates(text)


def held_back_part(texts: Texts, share: float, most_bytes: int) -> list[str]:
    """The documents to measure on, each once, spread over the whole corpus, up to a number of bytes.

    Which of them are taken where there are more than that is settled by their hash: not the first ones in a file.
    """
    return sample((text for text in texts() if text.strip() and is_held_back(text, share)), most_bytes)


def sample(texts: Iterable[str], most_bytes: int) -> list[str]:
    """Documents, each once, up to a number of bytes in all: those with the smallest hash, in the order of the hash.

    Memory stays within twice `most_bytes` and the longest document.
    """
    kept: dict[bytes, str] = {}
    size = 0
    for text in texts:
        key = fold(text)
        if not text.strip() or key in kept:
            continue
        kept[key] = without_surrogates(text)
        size += len(kept[key].encode())
        if size > 2 * most_bytes:
            kept = _smallest(kept, most_bytes)
            size = sum(len(one.encode()) for one in kept.values())
    return list(_smallest(kept, most_bytes).values())


def _smallest(kept: dict[bytes, str], most_bytes: int) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    room = most_bytes
    for key in sorted(kept):
        room -= len(kept[key].encode())
        if room < 0 and found:
            break
        found[key] = kept[key]
    return found
