"""Writes Hugging Face folders for tests: a configuration, and safetensors whose weights take no room on the disk."""

import json
import os
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

BYTES = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U8": 1, "I32": 4}


def folder(
    path: Path,
    config: Mapping[str, Any],
    tensors: Mapping[str, Sequence[int]] | None = None,
    *,
    dtype: str = "F16",
    shards: int = 1,
) -> Path:
    """A model folder; `tensors` maps names to shapes, `shards` of more than 1 spreads them over files with an index."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps(config), "utf-8")
    if tensors is None:
        return path
    if shards == 1:
        safetensors(path / "model.safetensors", tensors, dtype)
        return path
    weight_map = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = dict(list(tensors.items())[shard::shards])
        safetensors(path / name, part, dtype)
        weight_map |= dict.fromkeys(part, name)
    (path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}), "utf-8")
    return path


def safetensors(path: Path, tensors: Mapping[str, Sequence[int]], dtype: str = "F16") -> None:
    """A safetensors file with a hole where the weights would be."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in tensors.items():
        begin, end = end, end + prod(shape) * BYTES[dtype]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    os.truncate(path, 8 + len(text) + end)


def gpt2() -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """GPT-2 small as it lies on the hub: 124,439,808 parameters, and masks that are none."""
    config = {
        "model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024, "n_ctx": 1024,
        "vocab_size": 50257,
    }  # fmt: skip
    tensors: dict[str, tuple[int, ...]] = {"wte.weight": (50257, 768), "wpe.weight": (1024, 768)}
    for layer in range(12):
        at = f"h.{layer}."
        tensors |= {
            at + "attn.bias": (1, 1, 1024, 1024),
            at + "attn.c_attn.weight": (768, 2304), at + "attn.c_attn.bias": (2304,),
            at + "attn.c_proj.weight": (768, 768), at + "attn.c_proj.bias": (768,),
            at + "mlp.c_fc.weight": (768, 3072), at + "mlp.c_fc.bias": (3072,),
            at + "mlp.c_proj.weight": (3072, 768), at + "mlp.c_proj.bias": (768,),
            at + "ln_1.weight": (768,), at + "ln_1.bias": (768,),
            at + "ln_2.weight": (768,), at + "ln_2.bias": (768,),
        }  # fmt: skip
    return config, tensors | {"ln_f.weight": (768,), "ln_f.bias": (768,)}
