"""What a family's class in transformers fixes about its weights, as data, for counting parameters from a configuration.

Every entry is held against the class itself in `tests/test_parameters_torch.py`. A family that is not here is not
counted: its parameters stay unknown until there are tensors.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from weakspot.anatomy.stated import Stated

Flag = bool | Callable[[Stated], bool]
"""Fixed by the class, or read from the configuration."""


def stated_flag(*keys: str, default: bool) -> Callable[[Stated], bool]:
    """A flag of the configuration; `default` is what the class takes where it is not there."""

    def read(said: Stated) -> bool:
        found = said.flag(*keys)
        return default if found is None else found

    return read


def _not(flag: Callable[[Stated], bool]) -> Callable[[Stated], bool]:
    return lambda said: not flag(said)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The weights of a block, beside its sizes.

    `gated` feed-forwards have three matrices, others two. `norms` are those of a block (and `norm_bias` whether each
    has one); `qk_norm` is over a head or over all heads together. `tied` holds where the configuration does not say.
    `learned` positions have the context's rows and `extra_positions` more; `token_types` rows beside them (BERT).
    """

    gated: Flag = True
    norms: int | Callable[[Stated], int] = 2
    norm_weight: bool = True
    norm_bias: Flag = False
    qkv_bias: Flag = False
    out_bias: Flag = False
    ff_bias: Flag = False
    qk_norm: Literal["", "head", "all"] = ""
    embedding_norm: bool = False
    final_norm: bool = True
    first_norm_missing: bool = False
    learned: bool = False
    extra_positions: int = 0
    token_types: bool = False
    pooler: bool = False
    tied: bool = False


def _falcon_norms(said: Stated) -> int:
    """A block with attention and feed-forward side by side has one norm, except in the newer shape."""
    listed = said.whole("num_ln_in_parallel_attn")
    if said.flag("new_decoder_architecture"):
        return listed or 2
    return 1 if said.flag("parallel_attn") in (None, True) else 2


def _t5_gated(said: Stated) -> bool:
    return (said.text("feed_forward_proj") or "relu").startswith("gated")


_LLAMA_BIAS: Final = stated_flag("attention_bias", default=False)
_BIASED: Final = Recipe(gated=False, norm_bias=True, qkv_bias=True, out_bias=True, ff_bias=True)
_MPT_BIAS: Final = _not(stated_flag("no_bias", default=True))

RECIPES: Final[dict[str, Recipe]] = {
    "gpt2": replace(_BIASED, learned=True, tied=True),
    "gpt_neox": Recipe(
        gated=False,
        norm_bias=True,
        qkv_bias=stated_flag("attention_bias", default=True),
        out_bias=stated_flag("attention_bias", default=True),
        ff_bias=True,
    ),
    "llama": Recipe(qkv_bias=_LLAMA_BIAS, out_bias=_LLAMA_BIAS, ff_bias=stated_flag("mlp_bias", default=False)),
    "smollm3": Recipe(qkv_bias=_LLAMA_BIAS, out_bias=_LLAMA_BIAS, tied=True),
    "mistral": Recipe(),
    "mixtral": Recipe(),
    "qwen2": Recipe(qkv_bias=True),
    "qwen3": Recipe(qkv_bias=_LLAMA_BIAS, out_bias=_LLAMA_BIAS, qk_norm="head"),
    "gemma": Recipe(tied=True),
    "gemma2": Recipe(norms=4, tied=True),
    "gemma3_text": Recipe(norms=4, qk_norm="head", tied=True),
    "phi3": Recipe(),
    "deepseek_v2": Recipe(),
    "deepseek_v3": Recipe(),
    "falcon": Recipe(
        gated=False,
        norms=_falcon_norms,
        norm_bias=True,
        qkv_bias=stated_flag("bias", default=False),
        out_bias=stated_flag("bias", default=False),
        ff_bias=stated_flag("bias", default=False),
        tied=True,
    ),
    "bloom": replace(_BIASED, embedding_norm=True, tied=True),
    "mpt": Recipe(gated=False, norm_bias=False, tied=True),
    "olmo": Recipe(norm_weight=False),
    "olmo2": Recipe(qk_norm="all"),
    "bert": replace(
        _BIASED,
        embedding_norm=True,
        final_norm=False,
        learned=True,
        token_types=True,
        pooler=True,
        tied=True,
    ),
    "modernbert": Recipe(embedding_norm=True, first_norm_missing=True, tied=True),
    "t5": Recipe(gated=_t5_gated, tied=True),
    "mt5": Recipe(gated=_t5_gated, tied=False),
    "bart": replace(
        _BIASED,
        embedding_norm=True,
        final_norm=False,
        learned=True,
        extra_positions=2,
        tied=True,
    ),
    "mamba": Recipe(norms=1, tied=True),
    "jamba": Recipe(),
}
