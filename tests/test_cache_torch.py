"""Caches by our arithmetic, held against the tensors that transformers really keeps, on tiny random models."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
library = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

from small_families import GENERATING, small  # noqa: E402
from weakspot.anatomy.arithmetic import CacheLayer  # noqa: E402 - behind the skip
from weakspot.anatomy.families import family_of  # noqa: E402
from weakspot.anatomy.from_hf import facts_from_config  # noqa: E402
from weakspot.anatomy.layers import kept_by_layer  # noqa: E402
from weakspot.anatomy.memory import bytes_at  # noqa: E402
from weakspot.anatomy.shape import shape_of  # noqa: E402

pytestmark = pytest.mark.torch
TOKENS, READ = 11, 7


def tensors_in(value: Any, found: dict[int, Any]) -> None:
    """Every tensor that a cache object holds, once."""
    if isinstance(value, torch.Tensor):
        found[value.data_ptr()] = value
    elif isinstance(value, dict):
        for entry in value.values():
            tensors_in(entry, found)
    elif isinstance(value, list | tuple):
        for entry in value:
            tensors_in(entry, found)
    elif hasattr(value, "__dict__"):
        tensors_in(vars(value), found)


def values_kept(config: dict[str, Any]) -> int:
    """The values in the cache after TOKENS tokens (and READ ones in the encoder), as transformers keeps them."""
    fields = dict(config)
    made = library.CONFIG_MAPPING[fields.pop("model_type")](**fields)
    torch.manual_seed(0)
    ids = torch.randint(3, 60, (1, TOKENS))
    with torch.no_grad():
        if config.get("is_encoder_decoder"):
            model = library.AutoModelForSeq2SeqLM.from_config(made).eval()
            out = model(input_ids=torch.randint(3, 60, (1, READ)), decoder_input_ids=ids, use_cache=True)
        else:
            out = library.AutoModelForCausalLM.from_config(made).eval()(input_ids=ids, use_cache=True)
    cache = out.cache_params if "cache_params" in out else out.past_key_values
    found: dict[int, Any] = {}
    tensors_in(cache, found)
    return sum(tensor.numel() for tensor in found.values() if tensor.is_floating_point())


def by_layer(config: dict[str, Any]) -> tuple[CacheLayer, ...]:
    """What we say that each layer keeps."""
    facts = facts_from_config(config)
    kept = kept_by_layer(facts, shape_of(facts, family_of(facts.architecture)))
    assert kept is not None
    return kept


@pytest.mark.parametrize("name", GENERATING)
def test_the_cache_is_what_transformers_keeps(name: str) -> None:
    """Of every family that generates, our values are those in transformers' cache object.

    One thing is otherwise there: it keeps one token less than a window, which the next one fills. Of MLA, version 5.23
    keeps the latent vector alone; older ones wrote keys and values out for every head.
    """
    config = small(name)
    kept = by_layer(config)
    window = config.get("sliding_window") if any(layer.window for layer in kept) else None
    ours = bytes_at(kept, "bf16", TOKENS, source=READ) // 2
    theirs = values_kept(config)
    if window is not None:
        theirs += sum(layer.values for layer in kept if layer.window == window)
    assert ours == theirs
