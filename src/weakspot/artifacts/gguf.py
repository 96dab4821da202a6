"""Reads the header of a GGUF file: its metadata and where its tensors lie, never the weights themselves.

Source of the format: ggml's docs/gguf.md, versions 2 and 3, little-endian. A file is hostile until read: every count
is held against the bytes that are left before anything is allocated for it, so no header costs more than its size.
It does not know what the metadata means (see `weakspot.anatomy`).
"""

import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from weakspot.artifacts.ggml_types import TENSOR_TYPES
from weakspot.errors import CorruptFile, UnknownModel

MAX_HEADER_BYTES: Final = 128 << 20
"""A longer header is refused; that of a 262k vocabulary takes 7 MB, with tokenizer.json inside 40 MB."""
MAX_ELEMENTS: Final = 1 << 22
"""A longer metadata array is refused; the largest seen have half a million elements."""
SKIPPED_FROM: Final = 1024
"""`skip_arrays` leaves out arrays from this length on: tokens, scores and merges, but no per-layer list."""

_MAX_DEPTH: Final = 4
_MAX_DIMENSIONS: Final = 4  # GGML_MAX_DIMS
_CHUNK: Final = 4 << 20
_DEFAULT_ALIGNMENT: Final = 32
_SCALARS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING: Final = 8
_ARRAY: Final = 9
_SMALLEST_ENTRY: Final = 8 + 4 + 1  # an empty key, its type, a one-byte value
_SMALLEST_TENSOR: Final = 8 + 4 + 4 + 8  # an empty name, no dimensions, a type, an offset
_SMALLEST_ARRAY: Final = 4 + 8  # a type and a count
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_AGAIN: Final = "Fetch it again, and compare its size and sha256 with the published ones."
_OTHER_KINDS: Final = {
    b"PK\x03\x04": "a zip archive, perhaps a PyTorch checkpoint",
    b"vers": "a Git LFS pointer, not the file it points to",
    b"<!DO": "a web page",
    b"<!do": "a web page",
    b"<htm": "a web page",
    b"tjgg": "a model in the old GGJT format",
    b"lmgg": "a model in the old GGML format",
    b"fmgg": "a model in the old GGMF format",
    b"FUGG": "a GGUF file of a big-endian machine",
}


@dataclass(frozen=True, slots=True)
class SkippedArray:
    """Stands for a long array that `skip_arrays` left out."""

    length: int


MetadataValue = Any
"""int, float, bool, str, a list of these or of lists, or a `SkippedArray`."""


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor: its shape in the file's order (the fastest dimension first), its size and place in bytes.

    `offset` counts from the header's `data_offset`.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    bytes: int
    offset: int

    @property
    def elements(self) -> int:
        """How many values it holds."""
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclass(frozen=True, slots=True)
class GGUFHeader:
    """What stands before the weights; `data_offset` is where those begin, all sizes are in bytes."""

    version: int
    metadata: dict[str, MetadataValue]
    tensors: tuple[TensorInfo, ...]
    data_offset: int
    file_bytes: int
    alignment: int = _DEFAULT_ALIGNMENT


def read_header(path: str | Path, *, skip_arrays: bool = False) -> GGUFHeader:
    """The header of the GGUF file at `path`.

    Args:
        path: the file.
        skip_arrays: leave out metadata arrays of 1,024 elements or more; a `SkippedArray` stands in for each.

    Raises:
        UnknownModel: nothing is there.
        CorruptFile: it is no GGUF file, or is damaged, cut short or of a version that is not read.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise CorruptFile(f"{path.name!r} is a folder, not a GGUF file.", hint="Name the .gguf file inside it.")
        if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
            raise CorruptFile(f"{path.name!r} is not a regular file.", hint="Name a .gguf file.")
        with path.open("rb") as file:
            return _Reader(file, path.name, skip_arrays=skip_arrays).header()
    except FileNotFoundError:
        raise UnknownModel(f"There is no file {str(path)!r}.", hint="Check the path.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CorruptFile(f"{path.name!r} cannot be read: {reason}.", hint="Check its permissions.") from error
    except ValueError:  # a null byte in the path
        raise UnknownModel(f"{str(path)!r} cannot be the name of a file.", hint="Check the path.") from None


class _Reader:
    """A cursor over the file's beginning, which reads on as it is needed, and the parts of the format."""

    def __init__(self, file: BinaryIO, name: str, *, skip_arrays: bool) -> None:
        self._file = file
        self._name = name
        self._skip = skip_arrays
        self._size = file.seek(0, 2)
        file.seek(0)
        self._data = b""
        self._at = 0

    def header(self) -> GGUFHeader:
        version = self._version()
        tensor_count, entry_count = self._u64(), self._u64()
        self._fits(entry_count, _SMALLEST_ENTRY, "metadata entries")
        self._fits(tensor_count, _SMALLEST_TENSOR, "tensors")
        metadata = self._metadata(entry_count)
        alignment = self._alignment(metadata)
        tensors = tuple(self._tensor() for _ in range(tensor_count))
        data_offset = -(-self._at // alignment) * alignment
        self._check_tensors(tensors, data_offset, alignment)
        return GGUFHeader(version, metadata, tensors, data_offset, self._size, alignment)

    def _version(self) -> int:
        if self._size == 0:
            self._fail("is empty", _AGAIN)
        magic = self._file.read(4)
        self._file.seek(0)
        if (kind := _OTHER_KINDS.get(magic)) is not None:
            self._fail(f"is not a GGUF file but {kind}", "Fetch or convert the model as a little-endian GGUF file.")
        if magic != b"GGUF":
            self._fail("is not a GGUF file: it does not begin with 'GGUF'", "Check that this is the model file.")
        self._at = 4
        version = self._u32()
        if version == 1:
            self._fail("is of GGUF version 1, which is no longer read", "Convert it again with a current llama.cpp.")
        if version and version & 0xFFFF == 0:  # 3 with its bytes the other way round is 0x03000000
            self._fail("is a GGUF file of a big-endian machine", "Convert it as little-endian.")
        if version not in (2, 3):
            self._fail(f"says that it is of GGUF version {version}, but only 2 and 3 are read", _AGAIN)
        return version

    def _metadata(self, count: int) -> dict[str, MetadataValue]:
        metadata: dict[str, MetadataValue] = {}
        for _ in range(count):
            key = self._string()
            if key in metadata:
                self._fail(f"has the metadata key {key[:60]!r} twice", _AGAIN)
            metadata[key] = self._value(self._u32(), key)
        return metadata

    def _value(self, kind: int, key: str, depth: int = 0) -> MetadataValue:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            if depth == _MAX_DEPTH:
                self._fail(f"nests arrays too deeply under {key[:60]!r}", _AGAIN)
            return self._array(key, depth)
        return self._scalars(self._scalar_code(kind, key), 1)[0]

    def _array(self, key: str, depth: int) -> MetadataValue:
        kind, count = self._u32(), self._u64()
        if count > MAX_ELEMENTS:
            self._fail(f"claims an array of {count} elements under {key[:60]!r}", _AGAIN)
        skip = self._skip and count >= SKIPPED_FROM
        if kind == _STRING:
            self._fits(count, _U64.size, f"strings under {key[:60]!r}")
            return self._strings(count, keep=not skip)
        if kind == _ARRAY:
            self._fits(count, _SMALLEST_ARRAY, f"arrays under {key[:60]!r}")
            values = [self._value(kind, key, depth + 1) for _ in range(count)]
        else:
            code = self._scalar_code(kind, key)
            if skip:
                self._take(count * struct.calcsize(code))
                return SkippedArray(count)
            values = self._scalars(code, count)
        return SkippedArray(count) if skip else values

    def _strings(self, count: int, *, keep: bool) -> MetadataValue:
        """Many strings. This loop is most of the time that a header takes, so it keeps its state in local names."""
        out: list[MetadataValue] = []
        data, at, length_at = self._data, self._at, _U64.unpack_from
        ready = len(data)
        for _ in range(count):
            start = at + 8
            end = start + length_at(data, at)[0] if start <= ready else ready + 1
            if end > ready:  # read on, or fail
                self._at = at
                start, end = self._string_span()
                data, ready = self._data, len(self._data)
            if keep:
                out.append(data[start:end].decode("utf-8", "replace"))
            at = end
        self._at = at
        return out if keep else SkippedArray(count)

    def _tensor(self) -> TensorInfo:
        name = self._string()
        shown = repr(name[:60])
        dimensions = self._u32()
        if dimensions > _MAX_DIMENSIONS:
            self._fail(f"gives the tensor {shown} {dimensions} dimensions, but at most 4 exist", _AGAIN)
        shape = tuple(self._u64() for _ in range(dimensions))
        kind = self._u32()
        if (known := TENSOR_TYPES.get(kind)) is None:
            self._fail(f"gives the tensor {shown} the unknown type {kind}", "It is damaged, or newer than this reader.")
        type_name, block, block_bytes = known
        info = TensorInfo(name, shape, type_name, 0, self._u64())
        if (shape[0] if shape else 1) % block:
            self._fail(f"has rows of {shape[:1]} values in {shown}, no multiple of {type_name}'s block", _AGAIN)
        return TensorInfo(name, shape, type_name, info.elements // block * block_bytes, info.offset)

    def _alignment(self, metadata: dict[str, MetadataValue]) -> int:
        value = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
        if type(value) is not int or not 0 < value <= 1 << 20 or value & (value - 1):
            self._fail("has a 'general.alignment' that is no power of two", _AGAIN)
        return int(value)

    def _check_tensors(self, tensors: tuple[TensorInfo, ...], data_offset: int, alignment: int) -> None:
        seen: set[str] = set()
        for tensor in tensors:
            shown = repr(tensor.name[:60])
            if tensor.name in seen:
                self._fail(f"has the tensor {shown} twice", _AGAIN)
            seen.add(tensor.name)
            if tensor.offset % alignment:
                self._fail(f"places the tensor {shown} off its alignment of {alignment} bytes", _AGAIN)
        end = max((data_offset + tensor.offset + tensor.bytes for tensor in tensors if tensor.bytes), default=0)
        if end > self._size:
            self._fail(f"is cut short: it has {self._size:,} bytes, but its tensors end at {end:,}", _AGAIN)

    def _scalar_code(self, kind: int, key: str) -> str:
        if (code := _SCALARS.get(kind)) is None:
            self._fail(f"has a value of the unknown type {kind} under {key[:60]!r}", _AGAIN)
        return code

    def _scalars(self, code: str, count: int) -> list[MetadataValue]:
        start = self._take(count * struct.calcsize(code))
        return list(struct.unpack_from(f"<{count}{code}", self._data, start))

    def _string(self) -> str:
        start, self._at = self._string_span()
        return self._data[start : self._at].decode("utf-8", "replace")

    def _string_span(self) -> tuple[int, int]:
        self._need(8)
        length: int = _U64.unpack_from(self._data, self._at)[0]
        self._need(8 + length)
        return self._at + 8, self._at + 8 + length

    def _u32(self) -> int:
        start = self._take(4)  # before `self._data` is looked up: taking may replace it
        value: int = _U32.unpack_from(self._data, start)[0]
        return value

    def _u64(self) -> int:
        start = self._take(8)
        value: int = _U64.unpack_from(self._data, start)[0]
        return value

    def _take(self, size: int) -> int:
        """Move over `size` bytes; where they begin."""
        self._need(size)
        self._at += size
        return self._at - size

    def _need(self, size: int) -> None:
        """Have `size` bytes from the cursor on in memory, or fail."""
        end = self._at + size
        if end <= len(self._data):
            return
        if end > self._size:
            self._fail(f"is cut short: its header goes on past the last of its {self._size:,} bytes", _AGAIN)
        if end > MAX_HEADER_BYTES:
            self._fail(f"has a header of more than {MAX_HEADER_BYTES >> 20} MiB", _AGAIN)
        wanted = max(end - len(self._data), _CHUNK, len(self._data))
        self._data += self._file.read(min(wanted, self._size - len(self._data)))  # a read sets its size aside
        if end > len(self._data):
            self._fail("became shorter while it was read", "Wait until its download is complete.")

    def _fits(self, count: int, smallest: int, what: str) -> None:
        if count * smallest > self._size - self._at:
            self._fail(f"claims {count} {what}, more than its {self._size:,} bytes can hold", _AGAIN)

    def _fail(self, what: str, hint: str) -> NoReturn:
        raise CorruptFile(f"{self._name!r} {what}.", hint=hint)
