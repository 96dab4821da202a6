"""`weakspot.pull_model`."""

from pathlib import Path

from weakspot.artifacts.fetch import Progress, pull, silent


def pull_model(name: str, *, accept_licence: bool = False, progress: Progress = silent, force: bool = False) -> Path:
    """Fetch a bundled model unless it is there, check it, and return its path.

    Raises:
        UnknownModel, LicenceNotAccepted, FetchFailed, HashMismatch, CorruptFile, DiskFull.
    """
    return pull(name, accept_licence=accept_licence, progress=progress, force=force)
