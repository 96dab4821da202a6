"""Inspect's `.eval` logs: a zip of `header.json` and one JSON file for each sample and epoch, one in memory at a time.

A run that was cut off has no `header.json` but `_journal/start.json`; its samples are taken as they are. Newer
versions of Inspect pack members as Zstandard (zip method 93), which Python's own zipfile knows from 3.14 on.
"""

import copy
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from weakspot.errors import ImportFailed
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.inspect_log import from_log
from weakspot.exchange.reading import DAMAGED, MAX_FILE, MAX_RATIO, Archive, shown
from weakspot.records import Imported

MOST_MEMBERS = 200_000
MOST_UNPACKED = 16 << 30
"""Bytes that all members may declare: samples carry their events, some 200 kB each, and only one is held at a time."""
ZSTD = 93
WINDOW = 128 << 20
"""The most memory that a Zstandard frame may ask for; Inspect's ask for 8 MiB."""
HEAVY = ("events", "attachments", "store", "events_data", "timelines")
"""Parts of a sample that no record is made of, dropped as soon as the sample is read."""


def _matches(seen: Sighting) -> bool:
    named = b"header.json" in seen.head or b"_journal/start.json" in seen.head or b"samples/" in seen.head
    return seen.head.startswith(b"PK") and (seen.suffix == ".eval" or named)


def read_eval(path: Path, asked: Asked) -> Imported:
    """An `.eval` file."""
    archive = _Packed(path)
    try:
        header = archive.json("header.json") if "header.json" in archive.names else _unfinished(archive, path)
        if not isinstance(header, dict):
            raise ImportFailed(f"The header of {shown(path)} is no JSON object.", hint=DAMAGED)
        return from_log(header | {"samples": list(_samples(archive))}, path, asked)
    finally:
        archive.close()


def _unfinished(archive: "_Packed", path: Path) -> dict[str, Any]:
    """What a run that was cut off says of itself."""
    if "_journal/start.json" not in archive.names:
        raise ImportFailed(
            f"{shown(path)} is a zip, but no log of Inspect: it has neither header.json nor _journal/start.json.",
            hint="`inspect eval` writes .eval files.",
        )
    start = archive.json("_journal/start.json")
    return start | {"status": "started"} if isinstance(start, dict) else {}


def _samples(archive: "_Packed") -> Iterator[dict[str, Any]]:
    for name in archive.names:
        if name.startswith("samples/") and name.endswith(".json"):
            sample = archive.json(name)
            if not isinstance(sample, dict):
                raise ImportFailed(f"{shown(name)} is no JSON object.", hint=DAMAGED)
            yield {key: value for key, value in sample.items() if key not in HEAVY}


class _Packed(Archive):
    """A zip whose members may be packed as Zstandard too, with limits on how many there are and what they declare."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, MOST_UNPACKED)
        members = self._zip.infolist()
        declared = sum(member.file_size for member in members)
        packed = sum(member.compress_size for member in members)
        reason = ""
        if len(members) > MOST_MEMBERS:
            reason = f"has {len(members):,} members"
        elif declared > MOST_UNPACKED:
            reason = f"says that it unpacks to {declared >> 30:,} GiB"
        elif len({member.header_offset for member in members}) < len(members):
            reason = "has members that share their bytes"
        elif packed > path.stat().st_size:
            reason = "has members that overlap"
        elif len(set(self.names)) < len(self.names):
            reason = "holds a name twice"
        if reason:
            self.close()
            raise ImportFailed(f"{shown(path)} {reason}: a zip bomb, or damaged.", hint="Don't unpack this file.")

    def read(self, name: str) -> bytes:
        """A member's bytes, as `Archive.read`."""
        try:
            member = self._zip.getinfo(name)
        except KeyError:
            return super().read(name)
        return self._zstd(member) if member.compress_type == ZSTD else super().read(name)

    def _zstd(self, member: zipfile.ZipInfo) -> bytes:
        where = f"{shown(member.filename)} in {shown(self._path)}"
        if member.compress_size > MAX_FILE:
            raise ImportFailed(f"{where} is larger than {MAX_FILE >> 20} MiB.", hint="No log has such a sample.")
        raw = copy.copy(member)  # read as if it were stored, so that zipfile gives the packed bytes
        raw.compress_type, raw.file_size = zipfile.ZIP_STORED, member.compress_size
        del raw.CRC  # it is that of the unpacked bytes, and is checked below
        most = min(MAX_FILE, self._left, MAX_RATIO * member.compress_size + (1 << 20))
        try:
            with self._zip.open(raw) as file:
                packed = file.read()
            opened = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(
                io.BytesIO(packed), read_across_frames=True
            )
            data = opened.read(most + 1)
        except (zstandard.ZstdError, zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError) as error:
            raise ImportFailed(f"{where} can't be read: {error}.", hint=DAMAGED) from None
        if len(data) > most:
            raise ImportFailed(f"{where} unpacks to far more than its size: a zip bomb.", hint="Don't unpack this.")
        if len(data) != member.file_size or zlib.crc32(data) != member.CRC:
            raise ImportFailed(f"{where} can't be read: its check sum is another.", hint=DAMAGED)
        self._left -= len(data)
        return data


IMPORTER = Importer(title="Inspect's .eval log", matches=_matches, read=read_eval)
