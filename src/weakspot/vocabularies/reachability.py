"""Tokens that no text becomes, from the vocabulary and the tokenizer alone.

The plain test "decode the id, encode the text, get the id back" is wrong: it flags every SentencePiece token that
needs a neighbour (a leading space eats the dummy prefix, a letter inside a word gets one), half of such a vocabulary.
Here a token counts as reached as soon as its id comes out of any of the texts that are tried: its own text alone and
between neighbours. For BPE and Unigram that is nearly exact: where a token comes out of some text, its own letters
alone also merge to it (merges inside its stretch never look outside), so only the cutting before the model depends on
the neighbours.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

import numpy as np

from weakspot.records.glitch import UnreachableToken
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.vocabulary import Token

CONTEXTS: Final = (
    ("", ""),
    ("a", ""),
    ("", "a"),
    ("\n", ""),
    ("", "\n"),
    ("a ", ""),
    (" ", " a"),
    ("\ue000", "\ue000"),  # no vocabulary has it, so nothing merges with it
    ("", "\ue000"),
    ("\n", "\n"),
    ("1", ""),
    ("", "1"),
    ("1", "1"),
    ("a", "a"),
    (".", ""),
    ("", "."),
    ("x\u00a0", ""),
    ("zxq", ""),  # WordPiece: beginnings of words that no longer token goes on from
    ("qzj", ""),
    ("\u0436\u0449", ""),
    ("\u10d0", ""),
    ("ab", "\ue000"),
)
"""What is put before and behind a token's text. A round tries one pair on the tokens that none reached before."""
BATCH: Final = 20_000
Progress = Callable[[str, int, int], None]


def unreachable_tokens(tokenizer: Tokenizer, progress: Progress | None = None) -> tuple[UnreachableToken, ...]:
    """The tokens that plain text was not found to become, in the order of their ids.

    Control, unused, unknown and special tokens, bytes, and tokens that are no UTF-8 by themselves are not looked at.

    Args:
        tokenizer: the tokenizer, as it encodes by default.
        progress: told what is tried, and how many of how many rounds.
    """
    left = {token.id: text for token in tokenizer.vocabulary if (text := _text(token)) is not None}
    for done, (before, after) in enumerate(CONTEXTS, 1):
        if not left:
            break
        for ids in _chunks(list(left)):
            reached = tokenizer.engine.batch([before + left[token] + after for token in ids if token in left]).ids
            for token in np.unique(reached).tolist():
                left.pop(token, None)
        if progress is not None:
            progress("tokens reached", done, len(CONTEXTS))
    return tuple(_described(tokenizer, token, text) for token, text in left.items())


def _text(token: Token) -> str | None:
    """What a token stands for; None where it is not looked at."""
    if token.kind not in ("normal", "added") or token.special or not token.data:
        return None
    try:
        return token.data.decode()
    except UnicodeDecodeError:
        return None


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _described(tokenizer: Tokenizer, token: int, text: str) -> UnreachableToken:
    written = tokenizer.vocabulary[token].text
    instead = tuple(tokenizer.ids(text))
    return UnreachableToken(id=token, text=written, stage=_stage(tokenizer, token, text), instead=instead)


def _stage(
    tokenizer: Tokenizer, token: int, text: str
) -> Literal["normalizer", "pre-tokenizer", "model", "vocabulary"]:
    """What keeps the token from coming out: another id with its bytes, or the first step that changes or cuts it."""
    vocabulary = tokenizer.vocabulary
    if vocabulary.by_bytes.get(vocabulary[token].data, token) != token:
        return "vocabulary"
    normal = tokenizer.engine.normalize(text)
    plain = normal.replace("\u2581", " ").strip(" ")
    if plain != text.strip(" "):
        return "normalizer"
    words = tokenizer.engine.segments(text, parse_special=False)
    return "pre-tokenizer" if len(words) > 1 else "model"
