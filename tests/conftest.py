"""What the tests share: the real models, a cache of their own, small probes and runs."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from weakspot.artifacts.bundled import cache_folder
from weakspot.artifacts.fetch import pull
from weakspot.errors import FetchFailed
from weakspot.records import Probe
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.loading import load_tokenizer


@pytest.fixture(scope="session")
def bundled_model() -> Callable[[str], Path]:
    """A bundled model's file, fetched on first use; the test is skipped, with a word, where nothing can be fetched."""

    def find(name: str) -> Path:
        try:
            return pull(name, accept_licence=True)
        except FetchFailed as error:
            pytest.skip(f"the bundled model {name} can't be fetched here: {error.message}")

    return find


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project, or the one that `WEAKSPOT_SHARED_DATA` names; skips without it."""
    folder = Path(os.environ.get("WEAKSPOT_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("there is no folder of real data beside this project")
    return folder


@pytest.fixture(scope="session")
def tokenizers_folder() -> Path:
    """A folder of real tokenizers, fetched on first use by the tool that lies beside the project; skipped without it.

    `WEAKSPOT_TOKENIZERS` names a folder that has them already; `WEAKSPOT_SHARED` where the tool is, if not beside us.
    """
    if ready := os.environ.get("WEAKSPOT_TOKENIZERS"):
        return Path(ready)
    beside = Path(os.environ.get("WEAKSPOT_SHARED") or Path(__file__).parents[2] / "shared")
    tool = beside / "tools" / "get-tokenizers"
    if not tool.is_file():
        pytest.skip(f"the tool that fetches real tokenizers is not at {tool}")
    folder = cache_folder() / "tests" / "tokenizers"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock", timeout=900):
        done = subprocess.run(["bash", str(tool), str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"real tokenizers can't be fetched here: {done.stderr.strip()[-200:]}")
    return folder


@pytest.fixture(scope="session")
def real_tokenizer(tokenizers_folder: Path) -> Callable[[str], Tokenizer]:
    """Opens a real tokenizer by its folder's name, or a vocabulary of llama.cpp by its file's, once per session."""

    @cache
    def find(name: str) -> Tokenizer:
        folder = tokenizers_folder / name
        if name.startswith("ggml-vocab-"):
            return load_tokenizer(str(tokenizers_folder / "llama-cpp-vocabs" / name))
        return load_tokenizer(str(next(path for path in sorted(folder.iterdir()) if path.name in FILES)))

    return find


FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "spm.model",
    "tekken.json",
    "cl100k_base.tiktoken",
    "o200k_base.tiktoken",
    "qwen.tiktoken",
)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder for one test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("WEAKSPOT_CACHE", str(folder))
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 1 MiB; skipped where this user may not mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can only be made by root with mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.fixture
def weakspot_command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line as a user would."""

    def run(*words: str, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "weakspot.cli.main", *words],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env={**os.environ, **environment},
        )

    return run


def probe(name: str, category: str = "facts", value: str = "yes", **more: object) -> Probe:
    """A small probe: is `value` in the reply to a question that holds its name?"""
    fields: dict[str, object] = {
        "messages": [{"role": "user", "content": f"Question {name}: yes or no?"}],
        "expect": {"type": "contains", "value": value, "ignore_case": True},
        "reviewed": True,
        **more,
    }
    import msgspec

    return msgspec.convert({"id": name, "category": category, **fields}, Probe)
