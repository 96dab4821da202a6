"""`weakspot.lab_probes`: a task's sequences as a probe file, for `weakspot compare`."""

from collections.abc import Sequence
from pathlib import Path

from weakspot.errors import UsageError
from weakspot.lab.names import known_task
from weakspot.rendering.files import write_atomic


def lab_probes(
    task: str, lengths: Sequence[int], *, n: int = 20, seed: int = 0, out: str | Path
) -> dict[str, str | int]:
    """Write `n` sequences of each length as probes.

    Args:
        task: a task's name.
        lengths: in what the task counts.
        n: sequences of each length.
        seed: which ones; 0 gives those that the lab's cells are tested on.
        out: the probe file (JSONL).

    Returns:
        `file` and `probes`, how many were written.

    Raises:
        UsageError: an unknown task, a number that makes no sense, or a file that can't be written.
    """
    known_task(task)
    raise UsageError("Probes of the lab's tasks can't be made yet.", hint="")
