"""Puts new words into a `tokenizer.json` so that they really fire, and nothing else changes.

Three ways, the least invasive first:

- **whole-word**, byte-level BPE: the word goes into the vocabulary and `ignore_merges` is set, so that a word which is
  a token as a whole is taken before any merge. Only that very word changes. It needs every old token that is a word
  to be what its merges make of it, or setting the switch would change old text: checked token by token.
- **merges**, other BPE: merges that lead from the word's pieces to the word, behind all old ones. Steps between them
  need tokens of their own, and fire in other words that hold the same pieces side by side.
- **scores**, Unigram: the word gets the score of its pieces together and a little more.

Added tokens (matched before the model) are not used: one with a leading space and `single_word` never fires behind a
letter, without `single_word` it fires inside longer words, and without the space it cuts the space off.
"""

import copy
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from weakspot.errors import UsageError, WeakspotError
from weakspot.vocabularies.word_choice import NewWord

Way = Literal["whole-word", "merges", "scores"]
EDGE = 1e-3
"""By how much a new word's log-probability beats that of its pieces."""


@dataclass(frozen=True)
class Grown:
    """A tokenizer with new tokens.

    Attributes:
        json: the text of the new `tokenizer.json`.
        way: how the words were added.
        ids: the new id of each word, in the order they were given.
        pieces: new id to the old ids that it stands for, helpers included.
        size: one more than the highest id.
    """

    json: str
    way: Way
    ids: tuple[int, ...]
    pieces: dict[int, tuple[int, ...]]
    size: int


def grow(text: str, new: Sequence[NewWord]) -> Grown:
    """Add words to a tokenizer; every old id keeps its token.

    Args:
        text: the text of a `tokenizer.json`.
        new: the words, as `choose_words` gives them for this tokenizer.

    Raises:
        UsageError: a WordPiece or WordLevel tokenizer, which no model that writes has.
        WeakspotError: an old id would stand for another token.
    """
    data = copy.deepcopy(json.loads(text))
    kind = data["model"].get("type") or ("BPE" if "merges" in data["model"] else "")
    if kind == "Unigram":
        return _checked(text, _with_scores(data, new))
    if kind != "BPE":
        raise UsageError(f"A {kind or 'nameless'} tokenizer can't be extended here.", hint="BPE and Unigram can.")
    _pin_added(data)
    whole = _can_take_whole(text, data)
    return _checked(text, _with_whole_words(data, new) if whole else _with_merges(data, new))


def opened(text: str) -> Any:
    """The library's object, with padding and truncation taken off."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_str(text)
    made.no_padding()
    made.no_truncation()
    return made


def _pin_added(data: dict[str, Any]) -> None:
    """Write added tokens into the vocabulary under their ids.

    The library numbers those that are not there from the vocabulary's size on: growing it would move them.
    """
    for entry in data.get("added_tokens") or ():
        data["model"]["vocab"].setdefault(entry["content"], entry["id"])


def _can_take_whole(text: str, data: dict[str, Any]) -> bool:
    model = data["model"]
    if "ByteLevel" not in json.dumps(data.get("pre_tokenizer")) or model.get("dropout"):
        return False
    return bool(model.get("ignore_merges")) or not _hidden(text, data)


def _hidden(text: str, data: dict[str, Any]) -> list[str]:
    """Old tokens that are a word by themselves and yet not what the merges make of it."""
    made = opened(text)
    added = {entry["content"] for entry in data.get("added_tokens") or ()}
    found = []
    for token in data["model"]["vocab"]:
        if token in added or [piece.value for piece in made.model.tokenize(token)] == [token]:
            continue
        plain = made.decoder.decode([token]) if made.decoder is not None else token
        if [word for word, _ in made.pre_tokenizer.pre_tokenize_str(plain)] == [token]:
            found.append(token)
    return found


def _with_whole_words(data: dict[str, Any], new: Sequence[NewWord]) -> Grown:
    vocab = data["model"]["vocab"]
    data["model"]["ignore_merges"] = True
    first = max(vocab.values()) + 1
    pieces = {}
    for number, word in enumerate(new, first):
        vocab[word.text] = number
        pieces[number] = word.pieces
    return Grown(_written(data), "whole-word", tuple(pieces), pieces, first + len(new))


def _with_merges(data: dict[str, Any], new: Sequence[NewWord]) -> Grown:
    model = data["model"]
    vocab = model["vocab"]
    names = {number: token for token, number in vocab.items()}
    as_pairs = any(isinstance(merge, list) for merge in model["merges"][:1]) or not model["merges"]
    fresh: dict[tuple[str, str], int] = {}
    pieces: dict[int, tuple[int, ...]] = {}
    ids = []
    for word in new:
        here = _merged([names[piece] for piece in word.pieces], fresh)
        while len(here) > 1:
            joined = here[0] + here[1]
            fresh[(here[0], here[1])] = len(fresh)
            if joined not in vocab:
                number = max(names) + 1
                vocab[joined], names[number] = number, joined
                pieces[number] = _old_ids(vocab[here[0]], pieces) + _old_ids(vocab[here[1]], pieces)
            here = [joined, *here[2:]]
        ids.append(vocab[word.text])
    model["merges"] += [list(pair) if as_pairs else f"{pair[0]} {pair[1]}" for pair in fresh]
    return Grown(_written(data), "merges", tuple(ids), pieces, max(names) + 1)


def _old_ids(token: int, pieces: dict[int, tuple[int, ...]]) -> tuple[int, ...]:
    return pieces.get(token, (token,))


def _merged(word: list[str], fresh: dict[tuple[str, str], int]) -> list[str]:
    """A word's pieces after the merges added so far; the old ones are done already, and come first."""
    while True:
        pairs = [(fresh[pair], at) for at, pair in enumerate(itertools.pairwise(word)) if pair in fresh]
        if not pairs:
            return word
        at = min(pairs)[1]
        word = [*word[:at], word[at] + word[at + 1], *word[at + 2 :]]


def _with_scores(data: dict[str, Any], new: Sequence[NewWord]) -> Grown:
    vocab = data["model"]["vocab"]
    lowest = min(score for _, score in vocab)
    added = {entry["id"]: entry["content"] for entry in data.get("added_tokens") or ()}
    while (number := len(vocab)) <= max(added, default=-1):  # the library numbers added tokens from the size on
        vocab.append([added.get(number, f"<|hole-{number}|>"), lowest - 1000])
    first = len(vocab)
    for word in new:
        vocab.append([word.text, sum(vocab[piece][1] for piece in word.pieces) + EDGE])
    pieces = {first + number: word.pieces for number, word in enumerate(new)}
    return Grown(_written(data), "scores", tuple(pieces), pieces, len(vocab))


def _checked(text: str, grown: Grown) -> Grown:
    """Every old id must still stand for its token.

    Raises:
        WeakspotError: one does not.
    """
    before, after = opened(text), opened(grown.json)
    moved = [token for token, number in before.get_vocab().items() if after.token_to_id(token) != number]
    if moved:
        raise WeakspotError(
            f"{len(moved)} old tokens would get other ids, for example {min(moved)!r}: nothing was written.",
            hint="Please report it with the tokenizer's name.",
        )
    return grown


def unfired(grown: Grown, new: Sequence[NewWord]) -> list[int]:
    """New ids that do not come out where their word stands alone between other text."""
    made = opened(grown.json)
    missing = []
    for number, word in zip(grown.ids, new, strict=True):
        texts = (word.plain, f"a{word.plain}" if word.plain[:1] == " " else word.plain, f"{word.plain}, b")
        if not any(number in made.encode(text, add_special_tokens=False).ids for text in texts):
            missing.append(number)
    return missing


def _written(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"
