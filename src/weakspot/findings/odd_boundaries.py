"""The end of a prompt: do the ids of its last word stay the same when the model goes on?

A prompt ends in some token; if the text and its continuation together were cut otherwise, the model has to go on from
ids that it hardly saw in training.
"""

import re
from collections.abc import Iterator

from weakspot.findings.document import Document, quoted, said
from weakspot.records import TokenFinding

TAIL = 48
"""Characters at the end that are looked at, from the last white space before them on where there is one."""

AFTER_WORD = (" the", ".", "\n", "s")
AFTER_SPACE = ("the", "1", "T", "(")
AFTER_SIGN = (" the", "the", "1", "\n", '"', "}")
AFTER_CLOSING = (" the",)
CLOSING = frozenset(".!?,;)]}>\u2019\u201d\u3002")


def find_unstable_end(document: Document) -> Iterator[TokenFinding]:
    """Whether encode(a) + encode(b) differs from encode(a + b) for common continuations b.

    Severity 3 where the text ends in white space, 2 where it ends in another sign, 1 where a word could go on.
    """
    text = document.text
    if not text.strip():
        return
    tail, tries = ending_of(text)
    last = text[-1]
    partial = last.isalnum()
    ids = document.ids_of(tail)
    changed = [more for more in tries if document.ids_of(tail + more)[: len(ids)] != ids]
    if partial and not _worth_telling(document, changed):
        return
    if not changed:
        return
    start = len(document.data) - len(_ending(text).encode())
    severity = 3 if last.isspace() else 1 if partial else 2
    shown = ", ".join(map(quoted, changed))
    message = f"The text ends in {quoted(_ending(text))}, whose tokens change when it goes on with {shown}."
    bare = document.finding("unstable-end", (start, len(document.data)), severity, "model", message)
    yield said(bare, continuations=changed, ids=ids[-8:])


def ending_of(text: str) -> tuple[str, tuple[str, ...]]:
    """The end of a text that is looked at, and the continuations that are tried behind it."""
    last = text[-1]
    if last.isspace():
        return _tail(text), AFTER_SPACE
    if last.isalnum():
        return _tail(text), AFTER_WORD
    return _tail(text), AFTER_CLOSING if last in CLOSING else AFTER_SIGN


def _worth_telling(document: Document, changed: list[str]) -> bool:
    """A word that could take one more letter is told only where it is cut already, or where a sign changes it."""
    if set(changed) - {"s"}:
        return True
    word = _ending(document.text)
    end = len(document.data)
    return bool(changed) and len(document.tokens_in(end - len(word.encode()), end)) > 1


def _tail(text: str) -> str:
    if len(text) <= TAIL:
        return text
    cut = text[-TAIL:]
    found = re.search(r"(?<=\S)\s", cut[:-1])
    return cut[found.start() :] if found else cut


def _ending(text: str) -> str:
    """The white space, the word or the sign at the end."""
    kept = text.rstrip()
    if kept != text:
        return text[len(kept) :]
    match = re.search(r"\w+$", text[-TAIL:])
    return match[0] if match else text[-1]
