"""Which strings of plain user text become ids that steer a model, asked of the tokenizer itself, string by string.

Two settings are asked: parsing (what a chat pipeline does with a rendered prompt) and the library's own protection
(`parse_special=False`); the library's default is one of them. It knows no templates: see `weakspot.findings.forging`.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from weakspot.errors import WeakspotError
from weakspot.findings.profile import HTML_TAGS, steers
from weakspot.records.injection import Spelling, SteeringToken, Through, Twin, TwinDifference
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.text import without_surrogates
from weakspot.tokens.vocabulary import Token

SPACED: Final = ("x ", " y")
ALONE: Final = ("", "")
INSIDE: Final = ("x", "y")
FULL_WIDTH: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
STRIPPED: Final = (
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u180e\ufe0f"  # drawn as nothing
    "\u0000\u0007\u007f"  # control characters
    "\u0301\U000e0041\ufffd"  # a mark, a tag, the sign for what is no text
)
"""Characters that some normalizers take out of a text, so that what stood on both sides of them joins."""
SIGNS: Final = frozenset("<>[]|\uff5c")
RESERVED: Final = re.compile(
    r"\[PAD\d+\]|.*(place.?holder|reserved|unused|special|control|extra(?!.?id))\D{0,20}\d+.*", re.IGNORECASE
)
"""Texts of tokens that a vocabulary keeps free: `<｜place▁holder▁no▁7｜>`, `[PAD123]`, `<|EXTRA_3_TOKEN|>`."""


class Smuggling(NamedTuple):
    """The strings that come in, those past the protection first, and the steering tokens that no text becomes."""

    spellings: list[Spelling]
    unreached: list[SteeringToken]


class _Way(NamedTuple):
    """Whether a text brings its id in, by setting; and whether with letters right around it."""

    protected: bool
    asked: bool
    inside_word: bool

    def __bool__(self) -> bool:
        return self.protected or self.asked


def find_spellings(tokenizer: Tokenizer) -> Smuggling:
    """Every string that becomes a steering id in some setting: each token's own text, and spellings that fold to it.

    Of tokens that differ in their number only, other spellings are tried for one; where one comes in, for all.
    """
    found: list[Spelling] = []
    unreached: list[SteeringToken] = []
    plain: set[tuple[str, str, bool]] = set()  # families in which no other spelling comes in
    for token in tokenizer.vocabulary:
        if not marks(token):
            continue
        own = _tried(tokenizer, token, token.text)
        if own:
            found.append(_spelling(tokenizer, token, token.text, "", own))
        else:
            unreached.append(SteeringToken(id=token.id, text=without_surrogates(token.text), kind=token.kind))
        if (family := family_of(token)) in plain:
            continue
        folded = list(_folded(tokenizer, token))
        found += folded
        if not folded:
            plain.add(family)
    found.sort(key=lambda one: (bool(one.variant), one.reserved, not one.protected, not one.default, one.id))
    return Smuggling(found, unreached)


def marks(token: Token) -> bool:
    """Whether a token is looked at: one that steers, or an added one with the signs of a marker that is no HTML tag.

    Wider than `steers`, which has to be sure: `｜DSML｜`, `<dsml:` and `[multimodal]` are added tokens as well.
    """
    if not token.text:
        return False
    signed = token.kind == "added" and not SIGNS.isdisjoint(token.text)
    return steers(token) or (signed and token.text.strip("</>") not in HTML_TAGS)


def family_of(token: Token) -> tuple[str, str, bool]:
    """What tokens that differ in their number only have in common."""
    return re.sub(r"\d+", "0", token.text), token.kind, token.special


def reserved(token: Token) -> bool:
    """Whether a token is kept free for later."""
    return token.kind == "unused" or RESERVED.fullmatch(token.text) is not None


def variants(text: str) -> Iterator[tuple[str, str]]:
    """Other spellings that a normalizer may fold to a text, and their names; each once, none that holds the text."""
    seen = {text}
    for name, other in _spelt_otherwise(text):
        if other not in seen and text not in other:
            seen.add(other)
            yield other, name


def _spelt_otherwise(text: str) -> Iterator[tuple[str, str]]:
    yield "upper case", text.upper()
    yield "lower case", text.lower()
    yield "full width", text.translate(FULL_WIDTH)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        yield form, unicodedata.normalize(form, text)
    yield "space for U+2581", text.replace("\u2581", " ")
    yield "U+2581 for a space", text.replace(" ", "\u2581")
    yield "space inside", f"{text[:1]} {text[1:]}"
    for character in STRIPPED:
        yield f"U+{ord(character):04X} inside", f"{text[:2]}{character}{text[2:]}"


def comes_in(tokenizer: Tokenizer, token: Token, text: str, around: tuple[str, str], *, parse_special: bool) -> bool:
    """Whether a text with others around it brings in the id of a token.

    The unknown token counts only where it is the spelling that brings it in, and not a text that has no token.
    """
    whole = f"{around[0]}{text}{around[1]}"
    try:
        found = token.id in tokenizer.ids(whole, parse_special=parse_special)
        if not found or (token.kind != "unknown" and token.id != tokenizer.model.unknown):
            return found
        other = f"{around[0]}{_misspelt(text)}{around[1]}"
        matched = token.id in _matched(tokenizer, whole, parse_special)
        return matched or token.id not in tokenizer.ids(other, parse_special=parse_special)
    except (WeakspotError, ValueError):  # a library that refuses such a text lets nothing in
        return False


def _misspelt(text: str) -> str:
    """With the letter before in the place of its last letter: [UNJ] for [UNK]."""
    at = max((place for place, character in enumerate(text) if character.isalpha()), default=0)
    return text[:at] + chr(max(ord(text[at]) - 1, 0x21)) + text[at + 1 :]


def _matched(tokenizer: Tokenizer, text: str, parse_special: bool) -> set[int]:
    """The ids that are cut out of a text before the model."""
    found = tokenizer.engine.segments(without_surrogates(text), parse_special=parse_special)
    return {segment.token for segment in found if segment.token is not None}


def _tried(tokenizer: Tokenizer, token: Token, text: str) -> _Way:
    """A setting lets a text in where it does so in any surroundings: some tokens want a space, or the text's start."""

    def let_in(parse_special: bool) -> bool:
        return any(comes_in(tokenizer, token, text, a, parse_special=parse_special) for a in (SPACED, ALONE, INSIDE))

    protected, asked = let_in(False), let_in(True)
    inside = (protected or asked) and comes_in(tokenizer, token, text, INSIDE, parse_special=asked)
    return _Way(protected, asked, inside)


def _folded(tokenizer: Tokenizer, token: Token) -> Iterator[Spelling]:
    for text, name in variants(token.text):
        if way := _tried(tokenizer, token, text):
            yield _spelling(tokenizer, token, text, name, way)


def _spelling(tokenizer: Tokenizer, token: Token, text: str, variant: str, way: _Way) -> Spelling:
    free = reserved(token)
    before, behind = (False, False) if free or variant else swallows(tokenizer, token)
    return Spelling(
        text=without_surrogates(text),
        token=without_surrogates(token.text),
        id=token.id,
        kind=token.kind,
        special=token.special,
        reserved=free,
        variant=variant,
        default=way.asked if tokenizer.engine.parses_special else way.protected,
        protected=way.protected,
        asked=way.asked,
        through="match" if free else _through(tokenizer, token, text, parse_special=not way.protected),
        inside_word=way.inside_word,
        takes_before=before,
        takes_behind=behind,
    )


def _through(tokenizer: Tokenizer, token: Token, text: str, *, parse_special: bool) -> Through:
    matched = any(token.id in _matched(tokenizer, f"{a}{text}{b}", parse_special) for a, b in (SPACED, ALONE, INSIDE))
    return "match" if matched else "model"


def swallows(tokenizer: Tokenizer, token: Token) -> tuple[bool, bool]:
    """Whether a token takes the white space before it and behind it with it (`lstrip`, `rstrip`)."""
    text = without_surrogates(token.text)
    found = tokenizer.engine.segments(f"x  {text}  y", parse_special=True)
    if (own := next((segment for segment in found if segment.token == token.id), None)) is None:
        return False, False
    return own.start < len("x  "), own.end > len("x  ") + len(text.encode())


def beside(tokenizer: Tokenizer, other: Tokenizer) -> Twin:
    """Another tokenizer, and the markers of either that let a steering id in on one side only, each by its default."""
    texts = {t.text: None for one in (tokenizer, other) for t in one.vocabulary if marks(t) and not reserved(t)}
    differences = []
    for text in texts:
        ids, steered = _read(tokenizer, text)
        other_ids, other_steered = _read(other, text)
        if steered != other_steered:
            differences.append(
                TwinDifference(
                    text=without_surrogates(text),
                    ids=tuple(ids),
                    steers=steered,
                    other_ids=tuple(other_ids),
                    other_steers=other_steered,
                )
            )
    return Twin(
        tokenizer=other.name,
        fingerprint=other.fingerprint,
        format=other.format,
        shared=_shared(tokenizer, other),
        differences=tuple(differences),
    )


def _read(tokenizer: Tokenizer, text: str) -> tuple[Sequence[int], bool]:
    """What a marker becomes, and whether the token that it spells is in that."""
    ids = tokenizer.ids(text)
    return ids, any(tokenizer.vocabulary[token].text == text and marks(tokenizer.vocabulary[token]) for token in ids)


def _shared(tokenizer: Tokenizer, other: Tokenizer) -> float:
    ours = {token.id: token.data for token in tokenizer.vocabulary}
    theirs = {token.id: token.data for token in other.vocabulary}
    same = sum(theirs.get(number) == data for number, data in ours.items())
    return same / max(len(ours.keys() | theirs.keys()), 1)
