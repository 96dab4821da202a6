"""The summary of an audit, and of a comparison, out of what the batches came to."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from weakspot.corpora.examining import COLUMNS
from weakspot.corpora.keeping import State
from weakspot.corpora.offenders import largest
from weakspot.corpora.totals import CodeState, Totals
from weakspot.records import Stage
from weakspot.records.audit import AuditDiff, AuditSummary, CodeCount, GroupCost, Offender, Price
from weakspot.stats.ratio import ratio_change
from weakspot.tokens.face import Tokenizer

ENGLISH = ("eng", "en", "english", "eng_latn", "en-us", "en-gb")
PLAIN = ("normal", "byte", "added")
ORDER = 2.5
"""Of the Renyi entropy; the one that went best with translation quality (Zouhar et al. 2023, arXiv:2306.16842)."""

NO_GROUP = "(no group)"
GROUPINGS = ("whole", "single", "thousands", "even", "from-left", "uneven")
MOST_OFFENDERS = 50
Row = Sequence[int]


class Made(NamedTuple):
    """How an audit was made: the log's file name and the number of processes."""

    log: str
    processes: int


def summary(
    state: State,
    number: int,
    tokenizer: Tokenizer,
    *,
    engine: str,
    corpus: Sequence[str],
    reference: str,
    about: Made,
) -> AuditSummary:
    """The summary under one tokenizer.

    Args:
        state: what the batches came to.
        number: which of its tokenizers.
        tokenizer: the tokenizer.
        engine: what encoded.
        corpus: the paths.
        reference: the group that premiums are over; empty: English, where it is there.
        about: the log's name and how the audit was made.
    """
    totals = state.totals[number]
    groups = _named(totals.groups)
    reference = _reference(reference, groups)
    plain = np.asarray([token.id for token in tokenizer.vocabulary if token.kind in PLAIN], np.int64)
    counts = np.zeros(max(tokenizer.vocabulary.size, 1), np.int64)
    met = totals.counts[: len(counts)]
    counts[: len(met)] = met
    sums = np.sum(list(totals.groups.values()) or [[0] * len(COLUMNS)], axis=0).tolist()
    return AuditSummary(
        tokenizer=tokenizer.name,
        fingerprint=tokenizer.fingerprint,
        engine=engine,
        remarks=(*tokenizer.remarks, *_remarks(state)),
        corpus=tuple(corpus),
        sources=tuple(state.sources),
        more_sources=state.more_sources,
        whole=_cost("", sums, None),
        groups=tuple(_costs(groups, totals.pairs, reference)),
        reference_group=reference,
        unknown=totals.unknown,
        byte_fallback=totals.fallback,
        vocabulary=len(plain),
        used=int(np.count_nonzero(counts[plain])),
        renyi_efficiency=renyi_efficiency(totals.counts, len(plain)),
        numbers=sum(totals.numbers.values()),
        digit_groupings={how: totals.numbers.get(how, 0) for how in GROUPINGS},
        codes=_codes(totals.codes),
        offenders=_offenders(totals),
        log=about.log,
        logged=totals.logged,
        not_logged=totals.not_logged,
        seconds=round(state.seconds, 3),
        processes=about.processes,
        complete=state.done,
    )


def comparison(state: State, summaries: tuple[AuditSummary, AuditSummary], prices: Mapping[int, float]) -> AuditDiff:
    """The comparison of two.

    Args:
        state: what the batches came to.
        summaries: the summary under each.
        prices: per million tokens, by 0 and 1.
    """
    first, second = summaries
    ours, theirs = (one.fingerprint.split("-") for one in summaries)
    return AuditDiff(
        first=first,
        second=second,
        same_vocabulary=ours[0] == theirs[0],
        same_behaviour=ours[1] == theirs[1],
        same_ids=state.paired.same_ids,
        costs=state.paired.costs(),
        codes=state.paired.paired_codes(),
        prices=tuple(
            Price(
                tokenizer=summaries[number].tokenizer,
                per_million_tokens=price,
                per_million_characters=price * summaries[number].whole.tokens / summaries[number].whole.characters,
            )
            for number, price in sorted(prices.items())
            if summaries[number].whole.characters
        ),
        documents=tuple(state.paired.differing),
    )


def renyi_efficiency(counts: npt.NDArray[np.int64], size: int) -> float | None:
    """Renyi entropy of order 2.5 of the tokens' frequencies, over the logarithm of the vocabulary's size.

    Zouhar et al. (2023), "Tokenization and the Noiseless Channel", arXiv:2306.16842: log(sum of p^a) / (1 - a) over
    log(size), from 0 to 1. None without tokens, or with a vocabulary of one.

    Args:
        counts: how often each id was met, shape (ids,).
        size: tokens that plain text could become.
    """
    met = counts[counts > 0].astype(np.float64)
    if not len(met) or size < 2:
        return None
    shares = met / met.sum()
    return float(np.log((shares**ORDER).sum()) / (1 - ORDER) / np.log(size))


def _named(groups: Mapping[str, Row]) -> dict[str, Row]:
    """The groups, the largest first; none where no document names one."""
    if set(groups) <= {""}:
        return {}
    order = sorted(groups.items(), key=lambda item: (-item[1][1], item[0]))
    return {name or NO_GROUP: row for name, row in order}


def _reference(given: str, groups: Mapping[str, Row]) -> str:
    if given:
        return given if given in groups else ""
    return next((name for name in groups if name.lower() in ENGLISH), "")


def _costs(groups: Mapping[str, Row], pairs: Mapping[str, Mapping[str, int]], reference: str) -> list[GroupCost]:
    found = []
    for name, row in groups.items():
        both = [(texts[reference], texts[name]) for texts in pairs.values() if reference in texts and name in texts]
        found.append(_cost(name, row, both if reference else None))
    return found


def _cost(name: str, row: Row, both: Sequence[tuple[int, int]] | None) -> GroupCost:
    documents, size, characters, words, pieces, tokens, lossy = row
    premium, low, high = _premium(both or ())
    return GroupCost(
        group=name,
        documents=documents,
        bytes=size,
        characters=characters,
        words=words,
        tokens=tokens,
        lossy_documents=lossy,
        bytes_per_token=size / tokens if tokens else None,
        fertility=pieces / words if words else None,
        premium=premium,
        premium_low=low,
        premium_high=high,
        parallel=len(both or ()),
    )


def _premium(both: Sequence[tuple[int, int]]) -> tuple[float | None, float | None, float | None]:
    """Tokens over the tokens of the same texts in the reference group (Petrov et al. 2023, arXiv:2305.15425)."""
    if not sum(ours for ours, _ in both):
        return None, None, None
    columns = np.asarray(both, np.float64)
    found = ratio_change(columns[:, 0], columns[:, 1])
    low = None if found.low is None else 1 + found.low
    return 1 + found.change, low, None if found.high is None else 1 + found.high


def _codes(codes: Mapping[str, CodeState]) -> tuple[CodeCount, ...]:
    order = sorted(codes.items(), key=lambda item: (-item[1].severity, -item[1].findings, item[0]))
    return tuple(
        CodeCount(
            code=key.partition(" ")[0],
            stage=cast(Stage, key.partition(" ")[2]),
            severity=state.severity,
            findings=state.findings,
            documents=state.documents,
            examples=tuple(state.examples),
        )
        for key, state in order
        if state.findings
    )


def _offenders(totals: Totals) -> tuple[Offender, ...]:
    """Only tokens are counted everywhere; words of documents that change, and characters, only where they are told."""
    found = []
    for kind in ("word", "character", "token"):
        for text, (times, pieces, ids, exact) in largest(totals.offenders.get(kind, {}), MOST_OFFENDERS):
            sure = exact and kind == "token"
            found.append(Offender(kind=kind, text=text[:200], times=times, pieces=pieces, ids=ids, exact=sure))
    return tuple(found)


def _remarks(state: State) -> tuple[str, ...]:
    if state.fast:
        return ()
    return ("A faster engine gave other ids on a document of this corpus, so all of it was encoded by the library.",)
