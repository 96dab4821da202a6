"""Writing files in one step: a reader sees the old file or the new one, never half of one."""

import errno
import os
import secrets
from pathlib import Path

from weakspot.errors import DiskFull


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file through a temporary one beside it, which then takes its place.

    Raises:
        DiskFull: no room is left; what stood at `path` is still there.
        OSError: the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"No room is left to write {path.name}.", hint="Free some space, then run it again."
            ) from error
        raise
    finally:
        beside.unlink(missing_ok=True)
