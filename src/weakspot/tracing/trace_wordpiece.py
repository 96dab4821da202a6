"""WordPiece and WordLevel of one segment, step by step, on a tokenizer's plain data."""

from typing import NamedTuple

from weakspot.tokens.parts import WordLevel, WordPiece


class Try(NamedTuple):
    """One turn of the greedy way: from `start` on (in characters), the longest text that is a token.

    Attributes:
        start: where the turn began.
        tried: what was looked up in vain, the longest first.
        found: the token, or None where not even one character is a token.
        id: its id.
    """

    start: int
    tried: tuple[str, ...]
    found: str | None
    id: int | None


class WordPieceTrace(NamedTuple):
    """How a segment became ids; `reason` says why it is unknown as a whole, and is empty where it is not."""

    ids: list[int]
    trail: list[Try]
    reason: str = ""


def trace_wordpiece(model: WordPiece, segment: str) -> WordPieceTrace:
    """Encode one segment by greedy longest match; one part without a token makes the whole segment unknown."""
    if not segment:
        return WordPieceTrace([], [])
    if len(segment) > model.longest_word:
        reason = f"it has {len(segment):,} characters, more than the {model.longest_word:,} that this model looks at"
        return WordPieceTrace([model.unknown], [], reason)
    trail: list[Try] = []
    start = 0
    while start < len(segment):
        turn = _turn(model, segment, start)
        trail.append(turn)
        if turn.found is None:
            return WordPieceTrace([model.unknown], trail, f"no token matches at its character {start + 1}")
        start += len(turn.found) - (len(model.prefix) if start else 0)
    return WordPieceTrace([turn.id for turn in trail if turn.id is not None], trail)


def _turn(model: WordPiece, segment: str, start: int) -> Try:
    tried: list[str] = []
    for end in range(len(segment), start, -1):
        piece = (model.prefix if start else "") + segment[start:end]
        if piece in model.vocab:
            return Try(start, tuple(tried), piece, model.vocab[piece])
        tried.append(piece)
    return Try(start, tuple(tried), None, None)


def trace_wordlevel(model: WordLevel, segment: str) -> WordPieceTrace:
    """Look one segment up: it is a token, or unknown."""
    if not segment:
        return WordPieceTrace([], [])
    number = model.vocab.get(segment)
    if number is not None:
        return WordPieceTrace([number], [Try(0, (), segment, number)])
    trail = [Try(0, (segment,), None, None)]
    reason = "it is not in the vocabulary"
    return WordPieceTrace([] if model.unknown is None else [model.unknown], trail, reason)
