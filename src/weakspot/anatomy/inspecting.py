"""An anatomy and the questions asked of it (context, batch, type of the cache) -> the record that `inspect` shows."""

from dataclasses import dataclass
from typing import Final

from weakspot.anatomy.arithmetic import VALUE_BYTES, fits
from weakspot.anatomy.card import Anatomy
from weakspot.anatomy.costs import bytes_by_dtype, compute_of, largest_batch
from weakspot.anatomy.counting import Counted, counted_from_config, counted_from_tensors
from weakspot.anatomy.families import family_of
from weakspot.anatomy.from_hf import text_config
from weakspot.anatomy.layers import attention_by_layer, kept_by_layer, positions_by_layer
from weakspot.anatomy.memory import kv_cache
from weakspot.anatomy.shape import Facts
from weakspot.anatomy.stated import Stated
from weakspot.errors import UsageError
from weakspot.records import Card, Inspection, KVCache

DEFAULT_CONTEXT = 8192
"""Tokens, where neither the user nor the model says a context."""
MOST_TOKENS = 1 << 30


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every model: `context` in tokens (None: the declared one), `memory` in bytes."""

    context: int | None = None
    batch: int = 1
    kv_dtype: str = "bf16"
    memory: int | None = None

    def __post_init__(self) -> None:
        """Raise UsageError on what makes no sense."""
        if self.context is not None and not 1 <= self.context <= MOST_TOKENS:
            raise UsageError(f"A context of {self.context} tokens makes no sense.", hint="From 1 to 2^30.")
        if not 1 <= self.batch <= MOST_TOKENS:
            raise UsageError(f"A batch of {self.batch} sequences makes no sense.", hint="From 1 to 2^30.")
        if self.kv_dtype not in VALUE_BYTES:
            raise UsageError(f"No cache is of type {self.kv_dtype!r}.", hint=f"One of: {', '.join(VALUE_BYTES)}.")
        if self.memory is not None and self.memory < 1:
            raise UsageError("A memory of no bytes holds nothing.", hint="Like 24GB or 16GiB.")


def inspect(anatomy: Anatomy, reference: str, asked: Asked) -> Inspection:
    """The card of one model as far as its files say, without lint and risks."""
    card, facts, shape = anatomy.card, anatomy.facts, anatomy.shape
    context = asked.context or facts.context or DEFAULT_CONTEXT
    cache = kv_cache(kept_by_layer(facts, shape), asked.kv_dtype, context, asked.batch)
    attention, positions = attention_by_layer(facts, shape), positions_by_layer(facts, shape)
    counted, counted_from = _counted(anatomy)
    parameters = None if counted is None else fits(counted.total)
    weights = card.weights_bytes or (None if parameters is None else 2 * parameters)
    return Inspection(
        model=card.name,
        reference=reference,
        family=facts.architecture,
        kind=shape.kind,
        layers=card.layer_count,
        heads=card.heads,
        kv_heads=card.kv_heads,
        head_dim=card.head_size,
        attention=attention,
        positions=positions,
        parameters=parameters,
        kv_cache=cache,
        hidden=card.hidden,
        feed_forward=card.feed_forward,
        vocabulary=card.vocabulary,
        context=card.context,
        norm=_norm(facts),
        activation=facts.activation,
        experts=facts.experts,
        experts_used=facts.experts_used,
        tied_embeddings=card.tied_embeddings,
        tokenizer=card.tokenizer,
        chat_template_sha256=card.chat_template_sha256,
        parameters_from=counted_from,
        parameters_by_part=counted.parts if counted is not None and parameters is not None else {},
        active_parameters=counted.active if counted is not None and parameters is not None else None,
        quantisation=card.quantisation,
        weights_bytes=card.weights_bytes,
        bytes_by_dtype=bytes_by_dtype(parameters),
        compute=compute_of(facts, shape, counted, context, asked.batch, cache.bytes, card.weights_bytes),
        largest_batch=largest_batch(asked.memory, weights, cache.bytes, asked.batch),
        unknown=_unknown(card, attention, positions, cache, parameters),
        notes=card.notes,
    )


_PLACES: Final = {
    **dict.fromkeys(("bert", "bart", "roberta", "distilbert", "electra"), "after each part, on the sum"),
    **dict.fromkeys(("gemma2", "gemma3", "gemma3_text", "gemma3n"), "before and after each part"),
    "olmo2": "after each part, before the sum",
    "olmo3": "after each part, before the sum",
}
"""Where the norms of a block stand; elsewhere before each part. Sources: the papers of `families` and `recipes`."""


def _norm(facts: Facts) -> str | None:
    known = family_of(facts.architecture) is not None
    if facts.norm is None or not known:
        return facts.norm
    return f"{facts.norm}, {_PLACES.get(facts.architecture, 'before each part')}"


def _counted(anatomy: Anatomy) -> tuple[Counted | None, str]:
    """The parameters by part, and where they come from: the tensors themselves before any rule."""
    if anatomy.tensors:
        tied = anatomy.card.tied_embeddings
        return counted_from_tensors(anatomy.tensors, anatomy.facts, tied=tied), "tensor headers"
    if anatomy.folder is None:
        return None, ""
    values = text_config(anatomy.folder.config)
    counted = counted_from_config(anatomy.facts, Stated(values))
    return counted, "" if counted is None else "counted from the configuration"


def _unknown(
    card: Card, attention: tuple[str, ...], positions: tuple[str, ...], cache: KVCache, parameters: int | None
) -> tuple[str, ...]:
    """What the files did not say, in words."""
    missing = {
        "the kind (encoder, decoder or both)": card.kind == "not stated",
        "the number of layers": card.layer_count is None,
        "the number of heads": card.heads is None and card.kind != "recurrent",
        "the attention of each layer": not attention,
        "which layers see the whole context": any("not stated" in said for said in attention),
        "the positions of each layer": not positions,
        "the KV cache": cache.bytes is None,
        "the parameters": parameters is None,
    }
    return tuple(said for said, is_missing in missing.items() if is_missing)
