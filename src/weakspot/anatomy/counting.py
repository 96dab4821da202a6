"""Parameters by part: out of tensors where there are headers, else out of a configuration and its family's recipe.

A part's count is exact for the families of `weakspot.anatomy.recipes`; buffers (masks, frequencies) are none.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from weakspot.anatomy.recipes import RECIPES, Flag, Recipe
from weakspot.anatomy.shape import Facts
from weakspot.anatomy.stated import MAX_HEAD_SIZE, MAX_LAYERS, Stated

EMBEDDINGS, POSITIONS, ATTENTION, FEED_FORWARD = "embeddings", "positions", "attention", "feed-forward"
EXPERTS, STATE, NORMS, OUTPUT, OTHER = "experts", "state space", "norms", "output", "other"


class Named(Protocol):
    """A tensor as far as its part goes."""

    @property
    def name(self) -> str:
        """Its name in the file."""
        ...

    @property
    def elements(self) -> int:
        """How many values it holds."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """Parameters by part, how many of the experts' take no part in a token, and how many work on the encoder's tokens.

    `tied` says that the embeddings are the output matrix too.
    """

    parts: dict[str, int]
    idle: int = 0
    encoder: int = 0
    tied: bool | None = None

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.parts.values())

    @property
    def active(self) -> int:
        """Those that take part in one token."""
        return self.total - self.idle

    @property
    def multiplied(self) -> int:
        """Weights that a token of the decoder (or of an encoder alone) is multiplied with."""
        looked_up = sum(self.parts.get(part, 0) for part in (EMBEDDINGS, POSITIONS, NORMS))
        return self.active - looked_up - self.encoder + (self.parts.get(EMBEDDINGS, 0) if self.tied else 0)


_PARTS: Final = (
    (EXPERTS, re.compile(r"_exps\.|\.experts\.|block_sparse_moe\.experts|_shexp\.|shared_expert")),
    (NORMS, re.compile(r"norm|(^|\.)ln_|layer_norm|LayerNorm|layernorm")),
    (POSITIONS, re.compile(r"(^|\.)wpe\.|position_embd|position_embeddings|embed_positions|attention_bias|_rel_b")),
    (EMBEDDINGS, re.compile(r"token_embd|embed_tokens|(^|\.)(wte|embeddings|shared)\.weight|word_emb|embed_in|token_")),
    (OUTPUT, re.compile(r"^output\.|lm_head|embed_out|pooler")),
    (STATE, re.compile(r"ssm_|mamba|mixer|linear_attn|time_mix|shortconv")),
    (ATTENTION, re.compile(r"attn|attention|Attention")),
    (FEED_FORWARD, re.compile(r"ffn_|mlp|feed_forward|DenseReluDense|fc1|fc2|dense|gate|\.wi|\.wo")),
)  # fmt: skip
_CHOSEN: Final = re.compile(r"_exps\.|\.experts\.")
"""Weights of which a token uses some experts' alone."""
_ENCODER: Final = re.compile(r"(^|\.)encoder\.|^enc\.")


def counted_from_tensors(tensors: Iterable[Named], facts: Facts, *, tied: bool | None) -> Counted:
    """The true sums by part, told by the tensors' names; what no name tells is "other"."""
    counts: Counter[str] = Counter()
    choice = encoder = 0
    for tensor in tensors:
        part = next((part for part, pattern in _PARTS if pattern.search(tensor.name)), OTHER)
        counts[part] += tensor.elements
        choice += tensor.elements if _CHOSEN.search(tensor.name) else 0
        encoder += tensor.elements if _ENCODER.search(tensor.name) and part in (ATTENTION, FEED_FORWARD) else 0
    used = min(facts.experts_used or 0, facts.experts or 0)
    idle = choice * (facts.experts - used) // facts.experts if facts.experts and used else 0
    return Counted(dict(counts), idle, encoder if facts.decoder_layers or facts.kind == "encoder-decoder" else 0, tied)


def counted_from_config(facts: Facts, said: Stated) -> Counted | None:
    """Parameters by part from a configuration; None where the family or a size is not known."""
    recipe = RECIPES.get(facts.architecture)
    if recipe is None or not facts.layers or not facts.hidden or not facts.vocabulary:
        return None
    try:
        return _Count(facts, said, recipe).counted()
    except _Unstated:
        return None


class _Unstated(Exception):
    """A size that the count needs is not there."""


def _need(value: int | None) -> int:
    if value is None:
        raise _Unstated
    return value


class _Count:
    """One count under way: parts are added up, a kind of layer at a time."""

    def __init__(self, facts: Facts, said: Stated, recipe: Recipe) -> None:
        self._facts = facts
        self._said = said
        self._recipe = recipe
        self._hidden = _need(facts.hidden)
        self._parts: Counter[str] = Counter()
        self._idle = 0
        self._encoder = 0

    def counted(self) -> Counted:
        recipe, hidden = self._recipe, self._hidden
        vocabulary = _need(self._facts.vocabulary)
        self._parts[EMBEDDINGS] = vocabulary * hidden
        if self._flag(recipe.token_types):
            self._parts[EMBEDDINGS] += (self._said.whole("type_vocab_size") or 2) * hidden
        stacks = 2 if self._facts.kind == "encoder-decoder" else 1
        self._parts[NORMS] += stacks * (recipe.embedding_norm + recipe.final_norm) * self._norm(hidden)
        if recipe.learned:
            self._parts[POSITIONS] = stacks * (_need(self._facts.context) + recipe.extra_positions) * hidden
        if recipe.pooler:
            self._parts[OUTPUT] += hidden * hidden + hidden
        tied = recipe.tied if self._facts.tied is None else self._facts.tied
        if not tied and not self._is_encoder():
            self._parts[OUTPUT] += vocabulary * hidden
        if stacks == 2:
            self._encoder_decoder()
        else:
            for layer in range(_need(self._facts.layers)):
                self._block(layer)
        parts = {part: count for part, count in self._parts.items() if count}
        return Counted(parts, self._idle, self._encoder, tied=tied and not self._is_encoder())

    def _is_encoder(self) -> bool:
        return self._facts.architecture in ("bert", "modernbert")

    def _flag(self, flag: Flag) -> bool:
        return flag(self._said) if callable(flag) else flag

    def _norm(self, size: int) -> int:
        return size * (self._recipe.norm_weight + self._flag(self._recipe.norm_bias))

    def _block(self, layer: int) -> None:
        norms = self._recipe.norms
        each = norms(self._said) if callable(norms) else norms
        missing = 1 if layer == 0 and self._recipe.first_norm_missing else 0
        self._parts[NORMS] += (each - missing) * self._norm(self._hidden)
        if self._facts.architecture == "mamba" or (self._facts.linear is not None and self._facts.linear[layer]):
            self._parts[STATE] += self._mamba()
        elif self._facts.latent is not None:
            self._parts[ATTENTION] += self._latent_attention()
        else:
            self._parts[ATTENTION] += self._attention()
        if self._facts.architecture != "mamba":
            self._feed_forward(layer)

    def _attention(self) -> int:
        facts, recipe, hidden = self._facts, self._recipe, self._hidden
        heads, size = _need(facts.heads), _need(facts.key_size)
        kept = _need(max(facts.kv_heads) if facts.kv_heads else None)
        queries, keys = heads * size, kept * size
        count = hidden * (queries + 2 * keys) + queries * hidden
        if self._flag(recipe.qkv_bias):
            count += queries + 2 * keys
        if self._flag(recipe.out_bias):
            count += hidden
        self._parts[NORMS] += {"": 0, "head": 2 * size, "all": queries + keys}[recipe.qk_norm]
        return count

    def _latent_attention(self) -> int:
        """DeepSeek-V2's: keys and values out of one compressed vector, queries too where a rank is stated."""
        said, hidden, heads = self._said, self._hidden, _need(self._facts.heads)
        rank, rotated = _need(said.whole("kv_lora_rank")), _need(said.whole("qk_rope_head_dim", most=MAX_HEAD_SIZE))
        plain = _need(said.whole("qk_nope_head_dim", most=MAX_HEAD_SIZE))
        value = _need(said.whole("v_head_dim", most=MAX_HEAD_SIZE))
        queries = heads * (plain + rotated)
        query_rank = said.whole("q_lora_rank")
        asking = hidden * queries if query_rank is None else hidden * query_rank + query_rank * queries
        self._parts[NORMS] += rank + (query_rank or 0)
        return asking + hidden * (rank + rotated) + rank * heads * (plain + value) + heads * value * hidden

    def _feed_forward(self, layer: int) -> None:
        experts = self._facts.experts
        if experts is None or not self._has_experts(layer):
            self._parts[FEED_FORWARD] += self._dense(_need(self._facts.feed_forward))
            return
        one = self._dense(self._said.whole("moe_intermediate_size") or _need(self._facts.feed_forward))
        shared = (self._said.whole("n_shared_experts") or 0) * one
        self._parts[EXPERTS] += experts * one + shared
        self._parts[FEED_FORWARD] += experts * self._hidden  # the router
        self._idle += (experts - min(experts, self._facts.experts_used or experts)) * one

    def _has_experts(self, layer: int) -> bool:
        period = self._said.whole("expert_layer_period", "moe_layer_freq", most=MAX_LAYERS) or 1
        first = self._said.whole("expert_layer_offset", most=MAX_LAYERS, least=0) or 0
        dense = self._said.whole("first_k_dense_replace", most=MAX_LAYERS, least=0) or 0
        return layer >= dense and layer % period == first % period

    def _dense(self, size: int) -> int:
        gated = self._flag(self._recipe.gated)
        biases = (size * (2 if gated else 1) + self._hidden) if self._flag(self._recipe.ff_bias) else 0
        return self._hidden * size * (3 if gated else 2) + biases

    def _mamba(self) -> int:
        """A selective state space (Gu and Dao, 2023): projections, convolution, step sizes, decay, skip."""
        said, hidden = self._said, self._hidden
        inner = _need(said.whole("expand", "mamba_expand")) * hidden
        state = _need(said.whole("state_size", "mamba_d_state"))
        kernel = _need(said.whole("conv_kernel", "mamba_d_conv"))
        rank = self._said.whole("time_step_rank", "mamba_dt_rank") if self._ranked() else -(-hidden // 16)
        steps = _need(rank)
        if self._facts.architecture == "jamba":
            self._parts[NORMS] += steps + 2 * state
        projections = hidden * 2 * inner + inner * (steps + 2 * state) + steps * inner + inner * hidden
        return projections + inner * kernel + inner + inner + inner * state + inner

    def _ranked(self) -> bool:
        """Whether the rank of the step sizes is a number; "auto" is a sixteenth of the width."""
        return isinstance(self._said.any("time_step_rank", "mamba_dt_rank"), int)

    def _encoder_decoder(self) -> None:
        """An encoder's block attends once, a decoder's twice; each attention and feed-forward has a norm."""
        encoder = _need(self._facts.layers)
        decoder = self._facts.decoder_layers or encoder
        one_attention, one_dense = self._attention(), self._dense(_need(self._facts.feed_forward))
        self._parts[ATTENTION] += (encoder + 2 * decoder) * one_attention
        self._parts[FEED_FORWARD] += (encoder + decoder) * one_dense
        self._parts[NORMS] += (2 * encoder + 3 * decoder) * self._norm(self._hidden)
        across = 2 * self._hidden * max(self._facts.kv_heads or (0,)) * _need(self._facts.key_size)
        self._encoder = encoder * (one_attention + one_dense) + decoder * across  # keys and values of what was read
        if self._facts.buckets is not None:
            self._parts[POSITIONS] += 2 * self._facts.buckets * _need(self._facts.heads)
