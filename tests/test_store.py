"""The run folder and the reply cache."""

import multiprocessing
import sqlite3
from pathlib import Path

import msgspec
import pytest

from weakspot.errors import DiskFull, NotARun, RunInUse, RunSchemaMismatch
from weakspot.records import Message, Provenance, Reply, Request
from weakspot.store.replies import ReplyCache, request_hash
from weakspot.store.run import FILE, RunStore

PROVENANCE = Provenance("scripted", "scripted", "1", weights_sha256="0" * 64)


def make(folder: Path) -> RunStore:
    """A run of two probes."""
    return RunStore.create(folder, {"plan": b"{}"}, [("b", b'"second"'), ("a", b'"first"')])


def test_everything_comes_back(tmp_path: Path) -> None:
    """What is written is read back in the order of the probes, after closing and opening again."""
    with make(tmp_path / "r") as store:
        store.add_responses([("a", "m", True, b"2"), ("b", "m", True, b"1")])
        store.set_scores([("a", "m", b"s")])
        store.add_pieces("m", [(7, b" x", "normal")])
    with RunStore.open(tmp_path / "r") as store:
        assert list(store.probes()) == [b'"second"', b'"first"']
        assert list(store.responses("m")) == [b"1", b"2"]
        assert list(store.scores()) == [b"s"]
        assert store.pieces("m") == {7: (b" x", "normal")}
        assert store.meta("plan") == b"{}"
        assert store.meta("nothing") is None


def test_a_final_response_is_never_replaced(tmp_path: Path) -> None:
    """A response that is final stays; one that is not gives way, so each (probe, candidate) stands once."""
    with make(tmp_path / "r") as store:
        store.add_responses([("a", "m", False, b"failed")])
        assert store.answered("m") == set()
        store.add_responses([("a", "m", True, b"good")])
        store.add_responses([("a", "m", True, b"later")])
        assert list(store.responses("m")) == [b"good"]
        assert store.answered("m") == {"a"}


def test_second_run_in_one_folder(tmp_path: Path) -> None:
    """A folder that holds a run is not written over."""
    make(tmp_path / "r").close()
    with pytest.raises(NotARun, match="already"):
        make(tmp_path / "r")


def test_other_schema_version(tmp_path: Path) -> None:
    """A run of another schema version is refused and not changed."""
    make(tmp_path / "r").close()
    db = sqlite3.connect(tmp_path / "r" / FILE)
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()
    before = (tmp_path / "r" / FILE).read_bytes()
    with pytest.raises(RunSchemaMismatch, match="99"):
        RunStore.open(tmp_path / "r")
    assert (tmp_path / "r" / FILE).read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 50, b"SQLite format 3\0" + b"\xff" * 2000])
def test_damaged_file(tmp_path: Path, content: bytes) -> None:
    """A damaged or empty file is told as no run, or one of another version."""
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises((NotARun, RunSchemaMismatch)):
        RunStore.open(tmp_path)


def test_never_begun(tmp_path: Path) -> None:
    """A run killed before its first table is told as never begun, not as one of another version."""
    (tmp_path / FILE).write_bytes(b"")
    with pytest.raises(NotARun, match="never begun"):
        RunStore.open(tmp_path)


def test_no_run(tmp_path: Path) -> None:
    """A folder without a run is told."""
    with pytest.raises(NotARun):
        RunStore.open(tmp_path)


def _try_to_write(folder: str) -> str:
    try:
        RunStore.open(Path(folder), write=True).close()
    except RunInUse:
        return "in use"
    return "free"


def test_one_writer(tmp_path: Path) -> None:
    """A second writing process is kept out while the first lives, and let in when it is gone."""
    store = make(tmp_path / "r")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_try_to_write, (str(tmp_path / "r"),)) == "in use"
        store.close()
        assert pool.apply(_try_to_write, (str(tmp_path / "r"),)) == "free"


def test_full_disk_keeps_what_was_written(small_disk: Path) -> None:
    """When the disk is full the error says so, and what was committed is still there."""
    store = make(small_disk / "r")
    store.add_responses([("a", "m", True, b"kept")])
    with pytest.raises(DiskFull, match="full"):
        store.add_responses([("b", "m", True, b"x" * 3_000_000)])
    assert list(store.responses("m")) == [b"kept"]
    store.close()


def test_cache_gives_back_the_same_reply(tmp_path: Path) -> None:
    """A cached reply equals the first but for the mark that it is cached."""
    cache = ReplyCache(tmp_path / "replies.sqlite")
    reply = Reply("text", "stop", output_ids=(1, 2))
    cache.put("k", reply)
    assert cache.get("k") == msgspec.structs.replace(reply, cached=True)
    assert cache.get("other") is None


@pytest.mark.parametrize("content", [b"rubbish" * 100, b""])
def test_damaged_cache_is_left_aside(tmp_path: Path, content: bytes) -> None:
    """A damaged cache costs time, never a run."""
    (tmp_path / "replies.sqlite").write_bytes(content)
    cache = ReplyCache(tmp_path / "replies.sqlite")
    cache.put("k", Reply("text"))
    assert cache.get("k") in (None, Reply("text", cached=True))


def test_hash_covers_all_that_decides() -> None:
    """Two requests share a hash only when messages, sampling and what produces the reply are all the same."""
    request = Request(messages=(Message("user", "hi"),))
    other = [
        request_hash(Request(messages=(Message("user", "ho"),)), PROVENANCE),
        request_hash(msgspec.structs.replace(request, max_tokens=25), PROVENANCE),
        request_hash(request, msgspec.structs.replace(PROVENANCE, seed=1)),
        request_hash(request, msgspec.structs.replace(PROVENANCE, slots=2)),
        request_hash(request, msgspec.structs.replace(PROVENANCE, template_sha256="f")),
    ]
    assert len({request_hash(request, PROVENANCE), *other}) == 6
