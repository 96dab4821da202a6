"""Architecture cards side by side: one row per property, marked where the candidates differ."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from weakspot.records import Card, CardLayer
from weakspot.rendering import formats

NOT_STATED = "not stated"
NO_CARD = "no card"


class CardRow(NamedTuple):
    """A property of every candidate: its field in `Card`, its name, a value per candidate, whether they differ."""

    field: str
    label: str
    values: tuple[str, ...]
    differs: bool

    @property
    def anchor(self) -> str:
        """Where the row stands on the page."""
        return f"card-{self.field}"


def card_rows(cards: Mapping[str, Card], models: Sequence[str]) -> list[CardRow]:
    """All properties of all candidates; empty where there is no card at all.

    A row differs where two candidates state different values; what one of them does not state is no difference.
    """
    present = [cards.get(name) for name in models]
    if not any(card is not None for card in present):
        return []
    rows = []
    for field, label, show in FIELDS:
        rows.append(_row(field, label, show, present))
        if field == "kv_bytes_per_token":
            rows += _cache_rows(present)
    return rows


def card_notes(cards: Mapping[str, Card], models: Sequence[str]) -> list[tuple[str, str]]:
    """(candidate, note) for every note on a card."""
    return [(name, note) for name in models if name in cards for note in cards[name].notes]


def layer_pattern(layers: Sequence[CardLayer]) -> str | None:
    """Runs of equal layers in words, with a repeated pattern said once: "3 × (5 × sliding 512, 1 × full)"."""
    if not layers:
        return None
    for period in range(1, len(layers) // 2 + 1):
        times = len(layers) // period
        if len(layers) % period == 0 and all(layers[i] == layers[i % period] for i in range(len(layers))):
            return f"{times} × ({', '.join(map(_run, layers[:period]))})"
    return ", ".join(map(_run, layers))


def _run(layer: CardLayer) -> str:
    window = f", window {formats.count(layer.window)}" if layer.window else ""
    base = f", RoPE base {formats.count(layer.rope_base)}" if layer.rope_base else ""
    return f"{layer.count} × {layer.attention}{window}{base}"


def _row(field: str, label: str, show: Callable[[Card], str | None], cards: Sequence[Card | None]) -> CardRow:
    stated = [show(card) if card is not None else None for card in cards]
    values = tuple(NO_CARD if card is None else value or NOT_STATED for card, value in zip(cards, stated, strict=True))
    return CardRow(field, label, values, len({value for value in stated if value}) > 1)


def _cache_rows(cards: Sequence[Card | None]) -> list[CardRow]:
    """The cache at some contexts, shortest first; numbered, since a card's keys are foreign text."""
    contexts = sorted({key for card in cards if card for key in card.kv_bytes_at}, key=_as_number)
    return [
        _row(f"kv_bytes_at-{i}", f"KV cache at {_thousands(tokens)} tokens", _kv_at(tokens), cards)
        for i, tokens in enumerate(contexts)
    ]


def _kv_at(tokens: str) -> Callable[[Card], str | None]:
    return lambda card: formats.size(card.kv_bytes_at[tokens]) if tokens in card.kv_bytes_at else None


def _as_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _thousands(text: str) -> str:
    return formats.count(_as_number(text)) if _as_number(text) else text


def _count(value: int | None) -> str | None:
    return None if value is None else formats.count(value)


def _parameters(card: Card) -> str | None:
    if card.parameters is None:
        return None
    return f"{formats.large(card.parameters)} ({formats.count(card.parameters)})"


def _tied(card: Card) -> str | None:
    return None if card.tied_embeddings is None else ("yes" if card.tied_embeddings else "no")


def _kv(card: Card) -> str | None:
    if card.kv_bytes_per_token is None:
        return None
    return f"{formats.size(card.kv_bytes_per_token)} ({card.kv_dtype})"


def _bytes(value: int | None) -> str | None:
    return None if value is None else formats.size(value)


FIELDS: tuple[tuple[str, str, Callable[[Card], str | None]], ...] = (
    ("architecture", "Architecture", lambda c: c.architecture),
    ("kind", "Kind", lambda c: c.kind),
    ("parameters", "Parameters", _parameters),
    ("layer_count", "Layers", lambda c: _count(c.layer_count)),
    ("hidden", "Hidden size", lambda c: _count(c.hidden)),
    ("feed_forward", "Feed-forward size", lambda c: _count(c.feed_forward)),
    ("heads", "Query heads", lambda c: _count(c.heads)),
    ("kv_heads", "KV heads", lambda c: _count(c.kv_heads)),
    ("head_size", "Head size", lambda c: _count(c.head_size)),
    ("attention", "Attention", lambda c: c.attention),
    ("position", "Position encoding", lambda c: c.position),
    ("layers", "Layer pattern", lambda c: layer_pattern(c.layers)),
    ("sliding_window", "Sliding window, tokens", lambda c: _count(c.sliding_window)),
    ("context", "Context, tokens", lambda c: _count(c.context)),
    ("vocabulary", "Vocabulary", lambda c: _count(c.vocabulary)),
    ("tokenizer", "Tokenizer", lambda c: c.tokenizer),
    ("tied_embeddings", "Tied embeddings", _tied),
    ("quantisation", "Quantisation", lambda c: c.quantisation),
    ("weights_bytes", "Weights", lambda c: _bytes(c.weights_bytes)),
    ("kv_bytes_per_token", "KV cache per token", _kv),
    ("chat_template_sha256", "Chat template, sha256", lambda c: c.chat_template_sha256),
    ("licence", "Licence", lambda c: c.licence),
    ("source", "Read from", lambda c: c.source),
)
