"""The reader of GGUF headers: what it reads, how fast, and that no damaged file gets past it or hurts."""

import os
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from make_gguf import Array, gemma3, llama, llama_tensors, string, tensor_bytes, write
from weakspot.artifacts.ggml_types import TENSOR_TYPES
from weakspot.artifacts.gguf import MAX_ELEMENTS, SkippedArray, TensorInfo, read_header
from weakspot.errors import CorruptFile, UnknownModel

SMALL = write(
    {"general.architecture": "llama", "a": [1, 2], "b": "é", "c": True, "d": ["x", "yz"], "general.alignment": 32},
    [("w", (32, 2), 2), ("v", (3,), 0)],
)


def saved(folder: Path, data: bytes) -> Path:
    """The bytes as a file."""
    path = folder / "model.gguf"
    path.write_bytes(data)
    return path


def best_of(runs: int, work: Callable[[], object]) -> float:
    """The least of several CPU times, in seconds: the one that other processes disturbed least."""
    times = []
    for _ in range(runs):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def entries(count: int, rest: bytes) -> bytes:
    """A version 3 file without tensors whose metadata is given as it lies in the file."""
    return b"GGUF" + struct.pack("<IQQ", 3, 0, count) + rest


@pytest.mark.parametrize("version", [2, 3])
def test_reads_every_type(tmp_path: Path, version: int) -> None:
    """Every type of value comes back as it was written, in both versions."""
    written = {
        "u8": (0, 255), "i8": (1, -128), "u16": (2, 65535), "i16": (3, -1), "u32": (4, 7), "i32": (5, -7),
        "f32": (6, 0.5), "yes": True, "text": "naïve 🙂", "u64": (10, 2**64 - 1), "i64": (11, -(2**63)),
        "f64": (12, 0.1),
        "strings": ["a", "", "ü"], "floats": [0.25, 2.0], "nothing": [], "bytes": Array(0, [1, 2, 255]),
        "nested": [[1, 2], [3]],
    }  # fmt: skip
    header = read_header(saved(tmp_path, write(written, version=version)))
    expected = {
        **{key: value[1] if type(value) is tuple else value for key, value in written.items()},
        "bytes": [1, 2, 255],
    }
    assert header.metadata == expected
    assert header.version == version


def test_reads_tensors(tmp_path: Path) -> None:
    """A tensor's shape, type, size and place are those that were written, and the sizes fill the file."""
    tensors = llama_tensors(kind=8)
    data = write(llama(), tensors)
    header = read_header(saved(tmp_path, data))
    assert [(t.name, t.shape, t.type, t.bytes) for t in header.tensors] == [
        (name, tuple(shape), TENSOR_TYPES[kind][0], tensor_bytes(shape, kind)) for name, shape, kind in tensors
    ]
    last = header.tensors[-1]
    assert header.data_offset % 32 == 0
    assert header.data_offset + last.offset + last.bytes <= header.file_bytes == len(data)


def test_every_tensor_type_has_its_size(tmp_path: Path) -> None:
    """A tensor of each known type takes the bytes of its blocks."""
    tensors = [(f"t{kind}", (512, 3), kind) for kind in TENSOR_TYPES]
    header = read_header(saved(tmp_path, write({}, tensors)))
    assert {t.name: t.bytes for t in header.tensors} == {
        f"t{kind}": 1536 // block * size for kind, (_, block, size) in TENSOR_TYPES.items()
    }


def test_counts_elements() -> None:
    """A tensor without dimensions holds one value, one with a dimension of zero none."""
    assert TensorInfo("scalar", (), "F32", 4, 0).elements == 1
    assert TensorInfo("none", (3, 0), "F32", 0, 0).elements == 0


def test_uses_the_stated_alignment(tmp_path: Path) -> None:
    """The weights begin at a multiple of `general.alignment`."""
    data = write({"general.alignment": 4096}, [("w", (4,), 0)], alignment=4096)
    assert read_header(saved(tmp_path, data)).data_offset == 4096


def test_reads_a_large_vocabulary_in_linear_time(tmp_path: Path) -> None:
    """A vocabulary of 262,144 tokens, which takes more than one read, comes back whole; four times the tokens take
    nowhere near sixteen times as long.
    """
    times = {}
    for size in (65_536, 262_144):
        tokens = [f"token number {n}" for n in range(size)]
        data = write(gemma3(**{"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.scores": [0.5] * size}))
        path = saved(tmp_path, data)
        assert read_header(path).metadata["tokenizer.ggml.tokens"] == tokens
        times[size] = best_of(5, lambda path=path: read_header(path))
    assert times[262_144] < 10 * times[65_536]


def test_skips_long_arrays(tmp_path: Path) -> None:
    """`skip_arrays` gives the lengths of long arrays, keeps short ones and all that follows."""
    metadata = {"tokens": ["x"] * 2000, "scores": [1.0] * 1024, "nested": [[1]] * 1500, "short": [1] * 1023, "end": 5}
    header = read_header(saved(tmp_path, write(metadata)), skip_arrays=True)
    assert header.metadata == {
        "tokens": SkippedArray(2000),
        "scores": SkippedArray(1024),
        "nested": SkippedArray(1500),
        "short": [1] * 1023,
        "end": 5,
    }


def test_replaces_what_is_no_utf8(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, in a key, a value or a name, become U+FFFD and stop nothing."""
    data = entries(
        2, string(b"k\xff") + struct.pack("<I", 8) + string(b"\xc3(") + string("n") + struct.pack("<IB", 0, 9)
    )
    assert read_header(saved(tmp_path, data)).metadata == {"k\ufffd": "\ufffd(", "n": 9}


DAMAGED = {
    "empty": (b"", "is empty"),
    "other magic": (b"\x00\x01\x02\x03" * 9, "does not begin with 'GGUF'"),
    "shorter than its magic": (b"GG", "does not begin with 'GGUF'"),
    "web page": (b"<!DOCTYPE html><html></html>", "web page"),
    "LFS pointer": (b"version https://git-lfs.example/spec/v1\noid sha256:0\n", "Git LFS pointer"),
    "PyTorch": (b"PK\x03\x04" + bytes(60), "zip archive"),
    "GGJT": (b"tjgg" + bytes(60), "GGJT"),
    "version 1": (b"GGUF" + struct.pack("<III", 1, 0, 0) + bytes(20), "version 1"),
    "version 0": (b"GGUF" + struct.pack("<IQQ", 0, 0, 0), "version 0"),
    "version 4": (b"GGUF" + struct.pack("<IQQ", 4, 0, 0), "version 4"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "magic alone": (b"GGUF", "is cut short"),
    "tensors beyond belief": (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0), f"claims {2**60} tensors"),
    "entries beyond belief": (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60), f"claims {2**60} metadata entries"),
    "key beyond the end": (entries(1, struct.pack("<Q", 2**63) + bytes(20)), "is cut short"),
    "unknown type": (entries(1, string("k") + struct.pack("<IQ", 13, 0)), "unknown type 13 under 'k'"),
    "array of unknown type": (entries(1, string("k") + struct.pack("<IIQ", 9, 99, 1)), "unknown type 99 under 'k'"),
    "numbers beyond belief": (entries(1, string("k") + struct.pack("<IIQ", 9, 0, 2**60)), "claims an array"),
    "numbers beyond the end": (entries(1, string("k") + struct.pack("<IIQ", 9, 12, MAX_ELEMENTS)), "is cut short"),
    "strings beyond the end": (entries(1, string("k") + struct.pack("<IIQ", 9, 8, 4000)), "claims 4000 strings"),
    "arrays beyond the end": (entries(1, string("k") + struct.pack("<IIQ", 9, 9, 4000)), "claims 4000 arrays"),
    "last string cut": (entries(1, string("k") + struct.pack("<IIQ", 9, 8, 2) + string("ab") + bytes(7)), "cut short"),
    "endless nesting": (entries(1, string("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 50), "too deeply"),
    "key twice": (entries(2, (string("k") + struct.pack("<IB", 0, 1)) * 2), "key 'k' twice"),
    "alignment of zero": (write({"general.alignment": 0}), "no power of two"),
    "alignment of three": (write({"general.alignment": 3}), "no power of two"),
    "alignment of text": (write({"general.alignment": "32"}), "no power of two"),
    "alignment of true": (write({"general.alignment": True}), "no power of two"),
    "unknown tensor type": (SMALL.replace(struct.pack("<IQ", 2, 0), struct.pack("<IQ", 77, 0)), "unknown type 77"),
    "five dimensions": (write({}, [("w", (1, 1, 1, 1, 1), 0)]), "5 dimensions"),
    "half a block": (write({}, [("w", (33,), 2)]) + bytes(99), "no multiple of Q4_0's block"),
    "tensor twice": (write({}, [("w", (4,), 0), ("w", (4,), 0)]), "tensor 'w' twice"),
    "weights missing": (write({}, [("w", (64, 64), 0)], data=False), "is cut short"),
    "one byte missing": (SMALL[: -32 + 11], "is cut short"),
    "shape beyond belief": (write({}, [("w", (2**40, 2**40), 0)], data=False), "is cut short"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "says"), DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize("skip_arrays", [False, True])
def test_damaged_files_are_told(tmp_path: Path, data: bytes, says: str, skip_arrays: bool) -> None:
    """Each kind of damage is told in one sentence that names the file, with a hint."""
    with pytest.raises(CorruptFile) as caught:
        read_header(saved(tmp_path, data), skip_arrays=skip_arrays)
    assert says in caught.value.message
    assert caught.value.message.startswith("'model.gguf' ")
    assert caught.value.message.endswith(".")
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_tensor_off_its_place_is_told(tmp_path: Path) -> None:
    """A tensor that begins between two alignment steps is refused."""
    data = SMALL.replace(struct.pack("<IQ", 0, 64), struct.pack("<IQ", 0, 65))
    assert data != SMALL
    with pytest.raises(CorruptFile, match="off its alignment"):
        read_header(saved(tmp_path, data))


def test_every_cut_is_told(tmp_path: Path) -> None:
    """However many bytes are missing at the end of the header, the file is refused, never half read."""
    used = len(SMALL) - 32 + 12  # without the padding behind the last tensor
    assert len(read_header(saved(tmp_path, SMALL[:used])).tensors) == 2
    for length in range(used):
        with pytest.raises(CorruptFile):
            read_header(saved(tmp_path, SMALL[:length]))


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    """A missing file is an unknown model; a folder and a pipe are no GGUF files, and the pipe is not waited for."""
    for missing in (tmp_path / "missing.gguf", "a\0b.gguf"):
        with pytest.raises(UnknownModel) as caught:
            read_header(missing)
        assert caught.value.hint
    with pytest.raises(CorruptFile, match="is a folder"):
        read_header(tmp_path)
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(CorruptFile, match="not a regular file"):
        read_header(tmp_path / "pipe.gguf")


def test_hostile_counts_cost_nothing(tmp_path: Path) -> None:
    """A file of 60 bytes that claims 2**60 of everything is refused within a megabyte of memory."""
    for name in ("tensors beyond belief", "entries beyond belief", "numbers beyond belief", "key beyond the end"):
        path = saved(tmp_path, DAMAGED[name][0])
        tracemalloc.start()
        with pytest.raises(CorruptFile):
            read_header(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1 << 20, name


def test_a_huge_header_is_refused(tmp_path: Path) -> None:
    """A header that claims to go on for more than 128 MiB is refused without reading that much."""
    path = tmp_path / "model.gguf"
    path.write_bytes(entries(1, struct.pack("<Q", 1 << 30)))
    os.truncate(path, 2 << 30)  # a hole: takes no room on the disk
    tracemalloc.start()
    with pytest.raises(CorruptFile, match="more than 128 MiB"):
        read_header(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file that is written again and again."""
    return tmp_path_factory.mktemp("fuzz")


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """The small file with some bytes changed, cut out, doubled, or replaced by telling numbers."""
    data = bytearray(SMALL)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        kind = draw(st.sampled_from(["byte", "number", "cut", "drop", "insert"]))
        if kind == "byte":
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
        elif kind == "number":
            value = draw(st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1]))
            data[at : at + 8] = struct.pack("<Q", value)
        elif kind == "cut":
            del data[at:]
        elif kind == "drop":
            del data[at : at + draw(st.integers(1, 16))]
        else:
            data[at:at] = draw(st.binary(max_size=32))
    return bytes(data)


@settings(max_examples=600, deadline=2000)
@given(data=mutations(), skip=st.booleans())
def test_any_mutation_is_read_or_refused(scratch: Path, data: bytes, skip: bool) -> None:
    """Whatever happens to a file, the reader gives a header that fits into it or says that it is corrupt, at once."""
    try:
        header = read_header(saved(scratch, data), skip_arrays=skip)
    except CorruptFile:
        return
    assert header.file_bytes == len(data)
    ends = [header.data_offset + t.offset + t.bytes for t in header.tensors if t.bytes]
    assert max(ends, default=0) <= len(data)


@settings(max_examples=200, deadline=2000)
@given(rest=st.binary(max_size=300), version=st.sampled_from([2, 3]))
def test_any_bytes_are_read_or_refused(scratch: Path, rest: bytes, version: int) -> None:
    """Random bytes behind a true beginning are read or refused, and nothing else is raised."""
    path = saved(scratch, b"GGUF" + struct.pack("<I", version) + rest)
    try:
        header = read_header(path)
    except CorruptFile:
        return
    assert header.data_offset - 31 <= path.stat().st_size


@pytest.mark.models
def test_the_real_header_is_read_fast(bundled_model: Callable[[str], Path]) -> None:
    """The header of Gemma 3 270M, with its 262,144 tokens, is read whole, and in less time without them."""
    path = bundled_model("gemma3-270m")
    header = read_header(path)
    assert len(header.metadata["tokenizer.ggml.tokens"]) == 262_144
    assert len(header.tensors) == 236
    assert best_of(5, lambda: read_header(path, skip_arrays=True)) < best_of(5, lambda: read_header(path))
