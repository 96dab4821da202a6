"""One text under one tokenizer: pieces, the decoded text, and everything that is worth knowing about it."""

import re
from collections.abc import Iterable

from weakspot.findings.anomalies import find_anomalies
from weakspot.findings.document import Document, few, said
from weakspot.findings.losses import find_losses
from weakspot.records import TokenFinding, TokenView
from weakspot.tokens.face import Encoded, Tokenizer
from weakspot.tokens.known import known_as
from weakspot.tokens.text import without_surrogates

SURROGATES = re.compile("(?P<byte>[\udc80-\udcff]+)|(?P<lone>[\ud800-\udfff])")
TRUNCATES = re.compile(r"cuts every text to (\d+) ids")
"""How a loader says that the file would have cut the text."""


def view_text(
    tokenizer: Tokenizer, text: str, *, parse_special: bool | None = None, add_special: bool = False
) -> TokenView:
    """A text under a tokenizer.

    Args:
        tokenizer: the tokenizer.
        text: any string; a lone surrogate is read as U+FFFD, and told.
        parse_special: whether text that spells a special token becomes its id; None: as the library does by default.
        add_special: add what the post-processor puts around a single text, as pieces that stand for nothing.
    """
    clean = without_surrogates(text)
    encoded = tokenizer.encode(clean, parse_special=parse_special)
    decoded = tokenizer.decode(encoded.ids)
    document = Document(tokenizer, clean, encoded)
    broken = broken_input(document, text)
    found = [
        *broken,
        *cut_short(document),
        *find_losses(tokenizer, clean, encoded, decoded),
        *(f for f in find_anomalies(tokenizer, clean, encoded) if not broken or f.code != "replacement-character"),
    ]
    shown = _framed(tokenizer, encoded, len(document.data)) if add_special else encoded
    return TokenView(
        tokenizer=tokenizer.name,
        fingerprint=tokenizer.fingerprint,
        text=clean,
        ids=tuple(shown.ids),
        pieces=tokenizer.pieces(shown),
        decoded=without_surrogates(tokenizer.decode(shown.ids) if add_special else decoded),
        lossless=decoded == text,
        findings=in_order(found),
        format=tokenizer.format,
        engine=f"{tokenizer.engine.library} {tokenizer.engine.version}",
        known_as=known_as(tokenizer.fingerprint),
        pipeline=tokenizer.pipeline._asdict(),
        remarks=tokenizer.remarks,
    )


def in_order(found: Iterable[TokenFinding]) -> tuple[TokenFinding, ...]:
    """In the order of the text; what two detectors say of one stretch is said once."""
    once = {(finding.code, finding.start, finding.end): finding for finding in reversed(list(found))}
    return tuple(sorted(once.values(), key=lambda finding: (finding.start, finding.end, -finding.severity)))


def _framed(tokenizer: Tokenizer, encoded: Encoded, size: int) -> Encoded:
    """With the ids that the post-processor adds; they stand for nothing, at the text's beginning and end."""
    ids = tokenizer.engine.frame(encoded.ids)
    added = len(ids) - len(encoded.ids)
    before = next((n for n in range(added + 1) if ids[n : n + len(encoded.ids)] == encoded.ids), 0)
    after = added - before
    return Encoded(ids, [0] * before + encoded.starts + [size] * after, [0] * before + encoded.ends + [size] * after)


def broken_input(document: Document, text: str) -> list[TokenFinding]:
    """What of the input was no text: lone surrogates, and bytes that were no UTF-8 (brought in by surrogateescape)."""
    if text == document.text:
        return []
    found = []
    for match in SURROGATES.finditer(text):
        span = document.positions[match.start()], document.positions[match.end()]
        if match["byte"]:
            data = bytes(ord(character) - 0xDC00 for character in match[0])
            many = "1 byte of the input is" if len(data) == 1 else f"{len(data):,} bytes of the input are"
            message = f"{many} no UTF-8 ({data[:8].hex(' ')}), read as U+FFFD."
            bare = document.finding("invalid-utf8", span, 4, "input", message)
            found.append(said(bare, bytes=data[:100].hex(), count=len(data)))
        else:
            message = f"U+{ord(match[0]):04X} is a lone surrogate, which UTF-8 can't write; it is read as U+FFFD."
            found.append(document.finding("lone-surrogate", span, 4, "input", message))
    return list(few(found))


def cut_short(document: Document) -> list[TokenFinding]:
    """Whether the file, as it was shipped, would have cut this text."""
    for remark in document.tokenizer.remarks:
        if (match := TRUNCATES.search(remark)) is None or len(document.encoded.ids) <= (most := int(match[1])):
            continue
        start = document.encoded.starts[most]
        have = len(document.encoded.ids)
        message = f"The file as shipped cuts every text to {most:,} ids; that was undone, and {have:,} are shown."
        bare = document.finding("truncation", (start, len(document.data)), 4, "truncation", message)
        return [said(bare, longest=most, ids=have)]
    return []
