"""Builds an architecture card from a GGUF file or a Hugging Face folder, from headers alone."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from weakspot.anatomy import arithmetic
from weakspot.anatomy.families import family_of
from weakspot.anatomy.from_gguf import facts_from_gguf, tokenizer_kind
from weakspot.anatomy.from_hf import facts_from_config
from weakspot.anatomy.shape import Facts, Shape, shape_of
from weakspot.anatomy.stated import Stated
from weakspot.artifacts.ggml_types import FILE_TYPES, GUESSED
from weakspot.artifacts.gguf import GGUFHeader, TensorInfo, read_header
from weakspot.artifacts.hfconfig import HFFolder, read_config, read_hf_folder
from weakspot.artifacts.safetensors import StoredTensor
from weakspot.records import Card

CONTEXTS: Final = (512, 2048, 8192)
"""Contexts in tokens at which the KV cache is shown, beside the declared one, as far as the model goes."""
NO_TEMPLATE: Final = "no chat template: a base model, as far as the file says"

_BUFFERS = re.compile(r"(rotary_emb\.inv_freq|\.masked_bias|position_ids|final_logits_bias)$")
_MASK = re.compile(r"(^|\.)(attn|attention)\.bias$")
_HEAD = re.compile(r"(^|\.)(lm_head|embed_out)\.weight$")
_COPY = re.compile(r"(^|\.)(encoder|decoder)\.embed_tokens\.weight$")
_SHARED = re.compile(r"(^|\.)shared\.weight$")


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A model's files, read: the card, what it stands on, and the tensors that are parameters (None: no headers).

    Of `header` and `folder` one is set.
    """

    card: Card
    facts: Facts
    shape: Shape
    tensors: tuple[TensorInfo | StoredTensor, ...] | None = None
    header: GGUFHeader | None = None
    folder: HFFolder | None = None
    template: str | None = None


def card_from_gguf(path: str | Path, name: str = "") -> Card:
    """The card of a GGUF file; `name` stands in for the file's own.

    Raises:
        UnknownModel: there is no such file.
        CorruptFile: it is no GGUF file, or is damaged or cut short.
    """
    return anatomy_of_gguf(path, name).card


def anatomy_of_gguf(path: str | Path, name: str = "") -> Anatomy:
    """A GGUF file's header, read; raises as `card_from_gguf`."""
    header = read_header(path, skip_arrays=True)
    said = Stated(header.metadata)
    facts = facts_from_gguf(header)
    shape = shape_of(facts, family_of(facts.architecture))
    parts = said.whole("split.count") or 1
    whole = parts == 1
    template = header.metadata.get("tokenizer.chat_template")
    notes = [*_template_notes(template, shape), *_mix(header.tensors)]
    if not whole:
        notes.append(f"one of {parts} parts of a split file: parameters and bytes are not counted")
    card = _card(facts, shape, name or said.text("general.name") or Path(path).stem, notes)
    card = _with_shares(
        msgspec.structs.replace(
            card,
            source=f"GGUF version {header.version} header",
            parameters=arithmetic.fits(arithmetic.parameter_count(header.tensors)) if whole else None,
            weights_bytes=arithmetic.weight_bytes(header.tensors) if whole else None,
            tied_embeddings=facts.tied if whole and shape.kind != "encoder-only" else None,
            quantisation=_file_type(header),
            tokenizer=tokenizer_kind(header.metadata),
            chat_template_sha256=_sha256(template),
            licence=said.text("general.license.name", "general.license"),
        )
    )
    text = template if isinstance(template, str) and template else None
    return Anatomy(card, facts, shape, header.tensors if whole else None, header, template=text)


def card_from_hf(folder: str | Path, name: str = "") -> Card:
    """The card of a local Hugging Face folder: config.json and, where there are any, safetensors headers.

    Raises:
        UnknownModel: there is no such folder, or no config.json in it.
        CorruptFile: config.json or a safetensors header is damaged.
    """
    return anatomy_of_hf(folder, name).card


def anatomy_of_hf(folder: str | Path, name: str = "") -> Anatomy:
    """A Hugging Face folder's configuration and headers, read; raises as `card_from_hf`."""
    return anatomy_of_found(read_hf_folder(folder), name)


def anatomy_of_params(path: str | Path, name: str = "") -> Anatomy:
    """A configuration file alone, a model's own or one written by hand.

    Raises:
        UnknownModel: there is no such file.
        CorruptFile: it is no JSON object.
    """
    return anatomy_of_found(HFFolder(name or Path(path).stem, read_config(path), None), name)


def anatomy_of_found(found: HFFolder, name: str = "") -> Anatomy:
    """The same of a folder that was read, or of a configuration alone."""
    facts = facts_from_config(found.config)
    shape = shape_of(facts, family_of(facts.architecture))
    tied = _tied(found, facts, shape)
    packed = Stated(found.config).part("quantization_config")
    method = packed.text("quant_method")
    counted = _counted(found.tensors or (), tied=tied)
    has_weights = found.tensors is not None
    notes = [*_template_notes(found.chat_template, shape), *_weights_notes(found, method)]
    card = _with_shares(
        msgspec.structs.replace(
            _card(facts, shape, name or found.name, notes),
            source="config.json and safetensors headers" if has_weights else "config.json",
            parameters=arithmetic.parameter_count(counted) if has_weights and not method else None,
            weights_bytes=arithmetic.weight_bytes(counted) if has_weights else None,
            tied_embeddings=tied,
            quantisation=_hf_type(found, method, packed.whole("bits", most=64)),
            tokenizer=found.tokenizer,
            chat_template_sha256=_sha256(found.chat_template),
            licence=found.licence,
        )
    )
    tensors = tuple(counted) if has_weights and not method else None
    return Anatomy(card, facts, shape, tensors, folder=found, template=found.chat_template)


def _card(facts: Facts, shape: Shape, name: str, notes: Sequence[str]) -> Card:
    """What the shape alone gives."""
    cache = shape.cache
    totals = {} if cache is None else {str(n): arithmetic.kv_bytes_at(cache, n) for n in _contexts(facts.context)}
    both = shape.kind == "encoder-decoder" and facts.layers is not None
    return Card(
        name=name,
        architecture=facts.architecture,
        kind=shape.kind,
        source="",
        layer_count=sum(layer.count for layer in shape.layers) if both else facts.layers,
        hidden=facts.hidden,
        feed_forward=facts.feed_forward,
        heads=facts.heads,
        kv_heads=shape.kv_heads,
        head_size=shape.head_size,
        attention=shape.attention,
        position=shape.position,
        layers=shape.layers,
        sliding_window=shape.window,
        context=facts.context,
        vocabulary=facts.vocabulary,
        kv_bytes_per_token=None if cache is None else arithmetic.fits(arithmetic.kv_bytes_per_token(cache)),
        kv_bytes_at={context: size for context, size in totals.items() if arithmetic.fits(size) is not None},
        notes=(*notes, *shape.notes),
    )


def _contexts(declared: int | None) -> list[int]:
    """Contexts worth showing: none beyond the declared one, which comes last."""
    if declared is None:
        return list(CONTEXTS)
    return [*(context for context in CONTEXTS if context < declared), declared]


def _with_shares(card: Card) -> Card:
    """Two notes that say more of a model than its parameter count: bits per weight, and the embeddings' share."""
    notes = []
    if (bits := arithmetic.bits_per_weight(card.weights_bytes, card.parameters)) is not None:
        notes.append(f"{bits:.2f} bits per weight")
    embeddings = arithmetic.embedding_parameters(card.vocabulary, card.hidden, card.tied_embeddings)
    if embeddings is not None and card.parameters and embeddings < card.parameters:
        notes.append(f"{embeddings / card.parameters:.0%} of the parameters are embeddings")
    return msgspec.structs.replace(card, notes=(*card.notes, *notes))


def _template_notes(template: object, shape: Shape) -> list[str]:
    return [] if shape.kind == "encoder-only" or (isinstance(template, str) and template) else [NO_TEMPLATE]


def _sha256(template: object) -> str | None:
    if not isinstance(template, str) or not template:
        return None
    return hashlib.sha256(template.encode("utf-8", "surrogatepass")).hexdigest()


def _mix(tensors: Iterable[TensorInfo]) -> list[str]:
    """The types that the parameters are really stored in: the file type names only the most of them."""
    counts: Counter[str] = Counter()
    for tensor in tensors:
        counts[tensor.type] += tensor.elements
    total = counts.total()
    shown = [f"{count / total:.0%} {kind}" for kind, count in counts.most_common(6) if count / total >= 0.005]
    return [f"stored as {', '.join(shown)}"] if len(counts) > 1 and total else []


def _file_type(header: GGUFHeader) -> str | None:
    stated = Stated(header.metadata).whole("general.file_type", least=0)
    if stated is not None and (known := FILE_TYPES.get(stated & ~GUESSED)) is not None:
        return known
    return _most_common((tensor.type, tensor.elements) for tensor in header.tensors if len(tensor.shape) > 1)


def _hf_type(found: HFFolder, method: str | None, bits: int | None) -> str | None:
    if method:
        return f"{method} {bits}-bit" if bits else method
    if found.tensors:
        return _most_common((tensor.type, tensor.elements) for tensor in found.tensors)
    names = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}
    return names.get(Stated(found.config).text("torch_dtype", "dtype") or "")


def _most_common(kinds: Iterable[tuple[str, int]]) -> str | None:
    counts: Counter[str] = Counter()
    for kind, elements in kinds:
        counts[kind] += elements
    return counts.most_common(1)[0][0] if counts else None


def _weights_notes(found: HFFolder, method: str | None) -> list[str]:
    if found.tensors is None and found.pickled:
        return ["the weights are in a pickle, which is not opened: parameters are not counted"]
    if found.tensors is None:
        return ["no safetensors in the folder: parameters are not counted"]
    return ["the weights are packed by a quantiser: parameters are not counted"] if method else []


def _tied(found: HFFolder, facts: Facts, shape: Shape) -> bool | None:
    if shape.kind == "encoder-only" or facts.tied is not None:
        return None if shape.kind == "encoder-only" else facts.tied
    if found.tensors is None:
        return None
    return not any(_HEAD.search(tensor.name) for tensor in found.tensors)


def _counted(tensors: Sequence[StoredTensor], *, tied: bool | None) -> list[StoredTensor]:
    """The tensors that are parameters: no buffers (masks, frequencies), and what is tied only once."""
    shared = any(_SHARED.search(tensor.name) for tensor in tensors)
    kept = []
    for tensor in tensors:
        mask = len(tensor.shape) == 4 and _MASK.search(tensor.name) is not None
        twice = (tied and _HEAD.search(tensor.name)) or (shared and _COPY.search(tensor.name))
        if not (mask or twice or _BUFFERS.search(tensor.name)):
            kept.append(tensor)
    return kept
