"""Where the parts of a loaded transformers model are: its attention modules, their output projections, its layers.

It knows no family by name. An attention module is the innermost one whose class is called so, a layer the entry of the
list that holds it, an output projection the linear map whose input is the heads' results side by side. What does not
fit is reported missing, so that nothing is measured at the wrong place.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from weakspot.errors import UsageError
from weakspot.records.look import Stack

ATTENTION = re.compile(r"Attention(\b|$)|SelfAttention|Attn$")
CROSS = re.compile(r"enc_?dec|encoder_attn|cross", re.IGNORECASE)
PROJECTIONS = ("o_proj", "c_proj", "out_proj", "dense", "o", "wo", "out", "W_o")
"""What families call the map behind the heads."""
HEAD = re.compile(r"(?:(enc|dec|cross)[:.])?L(\d{1,4})H(\d{1,4})", re.IGNORECASE)
STACKS: dict[str, Stack] = {"enc": "encoder", "dec": "decoder", "cross": "cross"}
SHORT = {stack: short for short, stack in STACKS.items()}


@dataclass(frozen=True)
class Attention:
    """One attention module. `projection` takes `heads` x `width` numbers a position, head after head."""

    stack: Stack
    layer: int
    path: str
    module: Any
    projection: Any
    heads: int

    @property
    def width(self) -> int:
        """Numbers of one head."""
        return _inputs(self.projection) // self.heads


@dataclass(frozen=True)
class Parts:
    """A model taken apart. `layers` holds each stack's layer modules in order (`cross` has none of its own)."""

    model: Any
    encoder: bool
    attentions: tuple[Attention, ...]
    layers: dict[Stack, tuple[Any, ...]]
    embedding: Any
    without_heads: tuple[str, ...] = ()

    def attention(self, stack: Stack, layer: int) -> Attention | None:
        """The attention of a stack's layer; None where that layer has none."""
        return next((one for one in self.attentions if (one.stack, one.layer) == (stack, layer)), None)

    @property
    def main(self) -> Stack:
        """The stack that writes the answer."""
        return "decoder"

    def heads(self) -> Iterator[tuple[Stack, int, int]]:
        """Every head."""
        for one in self.attentions:
            for head in range(one.heads):
                yield one.stack, one.layer, head


def head_name(stack: Stack, layer: int, head: int, *, several: bool) -> str:
    """L18H6; with the stack in front where the model has several."""
    return f"{SHORT[stack]}:L{layer}H{head}" if several else f"L{layer}H{head}"


def head_of(name: str, parts: Parts) -> tuple[Stack, int, int]:
    """The head that a name means.

    Raises:
        UsageError: it is no name of a head, or the model has no such head.
    """
    match = HEAD.fullmatch(name.strip())
    if match is None:
        raise UsageError(
            f"{name!r} names no head.", hint="Like L18H6: layer 18, head 6, counted from 0; enc:L0H1 or cross:L0H1."
        )
    stack: Stack = STACKS[match[1].lower()] if match[1] else "decoder"
    layer, head = int(match[2]), int(match[3])
    found = parts.attention(stack, layer)
    if found is None or head >= found.heads:
        there = [one for one in parts.attentions if one.stack == stack]
        known = f"layers 0 to {max(one.layer for one in there)}, heads 0 to {there[0].heads - 1}" if there else "none"
        raise UsageError(f"The model has no head {name!r}.", hint=f"Heads of its {stack} attention: {known}.")
    return stack, layer, head


def take_apart(model: Any, *, encoder: bool) -> Parts:
    """The parts of a model, found by the shape of its modules."""
    modules = dict(model.named_modules())
    named = {path: module for path, module in modules.items() if ATTENTION.search(type(module).__name__)}
    inner = {p: m for p, m in named.items() if not any(other.startswith(f"{p}.") for other in named)}
    found, unread = [], []
    for path, module in inner.items():
        layer = re.search(r"\.(\d+)(?:\.|$)", path)
        heads, projection = _head_count(module, model.config), _projection(module)
        if layer is None or heads is None or projection is None or _inputs(projection) % heads:
            unread.append(path)
            continue
        found.append(Attention(_stack(path, encoder=encoder), int(layer[1]), path, module, projection, heads))
    return Parts(
        model=model,
        encoder=encoder,
        attentions=tuple(found),
        layers=_layers(modules, [one.path for one in found] + unread, encoder=encoder),
        embedding=_embedding(model, encoder=encoder),
        without_heads=tuple(unread),
    )


def _embedding(model: Any, *, encoder: bool) -> Any:
    """The table that the prompt is looked up in; an encoder may hold one of its own, tied to the decoder's."""
    reader = model.get_encoder() if encoder else model
    return (reader if hasattr(reader, "get_input_embeddings") else model).get_input_embeddings()


def _stack(path: str, *, encoder: bool) -> Stack:
    if not encoder:
        return "decoder"
    if CROSS.search(path.rpartition(".")[2]) or CROSS.search(re.sub(r"^.*\.\d+", "", path)):
        return "cross"
    return "encoder" if re.search(r"(^|\.)encoder\.", path) else "decoder"


def _layers(modules: dict[str, Any], attentions: list[str], *, encoder: bool) -> dict[Stack, tuple[Any, ...]]:
    """The entries of the lists that hold the attention modules; all entries, also those without attention.

    Where there is no attention at all, the longest list of the model.
    """
    lists: dict[Stack, str] = {}
    if not attentions:
        found = [path for path, module in modules.items() if type(module).__name__ == "ModuleList"]
        lists["decoder"] = max(found, key=lambda path: len(modules[path]))
    for path in attentions:
        holder = re.match(r"(.*?)\.\d+(?:\.|$)", path)
        stack = _stack(path, encoder=encoder)
        if holder is not None and stack != "cross":
            lists.setdefault(stack, holder[1])
    return {stack: tuple(modules[name].children()) for stack, name in lists.items()}


def _head_count(module: Any, config: Any) -> int | None:
    for name in ("num_heads", "n_heads", "num_attention_heads"):
        if isinstance(value := getattr(module, name, None), int) and value > 0:
            return value
    own = getattr(module, "config", config)
    value = getattr(own, "num_attention_heads", None)
    return value if isinstance(value, int) and value > 0 else None


def _projection(module: Any) -> Any:
    children = dict(module.named_children())
    return next((children[name] for name in PROJECTIONS if name in children and _inputs(children[name])), None)


def _inputs(projection: Any) -> int:
    """Numbers that a linear map takes; the library's Conv1D holds its matrix the other way round."""
    if isinstance(features := getattr(projection, "in_features", None), int):
        return features
    weight = getattr(projection, "weight", None)
    return int(weight.shape[0]) if weight is not None and weight.dim() == 2 else 0
