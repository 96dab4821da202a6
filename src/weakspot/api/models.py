"""`weakspot.list_models`."""

from typing import Any

from weakspot.artifacts.bundled import bundled_path, is_fetched
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
