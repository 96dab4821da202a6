"""Writes small GGUF files for tests: the other side of `weakspot.artifacts.gguf`, and tiny models that llama.cpp loads.

A metadata value is written as what it is (int as uint32, float as float32); `(type id, value)` picks a type, `Array`
that of a list's elements.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from weakspot.artifacts.ggml_types import TENSOR_TYPES

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


class Array(NamedTuple):
    """A list whose elements are of a given type."""

    kind: int
    items: list[Any]


Tensor = tuple[str, Sequence[int], int]
"""Name, shape (fastest dimension first), type id."""


def write(
    metadata: Mapping[str, Any],
    tensors: Sequence[Tensor] = (),
    *,
    version: int = 3,
    alignment: int = 32,
    data: bool = True,
) -> bytes:
    """A GGUF file whose weights are all zero; `data` False leaves them out."""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    out += b"".join(string(key) + typed(value) for key, value in metadata.items())
    offset = 0
    for name, shape, kind in tensors:
        out += string(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape) + struct.pack("<IQ", kind, offset)
        offset += padded(tensor_bytes(shape, kind), alignment)
    out = out.ljust(padded(len(out), alignment), b"\0")
    return out + bytes(offset) if data else out


def string(text: str | bytes) -> bytes:
    """A length and the bytes."""
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(raw)) + raw


def typed(value: Any) -> bytes:
    """A value with its type in front."""
    kind, value = value if type(value) is tuple else (kind_of(value), value)
    return struct.pack("<I", kind) + bare(kind, value)


def bare(kind: int, value: Any) -> bytes:
    """A value without its type."""
    if kind == STRING:
        return string(value)
    if kind == ARRAY:
        inner = value if isinstance(value, Array) else Array(kind_of(value[0]) if value else 4, value)
        return struct.pack("<IQ", inner.kind, len(inner.items)) + b"".join(bare(inner.kind, i) for i in inner.items)
    return struct.pack("<" + SCALARS[kind], value)


def kind_of(value: Any) -> int:
    """The type that a value is written as where none is given."""
    return {bool: 7, int: 4, float: 6, str: STRING, bytes: STRING, list: ARRAY, Array: ARRAY}[type(value)]


def tensor_bytes(shape: Sequence[int], kind: int) -> int:
    """How many bytes a tensor takes."""
    _, block, size = TENSOR_TYPES[kind]
    count = 1
    for dimension in shape:
        count *= dimension
    return count // block * size


def padded(size: int, alignment: int) -> int:
    """A size rounded up."""
    return -(-size // alignment) * alignment


def vocabulary() -> dict[str, Any]:
    """A SentencePiece vocabulary of 260 tokens: three control tokens, every byte and a space."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581"]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * len(tokens),
        "tokenizer.ggml.token_type": Array(5, [2, 3, 3, *([6] * 256), 1]),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }


def llama(**changes: Any) -> dict[str, Any]:
    """Metadata of a LLaMA shape of 2 layers, 4 heads on 2 KV heads of 16; `changes` by key, None to leave one out."""
    metadata = {
        "general.architecture": "llama",
        "general.name": "tiny",
        "general.license": "apache-2.0",
        "general.file_type": 0,
        "llama.block_count": 2,
        "llama.context_length": 4096,
        "llama.embedding_length": 64,
        "llama.feed_forward_length": 128,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": 16,
        "llama.rope.freq_base": 10000.0,
        **vocabulary(),
    }
    metadata |= changes
    return {key: value for key, value in metadata.items() if value is not None}


def llama_tensors(*, kind: int = 0, tied: bool = False, layers: int = 2) -> list[Tensor]:
    """Tensors for `llama()`; `kind` is the type of the matrices."""
    tensors: list[Tensor] = [("token_embd.weight", (64, 260), kind), ("output_norm.weight", (64,), 0)]
    if not tied:
        tensors.append(("output.weight", (64, 260), kind))
    for layer in range(layers):
        at = f"blk.{layer}."
        tensors += [(at + "attn_norm.weight", (64,), 0), (at + "ffn_norm.weight", (64,), 0)]
        tensors += [
            (at + name + ".weight", shape, kind)
            for name, shape in {
                "attn_q": (64, 64),
                "attn_k": (64, 32),
                "attn_v": (64, 32),
                "attn_output": (64, 64),
                "ffn_gate": (64, 128),
                "ffn_up": (64, 128),
                "ffn_down": (128, 64),
            }.items()
        ]
    return tensors


def gemma3(**changes: Any) -> dict[str, Any]:
    """Metadata of a Gemma 3 shape of 7 layers, 2 heads on 1 KV head of 32, with a window of 300 tokens."""
    metadata = {
        "general.architecture": "gemma3",
        "general.name": "tiny gemma",
        "gemma3.block_count": 7,
        "gemma3.context_length": 8192,
        "gemma3.embedding_length": 64,
        "gemma3.feed_forward_length": 128,
        "gemma3.attention.head_count": 2,
        "gemma3.attention.head_count_kv": 1,
        "gemma3.attention.key_length": 32,
        "gemma3.attention.value_length": 32,
        "gemma3.attention.layer_norm_rms_epsilon": 1e-6,
        "gemma3.attention.sliding_window": 300,
        "gemma3.rope.freq_base": 1000000.0,
        **vocabulary(),
    }
    metadata |= changes
    return {key: value for key, value in metadata.items() if value is not None}


def gemma3_tensors() -> list[Tensor]:
    """Tensors for `gemma3()`."""
    tensors: list[Tensor] = [("token_embd.weight", (64, 260), 0), ("output_norm.weight", (64,), 0)]
    for layer in range(7):
        tensors += [
            (f"blk.{layer}.{name}.weight", shape, 0)
            for name, shape in {
                "attn_norm": (64,),
                "attn_q": (64, 64),
                "attn_k": (64, 32),
                "attn_v": (64, 32),
                "attn_output": (64, 64),
                "attn_q_norm": (32,),
                "attn_k_norm": (32,),
                "post_attention_norm": (64,),
                "ffn_norm": (64,),
                "ffn_gate": (64, 128),
                "ffn_up": (64, 128),
                "ffn_down": (128, 64),
                "post_ffw_norm": (64,),
            }.items()
        ]
    return tensors
