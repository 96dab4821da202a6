"""From a shape's name to a model with the asked sizes, its parameters matched to those of the others.

All shapes of one width and depth get as near to `target` parameters as the width of their feed-forward layers allows:
14 width^2 for each layer, so that an encoder-decoder of as many layers on both sides still has a feed-forward. The
lab's own shapes of a kind have the same feed-forward whatever tells positions: only the positions differ.
"""

from typing import Any, NamedTuple

import torch
import transformers

from weakspot.errors import UsageError
from weakspot.lab.blocks_hf import LabConfig, LabDecoder, LabEncoderDecoder
from weakspot.lab.names import known_shape
from weakspot.lab.tasks import END_ID, PAD_ID

library: Any = transformers  # its classes are typed for its own use only

PER_LAYER = 14
SPREAD = 0.05
"""How far a shape's parameters may be from the target's, at the standard sizes."""


class Build(NamedTuple):
    """Sizes of a model: `table` is the most tokens that a learned table has a row for."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    table: int


def checked(build: Build) -> Build:
    """The same sizes.

    Raises:
        UsageError: they make no model.
    """
    for name, value in build._asdict().items():
        if value < 1:
            raise UsageError(f"The lab can't build a model with {name}={value}.", hint="At least 1.")
    if build.width % build.heads:
        raise UsageError(
            f"A width of {build.width} can't be shared by {build.heads} heads.", hint="Choose a multiple of the heads."
        )
    if build.width // build.heads % 2 or build.heads % 2:
        raise UsageError(
            f"{build.heads} heads of width {build.width / build.heads:g} do not suit all shapes.",
            hint="Rotary positions turn pairs of numbers, and LLaMA's heads share keys in pairs: take even numbers.",
        )
    return build


def target(build: Build) -> int:
    """How many parameters every shape is to have."""
    return PER_LAYER * build.layers * build.width**2 + build.vocabulary * build.width


def make(shape: str, build: Build) -> Any:
    """A fresh model of transformers' kind, in float32; its weights hang on torch's seed.

    Raises:
        UsageError: an unknown shape, or sizes that make no model.
    """
    library.utils.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    checked(build)
    plain = _plain(shape)
    with torch.device("meta"):
        least, more = (parameters(_model(plain, build, inner)) for inner in (1, 2))
    inner = max(1, round((target(build) - least) / (more - least)) + 1)
    return _model(shape, build, inner)


def _plain(shape: str) -> str:
    """The shape whose feed-forward this one shares: of the lab's own, the one that has no table."""
    parts = known_shape(shape)
    if parts.block != "own":
        return shape
    return "block-none" if parts.kind == "decoder" else "encdec-rope"


def parameters(model: Any) -> int:
    """How many numbers are trained; shared weights count once."""
    return sum(weights.numel() for weights in model.parameters())


def _model(shape: str, build: Build, inner: int) -> Any:
    block = known_shape(shape).block
    return {"gpt2": _gpt, "llama": _llama, "t5": _t5, "own": _own}[block](shape, build, inner)


def _gpt(shape: str, build: Build, inner: int) -> Any:
    del shape
    config = library.GPT2Config(
        vocab_size=build.vocabulary,
        n_embd=build.width,
        n_layer=build.layers,
        n_head=build.heads,
        n_inner=inner,
        n_positions=build.table,
        activation_function="gelu_pytorch_tanh",  # gelu_new, the published one, in one kernel: 131 ms a step became 95
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=END_ID,
        pad_token_id=PAD_ID,
    )
    return library.GPT2LMHeadModel(config)


def _llama(shape: str, build: Build, inner: int) -> Any:
    del shape
    config = library.LlamaConfig(
        vocab_size=build.vocabulary,
        hidden_size=build.width,
        intermediate_size=inner,
        num_hidden_layers=build.layers,
        num_attention_heads=build.heads,
        num_key_value_heads=build.heads // 2,
        max_position_embeddings=build.table,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=END_ID,
        pad_token_id=PAD_ID,
    )
    return library.LlamaForCausalLM(config)


def _t5(shape: str, build: Build, inner: int) -> Any:
    """T5 1.0: ReLU, shared embeddings, as first published."""
    del shape
    config = library.T5Config(
        vocab_size=build.vocabulary,
        d_model=build.width,
        d_kv=build.width // build.heads,
        d_ff=inner,
        num_layers=build.layers,
        num_decoder_layers=build.layers,
        num_heads=build.heads,
        dropout_rate=0.0,
        feed_forward_proj="relu",
        tie_word_embeddings=True,
        eos_token_id=END_ID,
        pad_token_id=PAD_ID,
        decoder_start_token_id=PAD_ID,
    )
    return library.T5ForConditionalGeneration(config)


def _own(shape: str, build: Build, inner: int) -> Any:
    parts = known_shape(shape)
    encoder = parts.kind != "decoder"
    config = LabConfig(
        vocab_size=build.vocabulary,
        hidden_size=build.width,
        intermediate_size=inner,
        num_hidden_layers=build.layers,
        num_attention_heads=build.heads,
        positions=parts.positions,
        max_position_embeddings=build.table,
        is_encoder_decoder=encoder,
        bos_token_id=None,
        eos_token_id=END_ID,
        pad_token_id=PAD_ID,
        decoder_start_token_id=PAD_ID,
    )
    return (LabEncoderDecoder if encoder else LabDecoder)(config)
