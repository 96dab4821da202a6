"""`weakspot.tokens.explain`."""

from collections.abc import Sequence

from weakspot.artifacts.fetch import Progress, silent
from weakspot.records.explanation import Explanation
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.loading import load_tokenizer
from weakspot.tracing.explaining import MOST_STEPS, explain_text


def explain(
    text: str,
    tokenizer: str | Tokenizer,
    *,
    words: Sequence[str] = (),
    others: int = 4,
    most_steps: int = MOST_STEPS,
    parse_special: bool | None = None,
    accept_licence: bool = False,
    progress: Progress = silent,
) -> Explanation:
    """Why a text splits as it does: traced by engines of our own, step by step, and checked against the library.

    Args:
        text: the text; a lone surrogate is read as U+FFFD.
        tokenizer: a reference to a tokenizer, or one that is open.
        words: keep only the segments whose stretch of the text holds one of these; empty: all. The ids stay whole.
        others: how many segmentations beside the best one to list (Unigram).
        most_steps: how many steps, and how many seams, to list a segment.
        parse_special: whether text that spells a special token becomes its id; None: as the library does by default.
        accept_licence: accept a bundled tokenizer's own terms.
        progress: where a download's progress goes.

    Raises:
        UnknownTokenizer, CorruptFile, LicenceNotAccepted, FetchFailed, HashMismatch, DiskFull, MissingExtra.
    """
    if isinstance(tokenizer, str):
        tokenizer = load_tokenizer(tokenizer, accept_licence=accept_licence, progress=progress)
    return explain_text(tokenizer, text, words=words, parse_special=parse_special, others=others, most_steps=most_steps)
