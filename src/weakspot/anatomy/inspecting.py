"""An anatomy and the questions asked of it (context, batch, type of the cache) -> the record that `inspect` shows."""

from dataclasses import dataclass

from weakspot.anatomy.arithmetic import VALUE_BYTES
from weakspot.anatomy.card import Anatomy
from weakspot.anatomy.layers import attention_by_layer, kept_by_layer, positions_by_layer
from weakspot.anatomy.memory import kv_cache
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
        parameters=card.parameters,
        kv_cache=cache,
        hidden=card.hidden,
        feed_forward=card.feed_forward,
        vocabulary=card.vocabulary,
        context=card.context,
        norm=facts.norm,
        activation=facts.activation,
        experts=facts.experts,
        experts_used=facts.experts_used,
        tied_embeddings=card.tied_embeddings,
        tokenizer=card.tokenizer,
        chat_template_sha256=card.chat_template_sha256,
        parameters_from="tensor headers" if card.parameters is not None else "",
        quantisation=card.quantisation,
        weights_bytes=card.weights_bytes,
        unknown=_unknown(card, attention, positions, cache),
        notes=card.notes,
    )


def _unknown(card: Card, attention: tuple[str, ...], positions: tuple[str, ...], cache: KVCache) -> tuple[str, ...]:
    """What the files did not say, in words."""
    missing = {
        "the kind (encoder, decoder or both)": card.kind == "not stated",
        "the number of layers": card.layer_count is None,
        "the number of heads": card.heads is None and card.kind != "recurrent",
        "the attention of each layer": not attention,
        "which layers see the whole context": any("not stated" in said for said in attention),
        "the positions of each layer": not positions,
        "the KV cache": cache.bytes is None,
        "the parameters": card.parameters is None,
    }
    return tuple(said for said, is_missing in missing.items() if is_missing)
