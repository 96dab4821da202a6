"""Tokens that no text becomes, from the tokenizer alone: the stage that keeps each, and no false alarms."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as Library
from tokenizers import models, normalizers, pre_tokenizers

from weakspot.tokens.face import Tokenizer
from weakspot.tokens.loading import load_tokenizer
from weakspot.vocabularies.reachability import unreachable_tokens


def made(path: Path, tokens: list[str], merges: list[tuple[str, str]], normalizer: Any = None) -> Tokenizer:
    """A BPE tokenizer of letters whose words end at white space."""
    vocab = {token: number for number, token in enumerate(["<unk>", *"abcdefghijklmnopqrstuvwxyzABC12 ", *tokens])}
    library = Library(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>"))
    library.pre_tokenizer = pre_tokenizers.Split(" ", "isolated")
    if normalizer is not None:
        library.normalizer = normalizer
    library.save(str(path / "tokenizer.json"))
    return load_tokenizer(str(path))


def test_each_stage_that_keeps_a_token(tmp_path: Path) -> None:
    """A token without a merge, one that the cutting before the model parts, and one that the normalizer rewrites are
    unreachable, each by its stage; those that a merge makes are reached.
    """
    merges = [("a", "b"), ("ab", "c"), ("b", " "), ("A", "B")]
    tokenizer = made(tmp_path, ["ab", "abc", "xyz", "b ", "AB"], merges, normalizers.Lowercase())
    found = {token.text: (token.stage, token.instead) for token in unreachable_tokens(tokenizer)}
    ids = {token.text: token.id for token in tokenizer.vocabulary}
    assert found["xyz"] == ("model", (ids["x"], ids["y"], ids["z"]))
    assert found["b "] == ("pre-tokenizer", (ids["b"], ids[" "]))
    assert found["AB"] == ("normalizer", (ids["ab"],))
    assert {"A", "B", "C"} <= found.keys()
    assert not {"ab", "abc", "a", "1", " "} & found.keys()


def test_control_and_special_tokens_are_not_looked_at(tmp_path: Path) -> None:
    """What no plain text should become is no finding."""
    tokenizer = made(tmp_path, [], [])
    data = json.loads((tmp_path / "tokenizer.json").read_text())
    data["added_tokens"] = [
        {
            "id": 34 + place,
            "content": text,
            "special": special,
            "normalized": False,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
        }
        for place, (text, special) in enumerate([("<|end|>", True), ("<unused0>", False)])
    ]
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    tokenizer = load_tokenizer(str(tmp_path))
    assert tokenizer.vocabulary.id_of("<unused0>") is not None
    assert unreachable_tokens(tokenizer) == ()


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", ["llama2", "mistral-spm", "gpt2", "cl100k"])
def test_no_false_alarms_where_the_plain_test_has_thousands(
    name: str, real_tokenizer: Callable[[str], Tokenizer]
) -> None:
    """The test of id, decode, encode, same id flags half of a SentencePiece vocabulary; here all tokens are reached."""
    tokenizer = real_tokenizer(name)
    assert unreachable_tokens(tokenizer) == ()
    normal = [token.id for token in tokenizer.vocabulary if token.kind == "normal"]
    plain = sum(tokenizer.ids(tokenizer.decode([token])) != [token] for token in normal[::10])
    if name in ("llama2", "mistral-spm"):
        assert plain > 0.4 * len(normal[::10])


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", ["qwen3", "bert-minilm", "deberta-v3-spm"])
def test_what_is_called_unreachable_does_not_come_out(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """In real vocabularies, no unreachable token comes out of its own text or of it beside other words, by the library;
    what its text becomes instead is told.
    """
    tokenizer = real_tokenizer(name)
    found = unreachable_tokens(tokenizer)
    assert found
    for token in found[:: max(1, len(found) // 200)]:
        text = tokenizer.vocabulary[token.id].data.decode()
        assert list(token.instead) == tokenizer.ids(text)
        for around in (text, f" {text}", f"{text} the", f"the{text}", f"the {text}", f"\t{text}\n"):
            assert token.id not in tokenizer.ids(around), (token, around)
