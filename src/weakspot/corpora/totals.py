"""What a corpus comes to under one tokenizer, batch by batch; it can be written down and taken up again."""

from collections.abc import Iterable

import msgspec
import numpy as np
import numpy.typing as npt

from weakspot.corpora.examining import COLUMNS, Code, Examined
from weakspot.corpora.offenders import Entry, add
from weakspot.records.audit import LoggedFinding

MOST_PAIRS = 100_000
"""Texts in several groups that premiums are taken over; later ones are counted, but not paired."""

EXAMPLES = 5
MOST_GROUPS = 2000
OTHER_GROUPS = "(other groups)"


class CodeState(msgspec.Struct):
    """One kind of thing so far."""

    severity: int = 0
    findings: int = 0
    documents: int = 0
    logged: int = 0
    examples: list[LoggedFinding] = []  # msgspec copies it for each


class Totals(msgspec.Struct):
    """Sums over batches.

    Attributes:
        groups: figures by group, in the order of `weakspot.corpora.examining.COLUMNS`.
        pairs: tokens by pair and group.
        unknown: unknown tokens.
        fallback: tokens that are bytes or no whole UTF-8.
        times: how often each id was met, 8 bytes each.
        numbers: how numbers are cut.
        codes: what was found, by code and stage with a blank between.
        offenders: times, pieces, ids and exactness by kind and text.
        forgot: kinds of offenders of which some were forgotten.
        logged: rows in the log.
        not_logged: findings that are in no row.
    """

    groups: dict[str, list[int]] = {}
    pairs: dict[str, dict[str, int]] = {}
    unknown: int = 0
    fallback: int = 0
    times: bytes = b""
    numbers: dict[str, int] = {}
    codes: dict[str, CodeState] = {}
    offenders: dict[str, dict[str, Entry]] = {}
    forgot: dict[str, bool] = {}
    logged: int = 0
    not_logged: int = 0

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How often each id was met, shape (ids,)."""
        return np.frombuffer(self.times, np.int64)

    def known(self, most: int) -> dict[Code, int]:
        """The codes that have `most` rows in the log, and the highest severity met so far."""
        full = ((key, state) for key, state in self.codes.items() if state.logged >= most)
        return {_code(key): state.severity for key, state in full}

    def merge(self, found: Examined, most: int) -> list[LoggedFinding]:
        """Add a batch; returns the rows that go into the log.

        Args:
            found: the batch.
            most: rows of one code in the log.
        """
        for group, figures in found.groups.items():
            name = group if group in self.groups or len(self.groups) < MOST_GROUPS else OTHER_GROUPS
            sums = self.groups.setdefault(name, [0] * len(COLUMNS))
            self.groups[name] = [a + b for a, b in zip(sums, figures, strict=True)]
        for pair, group, tokens in found.pairs:
            if pair in self.pairs or len(self.pairs) < MOST_PAIRS:
                row = self.pairs.setdefault(pair, {})
                row[group] = row.get(group, 0) + tokens
        self.unknown += found.unknown
        self.fallback += found.fallback
        for how, many in found.numbers.items():
            self.numbers[how] = self.numbers.get(how, 0) + many
        self._count(found)
        for kind, offenders in found.offenders.items():
            kept = self.offenders.setdefault(kind, {})
            self.forgot[kind] = add(kept, offenders, forgot=self.forgot.get(kind, False))
        return list(self._rows(found.rows, most, found))

    def _count(self, found: Examined) -> None:
        if not len(found.ids):
            return
        counts = self.counts
        sums = np.zeros(max(len(counts), int(found.ids[-1]) + 1), np.int64)
        sums[: len(counts)] = counts
        sums[found.ids] += found.times
        self.times = sums.tobytes()

    def _rows(self, rows: Iterable[LoggedFinding], most: int, found: Examined) -> Iterable[LoggedFinding]:
        """The rows of codes that have room in the log; the worst ones are kept as examples."""
        before = {code: self.codes.setdefault(_key(code), CodeState()).severity for code in found.codes}
        for row in rows:
            state = self.codes[_key((row.code, row.stage))]
            has_room = state.logged < most
            if has_room or row.severity > before[row.code, row.stage]:
                _exemplify(state, row)
            if has_room:
                state.logged += 1
                self.logged += 1
                yield row
        for code, tally in found.codes.items():
            state = self.codes[_key(code)]
            state.severity = max(state.severity, tally.severity)
            state.findings += tally.findings
            state.documents += tally.documents
        self.not_logged = sum(state.findings for state in self.codes.values()) - self.logged


def _exemplify(state: CodeState, row: LoggedFinding) -> None:
    """Keep the first rows of the highest severity; one that says "more of this kind" is no example."""
    worst = max((example.severity for example in state.examples), default=0)
    if "more" in row.evidence and state.examples:
        return
    if row.severity > worst:
        state.examples = [row]
    elif row.severity == worst and len(state.examples) < EXAMPLES:
        state.examples = [*state.examples, row]


def _key(code: Code) -> str:
    return f"{code[0]} {code[1]}"


def _code(key: str) -> Code:
    code, _, stage = key.partition(" ")
    return code, stage
