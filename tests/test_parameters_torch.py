"""Parameters counted from configurations, held against transformers' own classes, built without memory."""

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
library = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

from weakspot.anatomy.counting import counted_from_config, counted_from_tensors  # noqa: E402 - behind the skip
from weakspot.anatomy.from_hf import facts_from_config  # noqa: E402
from weakspot.anatomy.stated import Stated  # noqa: E402
from weakspot.artifacts.safetensors import StoredTensor  # noqa: E402

TABLE = {row["name"]: row for row in json.loads((Path(__file__).parent / "data" / "architectures.json").read_text())}
pytestmark = pytest.mark.torch


def on_meta(config: dict[str, Any]) -> Any:
    """The model that transformers builds of a configuration, on the meta device: shapes without values."""
    fields = dict(config)
    kind = fields.pop("model_type")
    made = library.CONFIG_MAPPING[kind](**fields)
    auto = library.AutoModel if kind in ("bert", "modernbert") else library.AutoModelForCausalLM
    with torch.device("meta"):
        model = (library.AutoModelForSeq2SeqLM if config.get("is_encoder_decoder") else auto).from_config(made)
    model.tie_weights()
    return model


@pytest.mark.parametrize("name", TABLE)
def test_counts_are_those_of_transformers(name: str) -> None:
    """Each configuration's count is, to the last parameter, that of the model that transformers builds of it.

    Version 5 of transformers ties T5's head whatever the configuration says: the published Flan-T5 and mT5 have their own.
    """
    config = TABLE[name]["config"]
    counted = counted_from_config(facts_from_config(config), Stated(config))
    model = on_meta(config)
    real = sum(parameter.numel() for parameter in {id(p): p for p in model.parameters()}.values())
    if name in ("Flan-T5 base", "mT5 small") and model.config.tie_word_embeddings:
        real += config["vocab_size"] * config["d_model"]
    assert counted is not None
    assert counted.total == real


@pytest.mark.parametrize("name", ["GPT-2 small", "LLaMA 2 7B", "Gemma 3 1B", "T5 small", "BERT base", "Mamba 130M"])
def test_parts_by_name_are_parts_by_rule(name: str) -> None:
    """Told by the tensors' names, every part has the size that the rules give it, and nothing is left over."""
    config = TABLE[name]["config"]
    facts = facts_from_config(config)
    by_rule = counted_from_config(facts, Stated(config))
    named = {id(p): (key, p) for key, p in reversed(list(on_meta(config).named_parameters()))}
    tensors = [StoredTensor(key, tuple(p.shape), "BF16", 2 * p.numel()) for key, p in named.values()]
    assert by_rule is not None
    by_name = counted_from_tensors(tensors, facts, tied=by_rule.tied)
    assert by_name.parts == by_rule.parts
    assert by_name.multiplied == by_rule.multiplied or name == "T5 small"  # cross-attention's keys go by no name
