"""Reading the embedding matrices out of model files: every storage type, names, shards, tied or not, and damage."""

import json
from pathlib import Path

import numpy as np
import pytest

import make_embeddings as made
from weakspot.artifacts.embeddings import read_embeddings
from weakspot.errors import CorruptFile, UnknownModel, UsageError, WeakspotError

MATRIX = made.trained()


@pytest.mark.parametrize(("kind", "error"), [("F32", 0), ("F16", 1e-3), ("BF16", 8e-3), ("Q8_0", 5e-3)])
def test_gguf_values_come_out_as_they_went_in(tmp_path: Path, kind: str, error: float) -> None:
    """Each storage type of a GGUF gives back the rows, by slice, by ids and by blocks, within its own rounding."""
    found = read_embeddings(made.gguf(tmp_path / "m.gguf", MATRIX, kind=kind))
    assert found.tied
    assert found.output is None
    assert (found.input.type, found.input.shape) == (kind, MATRIX.shape)
    np.testing.assert_allclose(found.input.rows(10, 20), MATRIX[10:20], atol=error)
    np.testing.assert_allclose(found.input.take([3, 900, 3]), MATRIX[[3, 900, 3]], atol=error)
    blocks = list(found.input.blocks(500))
    assert [start for start, _ in blocks] == list(range(0, len(MATRIX), 500))
    np.testing.assert_allclose(np.concatenate([block for _, block in blocks]), MATRIX, atol=error)


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "F64"])
def test_safetensors_values_come_out_as_they_went_in(tmp_path: Path, kind: str) -> None:
    """Each storage type of safetensors gives back the rows; a lone file needs no folder around it."""
    path = made.safetensors(tmp_path / "model.safetensors", {"model.embed_tokens.weight": MATRIX}, kind)
    found = read_embeddings(path)
    assert found.tied
    np.testing.assert_allclose(found.input.rows(0, 50), MATRIX[:50], atol=8e-3)
    assert found.input.rows(0, 1).dtype == np.float32


def test_an_output_matrix_of_its_own(tmp_path: Path) -> None:
    """A second matrix makes a model untied, in both formats, unless its configuration says that the two are tied."""
    other = made.trained(seed=5)
    untied = read_embeddings(made.gguf(tmp_path / "m.gguf", MATRIX, other))
    assert not untied.tied
    assert untied.output is not None
    np.testing.assert_array_equal(untied.output.rows(0, 9), other[:9])
    tensors = {"model.embed_tokens.weight": MATRIX, "lm_head.weight": other}
    made.safetensors(tmp_path / "model.safetensors", tensors)
    assert read_embeddings(tmp_path).output is not None
    for config in ({"tie_word_embeddings": True}, {"text_config": {"tie_word_embeddings": True}}):
        (tmp_path / "config.json").write_text(json.dumps(config))
        assert read_embeddings(tmp_path).tied
    (tmp_path / "config.json").write_text("{half")
    assert not read_embeddings(tmp_path).tied


@pytest.mark.parametrize(
    "name",
    [
        "transformer.wte.weight",
        "gpt_neox.embed_in.weight",
        "tok_embeddings.weight",
        "bert.embeddings.word_embeddings.weight",
        "shared.weight",
        "backbone.embeddings.weight",
    ],
)
def test_families_name_it_otherwise(tmp_path: Path, name: str) -> None:
    """The matrix is found under the names of six families; positions and the deeper towers of other inputs are not it."""
    small = MATRIX[:7]
    others = {"model.vision_tower.encoder." + name: small, "wpe.weight": small, "blk.output.weight": small}
    found = read_embeddings(made.safetensors(tmp_path / "m.safetensors", {**others, name: MATRIX}))
    assert found.input.name == name
    assert found.input.shape == MATRIX.shape
    assert found.tied


def test_shards_and_adapters(tmp_path: Path) -> None:
    """The matrix is read from the shard that the index names; an adapter beside the weights is none."""
    made.safetensors(tmp_path / "model-00001-of-00002.safetensors", {"x.weight": MATRIX[:3]})
    made.safetensors(tmp_path / "model-00002-of-00002.safetensors", {"model.embed_tokens.weight": MATRIX})
    weights = {"x.weight": "model-00001-of-00002.safetensors"}
    weights["model.embed_tokens.weight"] = "model-00002-of-00002.safetensors"
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    np.testing.assert_array_equal(read_embeddings(tmp_path).input.rows(0, 5), MATRIX[:5])
    alone = tmp_path / "alone"
    alone.mkdir()
    made.safetensors(alone / "adapter_model.safetensors", {"embed_tokens.weight": MATRIX[:4]})
    made.safetensors(alone / "weights.safetensors", {"embed_tokens.weight": MATRIX})
    assert read_embeddings(alone).input.shape == MATRIX.shape


def test_damage_is_told_in_a_sentence(tmp_path: Path) -> None:
    """No file, a pickle, no matrix, a matrix cut short, rows that disagree, values that are no numbers: each its error."""
    spoilt = MATRIX.copy()
    spoilt[321, 3] = np.nan
    whole = made.gguf(tmp_path / "whole.gguf", MATRIX).read_bytes()
    (tmp_path / "short.gguf").write_bytes(whole[:-5000])
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"\x80\x02.")
    made.gguf(tmp_path / "uneven.gguf", MATRIX, MATRIX[:-1])
    made.safetensors(tmp_path / "none.safetensors", {"layers.0.weight": MATRIX})
    made.safetensors(tmp_path / "flat.safetensors", {"embed_tokens.weight": MATRIX[0]})
    wrong: dict[str, type[WeakspotError]] = {
        "nowhere.safetensors": UnknownModel,
        "pickled": UnknownModel,
        "none.safetensors": CorruptFile,
        "flat.safetensors": CorruptFile,
        "short.gguf": CorruptFile,
        "uneven.gguf": CorruptFile,
    }
    for name, kind in wrong.items():
        with pytest.raises(kind):
            read_embeddings(tmp_path / name)
    with pytest.raises(CorruptFile, match="row 321"):
        list(read_embeddings(made.gguf(tmp_path / "nan.gguf", spoilt)).input.blocks())


def test_a_type_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Integers are no embeddings: the sentence names the type."""
    path = made.safetensors(tmp_path / "m.safetensors", {"embed_tokens.weight": MATRIX})
    path.write_bytes(path.read_bytes().replace(b'"F32"', b'"I32"'))
    with pytest.raises(UsageError, match="I32"):
        read_embeddings(path)
