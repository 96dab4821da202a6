"""The reply cache: replies of local models by request hash, so that a near-duplicate run costs little.

Only replies whose weights are known by hash are kept: behind an endpoint the model can change unseen. The cache is
never a reason to fail: a damaged or unwritable one is left aside.
"""

import hashlib
import sqlite3
from pathlib import Path

import msgspec

from weakspot.records import Provenance, Reply, Request, from_json, to_json


def request_hash(request: Request, provenance: Provenance) -> str:
    """The sha256 over all that decides a reply: the request, and everything that produces the reply."""
    return hashlib.sha256(to_json(request) + b"\0" + to_json(provenance)).hexdigest()


class ReplyCache:
    """Replies by request hash, in one SQLite file shared between processes."""

    def __init__(self, path: Path) -> None:
        self._db: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS replies (hash TEXT PRIMARY KEY, json BLOB NOT NULL) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error):
            self.close()

    def get(self, key: str) -> Reply | None:
        """The reply, marked as cached, or None."""
        if self._db is None:
            return None
        try:
            row = self._db.execute("SELECT json FROM replies WHERE hash = ?", (key,)).fetchone()
            return None if row is None else msgspec.structs.replace(from_json(row[0], Reply), cached=True)
        except (sqlite3.Error, msgspec.MsgspecError):
            return None

    def put(self, key: str, reply: Reply) -> None:
        """Keep a reply; a failure to do so is no failure."""
        if self._db is not None:
            try:
                self._db.execute("INSERT OR IGNORE INTO replies VALUES (?, ?)", (key, to_json(reply)))
            except sqlite3.Error:
                self.close()

    def close(self) -> None:
        """Close the file; gets and puts do nothing from then on."""
        if self._db is not None:
            self._db.close()
            self._db = None
