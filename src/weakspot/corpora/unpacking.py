"""A file's bytes in pieces of bounded size, unpacked where it is packed; damage is told and what was read is kept."""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from weakspot.errors import MissingExtra

CHUNK = 1 << 18
"""Bytes of a piece: a packed bomb costs no more memory than this."""

PACKED_STEP = 1 << 14
"""Bytes of .zst that are unpacked at once; the format may blow them up, a block of 128 KiB from a few bytes."""

PACKED = (".gz", ".zst")
Tell = Callable[[str], None]


def pieces(path: Path, packed: str, tell: Tell, read: Callable[[int], None] = lambda _: None) -> Iterator[bytes]:
    """The unpacked bytes in order, at most `CHUNK` at a time.

    Args:
        path: the file.
        packed: `.gz`, `.zst`, or empty.
        tell: hears in one sentence of damage; the pieces then end.
        read: hears how many bytes of the file itself have been read so far.

    Raises:
        MissingExtra: the package that unpacks .zst is missing.
    """
    if packed == ".gz":
        return _gz(path, tell, read)
    return _zst(path, tell, read) if packed == ".zst" else _plain(path, tell, read)


def head_of(path: Path, size: int) -> bytes:
    """The first bytes, unpacked.

    Raises:
        OSError: the file can't be read.
    """
    with path.open("rb") as file:
        if path.suffix not in PACKED:
            return file.read(size)
    return next(pieces(path, path.suffix, lambda _: None), b"")[:size]


def _plain(path: Path, tell: Tell, read: Callable[[int], None]) -> Iterator[bytes]:
    done = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                done += len(chunk)
                yield chunk
                read(done)
    except OSError as error:
        tell(f"The file could not be read further than byte {done:,}: {error.strerror}.")


def _gz(path: Path, tell: Tell, read: Callable[[int], None]) -> Iterator[bytes]:
    engine = zlib.decompressobj(31)
    fresh, done = True, 0
    for raw in _plain(path, tell, read):
        left = raw
        while left:
            if engine.eof:  # another member, or padding behind the last one
                if not (left := left.lstrip(b"\0")):
                    break
                engine, fresh = zlib.decompressobj(31), True
            before = engine.copy()
            try:
                out = engine.decompress(left, CHUNK)
            except zlib.error as error:
                rescued = _rescued(before, left)
                yield from rescued
                done += sum(map(len, rescued))
                tell(_damage("gzip", done, str(error)))
                return
            left = engine.unused_data if engine.eof else engine.unconsumed_tail
            fresh = False
            done += len(out)
            if out:
                yield out
    if not engine.eof and not fresh:
        tell(_damage("gzip", done, "the file ends too early"))


def _rescued(engine: Any, data: bytes) -> list[bytes]:
    """What can be unpacked before the damage: the library gives nothing of the call in which it met it."""
    found = []
    step = max(1, len(data) // 256)
    while step:
        at = 0
        while at < len(data):
            before = engine.copy()
            try:
                out = engine.decompress(data[at : at + step])
            except zlib.error:
                engine, data = before, data[at : at + step]
                break
            found.append(out)
            at += step
        else:
            return found
        step = 0 if step == 1 else max(1, step // 256)
    return found


def _zst(path: Path, tell: Tell, read: Callable[[int], None]) -> Iterator[bytes]:
    try:
        import zstandard  # only where a file is packed so
    except ImportError:
        raise MissingExtra(f"{path.name} needs the package zstandard.", hint='pip install "weakspot[corpus]"') from None
    engine = zstandard.ZstdDecompressor().decompressobj()
    fresh, done = True, 0
    for raw in _plain(path, tell, read):
        for at in range(0, len(raw), PACKED_STEP):
            left = raw[at : at + PACKED_STEP]
            while left:
                if engine.eof:
                    engine = zstandard.ZstdDecompressor().decompressobj()
                try:
                    out = engine.decompress(left)
                except zstandard.ZstdError as error:
                    tell(_damage("zstd", done, str(error).removeprefix("zstd decompress error: ")))
                    return
                left = engine.unused_data if engine.eof else b""
                fresh = False
                done += len(out)
                if out:
                    yield out
    if not engine.eof and not fresh:
        tell(_damage("zstd", done, "the file ends too early"))


def _damage(kind: str, done: int, reason: str) -> str:
    reason = reason.rsplit(": ", 1)[-1]
    return f"The {kind} data is damaged behind {done:,} unpacked bytes ({reason}); what came before was read."
