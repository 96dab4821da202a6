"""The codes of findings as a reader meets them: a name, what it means, and whether text is lost by it."""

from collections.abc import Iterable

from weakspot.records.audit import CodeCount
from weakspot.records.tokens import Stage

STAGES: tuple[Stage, ...] = (
    "input",
    "normalizer",
    "pre-tokenizer",
    "model",
    "post-processor",
    "decoder",
    "truncation",
    "vocabulary",
)
"""The pipeline in the order in which a text goes through it; `vocabulary` is no step, but what all steps share."""

ANY_LOSS = "lossy"
"""How a paired table names documents that do not come back, whatever the reason."""

MEANINGS = {
    ANY_LOSS: "the document does not come back as it was",
    "accents-lost": "accents and other marks are taken off",
    "bidi-control": "a sign that turns the order of the text round",
    "byte-fallback": "a character without a token, written as its bytes",
    "byte-order-mark": "a byte order mark inside the text",
    "case-lost": "capital letters become small ones",
    "character-dropped": "a character gets no token at all",
    "character-removed": "a visible character is removed",
    "compatibility-folded": "ligatures, full-width and other forms become simpler ones",
    "composed": "another, equal form of Unicode comes back",
    "control-character": "a control character inside the text",
    "decoded-otherwise": "the tokens hold the text, but the decoder writes another",
    "decomposed": "letters and their marks apart, which gives other ids",
    "decoder-clean-up": "the decoder cleans white space away",
    "digit-grouping": "a number is cut so that its thousands do not line up",
    "digits-flattened": "raised, lowered or circled digits become plain ones",
    "drift": "the decoded text gets other ids than those it was decoded from",
    "invalid-utf8": "bytes that are no UTF-8, read as U+FFFD",
    "invisible-removed": "invisible characters are removed",
    "joiner": "a joiner, at home in some scripts and in emoji",
    "leading-space-stripped": "white space at the beginning is stripped",
    "literal-byte-letter": "text that looks like the vocabulary's own letter for a byte",
    "literal-byte-token": "text that spells a byte token, such as <0x0A>",
    "literal-space-mark": "the vocabulary's mark for a space, written in the text, becomes a space",
    "lone-surrogate": "half of a surrogate pair, which UTF-8 can't write",
    "look-alike": "a word in which letters of another script look alike",
    "look-alike-form": "a form of a character that looks like the plain one",
    "mixed-script": "a word with letters of several scripts",
    "noncharacter": "a code point that is no character",
    "nul": "a NUL, at which many programs stop to read",
    "odd-space": "a space that is not the space",
    "private-use": "a character that means nothing without its font",
    "replacement-character": "U+FFFD: bytes that were no text were lost before this",
    "rewritten": "the text is rewritten",
    "shattered-word": "a word is cut into far more pieces than usual",
    "soft-hyphen": "a hyphen that is only seen at a line's end",
    "space-added": "white space comes back that was not there",
    "special-token": "plain text becomes a token that steers the model",
    "split-character": "tokens end inside a character",
    "structural-merge": "signs of JSON or code are one token with their neighbours",
    "tag-character": "invisible tags, in which whole messages travel",
    "truncation": "the file as shipped cuts the text off",
    "unknown-token": "has no token: the model sees the unknown token instead",
    "unstable-end": "tokens at the end change with what is written behind it",
    "variation-selector": "a selector in which hidden bytes can travel",
    "white-space-lost": "white space is lost",
    "zero-width": "a character of no width, which cuts a word unseen",
}
"""What each code means, in the words of a table's cell."""

LOSSES = frozenset(
    {
        "accents-lost",
        "case-lost",
        "character-dropped",
        "character-removed",
        "compatibility-folded",
        "composed",
        "decoded-otherwise",
        "decoder-clean-up",
        "digits-flattened",
        "invalid-utf8",
        "invisible-removed",
        "leading-space-stripped",
        "literal-byte-token",
        "literal-space-mark",
        "lone-surrogate",
        "rewritten",
        "space-added",
        "truncation",
        "unknown-token",
        "white-space-lost",
    }
)
"""Codes of what does not come back. Drift is none: it is what a loss does to the ids."""

SEVERITIES = {
    1: "harmless",
    2: "minor: small or invisible changes",
    3: "plain: a reader would notice, and the model may err",
    4: "serious: the meaning, or a defence, can be lost",
    5: "the model cannot see what was written, or the user can write what only the application may",
}


def is_loss(count: CodeCount) -> bool:
    """Whether these findings are losses; a byte token that is only spelled, and did not become one, is none."""
    return count.code in LOSSES and (count.code != "literal-byte-token" or count.severity >= 4)


def losses(codes: Iterable[CodeCount]) -> list[CodeCount]:
    """Those of the findings that are losses, in their order."""
    return [count for count in codes if is_loss(count)]


def of_stage(codes: Iterable[CodeCount], stage: Stage) -> list[CodeCount]:
    """Those of one stage, the most frequent first."""
    return sorted((count for count in codes if count.stage == stage), key=lambda count: -count.findings)


def meaning(code: str) -> str:
    """What a code means; empty for one that is not known here."""
    return MEANINGS.get(code, "")
