"""Detectors over tokens: special ones that text became, characters cut between tokens, texts that look like tokens."""

import re
from collections.abc import Iterator

import numpy as np

from weakspot.findings.document import Document, code_points, quoted, said
from weakspot.records import TokenFinding

MARK = "\u2581"
BYTE_TEXT = re.compile(r"<0x[0-9A-Fa-f]{2}>")
SPACE_LETTERS = re.compile("[\u0120\u010a]")
"""Letters that byte-level vocabularies write for a space and for a line break."""


def find_special(document: Document) -> Iterator[TokenFinding]:
    """Text that became a token which steers the model, and whether the library's own protection would stop it."""
    places = document.profile.has(document.profile.steering, document.ids)
    places = places[document.ends[places] > document.starts[places]]
    places = np.asarray([place for place in places.tolist() if _spelt(document, place)], np.int64)
    if not len(places):
        return
    protected = set(document.tokenizer.ids(document.text, parse_special=False))
    for place in places.tolist():
        token = document.token(place)
        stops = token.id not in protected
        severity = 3 if token.kind == "unused" else (4 if stops else 5)
        how = "parse_special=False stops it" if stops else "even the library's own protection lets it in"
        span = (int(document.starts[place]), int(document.ends[place]))
        message = f"The text spells {quoted(token.text)} and becomes id {token.id}, which steers the model; {how}."
        bare = document.finding("special-token", span, severity, "pre-tokenizer", message)
        yield said(bare, token=token.text, id=token.id, kind=token.kind, special=token.special, protected=stops)


def _spelt(document: Document, place: int) -> bool:
    """An unknown token steers only where the text spells it; else it is a loss."""
    token = document.token(place)
    return token.kind != "unknown" or document.stretch(place).strip() == token.text


def find_split_characters(document: Document) -> Iterator[TokenFinding]:
    """Characters whose bytes lie in several tokens: byte fallback, or a byte-level vocabulary without the character.

    Neighbouring characters are one finding.
    """
    size = len(document.raw)
    inner = document.starts[(document.starts > 0) & (document.starts < size)]
    cuts = inner[(document.raw[inner] & 0xC0) == 0x80]
    shared = document.starts[1:][document.starts[1:] < document.ends[:-1]]
    shared = shared[document.raw[shared] > 0x7F]  # a letter of ASCII is one byte: a normalizer put something beside it
    alone = document.profile.has(document.profile.byte, document.ids)
    low = np.concatenate([cuts, shared, document.starts[alone]])
    if not len(low):
        return
    for start, end in _characters(document, np.unique(low)):
        yield _split(document, start, end)


def _characters(document: Document, inside: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> list[tuple[int, int]]:
    """Whole characters around the given bytes, neighbours joined."""
    found: list[tuple[int, int]] = []
    for place in inside.tolist():
        start, end = place, place + 1
        while start > 0 and document.data[start] & 0xC0 == 0x80:
            start -= 1
        while end < len(document.data) and document.data[end] & 0xC0 == 0x80:
            end += 1
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _split(document: Document, start: int, end: int) -> TokenFinding:
    text = document.at(start, end)
    tokens = document.tokens_in(start, end)
    ids = [int(document.ids[place]) for place in tokens]
    fallback = sum(document.tokenizer.vocabulary[token].kind == "byte" for token in ids)
    per_character = len(ids) / max(len(text), 1)
    severity = 1 if text.isascii() else (3 if per_character >= 3 else 2)
    if fallback:
        code, said_so = (
            "byte-fallback",
            f"{quoted(text)} has no token of its own and became {fallback} byte token{'s' * (fallback > 1)}",
        )
    else:
        code, said_so = "split-character", f"{quoted(text)} is cut inside its characters, into {len(ids)} tokens"
    bare = document.finding(code, (start, end), severity, "model", f"{said_so}.")
    return said(bare, characters=len(text), tokens=len(ids), ids=ids[:50], code_points=code_points(text))


def find_literals(document: Document) -> Iterator[TokenFinding]:
    """Text that looks like the way in which vocabularies are written: U+2581, byte letters, <0x0A>."""
    text = document.text
    if "<0x" in text:
        for match in BYTE_TEXT.finditer(text):
            yield from _literal_byte(document, *match.span())
    if text.isascii():
        return
    if MARK in text and document.profile.writes_spaces_as_marks:
        for match in re.finditer(f"{MARK}+", text):
            span = document.positions[match.start()], document.positions[match.end()]
            message = f"{quoted(match[0])} is how this vocabulary writes a space: the model sees a space."
            yield document.finding("literal-space-mark", span, 3, document.profile.mark_stage, message)
    if document.profile.writes_byte_letters:
        for match in SPACE_LETTERS.finditer(text):
            span = document.positions[match.start()], document.positions[match.end()]
            message = (
                f"{quoted(match[0])} looks like this vocabulary's letter for white space; it is encoded as itself."
            )
            yield document.finding("literal-byte-letter", span, 1, "vocabulary", message)


def _literal_byte(document: Document, first: int, last: int) -> Iterator[TokenFinding]:
    start, end = document.positions[first], document.positions[last]
    text = document.text[first:last]
    if document.tokenizer.vocabulary.id_of(text) is None:
        return
    tokens = document.tokens_in(start, end)
    became = any(document.token(place).text == text for place in tokens)
    if became:
        message = f"{quoted(text)} spells a byte token and became it: the model sees the byte, not the text."
    else:
        message = f"{quoted(text)} looks like a byte token of this vocabulary, but is encoded as plain text."
    yield document.finding("literal-byte-token", (start, end), 4 if became else 1, "model", message)
