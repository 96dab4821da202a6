"""How a command writes the page that it was asked for."""

import sys
from pathlib import Path

from weakspot.cli.main import visible
from weakspot.errors import UsageError
from weakspot.rendering.files import write_atomic


def write_page(place: str, page: str) -> None:
    """Write a page whole or not at all, and say so on standard error.

    Raises:
        UsageError: it can't be written there.
    """
    try:
        write_atomic(Path(place).expanduser(), page.encode("utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(f"{place!r} can't be written: {reason}.", hint="Name another file.") from None
    sys.stderr.write(f"Written: {visible(place)}\n")
