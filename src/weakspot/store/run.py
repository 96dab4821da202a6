"""The run folder: one SQLite file in WAL mode, written by one process, readable by any number.

What is committed survives `kill -9`; a request whose record is not committed counts as still in flight. The store keeps
JSON by key and does not know what it means. A lock file keeps a second writer out; it is held by the process, not by
the file's existence, so a killed run leaves nothing to clean up.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from weakspot.errors import DiskFull, NotARun, RunInUse, RunSchemaMismatch, WeakspotError
from weakspot.records import SCHEMA_VERSION

FILE = "run.sqlite"
TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE probes (id TEXT PRIMARY KEY, position INTEGER NOT NULL, json BLOB NOT NULL);
CREATE TABLE responses (probe TEXT NOT NULL, candidate TEXT NOT NULL, final INTEGER NOT NULL, json BLOB NOT NULL,
                        PRIMARY KEY (probe, candidate));
CREATE TABLE scores (probe TEXT NOT NULL, candidate TEXT NOT NULL, json BLOB NOT NULL, PRIMARY KEY (probe, candidate));
CREATE TABLE pieces (candidate TEXT NOT NULL, id INTEGER NOT NULL, bytes BLOB NOT NULL, kind TEXT NOT NULL,
                     PRIMARY KEY (candidate, id)) WITHOUT ROWID;
"""
RATINGS = """
CREATE TABLE IF NOT EXISTS ratings (rater TEXT NOT NULL, probe TEXT NOT NULL, candidate TEXT NOT NULL,
                                    json BLOB NOT NULL, PRIMARY KEY (rater, probe, candidate))
"""
# made when the first rating comes, so that runs written before there were ratings stay readable


class RunStore:
    """One run on disk. Use `create` or `open`; it is a context manager.

    Raises from every method:
        DiskFull: no room; what was committed before is kept.
        NotARun: the file is damaged.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, lock: object | None) -> None:
        self.folder = folder
        self._db = connection
        self._lock = lock

    @classmethod
    def create(cls, folder: Path, meta: dict[str, bytes], probes: Sequence[tuple[str, bytes]]) -> Self:
        """Make a new run; `probes` are (id, JSON) in order.

        Raises:
            NotARun: the folder holds a run already, or can't be written to.
        """
        if (folder / FILE).exists():
            raise NotARun(f"{folder} holds a run already.", hint=f"Continue it: weakspot resume {folder}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NotARun(f"{folder} can't be made: {error.strerror}.", hint="Name another folder by --out.") from error
        lock = _take_lock(folder)
        with _said(folder):
            db = _connect(folder / FILE)
            db.executescript("BEGIN;" + TABLES + f"PRAGMA user_version = {SCHEMA_VERSION};" + "COMMIT;")
            store = cls(folder, db, lock)
            db.executemany("INSERT INTO probes VALUES (?, ?, ?)", [(i, n, j) for n, (i, j) in enumerate(probes)])
            db.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
            db.commit()
        return store

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> Self:
        """Open a run that exists.

        Raises:
            NotARun, RunSchemaMismatch, RunInUse.
        """
        path = folder / FILE
        if not path.is_file():
            raise NotARun(
                f"{folder} holds no run.", hint="A run folder has a run.sqlite; `weakspot compare` makes one."
            )
        lock = _take_lock(folder) if write else None
        with _said(folder):
            db = _connect(path)
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                db.close()
                raise NotARun(f"The run in {folder} was never begun.", hint="Delete the folder and make the run again.")
            if version != SCHEMA_VERSION:
                db.close()
                raise RunSchemaMismatch(
                    f"{folder} was written with schema version {version}; this Weakspot reads {SCHEMA_VERSION}.",
                    hint="Use the Weakspot version that wrote it, or make the run again; nothing was changed.",
                )
            db.execute("SELECT 1 FROM responses LIMIT 1").fetchone()
        return cls(folder, db, lock)

    def meta(self, key: str) -> bytes | None:
        """A value by key, or None."""
        with _said(self.folder):
            row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def metas(self, prefix: str) -> list[bytes]:
        """The values whose keys begin so, in the order of their keys."""
        with _said(self.folder):
            rows = self._db.execute("SELECT key, value FROM meta ORDER BY key").fetchall()
        return [bytes(value) for key, value in rows if key.startswith(prefix)]

    def set_meta(self, key: str, value: bytes) -> None:
        """Keep a value by key."""
        with _said(self.folder):
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
            self._db.commit()

    def probes(self) -> Iterator[bytes]:
        """The probes' JSON, in order."""
        with _said(self.folder):
            for row in self._db.execute("SELECT json FROM probes ORDER BY position"):
                yield row[0]

    def add_responses(self, rows: Iterable[tuple[str, str, bool, bytes]]) -> None:
        """Commit responses: (probe, candidate, final, JSON). One that is not final may be replaced later."""
        with _said(self.folder):
            self._db.executemany(
                "INSERT INTO responses VALUES (?, ?, ?, ?) ON CONFLICT (probe, candidate) DO UPDATE "
                "SET final = excluded.final, json = excluded.json WHERE final = 0",
                rows,
            )
            self._db.commit()

    def responses(self, candidate: str) -> Iterator[bytes]:
        """A candidate's responses as JSON, in the order of the probes."""
        with _said(self.folder):
            for row in self._db.execute(
                "SELECT r.json FROM responses r JOIN probes p ON p.id = r.probe WHERE candidate = ? "
                "ORDER BY p.position",
                (candidate,),
            ):
                yield row[0]

    def answered(self, candidate: str) -> set[str]:
        """Ids of the probes that have a final response."""
        with _said(self.folder):
            rows = self._db.execute("SELECT probe FROM responses WHERE candidate = ? AND final = 1", (candidate,))
            return {row[0] for row in rows}

    def set_scores(self, rows: Iterable[tuple[str, str, bytes]]) -> None:
        """Keep scores: (probe, candidate, JSON); scoring again replaces."""
        with _said(self.folder):
            self._db.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?, ?)", rows)
            self._db.commit()

    def scores(self) -> Iterator[bytes]:
        """All scores as JSON, in the order of the probes."""
        with _said(self.folder):
            for row in self._db.execute(
                "SELECT s.json FROM scores s JOIN probes p ON p.id = s.probe ORDER BY p.position"
            ):
                yield row[0]

    def add_ratings(self, rows: Iterable[tuple[str, str, str, bytes]]) -> None:
        """Keep ratings: (rater, probe, candidate, JSON); the same rater's later rating of an item replaces."""
        with _said(self.folder):
            self._db.execute(RATINGS)
            self._db.executemany("INSERT OR REPLACE INTO ratings VALUES (?, ?, ?, ?)", rows)
            self._db.commit()

    def drop_rating(self, rater: str, probe: str, candidate: str) -> None:
        """Take a rating back; none there is no error."""
        with _said(self.folder):
            self._db.execute(RATINGS)
            self._db.execute(
                "DELETE FROM ratings WHERE rater = ? AND probe = ? AND candidate = ?", (rater, probe, candidate)
            )
            self._db.commit()

    def ratings(self) -> Iterator[bytes]:
        """All ratings as JSON, in the order of the probes."""
        with _said(self.folder):
            there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ratings'"
            if self._db.execute(there).fetchone() is None:
                return
            for row in self._db.execute(
                "SELECT r.json FROM ratings r JOIN probes p ON p.id = r.probe ORDER BY p.position, r.candidate, r.rater"
            ):
                yield row[0]

    def add_pieces(self, candidate: str, rows: Iterable[tuple[int, bytes, str]]) -> None:
        """Keep what stands behind token ids: (id, bytes, kind)."""
        with _said(self.folder):
            self._db.executemany(
                "INSERT OR IGNORE INTO pieces VALUES (?, ?, ?, ?)", [(candidate, i, b, k) for i, b, k in rows]
            )
            self._db.commit()

    def pieces(self, candidate: str) -> dict[int, tuple[bytes, str]]:
        """What stands behind a candidate's token ids: id -> (bytes, kind)."""
        with _said(self.folder):
            rows = self._db.execute("SELECT id, bytes, kind FROM pieces WHERE candidate = ?", (candidate,))
            return {i: (bytes(b), k) for i, b, k in rows}

    def close(self) -> None:
        """Fold the log into the file and let go of the lock; may be called twice."""
        if self._lock is not None:
            with suppress(sqlite3.Error):  # else the log stays beside the file and is read from there
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()
        _release(self._lock)
        self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    # NORMAL in WAL mode: safe against a killed process; a power cut can lose the last commits, never the file
    db.execute("PRAGMA synchronous = NORMAL")
    return db


def _take_lock(folder: Path) -> object:
    import filelock

    lock = filelock.FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise RunInUse(f"Another process is writing to {folder}.", hint="Wait for it, or name another --out.") from None
    except OSError as error:
        raise NotARun(f"{folder} can't be written to: {error.strerror}.", hint="Name another folder.") from error
    return lock


def _release(lock: object | None) -> None:
    release = getattr(lock, "release", None)
    if release is not None:
        release()


@contextmanager
def _said(folder: Path) -> Iterator[None]:
    """SQLite's errors in the house's words."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(folder, error) from error


def _translated(folder: Path, error: sqlite3.Error) -> WeakspotError:
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return DiskFull(
            f"The disk is full; {folder} keeps what was written.", hint=f"Free some: weakspot resume {folder}"
        )
    if "locked" in text:
        return RunInUse(f"Another process is writing to {folder}.", hint="Wait for it, or name another --out.")
    if "unable to open" in text or "readonly" in text:
        return NotARun(
            f"The run in {folder} can't be opened for writing, which SQLite's log needs.",
            hint="If the folder is read-only, copy it to one that is not; the run itself may be fine.",
        )
    return NotARun(
        f"The run in {folder} can't be read: {text}.", hint="The file is damaged, or is no run of Weakspot's."
    )
