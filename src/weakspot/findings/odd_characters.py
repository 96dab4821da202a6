"""Detectors over characters: invisible ones, words of mixed scripts, look-alikes, other forms of the same text.

They say what stands in the text, whatever the tokenizer; only the other forms are asked of the tokenizer too.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from weakspot.findings.changes import changes
from weakspot.findings.document import Document, code_points, quoted, said
from weakspot.records import TokenFinding


class Unseen(NamedTuple):
    """A sort of character that is not seen on the page."""

    code: str
    severity: int
    words: str


UNSEEN: dict[str, Unseen] = {
    "tag": Unseen("tag-character", 5, "tag characters, in which whole hidden messages travel"),
    "bidi": Unseen("bidi-control", 4, "a bidirectional control, which shows text in another order than it is read"),
    "zero": Unseen("zero-width", 2, "a character of no width, which cuts a word without being seen"),
    "soft": Unseen("soft-hyphen", 2, "a soft hyphen, which is only seen at a line's end"),
    "bom": Unseen("byte-order-mark", 2, "a byte order mark"),
    "nul": Unseen("nul", 3, "a NUL, at which many programs stop to read"),
    "control": Unseen("control-character", 3, "a control character"),
    "private": Unseen("private-use", 2, "a private-use character, which means nothing without its font"),
    "none": Unseen("noncharacter", 3, "a code point that is no character"),
    "selector": Unseen("variation-selector", 4, "a supplementary variation selector, in which hidden bytes can travel"),
    "replacement": Unseen("replacement-character", 3, "U+FFFD: bytes that were no text were lost before this"),
    "space": Unseen("odd-space", 1, "a space that is not the space"),
    "joiner": Unseen("joiner", 1, "a joiner, which is at home in some scripts and in emoji"),
}
_LAST_TWO = "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
INVISIBLE = re.compile(
    "(?P<tag>[\U000e0000-\U000e007f]+)|(?P<bidi>[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+)"
    "|(?P<zero>[\u200b\u2060-\u2064\u180e\u034f\u115f\u1160\u3164\uffa0]+)|(?P<soft>\u00ad+)|(?P<bom>\ufeff+)"
    "|(?P<nul>\x00+)|(?P<control>[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+)"
    "|(?P<private>[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]+)"
    f"|(?P<none>[\ufdd0-\ufdef{_LAST_TWO}]+)"
    "|(?P<selector>[\U000e0100-\U000e01ef]+)|(?P<replacement>\ufffd+)"
    "|(?P<space>[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+)|(?P<joiner>[\u200c\u200d]+)"
)
"""Every such sort, by its name in `UNSEEN`."""

_FLAG = "\U0001f3f4"
_TAG_END = "\U000e007f"
_ODD_ASCII = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LETTERS = re.compile(r"[^\W\d_]+")
TOGETHER = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"HAN", "HANGUL"}),
    frozenset({"HAN", "BOPOMOFO"}),
    frozenset({"CJK", "HIRAGANA", "KATAKANA", "HAN"}),
)
"""Scripts that one word may mix without being odd."""

NO_SCRIPT = frozenset({"COMMON", "INHERITED", "UNKNOWN"})
"""Letters of these make no word mixed."""


def find_invisible(document: Document) -> Iterator[TokenFinding]:
    """Characters that are not seen, or not seen as what they are; neighbours of one sort are one finding."""
    text = document.text
    if text.isascii() and _ODD_ASCII.search(text) is None:
        return
    for match in INVISIBLE.finditer(text):
        if _at_home(text, match):
            continue
        sort = UNSEEN[str(match.lastgroup)]
        span = document.positions[match.start()], document.positions[match.end()]
        points = code_points(match[0])
        count = len(match[0])
        message = f"The text holds {sort.words} ({', '.join(points)}{', …' if count > len(points) else ''})."
        tokens = document.tokens_in(*span)
        bare = document.finding(sort.code, span, sort.severity, "input", message)
        hidden = _hidden(match[0]) if match.lastgroup == "tag" else None
        yield said(bare, code_points=points, characters=count, tokens=len(tokens), hidden=hidden)


def _at_home(text: str, match: "re.Match[str]") -> bool:
    """Tags of a flag and joiners inside an emoji."""
    if match.lastgroup == "tag":
        return match.start() > 0 and text[match.start() - 1] == _FLAG and match[0].endswith(_TAG_END)
    if match.lastgroup == "joiner" and match[0] == "\u200d" and 0 < match.start() < len(text) - 1:
        before, after = text[match.start() - 1], text[match.end()]
        return unicodedata.category(after) == "So" and (
            before == "\ufe0f" or unicodedata.category(before) in ("So", "Sk")
        )
    return False


def _hidden(tags: str) -> str:
    """The ASCII text that tag characters spell."""
    return "".join(chr(ord(c) - 0xE0000) for c in tags if 0xE0020 <= ord(c) <= 0xE007E)[:200]


def find_mixed_scripts(document: Document) -> Iterator[TokenFinding]:
    """Words of letters of several scripts; severity 4 where the odd ones look like letters of the word's own script."""
    if document.text.isascii():
        return
    for match in _LETTERS.finditer(document.text):
        word = match[0]
        if word.isascii():
            continue
        scripts = Counter(script for script in map(script_of, word) if script not in NO_SCRIPT)
        if len(scripts) < 2 or any(set(scripts) <= together for together in TOGETHER):
            continue
        yield _mixed(document, match, scripts)


def _mixed(document: Document, match: "re.Match[str]", scripts: Counter[str]) -> TokenFinding:
    span = document.positions[match.start()], document.positions[match.end()]
    own = scripts.most_common(1)[0][0]
    odd = sorted({character for character in match[0] if script_of(character) not in (own, *NO_SCRIPT)})
    twins = {character: twin for character in odd if (twin := _twin(character, own)) is not None}
    named = " and ".join(script.title() for script in sorted(scripts))
    if twins and len(twins) == len(odd):
        shown = ", ".join(f"{quoted(c)} ({code_points(c)[0]}) looks like {quoted(t)}" for c, t in twins.items())
        code, severity, message = "look-alike", 4, f"The word {quoted(match[0])} mixes {named}: {shown}."
    else:
        code, severity, message = "mixed-script", 2, f"The word {quoted(match[0])} mixes letters of {named}."
    bare = document.finding(code, span, severity, "input", message)
    return said(bare, word=match[0][:200], scripts=sorted(scripts), odd=odd[:20], code_points=code_points("".join(odd)))


@lru_cache(maxsize=65_536)
def script_of(character: str) -> str:
    """The script of a letter, in capitals."""
    if character.isascii():
        return "LATIN"
    from confusable_homoglyphs import categories  # 50 ms: most texts are ASCII

    try:
        return str(categories.alias(character))
    except (KeyError, IndexError, ValueError):
        return "UNKNOWN"


@lru_cache(maxsize=16_384)
def _twin(character: str, script: str) -> str | None:
    """A letter of the script that looks the same, after Unicode's list of confusables."""
    from confusable_homoglyphs import confusables

    found = confusables.is_confusable(character, preferred_aliases=[], greedy=True)
    for entry in found or ():
        for twin in entry["homoglyphs"]:
            if len(twin["c"]) == 1 and script_of(twin["c"]) == script:
                return str(twin["c"])
    return None


def find_forms(document: Document) -> Iterator[TokenFinding]:
    """Stretches that are not in NFC, or that NFKC would make ASCII, where the other form has other ids."""
    text = document.text
    if text.isascii():
        return
    if not unicodedata.is_normalized("NFC", text):
        composed = unicodedata.normalize("NFC", text)
        if document.ids_of(composed) != document.encoded.ids:
            for change in changes(text, composed):
                new = composed[change.new_start : change.new_end]
                yield _form(document, (change.start, change.end), new, "decomposed")
    for match in COMPATIBLE.finditer(text):
        folded = unicodedata.normalize("NFKC", match[0])
        if folded != match[0] and folded.isascii() and document.ids_of(folded) != document.ids_of(match[0]):
            yield _form(document, match.span(), folded, "look-alike-form")


def _form(document: Document, place: tuple[int, int], other: str, code: str) -> TokenFinding:
    old = document.text[place[0] : place[1]]
    span = document.positions[place[0]], document.positions[place[1]]
    if code == "decomposed":
        points = ", ".join(code_points(old))
        message = f"{quoted(old)} ({points}) is not in NFC, where it is {quoted(other)} and has other ids."
        severity = 3
    else:
        message = f"{quoted(old)} is a compatibility form of {quoted(other)}, which has other ids."
        severity = 2
    bare = document.finding(code, span, severity, "input", message)
    return said(bare, form=other[:200], code_points=code_points(old))


COMPATIBLE = re.compile(
    "[\u00aa\u00b2\u00b3\u00b5\u00b9\u00ba\u00bc-\u00be\u2070-\u209c\u2100-\u214f\u2150-\u218b\u2460-\u24ea\ufb00-\ufb06"
    "\uff01-\uff5e\U0001d400-\U0001d7ff]+"
)
"""Letters, digits and signs that Unicode keeps apart from the plain ones only for their look."""
