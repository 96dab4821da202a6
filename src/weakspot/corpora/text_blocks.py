"""Documents out of plain text: a whole file, or blocks of it that end where a paragraph or a line ends."""

from collections.abc import Callable, Iterator

from weakspot.corpora.documents import LONGEST, Parts, Row
from weakspot.corpora.files import Found
from weakspot.corpora.unpacking import pieces

UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def text_rows(found: Found, block: int, parts: Parts, read: Callable[[int], None]) -> Iterator[Row]:
    """The blocks of a text file, none longer than 1 MiB."""
    offset = 0
    for data, last in _blocks(pieces(found.path, found.packed, parts.tell, read), block, parts):
        if offset == 0 and data[:2] in UTF_16:
            parts.tell("The file begins like UTF-16, which is not read; bring it to UTF-8 first.")
        yield Row(parts.text(data, offset), goes_on=not last)
        offset += len(data)


def _blocks(flow: Iterator[bytes], block: int, parts: Parts) -> Iterator[tuple[bytes, bool]]:
    """The blocks in order, and whether each is the last."""
    held = b""
    for piece in flow:
        held = held + piece if held else piece
        at = 0
        while len(held) - at > block and (end := _cut(held, at, block)):
            if end - at >= LONGEST - 3 and held[end - 1 : end] != b"\n":
                parts.tell(f"A line of more than {LONGEST:,} bytes was cut inside.")
            yield held[at:end], False
            at = end
        held = held[at:]
    if held:
        yield held, True


def _cut(held: bytes, at: int, block: int) -> int:
    """Where the block that begins at a place ends; 0: more bytes are needed to say."""
    full = at + block
    if (end := held.rfind(b"\n\n", at + block // 2, full)) >= 0:
        return end + 2
    if (end := held.rfind(b"\n", at, full)) >= 0:
        return end + 1
    if (end := held.find(b"\n", full, at + LONGEST)) >= 0:
        return end + 1
    if len(held) - at <= LONGEST:
        return 0
    end = at + LONGEST
    for back in range(4):
        if held[end - back] & 0xC0 != 0x80:
            return end - back
    return end  # no UTF-8 at all
