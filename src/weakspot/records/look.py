"""What `weakspot look` saw inside one model on one prompt.

Log-probabilities, entropies and effects are in nats, surprisals in bits, distances in tokens. Layers and heads count
from 0. What could not be seen is None or an empty tuple, never zero, and stands in `notes` in words.
"""

from typing import Literal

import msgspec

Stack = Literal["decoder", "encoder", "cross"]
"""Which attention: a decoder's own, an encoder's own, or the decoder's over the encoder's states."""

How = Literal["mean", "zero", "patch"]
"""What stands in for a head: its mean over the sequence, zeros, or its result under a second prompt."""


class LookToken(msgspec.Struct, frozen=True):
    """One token of what was read. `surprisal` is in bits, given all tokens before it; the first has none.

    `ablation` is how much more likely this token makes the answer: its log-probability as it is, less that with the
    token's embedding replaced by the vocabulary's mean. `gradient` is gradient x input, `first_order` the gradient's
    own forecast of the ablation; all in nats. A long prompt is ablated in groups: `group` numbers them, and each token
    of a group carries the whole group's `ablation`.
    """

    id: int
    text: str
    surprisal: float | None = None
    ablation: float | None = None
    gradient: float | None = None
    first_order: float | None = None
    group: int | None = None


class LookAnswer(msgspec.Struct, frozen=True):
    """What the effects are measured on. `given` is false where it is the model's own likeliest next token.

    `logprob` sums over the answer's tokens; `rank` (0: likeliest) and `likeliest` are of its first token.
    """

    ids: tuple[int, ...]
    text: str
    logprob: float
    rank: int
    given: bool
    likeliest: tuple[tuple[str, float], ...] = ()


class Head(msgspec.Struct, frozen=True):
    """One attention head, averaged over the queries of the prompt (the first query, which sees itself alone, left out).

    `sink` is the attention to the first token; `previous` to the token before; `entropy` is of the attention's
    distribution and `spread` that over the logarithm of the number of keys (0 to 1); `distance` is the mean distance
    to what is attended, None between two sequences. `induction` is measured on repeated random tokens.
    """

    stack: Stack
    layer: int
    head: int
    entropy: float
    spread: float
    sink: float
    previous: float | None = None
    distance: float | None = None
    induction: float | None = None


class AttentionMap(msgspec.Struct, frozen=True):
    """One head's attention: base64 of unsigned bytes, row by row, each the square root of a share of 1 over 255.

    A row stands for `row_tile` queries (the mean of theirs), a column for `column_tile` keys (the sum of theirs), so
    that every row sums to 1.
    """

    stack: Stack
    layer: int
    head: int
    rows: int
    columns: int
    row_tile: int
    column_tile: int
    data: str


class LensLayer(msgspec.Struct, frozen=True):
    """What the model would answer after so many layers (0: the embeddings), read at the last position.

    `rank` and `probability` are the answer's first token's; `kl` is how far the distribution is from the last layer's.
    """

    layer: int
    rank: int
    probability: float
    kl: float
    top: tuple[tuple[str, float], ...]


class LensCell(msgspec.Struct, frozen=True):
    """The likeliest next token after a layer at one position, and its probability."""

    layer: int
    position: int
    text: str
    probability: float


class Residual(msgspec.Struct, frozen=True):
    """The residual stream of one stack: the Euclidean norm and the largest magnitude, by layer and position.

    Row 0 is the embeddings. A long prompt is tiled: a column stands for `tile` positions, and its values are the
    largest there.
    """

    stack: Stack
    tile: int
    norms: tuple[tuple[float, ...], ...]
    largest: tuple[tuple[float, ...], ...]


class Massive(msgspec.Struct, frozen=True):
    """A massive activation: above 100 and above 1,000 times the median magnitude of its layer.

    It stands behind all layers from `first_layer` (-1: the embeddings) to `last_layer`.
    """

    stack: Stack
    first_layer: int
    last_layer: int
    position: int
    token: str
    dimension: int
    value: float
    ratio: float


class Agreement(msgspec.Struct, frozen=True):
    """How far two ways to attribute the answer to the prompt's tokens agree: Spearman's rank correlation."""

    first: str
    second: str
    spearman: float | None
    n: int
    same_top: int
    top: int


class HeadEffect(msgspec.Struct, frozen=True):
    """What taking heads out does to the log-probability of a target, against other heads of the same layers.

    `effect` is `after` minus `before`: without the heads, and with them. Where `how` is `patch`, both are log-odds of
    the first prompt's answer over the second's, and `effect` is `before` minus `after`: how far they moved towards the
    second. `others` are the effects of as many other heads of the same layers, taken out the
    same way: one by one where one head is asked, drawn at random where several are. `as_large` counts those at least
    as large in magnitude, and `p` is (as_large + 1) / (others + 1). `low` and `high` are a 95% interval over
    sequences, where there are several.
    """

    heads: tuple[str, ...]
    target: str
    how: How
    before: float
    after: float
    effect: float
    others: tuple[float, ...]
    as_large: int
    p: float
    low: float | None = None
    high: float | None = None
    sequences: int = 1
    sentence: str = ""


class Induction(msgspec.Struct, frozen=True):
    """Attention to what followed the same token before, on random tokens repeated; and what the heads above carry.

    `loss_first` and `loss_repeated` are the mean surprisal (nats a token) of strings of at most 30 random tokens and of
    their second copies: a model that copies at all loses most of it. `effects` say whether taking heads out brings it
    back, on the same strings.
    """

    period: int
    copies: int
    sequences: int
    threshold: float
    heads: tuple[str, ...]
    loss_first: float
    loss_repeated: float
    effects: tuple[HeadEffect, ...] = ()


class PatchEffect(msgspec.Struct, frozen=True):
    """One activation put in from the second prompt: where, and how far the answers' log-odds moved towards it.

    `what` is `residual` (behind layer `layer`, counted from 0, at `position`) or a head's name. `moved` is in nats;
    `share` is over the whole distance between the prompts, None where they do not differ.
    """

    what: str
    layer: int
    position: int | None
    moved: float
    share: float | None


class Patching(msgspec.Struct, frozen=True):
    """Activations of a second prompt put into a run of the first.

    `own` and `other` are the log-odds of the first prompt's answer (the one given, else the model's own) over the
    second's under each prompt; of an answer of several tokens the first counts. Positions are
    patched where both prompts have as many tokens; else only the last one can be. `heads` compares the heads asked
    for with the others of their layers.
    """

    prompt: str
    tokens: tuple[str, ...]
    answer: str
    other_answer: str
    own: float
    other: float
    same_length: bool
    residual: tuple[PatchEffect, ...] = ()
    by_head: tuple[PatchEffect, ...] = ()
    heads: tuple[HeadEffect, ...] = ()


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One model, one prompt.

    `tokens` are the prompt's (an encoder-decoder's encoder's); `target` are the tokens that its decoder was fed.
    `maps` hold the pictures of the attention and are large: JSON leaves them out unless they are asked for.
    """

    model: str
    reference: str
    architecture: str
    layers: dict[str, int]
    dtype: str
    prompt: str
    tokens: tuple[LookToken, ...]
    answer: LookAnswer
    target: tuple[LookToken, ...] = ()
    heads: tuple[Head, ...] = ()
    lens: tuple[LensLayer, ...] = ()
    lens_grid: tuple[LensCell, ...] = ()
    residual: tuple[Residual, ...] = ()
    massive: tuple[Massive, ...] = ()
    agreement: tuple[Agreement, ...] = ()
    induction: Induction | None = None
    ablations: tuple[HeadEffect, ...] = ()
    patching: Patching | None = None
    notes: tuple[str, ...] = ()
    maps: tuple[AttentionMap, ...] = ()
