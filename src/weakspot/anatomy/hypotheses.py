"""Words what a difference between two cards could explain; `weakspot.anatomy.mechanisms` says where it is published.

A value function gives what a reader sees of one card, None where the card does not say. A hypothesis takes two cards
whose values differ and names the models by what their cards say (the smaller one, the one with a window), never by
their place; None says that the difference is too small to explain anything.
"""

from collections.abc import Callable
from typing import Final

from weakspot.anatomy.arithmetic import bits_per_weight, embedding_parameters
from weakspot.records import Card

CLEARLY: Final = 1.1
"""Sizes whose ratio is below this are called equal: no published effect is that fine."""


def count(number: float) -> str:
    """A number of parameters in words: 135 million."""
    if number >= 1e9:
        return f"{number / 1e9:,.1f} billion"
    return f"{number / 1e6:,.0f} million" if number >= 1e6 else f"{number:,.0f}"


def _ordered(
    a: Card, b: Card, key: Callable[[Card], float | None], clearly: float = CLEARLY
) -> tuple[Card, Card] | None:
    """The cards with the smaller and the clearly larger value, or None."""
    value_a, value_b = key(a), key(b)
    if not value_a or not value_b:
        return None
    less, more = (a, b) if value_a < value_b else (b, a)
    return (less, more) if max(value_a, value_b) / min(value_a, value_b) >= clearly else None


def _working(card: Card) -> float | None:
    """Parameters outside the embeddings."""
    embeddings = embedding_parameters(card.vocabulary, card.hidden, card.tied_embeddings)
    if card.parameters is None or embeddings is None or embeddings >= card.parameters:
        return None
    return card.parameters - embeddings


def size_hypothesis(a: Card, b: Card) -> str | None:
    """Fewer parameters, fewer facts; held against the parameters that are not embeddings."""
    if (pair := _ordered(a, b, lambda card: card.parameters)) is None:
        return None
    less, more = pair
    ratio = (more.parameters or 0) / (less.parameters or 1)
    text = (
        f"{more.name} has {ratio:.1f} times the parameters of {less.name}, and so more room for facts: this could "
        f"explain forgotten and invented facts of {less.name}."
    )
    work_less, work_more = _working(less), _working(more)
    if work_less is None or work_more is None:
        return text
    if work_more / work_less < 1 + (ratio - 1) / 2:
        return (
            f"{text} Without their embeddings, however, {less.name} has {count(work_less)} and {more.name} "
            f"{count(work_more)}, which speaks against it."
        )
    return f"{text} Without their embeddings they have {count(work_less)} and {count(work_more)}."


def depth_value(card: Card) -> str | None:
    """Layers and width."""
    if card.layer_count is None or card.hidden is None:
        return None
    return f"{card.layer_count} layers, {card.hidden:,} wide"


def depth_hypothesis(a: Card, b: Card) -> str | None:
    """Fewer layers, fewer steps one after another."""
    pair = _ordered(a, b, lambda card: card.layer_count)
    if pair is None or a.kind != b.kind:
        return None
    less, more = pair
    return (
        f"A token passes {less.layer_count} layers in {less.name} and {more.layer_count} in {more.name}: fewer steps "
        f"one after another could explain failures of {less.name} on nested structure and on facts of two steps."
    )


def _memory(card: Card) -> int | None:
    return card.layer_count * card.feed_forward if card.layer_count and card.feed_forward else None


def memory_value(card: Card) -> str | None:
    """Feed-forward units, over all layers."""
    slots = _memory(card)
    return None if slots is None else f"{slots:,.0f} units ({card.layer_count} x {card.feed_forward:,})"


def memory_hypothesis(a: Card, b: Card) -> str | None:
    """Fewer feed-forward units, fewer memories."""
    if (pair := _ordered(a, b, _memory)) is None:
        return None
    less, more = pair
    return (
        f"{less.name} has {_memory(less):,.0f} feed-forward units, each a key with its value, {more.name} "
        f"{_memory(more):,.0f}: fewer such memories could explain forgotten facts of {less.name}."
    )


def _sharing(card: Card) -> float | None:
    return card.heads / card.kv_heads if card.heads and card.kv_heads and card.attention != "MLA" else None


def attention_value(card: Card) -> str | None:
    """Kind of attention, heads and KV heads."""
    if card.attention is None or not card.heads or not card.kv_heads:
        return None
    return f"{card.attention}, {card.heads} heads on {card.kv_heads} KV {'head' if card.kv_heads == 1 else 'heads'}"


def attention_hypothesis(a: Card, b: Card) -> str | None:
    """More heads on one KV head, fewer different keys."""
    if (pair := _ordered(a, b, _sharing)) is None:
        return None
    less, more = pair
    other = "none share" if _sharing(less) == 1 else f"{_sharing(less):g} do"
    return (
        f"In {more.name}, {_sharing(more):g} query heads share one key-value head, in {less.name} {other}: fewer "
        f"different keys to look by could explain failures of {more.name} to find one key among similar ones."
    )


def head_hypothesis(a: Card, b: Card) -> str | None:
    """A smaller head tells less apart."""
    if (pair := _ordered(a, b, lambda card: card.head_size, clearly=1.5)) is None:
        return None
    less, more = pair
    return (
        f"A head of {less.name} compares in {less.head_size} dimensions, one of {more.name} in {more.head_size}: this "
        f"could explain failures of {less.name} to tell similar keys apart."
    )


def _windowed(card: Card) -> tuple[int, int, int] | None:
    """Layers with a window, all layers, and the window in tokens; (0, all, 0) where every layer sees everything."""
    if not card.layers:
        return None
    context = card.context or float("inf")  # a window as long as the context is none
    narrow = [(layer.count, layer.window) for layer in card.layers if layer.window and layer.window < context]
    total = sum(layer.count for layer in card.layers)
    return sum(number for number, _ in narrow), total, min((window for _, window in narrow), default=0)


def window_value(card: Card) -> str | None:
    """How many layers see how far."""
    if (found := _windowed(card)) is None:
        return None
    narrow, total, window = found
    return (
        f"{narrow} of {total} layers see the last {window:,} tokens" if narrow else "every layer sees the whole context"
    )


def _narrower(a: Card, b: Card) -> Card:
    """The card whose layers see less: any window against none, then the smaller one, then more layers with it."""

    def reach(card: Card) -> tuple[float, float]:
        narrow, total, window = _windowed(card) or (0, 1, 0)
        return (window if narrow else float("inf"), -narrow / total)

    return min((a, b), key=reach)


def window_hypothesis(a: Card, b: Card) -> str | None:
    """What lies beyond a window comes through fewer layers."""
    card = _narrower(a, b)
    narrow, total, window = _windowed(card) or (0, 1, 0)
    if narrow == total:
        way = "what stands further back reaches the end only by way of layer after layer"
    else:
        way = f"what stands further back comes through the other {total - narrow} alone"
    return (
        f"In {card.name}, {narrow} of {total} layers see only the last {window:,} tokens, so {way}: this could explain "
        f"failures of {card.name} that set in beyond {window:,} tokens."
    )


def window_experiment(a: Card, b: Card) -> str:
    """A fact just inside and just outside the window."""
    window = (_windowed(_narrower(a, b)) or (0, 1, 0))[2]
    return (
        f"One fact in the same filler at distances just under and just over {window:,} tokens, all else equal: a step "
        "at the window would confirm it, a smooth decline would refute it."
    )


def _base(card: Card) -> float | None:
    return max((layer.rope_base for layer in card.layers if layer.rope_base is not None), default=None)


def position_hypothesis(a: Card, b: Card) -> str | None:
    """Another encoding of positions, or another base of the same."""
    kind_a, kind_b = ((card.position or "").partition(" (")[0] for card in (a, b))
    if kind_a != kind_b:
        return (
            f"{a.name} knows positions by {kind_a}, {b.name} by {kind_b}: this could explain failures of one of them "
            "that grow with the length of the prompt or the depth of a fact."
        )
    if (pair := _ordered(a, b, _base)) is None:
        return None
    less, more = pair
    return (
        f"{less.name} turns its positions with a base of {_base(less):,.0f}, {more.name} with {_base(more):,.0f}: a "
        f"smaller base repeats itself sooner, and could explain failures of {less.name} that grow with distance."
    )


def context_hypothesis(a: Card, b: Card) -> str | None:
    """A shorter context ends sooner."""
    if (pair := _ordered(a, b, lambda card: card.context)) is None:
        return None
    less, more = pair
    return (
        f"{less.name} was made for {less.context:,} tokens, {more.name} for {more.context:,}: this could explain "
        f"failures of {less.name} on prompts near its limit, and none on short ones."
    )


def context_experiment(a: Card, b: Card) -> str:
    """Short and long versions of the same items."""
    shorter = min(a.context or 0, b.context or 0)
    return (
        f"The same items padded to {shorter // 8:,} and to {shorter * 7 // 8:,} tokens with the same filler: on the "
        "short ones this predicts no difference."
    )


def vocabulary_hypothesis(a: Card, b: Card) -> str | None:
    """Fewer tokens cut finer; among more tokens some are seldom seen."""
    if (pair := _ordered(a, b, lambda card: card.vocabulary)) is None:
        return None
    less, more = pair
    return (
        f"{less.name} has {less.vocabulary:,} tokens and {more.name} {more.vocabulary:,}: finer pieces could explain "
        f"failures of {less.name} on names and misspellings, and tokens seen too rarely those of {more.name} on rare "
        "words."
    )


def tokenizer_value(card: Card) -> str | None:
    """The tokenizer's algorithm."""
    return card.tokenizer.partition(" (")[0] if card.tokenizer else None


def tokenizer_hypothesis(a: Card, b: Card) -> str | None:
    """Another algorithm cuts other things apart."""
    return (
        f"{a.name} cuts text by {tokenizer_value(a)}, {b.name} by {tokenizer_value(b)}: this could explain why one "
        "fails on digits, white space or Unicode forms where the other does not."
    )


def tied_value(card: Card) -> str | None:
    """Whether the embeddings are tied."""
    return None if card.tied_embeddings is None else "tied" if card.tied_embeddings else "separate"


def tied_hypothesis(a: Card, b: Card) -> str | None:
    """One matrix for reading and writing."""
    tied = a if a.tied_embeddings else b
    return (
        f"{tied.name} reads and writes words with one matrix: likeness in meaning then counts as likeness in answer, "
        f"which could explain near misses of {tied.name} on names and numbers."
    )


def _bits(card: Card) -> float | None:
    return bits_per_weight(card.weights_bytes, card.parameters)


def precision_value(card: Card) -> str | None:
    """Quantisation and mean bits per weight."""
    bits = _bits(card)
    if card.quantisation is None:
        return None
    return card.quantisation if bits is None else f"{card.quantisation}, {bits:.2f} bits per weight"


def precision_hypothesis(a: Card, b: Card) -> str | None:
    """Coarser weights lose more."""
    if a.quantisation == b.quantisation:
        return None
    if (pair := _ordered(a, b, _bits, clearly=1.02)) is None:
        return (
            f"The weights of {a.name} are stored as {a.quantisation}, those of {b.name} as {b.quantisation}: rounding "
            "could explain lost facts and broken formats of the coarser one."
        )
    less, more = pair
    return (
        f"A weight takes {_bits(less):.2f} bits in {less.name} ({less.quantisation}) and {_bits(more):.2f} in "
        f"{more.name} ({more.quantisation}): rounding could explain lost facts and broken formats of {less.name}."
    )


def tuning_value(card: Card) -> str | None:
    """Whether there is a chat template."""
    if card.kind == "encoder-only":
        return None
    return "no chat template" if card.chat_template_sha256 is None else "chat template"


def tuning_hypothesis(a: Card, b: Card) -> str | None:
    """A base model beside a tuned one."""
    base, chat = (a, b) if a.chat_template_sha256 is None else (b, a)
    return (
        f"{base.name} has no chat template, {chat.name} has one: being tuned to follow instructions, or not, could "
        f"explain why {base.name} misses formats and questions, and why {chat.name} gives way to instructions in a "
        "document or to the user's opinion."
    )


def template_value(card: Card) -> str | None:
    """The chat template, by its hash's beginning."""
    return None if card.chat_template_sha256 is None else f"template {card.chat_template_sha256[:12]}"


def template_hypothesis(a: Card, b: Card) -> str | None:
    """The same messages, wrapped differently."""
    return (
        f"{a.name} and {b.name} see the same messages in different chat templates: the wrapping alone could explain "
        "failures of either."
    )


def kind_hypothesis(a: Card, b: Card) -> str | None:
    """Reading in both directions beside reading from left to right."""
    two = next((card for card in (a, b) if card.kind == "encoder-decoder"), None)
    if two is None:
        return f"{a.name} is {a.kind}, {b.name} is {b.kind}: this could explain differences in every category."
    other = b if two is a else a
    return (
        f"{two.name} reads the whole prompt in both directions before it writes, {other.name} does not: this could "
        f"explain failures of {other.name} where the end of a prompt says what to look for in its beginning."
    )


def stated_kind(card: Card) -> str | None:
    """Encoder, decoder or both."""
    return None if card.kind == "not stated" else card.kind
