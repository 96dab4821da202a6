"""Folders of a model hub: fetched as a whole, or only what describes them; never a pickle, never code."""

from collections.abc import Sequence
from pathlib import Path

from weakspot.errors import FetchFailed, MissingExtra

WHOLE = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "README.md")
DESCRIBED = (
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.jinja",
    "README.md",
)
"""What a model is described by: all but its weights and their index."""


def fetch_folder(repository: str, patterns: Sequence[str] = WHOLE) -> Path:
    """The files of a repository that match, in the hub's own cache.

    Raises:
        MissingExtra: huggingface_hub is not installed.
        FetchFailed: the hub gave nothing.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise MissingExtra("A hub id needs the package huggingface_hub.", hint='pip install "weakspot[hub]"') from error
    try:
        found = snapshot_download(repository, allow_patterns=list(patterns), ignore_patterns=["*/*", "consolidated*"])
    except Exception as error:  # the hub's own errors, and those of three layers of clients below it
        raise FetchFailed(
            f"{repository} could not be fetched from the hub: {type(error).__name__}.",
            hint="Check the name and the network; a gated model needs HF_TOKEN in the environment.",
        ) from error
    return Path(found)
