"""The folder of an audit: the log, the state from which it goes on, and a lock.

The state is replaced as a whole after the log's rows are written, and says how long the log was then: what a killed
process wrote after that is cut off, so that no row is there twice and none is missing.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from filelock import FileLock, Timeout

from weakspot.artifacts.cache import write_atomically
from weakspot.corpora.pairing import PairedTotals
from weakspot.corpora.totals import Totals
from weakspot.errors import DiskFull, MissingExtra, RunInUse, UsageError
from weakspot.records import to_json
from weakspot.records.audit import AuditedSource, LoggedFinding

STATE, LOCK = "state.msgpack", ".lock"
NO_ROOM = 28
ROWS = 5000
Format = Literal["jsonl", "parquet"]


class State(msgspec.Struct):
    """All that is known after some batch."""

    key: str
    source: int = 0
    document: int = 0
    totals: list[Totals] = []
    paired: PairedTotals = msgspec.field(default_factory=PairedTotals)
    sources: list[AuditedSource] = []
    more_sources: int = 0
    lengths: list[int] = []
    """Bytes of each log."""
    seconds: float = 0.0
    fast: bool = True
    done: bool = False


class Folder:
    """The folder that results go to; held by one process at a time.

    Args:
        path: the folder; it is made where it is not there.
        key: what the results depend on.
        logs: the names of the logs, without their ending.

    Raises:
        UsageError: the folder can't be made, or holds something else.
        RunInUse: another process writes to it.
    """

    def __init__(self, path: Path, key: str, logs: Sequence[str]) -> None:
        self.path = path
        self._key = key
        self._logs = [path / f"{name}.jsonl" for name in logs]
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"The folder {path} can't be made: {reason}.", hint="Name another with --out.") from None
        self._lock = FileLock(path / LOCK, timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise RunInUse(f"Another process is writing to {path}.", hint="Wait, or name another folder.") from None
        except OSError as error:
            raise UsageError(f"{path} can't be written to: {error.strerror}.", hint="Name another folder.") from None

    def close(self) -> None:
        """Let go of the folder."""
        self._lock.release()

    def load(self) -> State | None:
        """The state to go on from; None where the folder is new.

        Raises:
            UsageError: it was made with other arguments, or holds files of something else.
        """
        file = self.path / STATE
        if not file.is_file():
            if others := [entry.name for entry in self.path.iterdir() if not entry.name.startswith(".")]:
                raise UsageError(
                    f"The folder {self.path} holds something else: {', '.join(sorted(others)[:3])}.",
                    hint="Name an empty or a new folder with --out.",
                )
            return None
        try:
            state = msgspec.msgpack.decode(file.read_bytes(), type=State)
        except (msgspec.DecodeError, OSError) as error:
            raise UsageError(
                f"The state in {self.path} can't be read: {str(error)[:100]}.", hint="Begin anew in another folder."
            ) from None
        if state.key != self._key:
            raise UsageError(
                f"The folder {self.path} was made from another corpus, tokenizer or option.",
                hint="Give the same arguments to go on, or name another folder with --out.",
            )
        return state

    def cut(self, lengths: Sequence[int]) -> None:
        """Cut the logs off behind what the state knows."""
        for log, length in zip(self._logs, lengths, strict=True):
            with log.open("ab") as file:
                file.truncate(length)

    def append(self, number: int, rows: Iterable[LoggedFinding]) -> int:
        """Add rows to a log; returns their bytes.

        Raises:
            DiskFull: no room is left.
        """
        data = b"".join(to_json(row) + b"\n" for row in rows)
        if data:
            try:
                with self._logs[number].open("ab") as file:
                    file.write(data)
            except OSError as error:
                raise _told(error, self.path) from error
        return len(data)

    def save(self, state: State) -> None:
        """Replace the state.

        Raises:
            DiskFull: no room is left; the state before is kept.
        """
        self.write(STATE, msgspec.msgpack.encode(state))

    def write(self, name: str, data: bytes) -> None:
        """Write a file of the folder as a whole.

        Raises:
            DiskFull: no room is left.
        """
        try:
            write_atomically(self.path / name, data)
        except OSError as error:
            raise _told(error, self.path) from error

    def to_parquet(self) -> None:
        """Bring the finished logs to Parquet, a few thousand rows at a time."""
        for log in self._logs:
            if log.is_file():
                _parquet(log)
                log.unlink()


def key_of(arguments: dict[str, Any]) -> str:
    """A short name for what results depend on."""
    return hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:32]


def check_format(form: Format) -> None:
    """Whether the log can be written in a form.

    Raises:
        MissingExtra: the package for it is missing.
        UsageError: there is no such form.
    """
    if form not in ("jsonl", "parquet"):
        raise UsageError(f"A log can't be written as {form!r}.", hint="jsonl or parquet.")
    if form == "parquet":
        try:
            import pyarrow.parquet  # noqa: F401 - 0.2 s, and an extra
        except ImportError:
            raise MissingExtra("A log in Parquet needs pyarrow.", hint='pip install "weakspot[corpus]"') from None


def _parquet(log: Path) -> None:
    import pyarrow as pa  # an extra
    from pyarrow import parquet

    schema = pa.schema(
        [
            ("source", pa.string()),
            ("document", pa.int64()),
            ("start", pa.int64()),
            ("end", pa.int64()),
            ("input", pa.string()),
            ("before", pa.string()),
            ("after", pa.string()),
            ("ids", pa.list_(pa.int64())),
            ("decoded", pa.string()),
            ("code", pa.string()),
            ("severity", pa.int8()),
            ("stage", pa.string()),
            ("message", pa.string()),
            ("evidence", pa.string()),
        ]
    )
    with log.open("rb") as lines, parquet.ParquetWriter(log.with_suffix(".parquet"), schema) as writer:
        rows: list[dict[str, Any]] = []
        for line in lines:
            row = json.loads(line)
            start, end = row.pop("span")
            row |= {"start": start, "end": end, "evidence": json.dumps(row.get("evidence", {}), ensure_ascii=False)}
            rows.append(row)
            if len(rows) >= ROWS:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows = []
        writer.write_table(pa.Table.from_pylist(rows, schema))


def _told(error: OSError, path: Path) -> DiskFull | UsageError:
    if error.errno == NO_ROOM:
        return DiskFull(f"No room is left for {path}.", hint="Free some; the same command then goes on.")
    return UsageError(f"{path} can't be written to: {error.strerror}.", hint="Name another folder with --out.")
