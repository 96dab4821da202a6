"""Writes small models whose embeddings are known: GGUF with a vocabulary of real pieces, and safetensors with values."""

import json
import struct
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import make_gguf

Rows = npt.NDArray[np.float32]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WIDTH = 64
UNUSED = tuple(f"<unused{number}>" for number in range(8))
TYPES = {"F32": 0, "F16": 1, "Q8_0": 8, "BF16": 30}


def pieces() -> list[str]:
    """260 tokens of control and bytes, 8 that are kept free, all 26 letters, 676 pairs and 1,014 triples of them."""
    pairs = ["".join(pair) for pair in product(LETTERS, repeat=2)]
    return [*make_gguf.vocabulary()["tokenizer.ggml.tokens"], *UNUSED, *LETTERS, *pairs, *_triples(pairs)]


def _triples(pairs: list[str]) -> list[str]:
    return [pair + letter for pair in pairs[::2] for letter in "xyz"]


def first_of(kind: str) -> int:
    """The id at which the unused, letters, or triples begin."""
    return {"unused": 260, "letters": 268, "pairs": 294, "triples": 970}[kind]


def vocabulary() -> dict[str, Any]:
    """Metadata of a SentencePiece vocabulary of these."""
    texts = pieces()
    kinds = [*make_gguf.vocabulary()["tokenizer.ggml.token_type"].items, *[5] * 8, *[1] * (len(texts) - 268)]
    scores = [0.0] * 260 + [float(-number) for number in range(len(texts) - 260)]
    return {
        **make_gguf.vocabulary(),
        "tokenizer.ggml.tokens": texts,
        "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.token_type": make_gguf.Array(5, kinds),
    }


def trained(rows: int | None = None, seed: int = 0) -> Rows:
    """A matrix as training leaves it: directions at random, norms log-normal around 1; the unused rows at one place."""
    rows = rows or len(pieces())
    dice = np.random.default_rng(seed)
    matrix = dice.standard_normal((rows, WIDTH)).astype(np.float32)
    norms = np.exp(0.15 * dice.standard_normal(rows)).astype(np.float32)
    matrix *= (norms / np.linalg.norm(matrix, axis=1))[:, None]
    matrix += 0.2 * np.ones(WIDTH, np.float32) / np.sqrt(np.float32(WIDTH))
    start = first_of("unused")
    matrix[start : start + len(UNUSED)] = untrained(len(UNUSED), seed)
    return matrix


def untrained(count: int, seed: int = 0) -> Rows:
    """Rows that training pushed to one place, and a little noise."""
    place = np.random.default_rng(99).standard_normal(WIDTH).astype(np.float32)
    place *= np.float32(0.5) / np.linalg.norm(place)
    noise = np.random.default_rng(seed + 1).standard_normal((count, WIDTH)).astype(np.float32)
    return np.asarray(place + np.float32(0.005) * noise, np.float32)


def gguf(path: Path, matrix: Rows, output: Rows | None = None, kind: str = "F32", **changes: Any) -> Path:
    """A GGUF file of these embeddings; further weights are left out."""
    tensors = [("token_embd.weight", matrix)] + ([("output.weight", output)] if output is not None else [])
    shapes = [(name, (values.shape[1], values.shape[0]), TYPES[kind]) for name, values in tensors]
    metadata = {**make_gguf.llama(**vocabulary()), **changes}
    header = make_gguf.write(metadata, shapes, data=False)
    body = b""
    for _, values in tensors:
        body = body.ljust(make_gguf.padded(len(body), 32), b"\0") + stored(values, kind)
    path.write_bytes(header + body)
    return path


def stored(values: Rows, kind: str) -> bytes:
    """Values in the bytes of a type."""
    if kind == "BF16":
        return (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    if kind == "Q8_0":
        from gguf import GGMLQuantizationType
        from gguf.quants import quantize

        return quantize(values, GGMLQuantizationType.Q8_0).tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2", "F64": "<f8"}[kind]).tobytes()


def safetensors(path: Path, tensors: Mapping[str, Rows], kind: str = "F32") -> Path:
    """A safetensors file with values."""
    header: dict[str, Any] = {}
    body = b""
    for name, values in tensors.items():
        data = stored(values, kind)
        span = [len(body), len(body) + len(data)]
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": span}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path
