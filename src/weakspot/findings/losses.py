"""Where a text is lost between the input and the decoded ids, and which stage of the pipeline lost it.

The stretches come from comparing the input with the decoded text, so that every loss is covered; the stage comes from
following each stretch through the pipeline: unknown tokens, the normalised text, the segments, the tokens' bytes.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import msgspec

from weakspot.findings.changes import Change, changes
from weakspot.findings.document import Document, few, quoted, said
from weakspot.findings.folding import Folding, folding
from weakspot.findings.profile import literal_byte
from weakspot.records import Stage, TokenFinding
from weakspot.tokens.face import Encoded, Tokenizer
from weakspot.tokens.parts import Segment

MARK = "\u2581"
NEAR = 4
"""Losses of one kind that are at most so many bytes apart are told as one."""

ADDED = frozenset({"control", "added", "unused", "unknown"})
STAND_IN = "\U0010fffe"
"""Stands for an unknown token while texts are compared; no text may hold it as a character."""

UNKNOWN = Folding("unknown-token", 5, "has no token and became the unknown token")


class Loss(NamedTuple):
    """A stretch in characters, what kind of loss it is, the stage that caused it, and the unknown token it became."""

    change: Change
    found: Folding
    stage: Stage
    unknown: str = ""


def find_losses(tokenizer: Tokenizer, text: str, encoded: Encoded, decoded: str) -> list[TokenFinding]:
    """What of a text does not come back, stretch by stretch with the stage that caused it; empty where all comes back.

    After 20 stretches of one code, one more finding covers all that is left. The last finding is drift: whether the
    decoded text would get other ids than those it was decoded from.

    Args:
        tokenizer: the tokenizer.
        text: the input, without lone surrogates.
        encoded: its ids with byte offsets.
        decoded: the ids turned back into text by the tokenizer's own decoder.
    """
    if decoded == text:
        return []
    document = Document(tokenizer, text, encoded)
    losses = _Losses(document, decoded)
    found = list(few(_gathered(_told(document, decoded, loss) for loss in losses.all())))
    return [*found, *_drift(document, decoded)]


def _told(document: Document, decoded: str, loss: Loss) -> TokenFinding:
    change = loss.change
    start, end = document.positions[change.start], document.positions[change.end]
    old, new = document.text[change.start : change.end], decoded[change.new_start : change.new_end]
    if loss.found is UNKNOWN:
        new = loss.unknown
        message = f"{quoted(old)} {loss.found.words}."
    elif old:
        message = f"{quoted(old)} {loss.found.words}"
        message += f": it comes back as {quoted(new)}." if new else ": nothing comes back."
    else:
        message = f"{quoted(new)} comes back where nothing was."
    bare = document.finding(loss.found.code, (start, end), loss.found.severity, loss.stage, message)
    return said(bare, input=old[:200], output=new[:200], characters=len(old))


def _gathered(found: Iterable[TokenFinding]) -> Iterator[TokenFinding]:
    """Findings of one code and stage that lie close to each other as one that covers them and counts them."""
    last: TokenFinding | None = None
    times = 1
    for finding in found:
        alike = last is not None and (last.code, last.stage) == (finding.code, finding.stage)
        if last is not None and alike and finding.start - last.end <= NEAR and last.code != UNKNOWN.code:
            last, times = (
                msgspec.structs.replace(last, end=finding.end, severity=max(last.severity, finding.severity)),
                times + 1,
            )
            continue
        if last is not None:
            yield _counted(last, times)
        last, times = finding, 1
    if last is not None:
        yield _counted(last, times)


def _counted(finding: TokenFinding, times: int) -> TokenFinding:
    if times == 1:
        return finding
    message = f"{finding.message.removesuffix('.')}; likewise {times - 1} more close to it."
    return said(msgspec.structs.replace(finding, message=message), times=times)


class _Losses:
    """Finds the changed stretches of one text and follows each through the pipeline."""

    def __init__(self, document: Document, decoded: str) -> None:
        self._document = document
        self._decoded = decoded
        self._text = document.text
        engine = document.tokenizer.engine
        self._normal = _spaced(engine.normalize(self._text), document)
        rewritten = changes(self._text, self._normal)
        self._rewritten_places = [change.start for change in rewritten], [change.end for change in rewritten]

    def all(self) -> Iterator[Loss]:
        """Losses in the order of the text."""
        unknown = self._unknown()
        for change in _united(self._compared(unknown), unknown):
            if (change.start, change.end) in unknown:
                yield Loss(change, UNKNOWN, "model", unknown[(change.start, change.end)])
            else:
                yield self._followed(change)

    def _compared(self, unknown: dict[tuple[int, int], str]) -> list[Change]:
        """The changes between input and decoded text; an unknown token stands against what it was decoded to."""
        for written in {*unknown.values(), "\u2047"} if unknown else ():
            places = [match.span() for match in re.finditer(re.escape(written), self._decoded)]
            if len(places) == len(unknown):
                old, at_old = _stood_in(self._text, list(unknown))
                new, at_new = _stood_in(self._decoded, places)
                found = changes(old, new)
                return [Change(at_old[c.start], at_old[c.end], at_new[c.new_start], at_new[c.new_end]) for c in found]
        return changes(self._text, self._decoded)

    def _unknown(self) -> dict[tuple[int, int], str]:
        """The stretches, in characters, of unknown tokens that the text itself does not spell."""
        document = self._document
        places = document.profile.has(document.profile.unknown, document.ids)
        found = {}
        for place in places.tolist():
            start, end = document.encoded.starts[place], document.encoded.ends[place]
            token = document.token(place)
            if start < end and document.stretch(place).strip() != token.text:
                found[self._characters(start, end)] = token.text
        return found

    def _characters(self, start: int, end: int) -> tuple[int, int]:
        """Bytes to characters; a character that is cut counts whole."""
        positions = self._document.positions
        return bisect_right(positions, start) - 1, bisect_left(positions, end)

    def _followed(self, change: Change) -> Loss:
        """The stage of a stretch: first what is special about its tokens, then the pipeline from the left."""
        if (special := self._by_its_tokens(change)) is not None:
            return special
        old = self._text[change.start : change.end]
        new = self._decoded[change.new_start : change.new_end]
        if self._touched(change):
            return Loss(change, folding(old, new), "normalizer")
        if not old:
            found = _ODD if new.strip() else Folding("space-added", 2, "got white space")
            return Loss(change, found, self._put_in(change, new) or "decoder")
        if self._in_no_segment(change):
            if self._rejoined(change):
                return Loss(change, _CLEANED, "decoder")
            trimmed = self._document.tokenizer.pipeline.pre_tokenizer.startswith("none")
            return Loss(change, folding(old, new), "normalizer" if trimmed else "pre-tokenizer")
        return self._after_the_words(change, old, new)

    def _by_its_tokens(self, change: Change) -> Loss | None:
        old = self._text[change.start : change.end]
        profile = self._document.profile
        if MARK in old and not old.replace(MARK, "").strip(" ") and profile.writes_spaces_as_marks:
            words = "is how this vocabulary writes a space, and can't be told from one"
            return Loss(change, Folding("literal-space-mark", 3, words), profile.mark_stage)
        start, end = self._document.positions[change.start], self._document.positions[change.end]
        for place in self._document.tokens_in(start, end):
            token = self._document.token(place)
            stretch = self._document.stretch(place)
            if token.kind in ADDED and stretch != token.text and stretch.strip() == token.text.strip():
                words = f"stands beside the added token {quoted(token.text)}, which takes white space with it"
                return Loss(change, Folding("white-space-lost", 2, words), "pre-tokenizer")
            if literal_byte(token) and stretch == token.text:
                words = f"spells the byte token {quoted(token.text)} and became that byte"
                return Loss(change, Folding("literal-byte-token", 4, words), "model")
        return None

    def _after_the_words(self, change: Change, old: str, new: str) -> Loss:
        """The model was given the stretch: either its tokens hold it and the decoder changed it, or they do not."""
        document = self._document
        start, end = document.positions[change.start], document.positions[change.end]
        tokens = document.tokens_in(start, end)
        if not tokens:
            return Loss(change, Folding("character-dropped", 5, "got no token at all"), "model")
        low, high = int(document.starts[tokens[0]]), int(document.ends[tokens[-1]])
        held = b"".join(document.tokenizer.vocabulary[int(document.ids[place])].data for place in tokens)
        if document.data[low:high] in held:
            return Loss(change, _decoding(change, old, new), "decoder")
        found = folding(old, new)
        return Loss(change, found._replace(severity=max(found.severity, 2)), "model")

    def _touched(self, change: Change) -> bool:
        """Whether the normalizer rewrote something of the stretch, or put something in at the same place."""
        starts, ends = self._rewritten_places
        if change.start < change.end:
            place = bisect_right(ends, change.start)
            return place < len(starts) and starts[place] < change.end
        place = bisect_left(starts, change.start)
        put_in = place < len(starts) and starts[place] == ends[place] == change.start
        return put_in or (place > 0 and change.start < ends[place - 1])

    def _rejoined(self, change: Change) -> bool:
        """Whether it is one blank between two words, which the decoder puts back but for its clean-up."""
        around = self._text[max(change.start - 1, 0) : change.end + 1]
        return len(around) == 3 and around.split() == [around[0], around[2]] and self._document.profile.decoder_spaces

    def _put_in(self, change: Change, new: str) -> Stage | None:
        """The stage before the model that put something in, where the tokens hold it (a dummy prefix); else None."""
        document = self._document
        at, added = document.positions[change.start], new.encode()
        places = document.tokens_in(max(at - 1, 0), at + 1)
        if not places:
            return None
        low, high = int(document.starts[places].min()), int(document.ends[places].max())
        held = b"".join(document.token(place).data for place in places)
        return document.profile.mark_stage if held.count(added) > document.data[low:high].count(added) else None

    def _in_no_segment(self, change: Change) -> bool:
        start, end = self._document.positions[change.start], self._document.positions[change.end]
        place = bisect_right(self._uncovered, (start, len(self._document.data))) - 1
        return place >= 0 and end <= self._uncovered[place][1]

    @cached_property
    def _uncovered(self) -> list[tuple[int, int]]:
        """The stretches, in bytes, that reach no model."""
        engine = self._document.tokenizer.engine
        return _gaps(engine.segments(self._text, parse_special=engine.parses_special), len(self._document.data))


_CLEANED = Folding("decoder-clean-up", 2, "is white space that the decoder cleans away")
_ODD = Folding("decoded-otherwise", 4, "is decoded otherwise")


def _decoding(change: Change, old: str, new: str) -> Folding:
    if not new and not old.strip():
        if change.start == 0:
            return Folding("leading-space-stripped", 2, "stands at the beginning, where the decoder strips white space")
        return _CLEANED
    return Folding("decoded-otherwise", 4, "is held by its tokens, but decoded otherwise")


def _gaps(segments: Sequence[Segment], size: int) -> list[tuple[int, int]]:
    """The stretches, in bytes, that are in no segment."""
    found, done = [], 0
    for segment in sorted(segments, key=lambda s: (s.start, s.end)):
        if segment.start > done:
            found.append((done, segment.start))
        done = max(done, segment.end)
    return [*found, (done, size)] if done < size else found


def _spaced(normal: str, document: Document) -> str:
    """The normalised text with its spaces written as in the input, so that the mark alone is no difference."""
    if MARK not in normal or not document.profile.writes_spaces_as_marks:
        return normal
    return normal.replace(MARK, " ")


def _stood_in(text: str, places: Sequence[tuple[int, int]]) -> tuple[str, list[int]]:
    """The text with one character for each stretch, and where each of its characters lies in the text, and its end."""
    parts: list[str] = []
    at: list[int] = []
    done = 0
    for start, end in places:
        parts += [text[done:start], STAND_IN]
        at += [*range(done, start), start]
        done = end
    return "".join([*parts, text[done:]]), [*at, *range(done, len(text) + 1)]


def _united(found: Sequence[Change], fixed: Collection[tuple[int, int]]) -> list[Change]:
    """The changes with the fixed stretches among them: each of those takes up what it overlaps."""
    result: list[Change] = []
    waiting = list(found)
    for start, end in sorted(fixed):
        while waiting and (waiting[0].end < start or waiting[0].start < waiting[0].end == start):
            result.append(waiting.pop(0))
        inside: list[Change] = []
        while waiting and (waiting[0].start < end or waiting[0].start == waiting[0].end == end):
            change = waiting.pop(0)
            if change.start < start:
                result.append(Change(change.start, start, change.new_start, change.new_start))
            inside.append(change)
            if change.end > end:
                waiting.insert(0, Change(end, change.end, change.new_end, change.new_end))
                break
        new_start = inside[0].new_start if inside else 0
        new_end = inside[-1].new_end if inside else 0
        result.append(Change(start, end, new_start, new_end))
    return [*result, *waiting]


def _drift(document: Document, decoded: str) -> Iterator[TokenFinding]:
    again = document.tokenizer.ids(decoded)
    if again == document.encoded.ids:
        return
    have = len(document.encoded.ids)
    other = f"{len(again):,} ids, not" if len(again) != have else "other ids than"
    message = f"The decoded text gets {other} the {have:,} that it was decoded from."
    bare = document.finding("drift", (0, len(document.data)), 2, "decoder", message)
    yield said(bare, ids=document.encoded.ids[:50], again=again[:50])
