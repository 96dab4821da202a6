"""`weakspot.lab_probes`: a task's sequences as a probe file, for `weakspot compare`."""

from collections.abc import Sequence
from pathlib import Path

from weakspot.errors import UsageError
from weakspot.lab.probing import probes, write_suite

MOST = 100_000
"""Probes that a file may have."""


def lab_probes(task: str, lengths: Sequence[int], *, n: int = 20, out: str | Path) -> dict[str, str | int]:
    """Write the first `n` test sequences of each length as probes; the lab's saved models answer them like any suite.

    Args:
        task: a task's name (`weakspot.lab_list`).
        lengths: in what the task counts.
        n: sequences of each length.
        out: the probe file (JSONL).

    Returns:
        `file` and `probes`, how many were written.

    Raises:
        UsageError: an unknown task or length, a number that makes no sense, or a file that can't be written.
    """
    wanted = tuple(dict.fromkeys(lengths))
    if not wanted or n < 1 or n * len(wanted) > MOST:
        raise UsageError(f"A probe file has 1 to {MOST:,} probes.", hint="Like lengths 1,5,10 and n 20.")
    made = len(probes(task, wanted, n))
    path = write_suite(task, wanted, n, Path(out).expanduser())
    return {"file": str(path), "probes": made}
