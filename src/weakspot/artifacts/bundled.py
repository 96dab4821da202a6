"""Where files are kept between runs, and which bundled models are there.

`WEAKSPOT_CACHE` names another folder than the platform's own. Nothing heavy is imported: `weakspot models list` needs
this module and no more.
"""

import os
from pathlib import Path

from weakspot.artifacts.zoo import ZOO, ZooEntry
from weakspot.errors import UnknownModel


def cache_folder() -> Path:
    """The folder for models and replies; it may not exist yet."""
    if named := os.environ.get("WEAKSPOT_CACHE"):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("weakspot"))


def models_folder() -> Path:
    """The folder for fetched models."""
    return cache_folder() / "models"


def entry(name: str) -> ZooEntry:
    """The zoo's line for a name.

    Raises:
        UnknownModel: there is none.
    """
    if name not in ZOO:
        raise UnknownModel(f"There is no bundled model named {name!r}.", hint=f"Bundled: {', '.join(ZOO)}.")
    return ZOO[name]


def bundled_path(name: str) -> Path:
    """Where a bundled model lies once it is fetched."""
    return models_folder() / name / entry(name).file


def is_fetched(name: str) -> bool:
    """Whether a bundled model is there, whole."""
    path = bundled_path(name)
    return path.is_file() and path.stat().st_size == entry(name).bytes
