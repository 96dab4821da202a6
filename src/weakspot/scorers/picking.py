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
# "not in Mexico" and "never found in the desert" negate as "not Mexico" does; "not only in Mexico" does not.
_NEGATED = re.compile(
    r"(?:\bnot|n't|\bnever|\brather than|\binstead of|\bneither|\bnor|\bunlike)\s+"
    r"(?:(?:be\s+)?(?:(?!(?:only|merely|simply|solely)\b)(?:made|\w+(?:ed|en|ly|nd|lt|rn|wn))\s+){0,2}"
    r"(?:in|on|at|of|by|from|to|for|with|as)\s+)?"
    r"(?:(?:a|an|the|option)\s+)?[\"'(]?$",
    re.IGNORECASE,
)
_CONCEDES = r"(?:while|whereas|although|(?:even )?though|despite|in spite of)\b"
_CLAUSE = re.compile(rf";|,?(?<!\beven)\s(?={_CONCEDES})", re.IGNORECASE)
_CONCESSION = re.compile(rf"\W*{_CONCEDES}[^,]*,", re.IGNORECASE)
_ADDS = re.compile(r"\b(?:also|too|as well|another)\b", re.IGNORECASE)
_MARK = r"[*_(\[]*(?:\d{1,2}|[A-Za-z])(?:[.):]|(?=\]))[)\]*_]*(?=\s)"
_ITEM = re.compile(rf"(?:(?<!\S){_MARK}|^[ \t]*[-*•–](?=\s))[ \t]*[\"'*_(\[]*", re.MULTILINE)
_ITEM_END = re.compile(rf"[\"')\]*_.,;]*(?:[ \t]*(?:\n|$)|[ \t]+(?:(?:or|and)[ \t]+)?(?={_MARK}))")
_LISTED = re.compile(r"[\"')\]]*\s*,[\s\"'(]*")
_FIRST_NAME = re.compile(r"(?!Not\b)[A-Z][\w.'-]*\s+")
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
    stated: bool = False
    """Whether it is given as the answer: it is the whole reply, or a lead-in says so."""


def pick(text: str, options: tuple[str, ...], *, letters: bool = True) -> Pick:
    """The single option that a reply picks, or none, or several.

    In order: the whole reply is an option or its letter; a lead-in ("Answer: B", "I choose Paris"; where there are
    several, all must agree unless one says "final answer"); the reply opens with an option or a letter form ("B)",
    "(b)"); the first clause that names any option names just one. Letter case, quotes and Markdown do not count;
    an option after "not", "not in", "rather than" or "instead of" is not named. In "While X ..., ... Y" the main
    clause comes first. A list of bare options ("1. Paris 2. Rome") repeats them and is no clause.

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
        self.echo = self.echoed()

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
        return Pick(index, "one", "the whole reply is the option", (at, at + len(bare)), stated=True)

    def lead_ins(self) -> Pick | None:
        picks = []
        for match in _LEAD_IN.finditer(self.text):
            found = self.at(match.end(), "follows a lead-in", stated=True)
            if found and "final" in match.group().lower():
                return found
            if found:
                picks.append(found)
        if len({p.index for p in picks}) > 1:
            return Pick(None, "several", "lead-ins disagree", picks[0].span)
        return picks[0] if picks else None

    def at(self, position: int, rule: str, *, stated: bool = False) -> Pick | None:
        """The option or letter that stands right at `position`, unless it is one of a list."""
        found = self.named_at(position)
        if found is None or self.in_echo(position, found[1]):
            return None
        index, end, by_letter = found
        if self.listed(end):
            return None
        return self.unless_contradicted(Pick(index, "one", rule, (position, end), stated), by_letter)

    def listed(self, end: int) -> bool:
        """Whether another option follows at `end` as in a list: "or X", "and X", "/X", ", X" where the list goes on."""
        joined = _JOINED.match(self.text, end)
        if joined and self.surname_at(joined.end()):
            return True
        comma = _LISTED.match(self.text, end)
        other = self.surname_at(comma.end()) if comma else None
        return other is not None and _LIST_END.match(self.text, other[1]) is not None

    def surname_at(self, position: int) -> tuple[int, int, bool] | None:
        """The option named right at `position` or behind one or two capitalised words: "Abraham Lincoln"."""
        for _ in range(2):
            found = self.named_at(position)
            first = _FIRST_NAME.match(self.text, position)
            if found or first is None:
                return found
            position = first.end()
        return self.named_at(position)

    def named_at(self, position: int) -> tuple[int, int, bool] | None:
        """The option named right at `position`, where its name ends, and whether it is a letter."""
        rest = self.text[position : position + 400]
        by_letter = _LETTER.match(rest) if self.letters else None
        index = self.letter(by_letter["letter"]) if by_letter else None
        if by_letter and index is not None:
            return index, position + by_letter.end(), True
        by_words = self.words_at(position)
        return None if by_words is None else (*by_words, False)

    def words_at(self, position: int) -> tuple[int, int] | None:
        """The option whose words stand right at `position`, and where they end."""
        folded = fold(self.text[position : position + 400], ignore_case=True, normalise=True)
        for i in self.longest_first:
            span = find(folded, self.options[i], whole_word=True)
            if span and span[0] == 0:
                return i, position + span[1]
        return None

    def echoed(self) -> tuple[Span, ...]:
        """The items of a list, marked by numbers, letters or bullets, that are options and nothing more.

        Where they are not at least two different options, it is no list of the options.
        """
        items: list[Span] = []
        named: set[int] = set()
        for match in _ITEM.finditer(self.text):
            found = self.words_at(match.end())
            if found and _ITEM_END.match(self.text, found[1]):
                named.add(found[0])
                items.append((match.start(), found[1]))
        return tuple(items) if len(named) > 1 else ()

    def in_echo(self, start: int, end: int) -> bool:
        return any(start < item_end and item_start < end for item_start, item_end in self.echo)

    def unless_contradicted(self, picked: Pick, by_letter: bool) -> Pick:
        """A letter with the words of another option beside it picks nothing."""
        if by_letter and picked.span:
            line = self.text[picked.span[1] :].partition("\n")[0]
            named = self.mentions(line[:200], picked.span[1])
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
        if self.echo:
            return Pick(None, "several", "a list of the options", (self.echo[0][0], self.echo[-1][1]))
        return Pick(None, "none", "no option is named")

    def clauses(self) -> Iterator[Span]:
        """Sentences, divided at a semicolon and before "while", "although" and the like, main clauses first."""
        for start, end in sentences(self.text):
            at = start
            for cut in _CLAUSE.finditer(self.text, start, end):
                yield from self.main_first(at, cut.start())
                at = cut.end()
            yield from self.main_first(at, end)

    def main_first(self, start: int, end: int) -> Iterator[Span]:
        """Of "While X ..., Y ..." first Y, then X, for the main clause claims; whole where it adds ("Y also ...")."""
        conceded = _CONCESSION.match(self.text, start, end)
        if conceded is None or _ADDS.search(self.text, conceded.end(), end):
            yield start, end
        else:
            yield conceded.end(), end
            yield start, conceded.end()

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
                if self.in_echo(offset + start, offset + end):
                    continue
                if not _NEGATED.search(text[max(0, start - 40) : start]):
                    found.setdefault(i, (offset + start, offset + end))
        if self.letters and not found:
            for match in _BRACKETED.finditer(text):
                index = self.letter(match["letter"] or match["upper"])
                span = offset + match.start(), offset + match.end()
                if index is not None and not self.in_echo(*span):
                    found.setdefault(index, span)
        return found

    def letter(self, letter: str) -> int | None:
        index = LETTERS.find(letter.upper())
        return index if 0 <= index < len(self.options) else None
