"""Reads the embedding matrix out of a model file, and the output matrix where it is another one, without torch.

Weights are mapped into memory and turned into float32 a block of rows at a time, so a matrix of gigabytes costs what
one block costs. GGUF's quantised types are computed by the `gguf` package's numpy code. Safetensors may be sharded; a
checkpoint in pickle form is never opened. It does not know what a row means (see `weakspot.vocabularies.undertrained`).
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from weakspot.artifacts.gguf import TensorInfo, read_header
from weakspot.artifacts.safetensors import INDEX, SINGLE, StoredTensor, parse_json, read_file, read_folder
from weakspot.errors import CorruptFile, MissingExtra, UnknownModel, UsageError

Rows = npt.NDArray[np.float32]

BLOCK_ROWS: Final = 4096
GGUF_INPUT: Final = ("token_embd.weight",)
GGUF_OUTPUT: Final = ("output.weight",)
INPUT_NAMES: Final = (
    "embed_tokens.weight",  # LLaMA, Mistral, Qwen, Gemma, Phi, OPT, ...
    "wte.weight",  # GPT-2, GPT-J, Falcon's ancestors
    "embed_in.weight",  # GPT-NeoX
    "tok_embeddings.weight",  # LLaMA as first published, InternLM2, ModernBERT
    "word_embeddings.weight",  # BERT, BLOOM, Falcon, ChatGLM
    "shared.weight",  # T5
    "backbone.embeddings.weight",  # Mamba
    "model.embeddings.weight",
    "wte.embedding.weight",
)
"""How the input matrix's name ends, in the order in which the names are tried."""
OUTPUT_NAMES: Final = ("lm_head.weight", "embed_out.weight", "output_layer.weight", "output.weight")
"""How the output matrix's name ends; `output.weight` counts only as a whole name, for every layer may have one."""

_AGAIN: Final = "Fetch it again, and compare its size and sha256 with the published ones."
_STORED: Final = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


@dataclass(frozen=True)
class Matrix:
    """A matrix of a row a token, kept on disk.

    Attributes:
        name: the tensor's name in the file.
        type: how its values are stored (F32, F16, BF16, Q8_0, ...).
        shape: rows and width.
    """

    name: str
    type: str
    shape: tuple[int, int]
    _raw: npt.NDArray[np.uint8]
    _decode: Callable[[npt.NDArray[np.uint8]], Rows]

    def rows(self, start: int, stop: int) -> Rows:
        """Rows `start` to `stop`, exclusive, as float32, shape (stop - start, width)."""
        return self._decode(np.ascontiguousarray(self._raw[start:stop]))

    def take(self, ids: Sequence[int] | npt.NDArray[np.int64]) -> Rows:
        """The rows of these ids as float32, shape (ids, width)."""
        return self._decode(np.ascontiguousarray(self._raw[np.asarray(ids, np.int64)]))

    def blocks(self, size: int = BLOCK_ROWS) -> Iterator[tuple[int, Rows]]:
        """All rows, `size` at a time, each block with the id of its first row.

        Raises:
            CorruptFile: a block holds something that is no finite number.
        """
        for start in range(0, self.shape[0], size):
            block = self.rows(start, min(start + size, self.shape[0]))
            if not np.isfinite(block).all():
                row = start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
                raise CorruptFile(f"The tensor {self.name!r} holds no finite numbers in row {row:,}.", hint=_AGAIN)
            yield start, block


@dataclass(frozen=True)
class Embeddings:
    """What a model knows its tokens by.

    Attributes:
        input: a row for each token that goes in.
        output: a row for each token that can come out; None where `tied`, for it is the same matrix then.
        tied: whether one matrix does both.
    """

    input: Matrix
    output: Matrix | None
    tied: bool


def read_embeddings(path: str | Path) -> Embeddings:
    """The embeddings of a GGUF file, a safetensors file, or a Hugging Face folder.

    Raises:
        UnknownModel: nothing is there, or a folder holds no safetensors.
        CorruptFile: the file is damaged, or holds no embedding matrix under a known name.
        UsageError: its values are stored in a way that cannot be read here.
        MissingExtra: they are quantised, and the package `gguf` is not installed.
    """
    path = Path(path)
    if path.is_dir() or path.suffix == ".safetensors":
        return _from_safetensors(path)
    return _from_gguf(path)


def _from_gguf(path: Path) -> Embeddings:
    header = read_header(path, skip_arrays=True)
    found = {tensor.name: tensor for tensor in header.tensors}

    def matrix(names: Sequence[str]) -> Matrix | None:
        tensor = next((found[name] for name in names if name in found), None)
        return None if tensor is None else _gguf_matrix(path, tensor, header.data_offset)

    entry = matrix(GGUF_INPUT)
    if entry is None:
        raise CorruptFile(
            f"{path.name!r} holds no tensor 'token_embd.weight'.",
            hint="A vocabulary alone, or a later part of a split model, has no embeddings: name the first part.",
        )
    output = matrix(GGUF_OUTPUT)
    return _checked(Embeddings(entry, output, output is None), path.name)


def _gguf_matrix(path: Path, tensor: TensorInfo, data_offset: int) -> Matrix:
    if len(tensor.shape) != 2 or 0 in tensor.shape:
        raise CorruptFile(f"{path.name!r} gives {tensor.name!r} the shape {tensor.shape}, no matrix.", hint=_AGAIN)
    width, rows = tensor.shape
    raw = _mapped(path, data_offset + tensor.offset, (rows, tensor.bytes // rows))
    return Matrix(tensor.name, tensor.type, (rows, width), raw, _decoder(tensor.type))


def _from_safetensors(path: Path) -> Embeddings:
    folder = path if path.is_dir() else path.parent
    tensors = _stored(path)
    names = [tensor.name for tensor in tensors]
    by_name = {tensor.name: tensor for tensor in tensors}
    entry = _pick(names, INPUT_NAMES)
    if entry is None:
        raise CorruptFile(
            f"{path.name!r} holds no embedding matrix under a name that is known here.",
            hint="It may be an adapter, or of a family that is not read yet: a GGUF conversion can be read.",
        )
    output = _pick([name for name in names if name != entry], OUTPUT_NAMES)
    tied = output is None or _says_tied(folder)
    matrix = _stored_matrix(_file_of(path, entry), by_name[entry])
    other = None if tied or output is None else _stored_matrix(_file_of(path, output), by_name[output])
    return _checked(Embeddings(matrix, other, tied), path.name)


def _stored(path: Path) -> tuple[StoredTensor, ...]:
    if not path.exists():
        raise UnknownModel(f"There is no file or folder {str(path)!r}.")
    if path.is_dir():
        found = read_folder(path)
        if found is None:
            raise UnknownModel(
                f"The folder {path.name!r} holds no safetensors.", hint="Pickled checkpoints are never opened."
            )
        return found
    return read_file(path)


def _pick(names: Sequence[str], endings: Sequence[str]) -> str | None:
    """The shortest name with the first ending that any has; towers for images have embeddings deeper down."""
    for ending in endings:
        lone = ending == "output.weight"
        fits = [name for name in names if name == ending or (not lone and name.endswith(f".{ending}"))]
        if fits:
            return min(fits, key=len)
    return None


def _says_tied(folder: Path) -> bool:
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False  # no config, or a damaged one: what the file holds decides
    if not isinstance(config, dict):
        return False
    inner = config.get("text_config")
    places = [config, inner if isinstance(inner, dict) else {}]
    return any(place.get("tie_word_embeddings") is True for place in places)


def _file_of(path: Path, tensor: str) -> Path:
    """The shard that holds a tensor; `read_folder` has checked that the index names files of this folder."""
    if not path.is_dir():
        return path
    if (path / INDEX).is_file():
        return path / str(parse_json((path / INDEX).read_bytes(), INDEX)["weight_map"][tensor])
    if (path / SINGLE).is_file():
        return path / SINGLE
    return next(file for file in sorted(path.glob("*.safetensors")) if not file.name.startswith("adapter_"))


def _stored_matrix(file: Path, tensor: StoredTensor) -> Matrix:
    if len(tensor.shape) != 2 or 0 in tensor.shape:
        raise CorruptFile(f"{file.name!r} gives {tensor.name!r} the shape {tensor.shape}, no matrix.", hint=_AGAIN)
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        entry: dict[str, Any] = parse_json(opened.read(length), file.name)[tensor.name]
    rows, width = tensor.shape
    raw = _mapped(file, 8 + length + int(entry["data_offsets"][0]), (rows, tensor.bytes // rows))
    if tensor.type not in (*_STORED, "BF16"):
        raise _unreadable(tensor.type)
    return Matrix(tensor.name, tensor.type, (rows, width), raw, _decoder(tensor.type))


def _mapped(path: Path, offset: int, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    try:
        return np.memmap(path, np.uint8, "r", offset, shape)
    except (OSError, ValueError) as error:
        raise CorruptFile(f"{path.name!r} cannot be mapped into memory: {error}.", hint=_AGAIN) from error


def _decoder(kind: str) -> Callable[[npt.NDArray[np.uint8]], Rows]:
    """From a type's name to what turns raw rows, shape (n, bytes), into float32, shape (n, width)."""
    if kind in _STORED:
        return lambda raw: raw.view(_STORED[kind]).astype(np.float32)
    if kind == "BF16":  # the upper half of a float32
        return lambda raw: (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
    try:
        from gguf import GGMLQuantizationType
        from gguf.quants import dequantize
    except ImportError:
        raise MissingExtra(
            f"Values stored as {kind} need the package gguf.", hint="pip install gguf, or name an F16 file."
        ) from None
    known = getattr(GGMLQuantizationType, kind, None)
    if known is None:
        raise _unreadable(kind)

    def decode(raw: npt.NDArray[np.uint8]) -> Rows:
        try:
            return np.asarray(dequantize(raw, known), np.float32)
        except NotImplementedError:
            raise _unreadable(kind) from None

    return decode


def _unreadable(kind: str) -> UsageError:
    return UsageError(
        f"The embeddings are stored as {kind}, which cannot be read here.",
        hint="Name another quantisation of this model, or its unquantised form.",
    )


def _checked(found: Embeddings, name: str) -> Embeddings:
    if found.output is not None and found.output.shape[0] != found.input.shape[0]:
        raise CorruptFile(
            f"{name!r} has {found.input.shape[0]:,} input embeddings, but {found.output.shape[0]:,} output embeddings.",
            hint=_AGAIN,
        )
    return found
