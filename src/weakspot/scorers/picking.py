"""Which one of several options a reply picks, by letter or by its words.

It does not know which one is right.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from weakspot.records import Probe
from weakspot.scorers.compare import Folded, Span, find, find_all, fold, sentences, straight

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LONGEST: Final = 4000
"""Characters of a reply that are searched for a pick."""

_LEAD_IN = re.compile(
    r"(?:\b(?:the )?(?:(?:final|correct|right|best) )?(?:answer|option|choice)(?: is| would be| should be)?\s*[:=]?|"
    r"\bI (?:would )?(?:choose|pick|select|go with|say)(?: option)?:?)\s*[*_\"'`]*\s*",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[(\[]?(?P<letter>[A-Za-z])(?:[)\]]|(?=[.:,;!*\"'`]|\s*$|\s*\n))")
_OPENING = re.compile(r"^[\s*_\"'`>#-]*")
_BRACKETED = re.compile(r"[(\[](?P<letter>[A-Za-z])[)\]]|(?<![\w'])(?P<upper>[B-Z])(?=\))")
_NEGATED = re.compile(
    r"(?:\bnot|n't|\brather than|\binstead of|\bneither|\bnor|\bunlike)\s+(?:(?:a|an|the|option)\s+)?[\"'(]?$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r";|,?\s(?=(?:while|whereas)\b)", re.IGNORECASE)
_LISTED = re.compile(r"[\"')\]]*\s*,[\s\"'(]*", re.IGNORECASE)
_LIST_END = re.compile(r"[\"')\]]*\s*(?:,|or\b|and\b|\W*$)", re.IGNORECASE)
_JOINED = re.compile(r"[\"')\]]*\s*(?:,?\s*(?:or|and)\b|[/&])[\s\"'(]*(?:option\s+)?", re.IGNORECASE)


def shows_letters(probe: Probe) -> bool:
    """Whether the question of a probe labels its options with letters: "A)", "(A)", "A." or "A:", and B likewise."""
    asked = [m.content for m in probe.messages or () if m.content is not None]
    text = asked[-1] if asked else probe.prompt or ""
    return all(re.search(rf"(?<!\w){letter}[).:]\s*\S", text) for letter in "AB")


class Pick(msgspec.Struct, frozen=True):
    """The option picked (its index), or why there is none, with the span that decided."""

    index: int | None
    outcome: Literal["one", "none", "several"]
    rule: str
    span: Span | None = None


def pick(text: str, options: tuple[str, ...], *, letters: bool = True) -> Pick:
    """The single option that a reply picks, or none, or several.

    In order: the whole reply is an option or its letter; a lead-in ("Answer: B", "I choose Paris"; where there are
    several, all must agree unless one says "final answer"); the reply opens with an option or a letter form ("B)",
    "(b)"); the first clause that names any option names just one. Letter case, quotes and Markdown do not count;
    an option after "not", "rather than" or "instead of" is not named.

    Args:
        text: the reply.
        options: in the order in which they were shown: the first is A.
        letters: whether a letter may stand for an option.
    """
    opening = straight(text[:_LONGEST])
    reader = _Reader(opening, tuple(fold(straight(o), ignore_case=True, normalise=True) for o in options), letters)
    start = _OPENING.match(opening)
    first = start.end() if start else 0
    return reader.whole() or reader.lead_ins() or reader.at(first, "opens with it") or reader.first_mention()


class _Reader:
    """One reply and its options."""

    def __init__(self, text: str, options: tuple[Folded, ...], letters: bool) -> None:
        self.text = text
        self.options = options
        self.longest_first = sorted(range(len(options)), key=lambda i: -len(options[i].text))
        self.letters = letters and 2 <= len(options) <= len(LETTERS)

    def whole(self) -> Pick | None:
        stripped = self.text.strip(" \t\r\n*_\"'`.!,:;")
        bare = stripped.strip("()[]")
        folded = fold(bare, ignore_case=True, normalise=True).text
        index = next((i for i, o in enumerate(self.options) if o.text.strip(" .!,:;\"'") == folded), None)
        if index is None and self.letters and len(bare) == 1:
            index = self.letter(bare)
        if index is None or not bare:
            return None
        at = self.text.index(bare)
        return Pick(index, "one", "the whole reply is the option", (at, at + len(bare)))

    def lead_ins(self) -> Pick | None:
        picks = []
        for match in _LEAD_IN.finditer(self.text):
            found = self.at(match.end(), "follows a lead-in")
            if found and "final" in match.group().lower():
                return found
            if found:
                picks.append(found)
        if len({p.index for p in picks}) > 1:
            return Pick(None, "several", "lead-ins disagree", picks[0].span)
        return picks[0] if picks else None

    def at(self, position: int, rule: str) -> Pick | None:
        """The option or letter that stands right at `position`, unless "or" and another one follow."""
        found = self.named_at(position)
        if found is None:
            return None
        index, end, by_letter = found
        if self.listed(end):
            return None
        return self.unless_contradicted(Pick(index, "one", rule, (position, end)), by_letter)

    def listed(self, end: int) -> bool:
        """Whether another option follows at `end` as in a list: "or X", "and X", "/X", ", X" where the list goes on."""
        joined = _JOINED.match(self.text, end)
        if joined and self.named_at(joined.end()):
            return True
        comma = _LISTED.match(self.text, end)
        other = self.named_at(comma.end()) if comma else None
        return other is not None and _LIST_END.match(self.text, other[1]) is not None

    def named_at(self, position: int) -> tuple[int, int, bool] | None:
        """The option named right at `position`, where its name ends, and whether it is a letter."""
        rest = self.text[position : position + 400]
        by_letter = _LETTER.match(rest) if self.letters else None
        index = self.letter(by_letter["letter"]) if by_letter else None
        if by_letter and index is not None:
            return index, position + by_letter.end(), True
        folded = fold(rest, ignore_case=True, normalise=True)
        for i in self.longest_first:
            span = find(folded, self.options[i], whole_word=True)
            if span and span[0] == 0:
                return i, position + span[1], False
        return None

    def unless_contradicted(self, picked: Pick, by_letter: bool) -> Pick:
        """A letter with the words of another option beside it picks nothing."""
        if by_letter and picked.span:
            line = self.text[picked.span[1] :].partition("\n")[0]
            named = self.mentions(line[:200], 0)
            if len(named) == 1 and picked.index not in named:
                return Pick(None, "several", "the letter and the words disagree", picked.span)
        return picked

    def first_mention(self) -> Pick:
        for start, end in self.clauses():
            named = self.mentions(self.text[start:end], start)
            if len(named) == 1:
                index, span = next(iter(named.items()))
                return Pick(index, "one", "first clause that names an option", span)
            if named:
                return Pick(None, "several", "one clause names several options", (start, end))
        return Pick(None, "none", "no option is named")

    def clauses(self) -> Iterator[Span]:
        """Sentences, divided at a semicolon and before "while" and "whereas"."""
        for start, end in sentences(self.text):
            at = start
            for cut in _CLAUSE.finditer(self.text, start, end):
                yield at, cut.start()
                at = cut.end()
            yield at, end

    def mentions(self, text: str, offset: int) -> dict[int, Span]:
        """Options that `text` names, longest first so that "not guilty" is not also "guilty", less the negated ones."""
        found: dict[int, Span] = {}
        taken: list[Span] = []
        folded = fold(text, ignore_case=True, normalise=True)
        for i in self.longest_first:
            for start, end in find_all(folded, self.options[i], whole_word=True):
                if any(start < other_end and other_start < end for other_start, other_end in taken):
                    continue
                taken.append((start, end))
                if not _NEGATED.search(text[max(0, start - 40) : start]):
                    found.setdefault(i, (offset + start, offset + end))
        if self.letters and not found:
            for match in _BRACKETED.finditer(text):
                index = self.letter(match["letter"] or match["upper"])
                if index is not None:
                    found.setdefault(index, (offset + match.start(), offset + match.end()))
        return found

    def letter(self, letter: str) -> int | None:
        index = LETTERS.find(letter.upper())
        return index if 0 <= index < len(self.options) else None
