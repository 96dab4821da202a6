"""New words in real tokenizers, and the mixtures that their rows begin with."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library

from domain_texts import general, medical
from weakspot.errors import UsageError
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.load_hf import from_json
from weakspot.vocabularies.embedding_init import focus_mixture, mean_mixture, mixed_rows, sparsemax
from weakspot.vocabularies.extension import grow, opened, unfired
from weakspot.vocabularies.word_choice import Words, choose_words

WAYS = {
    "gpt2": "whole-word", "llama3.1": "whole-word", "qwen3": "whole-word", "deepseek-v3": "whole-word",
    "llama2": "merges", "gemma3": "merges", "deberta-v3": "scores",
}  # fmt: skip


def text_of(tokenizer: Tokenizer) -> str:
    """The tokenizer.json behind a tokenizer."""
    source = tokenizer.engine.fast_source()
    assert source is not None
    return source.json if source.json is not None else source.path.read_text("utf-8")  # type: ignore[union-attr]


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", WAYS)
def test_words_fire_in_real_tokenizers(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Forty drugs and findings become one token each, every old id stays, and text without them is cut as before."""
    before = real_tokenizer(name)
    text = text_of(before)
    notes = medical(200)
    words = choose_words(notes, Words(opened(text)), 40, getattr(before.model, "unknown", None))
    grown = grow(text, words)
    after = from_json(grown.json, name)
    assert grown.way == WAYS[name]
    assert unfired(grown, words) == []
    old, new = Library.from_str(text), Library.from_str(grown.json)
    assert all(new.token_to_id(token) == number for token, number in old.get_vocab().items())
    fewer = [(len(before.ids(note)), len(after.ids(note))) for note in medical(30, seed=3)]
    assert sum(b for _, b in fewer) < 0.9 * sum(a for a, _ in fewer)
    fresh = set(grown.pieces)
    for plain in [*general(300), "def f(x):\n    return {'a': 1}\n", "naïve 東京 🤦🏽‍♂️ 12345", *medical(10)]:
        ids = after.ids(plain)
        assert after.decode(ids) == before.decode(before.ids(plain))
        if fresh.isdisjoint(ids):
            assert ids == before.ids(plain)


@pytest.mark.tokenizers
def test_words_of_the_tokenizer_are_what_its_model_gets(real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """A word's pieces are the ids that it takes in text, and what is saved is its count times the pieces but one."""
    tokenizer = real_tokenizer("gpt2")
    chosen = choose_words(medical(50), Words(opened(text_of(tokenizer))), 10)
    assert len(chosen) == 10
    for word in chosen:
        assert list(word.pieces) == tokenizer.ids(word.plain)
        assert word.saved == word.occurs * (len(word.pieces) - 1)


def test_a_wordpiece_tokenizer_is_refused() -> None:
    """A model that writes has no WordPiece tokenizer: one sentence."""
    data = {"model": {"type": "WordPiece", "vocab": {"[UNK]": 0}}, "added_tokens": []}
    with pytest.raises(UsageError, match="can't be extended here"):
        grow(json.dumps(data), [])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=30))
def test_sparsemax_is_the_nearest_point_of_the_simplex(scores: list[float]) -> None:
    """It sums to 1, is not negative, and meets the conditions of Karush, Kuhn and Tucker for the projection."""
    z = np.asarray(scores)
    found = sparsemax(z)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    support = found > 0
    threshold = (z - found)[support]
    assert np.ptp(threshold) < 1e-9
    assert (z[~support] <= threshold.max() + 1e-9).all()


def test_focus_takes_what_is_used_alike() -> None:
    """A new token that stands where a known one stands begins as that one; one that never occurs as its pieces' mean."""
    dice = np.random.default_rng(0)
    rows = []
    for _ in range(400):
        rows.append([2, 3, 4 if dice.random() < 0.5 else 20, 5, 6])  # 20 stands where 4 stands
        rows.append([7, 8, 9, 10, 11])
    pieces = {20: (7, 9), 21: (8, 8, 10)}
    names = {number: f"{'abcdefghijklmnopqrstuv'[number]}" for number in range(22)}
    found = focus_mixture(pieces, rows, names, 20)
    weights = dict(found[20])
    assert max(weights, key=lambda old: weights[old]) == 4
    assert sum(weights.values()) == pytest.approx(1)
    assert found[21] == mean_mixture(pieces)[21] == ((8, 1 / 3), (8, 1 / 3), (10, 1 / 3))
    matrix = dice.normal(size=(20, 5)).astype(np.float32)
    assert mixed_rows(matrix, found, [21])[0] == pytest.approx((2 * matrix[8] + matrix[10]) / 3, abs=1e-6)
