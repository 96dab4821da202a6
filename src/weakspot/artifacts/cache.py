"""Hashes of files, computed once per file, and writing that a reader never sees half-done."""

import hashlib
import json
import os
import tempfile
from pathlib import Path

from weakspot.artifacts.bundled import cache_folder

CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def fingerprint(path: Path) -> str:
    """The sha256 of a file, remembered by its path, size and time of change, so that 250 MB are hashed once."""
    stat = path.stat()
    key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
    memo = cache_folder() / "fingerprints" / (hashlib.sha256(key.encode()).hexdigest()[:32] + ".json")
    try:
        known = json.loads(memo.read_text("utf-8"))
        if known["key"] == key:
            return str(known["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no memo, or a damaged one: it is only a memo
    found = sha256_of(path)
    try:
        memo.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(memo, json.dumps({"key": key, "sha256": found}).encode())
    except OSError:
        pass  # a read-only cache costs time, not the run
    return found


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
