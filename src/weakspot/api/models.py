"""`weakspot.list_models`, `pull_model`, `show_model`."""

from pathlib import Path
from typing import Any

from weakspot.artifacts.fetch import Progress, bundled_path, is_fetched, pull, silent
from weakspot.artifacts.zoo import ZOO


def list_models() -> list[dict[str, Any]]:
    """The bundled models: name, title, kind, licence, bytes, whether fetched, and where."""
    rows = []
    for name, model in ZOO.items():
        here = is_fetched(name)
        rows.append(
            {
                "name": name,
                "title": model.title,
                "kind": model.kind,
                "licence": model.licence,
                "bytes": model.bytes,
                "fetched": here,
                "path": str(bundled_path(name)) if here else None,
            }
        )
    return rows


def pull_model(name: str, *, accept_licence: bool = False, progress: Progress = silent, force: bool = False) -> Path:
    """Fetch a bundled model unless it is there, check it, and return its path.

    Raises:
        UnknownModel, LicenceNotAccepted, FetchFailed, HashMismatch, CorruptFile, DiskFull.
    """
    return pull(name, accept_licence=accept_licence, progress=progress, force=force)
