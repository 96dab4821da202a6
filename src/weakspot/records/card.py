"""An architecture card: the normal form of how a model is built, read from headers alone."""

import msgspec


class CardLayer(msgspec.Struct, frozen=True):
    """A run of equal layers: how many, which attention, its window in tokens (None: the whole context), RoPE base."""

    count: int
    attention: str
    window: int | None = None
    rope_base: float | None = None


class Card(msgspec.Struct, frozen=True):
    """How a model is built. Sizes are counts, `weights_bytes` and `kv_bytes_per_token` are bytes (KV in `kv_dtype`).

    `attention` is MHA, GQA or MQA; `position` names the encoding; `layers` lists runs of equal layers in order;
    what the file does not say is None and shown as "not stated", never guessed. `kv_bytes_per_token` is the growth of
    the cache while every layer still grows; `kv_bytes_at` gives totals at some contexts (tokens -> bytes), where
    sliding-window layers have stopped growing.
    """

    name: str
    architecture: str
    kind: str
    source: str
    parameters: int | None = None
    layer_count: int | None = None
    hidden: int | None = None
    feed_forward: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_size: int | None = None
    attention: str | None = None
    position: str | None = None
    layers: tuple[CardLayer, ...] = ()
    sliding_window: int | None = None
    context: int | None = None
    vocabulary: int | None = None
    tokenizer: str | None = None
    tied_embeddings: bool | None = None
    quantisation: str | None = None
    weights_bytes: int | None = None
    kv_dtype: str = "f16"
    kv_bytes_per_token: int | None = None
    kv_bytes_at: dict[str, int] = {}
    chat_template_sha256: str | None = None
    licence: str | None = None
    notes: tuple[str, ...] = ()
