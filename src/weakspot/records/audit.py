"""What a corpus is under a tokenizer: the rows of the log, and the summary that a report is drawn from."""

from typing import Literal

import msgspec

from weakspot.records.tokens import Stage, TokenFinding


class LoggedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One row of an audit's log.

    Attributes:
        source: the file that the document came from, as the user named it, and inside a folder its path from there.
        document: the document's number in its source, from 0.
        span: the stretch of the document's UTF-8, in bytes: start and end, exclusive.
        input: the stretch itself, cut at 200 characters.
        ids: the token ids that share a byte with it, at most 50.
        decoded: what those ids decode to.
        code: which kind of thing (docs/findings.md).
        severity: 1 (harmless) to 5 (the model cannot see what was written).
        stage: the step of the pipeline that caused it.
        message: one clear sentence.
        evidence: the values that the sentence stands on.
        before: what stands before the stretch in its document, at most 60 characters; empty where it wasn't kept.
        after: what stands behind it, likewise.
    """

    source: str
    document: int
    span: tuple[int, int]
    input: str
    ids: tuple[int, ...]
    decoded: str
    code: str
    severity: int
    stage: Stage
    message: str
    evidence: dict[str, str | int | float | bool | list[str | int] | None] = {}
    before: str = ""
    after: str = ""


class AuditedSource(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a corpus.

    Attributes:
        name: the file, as `LoggedFinding.source`.
        kind: text, jsonl, parquet; with `.gz` or `.zst` behind it where it was packed.
        documents: how many documents it gave.
        bytes: their UTF-8, in bytes.
        invalid_bytes: bytes that are no UTF-8, read as U+FFFD each.
        invalid_at: the first places of such bytes, in bytes from the beginning of the unpacked file.
        remark: what was amiss, in one sentence; empty where nothing was.
    """

    name: str
    kind: str
    documents: int
    bytes: int
    invalid_bytes: int = 0
    invalid_at: tuple[int, ...] = ()
    remark: str = ""


class GroupCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one language, or another group of documents, costs.

    Attributes:
        group: its name; empty for the whole corpus.
        documents: how many documents.
        bytes: their UTF-8, in bytes.
        characters: their code points.
        words: runs of letters, marks and digits with a letter in them.
        tokens: their ids.
        lossy_documents: documents that do not come back as they were.
        bytes_per_token: bytes / tokens; None without tokens.
        fertility: pieces per word, mean over the words (Rust et al. 2021); None without words.
        premium: tokens over the tokens of the same texts in the reference language (Petrov et al. 2023); None where
            the corpus has no parallel texts.
        premium_low: the lower end of its 95 % interval (parallel texts drawn again).
        premium_high: the upper end.
        parallel: how many texts stand in both languages.
    """

    group: str
    documents: int
    bytes: int
    characters: int
    words: int
    tokens: int
    lossy_documents: int
    bytes_per_token: float | None
    fertility: float | None
    premium: float | None = None
    premium_low: float | None = None
    premium_high: float | None = None
    parallel: int = 0


class CodeCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often one kind of thing was found, by the stage that caused it.

    Attributes:
        code: which kind of thing.
        stage: the stage.
        severity: the highest that was found.
        findings: how many were found.
        documents: in how many documents.
        examples: the first ones of the highest severity.
    """

    code: str
    stage: Stage
    severity: int
    findings: int
    documents: int
    examples: tuple[LoggedFinding, ...] = ()


class Offender(msgspec.Struct, frozen=True, kw_only=True):
    """A word, character or token that is behind many findings.

    Attributes:
        kind: a shattered word, a character without a token, or a token that joins signs.
        text: it.
        times: how often it was met; a lower bound where `exact` is false.
        pieces: into how many tokens it is cut.
        ids: those tokens, at most 20.
        exact: whether `times` is exact: rare ones are forgotten on the way, so that memory stays constant, and words
            and characters are counted where a finding names them, of which a text has 20 at most.
    """

    kind: Literal["word", "character", "token"]
    text: str
    times: int
    pieces: int
    ids: tuple[int, ...]
    exact: bool = True


class AuditSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A corpus under one tokenizer.

    Attributes:
        tokenizer: its name, as the user gave it.
        fingerprint: vocabulary and behaviour, as in `TokenView`.
        engine: the library that encoded, with its version.
        remarks: what was undone or found amiss when the tokenizer was loaded, a sentence each.
        corpus: the paths, as the user gave them.
        sources: the files, at most 1,000.
        more_sources: files beyond those.
        whole: the whole corpus.
        groups: by language or another group, the largest first; empty where documents name none.
        reference_group: the group that premiums are over; empty where there is none.
        unknown: unknown tokens.
        byte_fallback: tokens of the kind byte, and tokens that are no whole UTF-8 by themselves.
        vocabulary: how many tokens the vocabulary has that plain text could become.
        used: how many of them the corpus used.
        renyi_efficiency: Renyi entropy of order 2.5 of the tokens' frequencies over the logarithm of the vocabulary's
            size (Zouhar et al. 2023); None without tokens.
        numbers: runs of four decimal digits and more.
        digit_groupings: how those were cut, by how many: whole, single, thousands, even, from-left, uneven.
        codes: what was found, the most severe first.
        offenders: words, characters and tokens behind the findings, the most frequent first within a kind.
        log: the log's file name in the audit's folder.
        logged: rows in the log.
        not_logged: findings that were counted and not logged, because their code had its share of the log already.
        seconds: how long it took.
        processes: how many processes encoded.
        complete: false where it was stopped before the end.
    """

    tokenizer: str
    fingerprint: str
    engine: str
    remarks: tuple[str, ...]
    corpus: tuple[str, ...]
    sources: tuple[AuditedSource, ...]
    more_sources: int
    whole: GroupCost
    groups: tuple[GroupCost, ...]
    reference_group: str
    unknown: int
    byte_fallback: int
    vocabulary: int
    used: int
    renyi_efficiency: float | None
    numbers: int
    digit_groupings: dict[str, int]
    codes: tuple[CodeCount, ...]
    offenders: tuple[Offender, ...]
    log: str
    logged: int
    not_logged: int
    seconds: float
    processes: int
    complete: bool = True


class PairedCost(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of the same documents under two tokenizers.

    Attributes:
        group: the language or group; empty for the whole corpus.
        documents: how many documents.
        first: tokens under the first tokenizer.
        second: tokens under the second.
        change: second / first - 1.
        low: the lower end of its 95 % interval (documents drawn again); None with fewer than 8 documents.
        high: the upper end.
        verdict: by the interval alone.
    """

    group: str
    documents: int
    first: int
    second: int
    change: float
    low: float | None
    high: float | None
    verdict: Literal["first is cheaper", "second is cheaper", "no difference shown"]


class PairedCode(msgspec.Struct, frozen=True, kw_only=True):
    """In which of the same documents two tokenizers have one kind of finding; `lossy` stands for any loss.

    Attributes:
        code: which kind of thing.
        first_only: documents that have it under the first tokenizer only.
        second_only: documents that have it under the second only.
        both: documents that have it under both.
        documents: how many documents there are.
        p_value: McNemar's exact test, two-sided.
        adjusted: after Holm, over all codes.
        verdict: by the adjusted value at 0.05.
    """

    code: str
    first_only: int
    second_only: int
    both: int
    documents: int
    p_value: float
    adjusted: float
    verdict: Literal["first has fewer", "second has fewer", "no difference shown"]


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What text costs under a tokenizer at a price per token.

    Attributes:
        tokenizer: its name.
        per_million_tokens: the price that was given, in the currency it was given in.
        per_million_characters: what a million characters (code points) of this corpus cost.
    """

    tokenizer: str
    per_million_tokens: float
    per_million_characters: float


class DifferingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document on which two tokenizers differ most.

    Attributes:
        source: its file.
        document: its number there, from 0.
        first: its tokens under the first tokenizer.
        second: its tokens under the second.
        opening: how it begins, cut at 120 characters.
    """

    source: str
    document: int
    first: int
    second: int
    opening: str


class AuditDiff(msgspec.Struct, frozen=True, kw_only=True):
    """One corpus under two tokenizers, paired by document.

    Attributes:
        first: the summary under the first tokenizer.
        second: the summary under the second.
        same_vocabulary: whether both vocabularies are the same.
        same_behaviour: whether both cut the fixed probe texts alike.
        same_ids: documents with equal ids under both.
        costs: tokens, the whole corpus first, then the groups.
        codes: findings, those of the largest difference first.
        prices: one per tokenizer; empty where no price was given.
        documents: those on which they differ most.
    """

    first: AuditSummary
    second: AuditSummary
    same_vocabulary: bool
    same_behaviour: bool
    same_ids: int
    costs: tuple[PairedCost, ...]
    codes: tuple[PairedCode, ...]
    prices: tuple[Price, ...]
    documents: tuple[DifferingDocument, ...]


def logged(finding: TokenFinding, source: str, document: int, row: tuple[str, tuple[int, ...], str]) -> LoggedFinding:
    """A finding as a row of the log.

    Args:
        finding: the finding.
        source: the document's file.
        document: its number there.
        row: the stretch of the input, its ids, and what those decode to.
    """
    return LoggedFinding(
        source=source,
        document=document,
        span=(finding.start, finding.end),
        input=row[0],
        ids=row[1],
        decoded=row[2],
        code=finding.code,
        severity=finding.severity,
        stage=finding.stage,
        message=finding.message,
        evidence=finding.evidence,
    )
