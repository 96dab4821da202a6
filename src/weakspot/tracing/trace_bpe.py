"""Byte-pair encoding of one segment, step by step, on a tokenizer's plain data.

Three families share the merging (`weakspot.tracing.merging`) and differ before and behind it:

- merges with ranks (tokenizer.json, GGUF's gpt2): letters or characters that have no token are unknown, or fall into
  <0xXX> tokens, before anything is merged;
- scores (SentencePiece, GGUF's llama): any two neighbours whose joined text is a token may merge, the highest score
  first, and what is no token in the end is unknown or falls into bytes;
- tiktoken: the symbols are bytes, and the rank of a merge is the id of what it makes.
"""

from collections.abc import Iterator
from typing import NamedTuple

from weakspot.tokens.parts import BPE
from weakspot.tracing.merging import Blocked, Join, Merged, Rule, merge_word


class BPETrace(NamedTuple):
    """How a segment became ids.

    Attributes:
        ids: the ids.
        tokens: the tokens behind them, as the vocabulary writes them.
        starts: where each begins in the segment, in characters; bytes of one character share its place.
        symbols: what the segment fell into at the start.
        places: where each symbol begins in the segment, in characters, and at last its length.
        merged: the merges that fired, and those that another one blocked.
        whole: whether the segment was taken as one token without looking at merges.
    """

    ids: list[int]
    tokens: list[str]
    starts: list[int]
    symbols: list[str]
    places: list[int]
    merged: Merged[str]
    whole: bool = False


class _Symbol(NamedTuple):
    text: str
    place: int


def trace_bpe(model: BPE, segment: str) -> BPETrace:
    """Encode one segment.

    Args:
        model: the model's data.
        segment: the text as the model gets it (`Segment.text`).
    """
    raw = segment.encode().decode("latin-1") if model.alphabet == "bytes" else segment
    direct = model.ignore_merges or model.alphabet == "bytes"
    if raw and direct and raw in model.vocab:
        alone = Merged([raw], [0], list[Join[str]](), list[Blocked[str]]())
        return BPETrace([model.vocab[raw]], [raw], [0], [raw], [0, len(segment)], alone, whole=True)
    symbols = list(_symbols(model, raw))
    texts = [symbol.text for symbol in symbols]
    merged = merge_word(texts, rule_of(model))
    places = [symbol.place for symbol in symbols]
    places = _character_places(segment) if model.alphabet == "bytes" else [*places, len(raw)]
    ids, tokens, starts = [], [], []
    for token, number, start in _tokens(model, merged):
        ids.append(number)
        tokens.append(token)
        starts.append(places[start])
    return BPETrace(ids, tokens, starts, texts, places, merged)


def rule_of(model: BPE) -> Rule[str]:
    """What joining two symbols gives under a model."""
    if model.alphabet == "bytes":
        vocab = model.vocab

        def by_id(left: str, right: str) -> tuple[float, str] | None:
            rank = vocab.get(left + right)
            return None if rank is None else (rank, left + right)

        return by_id
    if model.scores is not None:
        scores = model.scores

        def by_score(left: str, right: str) -> tuple[float, str] | None:
            score = scores.get(left + right)
            return None if score is None else (-score, left + right)

        return by_score
    merges, skip = model.merges, len(model.prefix)

    def by_rank(left: str, right: str) -> tuple[float, str] | None:
        rank = merges.get((left, right))
        return None if rank is None else (rank, left + right[skip:])

    return by_rank


def _symbols(model: BPE, text: str) -> Iterator[_Symbol]:
    """What a segment falls into; with merges, characters without a token are seen to here."""
    if model.scores is not None or model.alphabet == "bytes":
        yield from (_Symbol(character, place) for place, character in enumerate(text))
        return
    unknown: _Symbol | None = None
    for place, character in enumerate(text):
        symbol = (model.prefix if place else "") + character + (model.suffix if place == len(text) - 1 else "")
        if symbol in model.vocab:
            if unknown is not None:
                yield unknown
                unknown = None
            yield _Symbol(symbol, place)
        elif model.byte_fallback and (fallen := byte_tokens(model.vocab, symbol)):
            # An unknown character before it stays waiting and comes out behind these bytes: so does `tokenizers`.
            yield from (_Symbol(token, place) for token in fallen)
        elif model.unknown is not None:
            if unknown is not None and not model.fuse_unknown:
                yield unknown
            if unknown is None or not model.fuse_unknown:
                unknown = _Symbol(_text_of(model, model.unknown), place)
    if unknown is not None:
        yield unknown


def byte_tokens(vocab: dict[str, int], text: str) -> list[str]:
    """The <0xXX> tokens of a text's bytes; empty where one of them is missing."""
    found = [f"<0x{byte:02X}>" for byte in text.encode()]
    return found if all(token in vocab for token in found) else []


def _tokens(model: BPE, merged: Merged[str]) -> Iterator[tuple[str, int, int]]:
    """Tokens, ids and first symbols; with scores, what is no token is seen to here."""
    was_unknown = False
    for symbol, start in zip(merged.symbols, merged.starts, strict=True):
        number = model.vocab.get(symbol)
        if number is not None:
            was_unknown = False
            yield symbol, number, start
        elif model.byte_fallback and (fallen := byte_tokens(model.vocab, symbol)):
            was_unknown = False
            yield from ((token, model.vocab[token], start) for token in fallen)
        elif model.unknown is not None:
            if not (was_unknown and model.fuse_unknown):
                yield _text_of(model, model.unknown), model.unknown, start
            was_unknown = True


def _text_of(model: BPE, number: int) -> str:
    return next((token for token, known in model.vocab.items() if known == number), "")


def _character_places(segment: str) -> list[int]:
    """For each byte of the segment's UTF-8 the character it belongs to, and at last the number of characters."""
    places = [place for place, character in enumerate(segment) for _ in character.encode()]
    return [*places, len(segment)]
