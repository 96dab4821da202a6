"""Reads the headers of safetensors files, one or sharded, never the weights themselves.

Source of the format: an 8-byte little-endian length, a JSON object of that length (name -> dtype, shape, data
offsets), then the data. No pickle is ever opened: a folder with `pytorch_model.bin` alone has no tensors here.
"""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final

from weakspot.errors import CorruptFile

MAX_HEADER_BYTES: Final = 100_000_000
"""As in the reference implementation."""
INDEX: Final = "model.safetensors.index.json"
SINGLE: Final = "model.safetensors"

_MAX_SHARDS: Final = 1024
_MAX_INDEX_BYTES: Final = 64 << 20
_AGAIN: Final = "Fetch it again, and compare its size and sha256 with the published ones."
_BITS: Final = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
    "C64": 64,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor: its shape (slowest dimension first), its type's name and its size in bytes."""

    name: str
    shape: tuple[int, ...]
    type: str
    bytes: int

    @property
    def elements(self) -> int:
        """How many values it holds."""
        return prod(self.shape)


def read_folder(folder: Path) -> tuple[StoredTensor, ...] | None:
    """All tensors of a folder, sharded or not; None where it holds no safetensors.

    Raises:
        CorruptFile: a header or the index is damaged, or a shard is missing.
    """
    if (folder / INDEX).is_file():
        return _read_sharded(folder)
    if (folder / SINGLE).is_file():
        return read_file(folder / SINGLE)
    lone = [path for path in sorted(folder.glob("*.safetensors")) if not path.name.startswith("adapter_")]
    return read_file(lone[0]) if len(lone) == 1 else None


def read_file(path: Path) -> tuple[StoredTensor, ...]:
    """All tensors of one safetensors file.

    Raises:
        CorruptFile: it is damaged or cut short.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, MAX_HEADER_BYTES):
                raise CorruptFile(f"{path.name!r} is no safetensors file, or is cut short.", hint=_AGAIN)
            header = parse_json(file.read(length), path.name)
    except OSError as error:
        raise CorruptFile(f"{path.name!r} cannot be read: {error.strerror}.", hint="Check its permissions.") from error
    header.pop("__metadata__", None)
    data_bytes = size - 8 - length
    return tuple(_tensor(name, entry, data_bytes, path.name) for name, entry in header.items())


def parse_json(data: bytes, name: str) -> dict[str, Any]:
    """A JSON object out of a file's bytes.

    Raises:
        CorruptFile: it is no JSON, or no object, or nested absurdly deep.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):  # ValueError: no JSON, no UTF-8, or a number of thousands of digits
        raise CorruptFile(f"{name!r} holds no valid JSON.", hint=_AGAIN) from None
    if not isinstance(value, dict):
        raise CorruptFile(f"{name!r} holds JSON, but no object.", hint=_AGAIN)
    return value


def _read_sharded(folder: Path) -> tuple[StoredTensor, ...]:
    index = folder / INDEX
    try:
        if index.stat().st_size > _MAX_INDEX_BYTES:
            raise CorruptFile(f"{INDEX!r} is absurdly long.", hint=_AGAIN)
        weight_map = parse_json(index.read_bytes(), INDEX).get("weight_map")
    except OSError as error:
        raise CorruptFile(f"{INDEX!r} cannot be read: {error.strerror}.", hint="Check its permissions.") from error
    if not isinstance(weight_map, dict) or not all(isinstance(file, str) for file in weight_map.values()):
        raise CorruptFile(f"{INDEX!r} has no 'weight_map' of tensors to files.", hint=_AGAIN)
    files = sorted(set(weight_map.values()))
    if len(files) > _MAX_SHARDS:
        raise CorruptFile(f"{INDEX!r} names {len(files)} files.", hint=_AGAIN)
    tensors: list[StoredTensor] = []
    for file in files:
        # a shard lies beside its index: a name that leads out of the folder is hostile
        if file != Path(file).name or file in ("", ".", ".."):
            raise CorruptFile(f"{INDEX!r} names a file outside its folder: {file[:60]!r}.", hint="Do not trust it.")
        if not (folder / file).is_file():
            raise CorruptFile(f"The shard {file!r} is missing from {folder.name!r}.", hint="Fetch the whole folder.")
        tensors += (tensor for tensor in read_file(folder / file) if weight_map.get(tensor.name) == file)
    if missing := weight_map.keys() - {tensor.name for tensor in tensors}:
        raise CorruptFile(f"{INDEX!r} names {len(missing)} tensors that its files do not hold.", hint=_AGAIN)
    return tuple(tensors)


def _tensor(name: str, entry: Any, data_bytes: int, file: str) -> StoredTensor:
    try:
        kind, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    except (TypeError, KeyError, ValueError):
        raise CorruptFile(f"{file!r} describes the tensor {name[:60]!r} wrongly.", hint=_AGAIN) from None
    if not isinstance(kind, str) or kind not in _BITS:
        raise CorruptFile(f"{file!r} gives {name[:60]!r} the unknown type {str(kind)[:20]!r}.", hint=_AGAIN)
    sizes = (*shape, begin, end)
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise CorruptFile(f"{file!r} gives {name[:60]!r} a size that is no natural number.", hint=_AGAIN)
    if end > data_bytes:
        raise CorruptFile(f"{file!r} is cut short: the tensor {name[:60]!r} goes on past its end.", hint=_AGAIN)
    if len(shape) > 16 or prod(shape) * _BITS[kind] != (end - begin) * 8:
        raise CorruptFile(f"{file!r} gives {name[:60]!r} a shape that does not fill its bytes.", hint=_AGAIN)
    return StoredTensor(name, shape, kind, end - begin)
