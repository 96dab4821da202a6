"""One batch of documents under one tokenizer: figures, findings, rows for the log; what one process does alone.

Findings of three codes (shattered words, cut numbers, joined signs) are many: once the log has its share of a code they
are counted, but no longer put into words.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from weakspot.corpora.counting import Counted, token_kinds
from weakspot.corpora.detecting import Detector, Ids, endings_of
from weakspot.corpora.laying import Laid, Layer, Places
from weakspot.corpora.reading import Document
from weakspot.findings.anomalies import find_anomalies
from weakspot.findings.document import Document as Text
from weakspot.findings.losses import find_losses
from weakspot.findings.profile import profile_of
from weakspot.findings.viewing import broken_input, cut_short, in_order
from weakspot.records import TokenFinding
from weakspot.records.audit import LoggedFinding
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.fast import Encoder
from weakspot.tokens.parts import Batch
from weakspot.tokens.text import without_surrogates

COLUMNS = ("documents", "bytes", "characters", "words", "pieces", "tokens", "lossy")
"""The figures of a group, in this order."""

JUDGED = 200_000
QUOTED, BESIDE, IDS = 200, 60, 50
Code = tuple[str, str]
"""A code and the stage that caused it."""

Known = Mapping[Code, int]
"""For codes that have their share of the log already: the highest severity met so far."""

LOSSES = "lossy"
"""Stands among a document's codes where it does not come back as it was."""

WITHOUT_TOKEN = frozenset({"unknown-token", "byte-fallback", "split-character"})
Found = dict[str, tuple[int, int, tuple[int, ...]]]
"""Times, pieces and ids by text."""


@dataclass
class CodeTally:
    """How often one kind of thing was found in a batch."""

    severity: int = 0
    findings: int = 0
    documents: int = 0


@dataclass
class Examined:
    """What one batch gave.

    Attributes:
        groups: figures by group, in the order of `COLUMNS`.
        pairs: (pair, group, tokens) of documents that stand in several groups.
        unknown: unknown tokens.
        fallback: tokens that are bytes, or no whole UTF-8.
        ids: the ids that were met.
        times: how often each of them.
        numbers: how numbers are cut, by how many.
        codes: what was found.
        rows: rows for the log, in the documents' order.
        offenders: by kind and text: times, pieces, ids.
        tokens: ids of each document.
        found: the codes found in each document; `lossy` for any loss.
        encoded: each document's ids, where a comparison needs them.
    """

    groups: dict[str, list[int]] = field(default_factory=dict)
    pairs: list[tuple[str, str, int]] = field(default_factory=list)
    unknown: int = 0
    fallback: int = 0
    ids: Places = field(default_factory=lambda: np.zeros(0, np.int64))
    times: Places = field(default_factory=lambda: np.zeros(0, np.int64))
    numbers: dict[str, int] = field(default_factory=dict)
    codes: dict[Code, CodeTally] = field(default_factory=dict)
    rows: list[LoggedFinding] = field(default_factory=list)
    offenders: dict[str, Found] = field(default_factory=dict)
    tokens: Places = field(default_factory=lambda: np.zeros(0, np.int64))
    found: list[frozenset[str]] = field(default_factory=list)
    encoded: Batch | None = None


class Examiner:
    """Examines batches under one tokenizer.

    Args:
        tokenizer: the tokenizer.
        fast: whether to look for a faster engine than the library.
    """

    def __init__(self, tokenizer: Tokenizer, *, fast: bool = True) -> None:
        self.tokenizer = tokenizer
        self.encoder = Encoder(tokenizer, fast=fast)
        self._layer = Layer(tokenizer)
        self._profile = profile_of(tokenizer)
        self._kinds = token_kinds(tokenizer.vocabulary, self._profile)
        self._usual = self._profile.usual.characters
        self._judged: dict[tuple[bytes, int], bool] = {}

    def examine(self, documents: Sequence[Document], known: Known, *, keep_ids: bool = False) -> Examined:
        """Figures and findings of a batch.

        Args:
            documents: the batch.
            known: codes that the log needs no more rows of, unless they are worse than the severity given.
            keep_ids: whether to give the ids back.
        """
        if len(self._judged) > JUDGED:
            self._judged.clear()
        texts = [document.text for document in documents]
        batch = self.encoder.batch(texts)
        laid, loose = self._layer.lay(texts, batch)
        work = _Work(self, documents, known)
        work.straight(laid, self._endings(documents, laid))
        if loose:
            work.loose(self._layer.lay_loose(texts, loose))
        found = work.result(batch)
        found.encoded = batch if keep_ids else None
        return found

    def counted(self, laid: Laid, *, straight: bool) -> Counted:
        """Figures of laid documents."""
        return Counted(laid, self._kinds, straight=straight)

    def detector(self, laid: Laid, counted: Counted, endings: Ids) -> Detector:
        """What looks through laid documents."""
        return Detector(self.tokenizer, laid, counted, endings=endings, usual=self._usual, judged=self._judged)

    def _endings(self, documents: Sequence[Document], laid: Laid) -> Ids:
        whole = (documents[place].text for place in laid.places if not documents[place].goes_on)
        texts = endings_of(whole)
        batch = self.encoder.batch(texts)
        bounds = np.concatenate(([0], np.cumsum(batch.counts))).tolist()
        ids = batch.ids.tolist()
        return {text: ids[bounds[n] : bounds[n + 1]] for n, text in enumerate(texts)}


class _Work:
    """One batch on its way."""

    def __init__(self, examiner: Examiner, documents: Sequence[Document], known: Known) -> None:
        self._examiner = examiner
        self._tokenizer = examiner.tokenizer
        self._documents = documents
        self._known = known
        self._out = Examined(
            tokens=np.zeros(len(documents), np.int64),
            found=[frozenset()] * len(documents),
            offenders={"word": {}, "character": {}, "token": {}},
        )
        self._rows: dict[int, list[LoggedFinding]] = {}

    def straight(self, laid: Laid, endings: Ids) -> None:
        """Documents that come back as they were."""
        if not laid.places:
            return
        counted = self._examiner.counted(laid, straight=True)
        self._figures(laid, counted, frozenset())
        detector = self._examiner.detector(laid, counted, endings)
        for row, place in enumerate(laid.places):
            document, given = detector.document(row), self._documents[place]
            rest = detector.rest(row, document, goes_on=given.goes_on)
            findings = list(in_order([*_input(document, given, rest), *cut_short(document)]))
            codes = self._count_findings(findings)
            for sight in detector.sights(row, document):
                codes.add(sight.code)
                self._count((sight.code, "model"), sight.severity, sight.many)
                if self._wanted((sight.code, "model"), sight.severity):
                    findings += sight.told()
            self._finish(place, document, findings, frozenset(codes), straight=True)
        self._shattered(laid, detector)

    def loose(self, laid: Laid) -> None:
        """Documents that the tokenizer changes, or whose offsets only its own alignment gives."""
        lossy = set()
        for row, place in enumerate(laid.places):
            given = self._documents[place]
            encoded = laid.encoded(row)
            decoded = self._tokenizer.decode(encoded.ids)
            document = Text(self._tokenizer, given.text, encoded)
            anomalies = find_anomalies(self._tokenizer, given.text, encoded)
            if given.goes_on:
                anomalies = [finding for finding in anomalies if finding.code != "unstable-end"]
            losses = find_losses(self._tokenizer, given.text, encoded, decoded)
            findings = list(in_order([*_input(document, given, [*losses, *anomalies]), *cut_short(document)]))
            codes = self._count_findings(findings)
            if decoded != given.text:
                lossy.add(row)
                codes.add(LOSSES)
            self._finish(place, document, findings, frozenset(codes), straight=False)
            for finding in findings:
                if finding.code == "shattered-word" and "more" not in finding.evidence:
                    word = str(finding.evidence["word"])
                    ids = _ids(document, finding)
                    _add(self._out.offenders["word"], word, len(ids), ids)
        self._figures(laid, self._examiner.counted(laid, straight=False), lossy)

    def result(self, batch: Batch) -> Examined:
        """All together."""
        out = self._out
        times = np.bincount(batch.ids.astype(np.int64)) if len(batch.ids) else np.zeros(0, np.int64)
        out.ids = np.flatnonzero(times)
        out.times = times[out.ids]
        out.rows = [row for place in sorted(self._rows) for row in self._rows[place]]
        self._joints()
        return out

    def _figures(self, laid: Laid, counted: Counted, lossy: Collection[int]) -> None:
        out = self._out
        out.unknown += int(counted.unknown.sum())
        out.fallback += int(counted.fallback.sum())
        for how, many in counted.groupings.items():
            out.numbers[how] = out.numbers.get(how, 0) + many
        columns = (laid.sizes, counted.characters, counted.words, counted.pieces, counted.tokens)
        for row, (place, *figures) in enumerate(zip(laid.places, *(c.tolist() for c in columns), strict=True)):
            given = self._documents[place]
            out.tokens[place] = figures[-1]
            sums = out.groups.setdefault(given.group, [0] * len(COLUMNS))
            for number, value in enumerate((1, *figures, int(row in lossy))):
                sums[number] += value
            if given.pair:
                out.pairs.append((given.pair, given.group, figures[-1]))

    def _count(self, code: Code, severity: int, findings: int) -> None:
        tally = self._out.codes.setdefault(code, CodeTally())
        tally.severity = max(tally.severity, severity)
        tally.findings += findings
        tally.documents += 1

    def _count_findings(self, findings: Iterable[TokenFinding]) -> set[str]:
        sums: dict[Code, tuple[int, int]] = {}
        for finding in findings:
            severity, many = sums.get((finding.code, finding.stage), (0, 0))
            more = finding.evidence.get("more", 1)
            sums[finding.code, finding.stage] = max(severity, finding.severity), many + int(str(more))
        for code, (severity, many) in sums.items():
            self._count(code, severity, many)
        return {code for code, _ in sums}

    def _wanted(self, code: Code, severity: int) -> bool:
        """Whether the log, or the examples, may need findings of a code."""
        return severity > self._known.get(code, 0)

    def _finish(
        self, place: int, document: Text, findings: Sequence[TokenFinding], codes: frozenset[str], *, straight: bool
    ) -> None:
        """Rows of one document, and the characters that have no token."""
        self._out.found[place] = codes
        given = self._documents[place]
        rows = [
            _row(document, finding, given, straight=straight)
            for finding in sorted(findings, key=lambda f: (f.start, f.end, -f.severity))
            if self._wanted((finding.code, finding.stage), finding.severity)
        ]
        if rows:
            self._rows[place] = rows
        for finding in findings:
            if finding.code in WITHOUT_TOKEN and "more" not in finding.evidence:
                self._characters(document, finding)

    def _characters(self, document: Text, finding: TokenFinding) -> None:
        text = document.at(finding.start, finding.end)
        for character in text:
            ids = _ids(document, finding) if len(text) == 1 else tuple(self._tokenizer.ids(character))
            _add(self._out.offenders["character"], character, len(ids), ids)

    def _shattered(self, laid: Laid, detector: Detector) -> None:
        words = self._out.offenders["word"]
        for found in detector.shattered.values():
            for word in found:
                ids: tuple[int, ...] = ()
                if word.word not in words:
                    first = int(np.searchsorted(laid.ends, word.start, "right"))
                    ids = tuple(laid.ids[first : first + word.pieces].tolist())
                _add(words, word.word, word.pieces, ids)

    def _joints(self) -> None:
        """Tokens that join signs, out of the tokens' own counts."""
        out = self._out
        table = profile_of(self._tokenizer).structural
        inside = out.ids < len(table)
        joins = np.flatnonzero(table[out.ids[inside]])
        for token, many in zip(out.ids[inside][joins].tolist(), out.times[inside][joins].tolist(), strict=True):
            text = self._tokenizer.vocabulary[token].data.decode("utf-8", "replace")
            out.offenders["token"][text] = (many, 1, (token,))


def _input(document: Text, given: Document, found: Iterable[TokenFinding]) -> Iterator[TokenFinding]:
    """What was amiss with the input, and the findings beside it, as `view_text` puts them together."""
    broken = [] if given.given is given.text else broken_input(document, given.given)
    yield from broken
    for finding in found:
        if not broken or finding.code != "replacement-character":
            yield finding


def _row(document: Text, finding: TokenFinding, given: Document, *, straight: bool) -> LoggedFinding:
    """The finding with its document, the stretch of the input and what stands beside it, its ids and their text."""
    start, end = finding.start, finding.end
    places = document.tokens_in(start, end)[:IDS]
    ids = tuple(document.ids[places.start : places.stop].tolist())
    decoded = ""
    if ids and straight:
        data = document.data[int(document.starts[places.start]) : int(document.ends[places.stop - 1])]
        decoded = data.decode("utf-8", "replace")
    elif ids:
        decoded = without_surrogates(document.tokenizer.decode(ids))
    return LoggedFinding(
        source=given.source,
        document=given.number,
        span=(start, end),
        input=document.at(start, min(end, start + 4 * QUOTED))[:QUOTED],
        ids=ids,
        decoded=decoded,
        code=finding.code,
        severity=finding.severity,
        stage=finding.stage,
        message=finding.message,
        evidence=finding.evidence,
        before=document.data[max(0, start - 4 * BESIDE) : start].decode("utf-8", "ignore")[-BESIDE:],
        after=document.data[end : end + 4 * BESIDE].decode("utf-8", "ignore")[:BESIDE],
    )


def _ids(document: Text, finding: TokenFinding) -> tuple[int, ...]:
    places = document.tokens_in(finding.start, finding.end)
    return tuple(document.ids[places.start : places.stop].tolist())


def _add(offenders: Found, text: str, pieces: int, ids: tuple[int, ...]) -> None:
    before = offenders.get(text)
    offenders[text] = (1, pieces, ids) if before is None else (before[0] + 1, *before[1:])
