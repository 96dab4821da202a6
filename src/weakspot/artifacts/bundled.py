"""Where files are kept between runs, and which bundled models and tokenizers are there.

`WEAKSPOT_CACHE` names another folder than the platform's own. Nothing heavy is imported: `weakspot models list` needs
this module and no more.
"""

import os
from pathlib import Path

from weakspot.artifacts.tokenizer_zoo import TOKENIZERS
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
    if (found := ZOO.get(name) or TOKENIZERS.get(name)) is None:
        raise UnknownModel(f"There is no bundled model named {name!r}.", hint=f"Bundled: {', '.join(ZOO)}.")
    return found


def bundled_path(name: str) -> Path:
    """Where a bundled model or tokenizer lies once it is fetched."""
    folder = cache_folder() / "tokenizers" if name in TOKENIZERS else models_folder()
    return folder / name / entry(name).file


def is_fetched(name: str) -> bool:
    """Whether a bundled model is there, whole."""
    path = bundled_path(name)
    return path.is_file() and path.stat().st_size == entry(name).bytes
