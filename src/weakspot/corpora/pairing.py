"""The same documents under two tokenizers, in bounded memory: tokens by document, findings by document."""

import heapq
import math
from collections.abc import Sequence

import msgspec
import numpy as np

from weakspot.corpora.examining import Examined
from weakspot.corpora.reading import Document
from weakspot.records.audit import DifferingDocument, PairedCode, PairedCost
from weakspot.stats.multiplicity import holm
from weakspot.stats.paired import mcnemar_exact
from weakspot.stats.ratio import ratio_change

MOST_ROWS = 1 << 15
"""Rows of a column; of more documents, neighbours are summed, two, four and so on, and these blocks are drawn again."""

MOST_DOCUMENTS = 20
OPENING = 120
LEVEL = 0.05
WHOLE_NUMBERS = 2000
MOST_GROUPS = 2000
OTHER_GROUPS = "(other groups)"


class Column(msgspec.Struct):
    """Tokens of documents under both tokenizers; a row is the sum over `block` neighbours."""

    block: int = 1
    documents: int = 0
    first: list[int] = []
    second: list[int] = []
    open: int = 0
    """Documents in the last row, where it is not full yet."""

    def add(self, first: int, second: int) -> None:
        """One more document."""
        self.documents += 1
        if self.open:
            self.first[-1] += first
            self.second[-1] += second
        else:
            self.first.append(first)
            self.second.append(second)
        self.open = (self.open + 1) % self.block
        if len(self.first) >= MOST_ROWS and not self.open:
            self.first = [a + b for a, b in zip(self.first[::2], self.first[1::2], strict=True)]
            self.second = [a + b for a, b in zip(self.second[::2], self.second[1::2], strict=True)]
            self.block *= 2

    def cost(self, group: str) -> PairedCost:
        """The change from the first to the second, with its interval."""
        first, second = sum(self.first), sum(self.second)
        if not first:
            change, low, high, direction = 0.0, None, None, "no difference shown"
        else:
            found = ratio_change(np.asarray(self.first, np.float64), np.asarray(self.second, np.float64))
            change, low, high, direction = found.change, found.low, found.high, found.direction
        return PairedCost(
            group=group,
            documents=self.documents,
            first=first,
            second=second,
            change=change,
            low=low,
            high=high,
            verdict="second is cheaper"
            if direction == "less"
            else "first is cheaper"
            if direction == "more"
            else "no difference shown",
        )


class PairedTotals(msgspec.Struct):
    """Sums over batches.

    Attributes:
        same_ids: documents with equal ids.
        columns: tokens by group; "" is the whole corpus.
        codes: documents with a code under the first only, the second only, and both.
        differing: documents on which they differ most.
    """

    same_ids: int = 0
    columns: dict[str, Column] = {}
    codes: dict[str, list[int]] = {}
    differing: list[DifferingDocument] = []

    def merge(self, documents: Sequence[Document], first: Examined, second: Examined, same_ids: int) -> None:
        """Add a batch."""
        self.same_ids += same_ids
        whole = self.columns.setdefault("", Column())
        pairs = zip(documents, first.tokens.tolist(), second.tokens.tolist(), strict=True)
        for document, a, b in pairs:
            whole.add(a, b)
            if document.group:
                fits = document.group in self.columns or len(self.columns) < MOST_GROUPS
                self.columns.setdefault(document.group if fits else OTHER_GROUPS, Column()).add(a, b)
        for ours, theirs in zip(first.found, second.found, strict=True):
            for place, codes in enumerate((ours - theirs, theirs - ours, ours & theirs)):
                for code in codes:
                    self.codes.setdefault(code, [0, 0, 0])[place] += 1
        self.differing = _most_differing([*self.differing, *differing(documents, first, second)])

    def costs(self) -> tuple[PairedCost, ...]:
        """The whole corpus first, then the groups, the largest first."""
        whole = self.columns.get("", Column())
        groups = sorted(
            ((name, column) for name, column in self.columns.items() if name),
            key=lambda item: (-sum(item[1].first), item[0]),
        )
        return (whole.cost(""), *(column.cost(name) for name, column in groups))

    def paired_codes(self) -> tuple[PairedCode, ...]:
        """McNemar's exact test for each code, adjusted over all of them; the largest difference first."""
        documents = self.columns.get("", Column()).documents
        names = sorted(self.codes, key=lambda code: (-abs(self.codes[code][0] - self.codes[code][1]), code))
        values = [_chance(self.codes[name][0], self.codes[name][1]) for name in names]
        return tuple(
            _paired_code(name, self.codes[name], documents, p, adjusted if adjusted is not None else 1.0)
            for name, p, adjusted in zip(names, values, holm(values), strict=True)
        )


def _paired_code(name: str, counts: Sequence[int], documents: int, p: float, adjusted: float) -> PairedCode:
    first, second, both = counts
    shown = adjusted <= LEVEL
    return PairedCode(
        code=name,
        first_only=first,
        second_only=second,
        both=both,
        documents=documents,
        p_value=p,
        adjusted=adjusted,
        verdict="no difference shown" if not shown else "first has fewer" if first < second else "second has fewer",
    )


def _chance(first: int, second: int) -> float:
    """McNemar's exact two-sided test; for many documents in logarithms, where whole numbers would be endless."""
    many, fewer = first + second, min(first, second)
    if many <= WHOLE_NUMBERS:
        return mcnemar_exact(first, second)
    below = np.arange(fewer + 1)
    factorials = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, many + 1)))))
    terms = factorials[many] - factorials[below] - factorials[many - below] - many * math.log(2)
    return min(1.0, 2 * float(np.exp(terms).sum()))


def differing(documents: Sequence[Document], first: Examined, second: Examined) -> list[DifferingDocument]:
    """The documents of a batch whose numbers of tokens differ most."""
    gap = np.abs(first.tokens - second.tokens)
    rows = np.argsort(-gap, kind="stable")[:MOST_DOCUMENTS]
    return [
        DifferingDocument(
            source=documents[row].source,
            document=documents[row].number,
            first=int(first.tokens[row]),
            second=int(second.tokens[row]),
            opening=documents[row].text[:OPENING],
        )
        for row in rows.tolist()
        if gap[row]
    ]


def _most_differing(found: Sequence[DifferingDocument]) -> list[DifferingDocument]:
    return heapq.nsmallest(
        MOST_DOCUMENTS, found, key=lambda one: (-abs(one.first - one.second), one.source, one.document)
    )


def equal_ids(first: Examined, second: Examined) -> int:
    """How many documents have the same ids under both."""
    if first.encoded is None or second.encoded is None:
        return 0
    one, two = first.encoded, second.encoded
    ends = np.cumsum(one.counts), np.cumsum(two.counts)
    same = 0
    for row in np.flatnonzero(one.counts == two.counts).tolist():
        size = int(one.counts[row])
        a, b = int(ends[0][row]), int(ends[1][row])
        same += bool(np.array_equal(one.ids[a - size : a], two.ids[b - size : b]))
    return same
