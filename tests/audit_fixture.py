"""Audits in small for the tests of rendering: real views of a small mixed corpus, counted into the real records."""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from tokenizers import Tokenizer as HfTokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from weakspot.findings.measures import groups as digit_groups
from weakspot.findings.measures import is_word, pieces_of, runs
from weakspot.findings.viewing import view_text
from weakspot.records import TokenFinding, TokenView
from weakspot.records.audit import (
    AuditDiff,
    AuditedSource,
    AuditSummary,
    CodeCount,
    DifferingDocument,
    GroupCost,
    LoggedFinding,
    Offender,
    PairedCode,
    PairedCost,
    Price,
)
from weakspot.stats.multiplicity import holm
from weakspot.stats.paired import mcnemar_exact
from weakspot.tokens.face import Encoded, Tokenizer
from weakspot.tokens.load_hf import load_tokenizer_json


class Text(NamedTuple):
    """A document of the corpus: its file, its group, which text it is (the same in all languages), and itself."""

    source: str
    group: str
    key: int
    text: str


PARALLEL = {
    "eng": ("All human beings are born free.", "Everyone has the right to life.", "No one shall be held in slavery."),
    "deu": (
        "Alle Menschen sind frei geboren.",
        "Jeder hat das Recht auf Leben.",
        "Niemand darf in Sklaverei gehalten werden.",
    ),
    "ell": (
        "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι.",
        "Κάθε άτομο έχει δικαίωμα στη ζωή.",
        "Κανείς δεν κρατείται σε δουλεία.",
    ),
    "tha": ("มนุษย์ทั้งหลายเกิดมามีอิสระ", "ทุกคนมีสิทธิในการมีชีวิต", "บุคคลใดจะตกอยู่ในความเป็นทาสไม่ได้"),
}
ODD = (
    "The naïve ﬁle x² 🤦🏽‍♂️ of 1234567 and 20240131",
    '{"a": [1, 2.5, null, true], "b": {"c": "d"}}',
    "pay\u202epal pаypal a\u200bb <script>alert(1)</script> [SEP] \x1b[31mred",
    "pembrolizumab and idarucizumab for 100000 patients",
)
CORPUS = tuple(
    Text("articles.jsonl", group, key, text) for group, texts in PARALLEL.items() for key, text in enumerate(texts)
) + tuple(Text("notes/odd.txt", "notes", 100 + key, text) for key, text in enumerate(ODD))
HOSTILE = (
    "<script>alert('owned')</script>\u202ereversed\u202c\x1b[31m\x1b]8;;http://evil.example\x07\x00[bold]{{ 7*7 }}"
)
LONG = "x\u202e<b>" * 2_500
"""A name of 10,000 characters."""


def lossy_tokenizer(folder: Path) -> Tokenizer:
    """A WordPiece of BERT's kind, trained on the English part: it folds case and accents and knows no other script."""
    made = HfTokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made.train_from_iterator(
        _learned(), trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    )
    return _saved(made, folder, "small-wordpiece")


def lossless_tokenizer(folder: Path) -> Tokenizer:
    """A byte-level BPE trained on the English part."""
    made = HfTokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        _learned(),
        trainers.BpeTrainer(vocab_size=400, initial_alphabet=letters, special_tokens=["<|end|>"], show_progress=False),
    )
    return _saved(made, folder, "small-bytes")


def audited(tokenizer: Tokenizer, corpus: Sequence[Text] = CORPUS, reference: str = "eng") -> AuditSummary:
    """The corpus under the tokenizer, counted the plain way."""
    views = [view_text(tokenizer, text.text) for text in corpus]
    frequencies = Counter(token for view in views for token in view.ids)
    reachable = sum(token.kind in ("normal", "byte") for token in tokenizer.vocabulary)
    kinds = Counter(piece.kind for view in views for piece in view.pieces)
    names = sorted({text.group for text in corpus}, key=lambda name: -_bytes(corpus, name))
    costs = {name: _cost(tokenizer, corpus, views, name) for name in names}
    parallel = {name: _premium(corpus, views, name, reference) for name in names if name != reference}
    grouped = [msgspec.structs.replace(costs[name], **parallel.get(name, {})) for name in names]
    codes = _codes(tokenizer, corpus, views)
    return AuditSummary(
        tokenizer=tokenizer.name,
        fingerprint=tokenizer.fingerprint,
        engine=tokenizer.engine.library,
        remarks=tokenizer.remarks,
        corpus=tuple(dict.fromkeys(text.source for text in corpus)),
        sources=tuple(_source(corpus, name) for name in dict.fromkeys(text.source for text in corpus)),
        more_sources=0,
        whole=_cost(tokenizer, corpus, views, None),
        groups=tuple(grouped),
        reference_group=reference if any(parallel.values()) else "",
        unknown=kinds["unknown"],
        byte_fallback=kinds["byte"] + sum(_fragment(p.bytes) for view in views for p in view.pieces),
        vocabulary=reachable,
        used=len(frequencies),
        renyi_efficiency=_renyi(frequencies, tokenizer.vocabulary.size),
        numbers=sum(_groupings(tokenizer, corpus).values()),
        digit_groupings=dict(_groupings(tokenizer, corpus)),
        codes=codes,
        offenders=_offenders(views),
        log="findings.jsonl",
        logged=sum(code.findings for code in codes),
        not_logged=0,
        seconds=0.42,
        processes=1,
    )


def compared(first: Tokenizer, second: Tokenizer, corpus: Sequence[Text] = CORPUS) -> AuditDiff:
    """The corpus under two tokenizers, paired by document."""
    one, other = audited(first, corpus), audited(second, corpus)
    views = [(view_text(first, text.text), view_text(second, text.text)) for text in corpus]
    pairs = [(text.group, len(a.ids), len(b.ids)) for text, (a, b) in zip(corpus, views, strict=True)]
    documents = sorted(zip(corpus, pairs, strict=True), key=lambda x: -abs(math.log(x[1][1] / x[1][2])))
    return AuditDiff(
        first=one,
        second=other,
        same_vocabulary=one.fingerprint[:12] == other.fingerprint[:12],
        same_behaviour=one.fingerprint[13:] == other.fingerprint[13:],
        same_ids=sum(a.ids == b.ids for a, b in views),
        costs=tuple(_paired(pairs, name) for name in ("", *(cost.group for cost in one.groups))),
        codes=_paired_codes(views),
        prices=tuple(
            Price(tokenizer=s.tokenizer, per_million_tokens=p, per_million_characters=p * s.whole.tokens / s.whole.characters)
            for s, p in ((one, 0.5), (other, 0.6))
        ),
        documents=tuple(
            DifferingDocument(source=t.source, document=t.key, first=p[1], second=p[2], opening=t.text[:120])
            for t, p in documents[:10]
        ),
    )  # fmt: skip


def finding(code: str = "unknown-token", **changes: object) -> LoggedFinding:
    """A row of a log."""
    row = LoggedFinding(
        source="a.txt", document=3, span=(10, 13), input="ሰ", ids=(1,), decoded="[UNK]", code=code, severity=5,
        stage="model", message="'ሰ' has no token and became the unknown token.", evidence={"characters": 1},
        before="before ", after=" after",
    )  # fmt: skip
    return msgspec.structs.replace(row, **changes)


def _learned() -> list[str]:
    english = [*PARALLEL["eng"], *PARALLEL["deu"], "the file of patients and pay for true null a b c d"]
    return english * 20


def _saved(made: HfTokenizer, folder: Path, name: str) -> Tokenizer:
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / f"{name}.json"))
    found = load_tokenizer_json(folder / f"{name}.json", name)
    assert isinstance(found, Tokenizer)
    return found


def _bytes(corpus: Sequence[Text], group: str) -> int:
    return sum(len(text.text.encode()) for text in corpus if text.group == group)


def _source(corpus: Sequence[Text], name: str) -> AuditedSource:
    texts = [text.text for text in corpus if text.source == name]
    kind = "jsonl" if name.endswith("jsonl") else "text"
    return AuditedSource(name=name, kind=kind, documents=len(texts), bytes=sum(len(t.encode()) for t in texts))


def _cost(tokenizer: Tokenizer, corpus: Sequence[Text], views: Sequence[TokenView], group: str | None) -> GroupCost:
    mine = [view for text, view in zip(corpus, views, strict=True) if group in (None, text.group)]
    pieces: list[int] = []
    for view in mine:
        words = [word for word in runs(view.text) if is_word(word.text)]
        pieces += pieces_of(words, _encoded(view))
    tokens, size = sum(len(view.ids) for view in mine), sum(len(view.text.encode()) for view in mine)
    return GroupCost(
        group=group or "", documents=len(mine), bytes=size, characters=sum(len(view.text) for view in mine),
        words=len(pieces), tokens=tokens, lossy_documents=sum(not view.lossless for view in mine),
        bytes_per_token=size / tokens if tokens else None, fertility=sum(pieces) / len(pieces) if pieces else None,
    )  # fmt: skip


def _encoded(view: TokenView) -> Encoded:
    return Encoded(list(view.ids), [p.start for p in view.pieces], [p.end for p in view.pieces])


def _premium(
    corpus: Sequence[Text], views: Sequence[TokenView], group: str, reference: str
) -> dict[str, float | int | None]:
    tokens = {(text.group, text.key): len(view.ids) for text, view in zip(corpus, views, strict=True)}
    pairs = [
        (n, tokens[reference, key]) for (name, key), n in tokens.items() if name == group and (reference, key) in tokens
    ]
    if not pairs:
        return {}
    low, high = _interval(pairs, lambda drawn: sum(a for a, _ in drawn) / sum(b for _, b in drawn))
    return {
        "premium": sum(a for a, _ in pairs) / sum(b for _, b in pairs), "premium_low": low, "premium_high": high,
        "parallel": len(pairs),
    }  # fmt: skip


def _interval(
    pairs: Sequence[tuple[int, int]], statistic: Callable[[Sequence[tuple[int, int]]], float]
) -> tuple[float, float]:
    chance = random.Random(7)
    drawn = sorted(statistic(chance.choices(pairs, k=len(pairs))) for _ in range(400))
    return drawn[9], drawn[389]


def _renyi(frequencies: Counter[int], size: int, order: float = 2.5) -> float | None:
    total = sum(frequencies.values())
    if not total:
        return None
    return math.log(sum((n / total) ** order for n in frequencies.values())) / (1 - order) / math.log(size)


def _fragment(data: str) -> bool:
    try:
        bytes.fromhex(data).decode()
    except UnicodeDecodeError:
        return True
    return False


def _groupings(tokenizer: Tokenizer, corpus: Sequence[Text]) -> Counter[str]:
    found: Counter[str] = Counter()
    for text in corpus:
        encoded = tokenizer.encode(text.text)
        for run in runs(text.text):
            if run.text.isdecimal() and len(run.text) >= 4:
                found[_pattern(digit_groups(run, encoded))] += 1
    return found


def _pattern(sizes: Sequence[int]) -> str:
    if len(sizes) == 1:
        return "whole"
    if set(sizes) == {1}:
        return "single"
    if set(sizes[1:]) == {3} and sizes[0] <= 3:
        return "thousands"
    if len(set(sizes)) == 1:
        return "even"
    return "from-left" if len(set(sizes[:-1])) == 1 and sizes[-1] < sizes[0] else "uneven"


def _codes(tokenizer: Tokenizer, corpus: Sequence[Text], views: Sequence[TokenView]) -> tuple[CodeCount, ...]:
    found: defaultdict[tuple[str, str], list[tuple[int, LoggedFinding]]] = defaultdict(list)
    for number, (text, view) in enumerate(zip(corpus, views, strict=True)):
        for one in view.findings:
            found[one.code, one.stage].append((number, _row(tokenizer, text, view, one)))
    counts = [_count([row for _, row in rows], len({n for n, _ in rows})) for rows in found.values()]
    return tuple(sorted(counts, key=lambda count: (-count.severity, -count.documents)))


def _count(rows: Sequence[LoggedFinding], documents: int) -> CodeCount:
    worst = max(row.severity for row in rows)
    examples = tuple(row for row in rows if row.severity == worst)[:5]
    return CodeCount(
        code=rows[0].code, stage=rows[0].stage, severity=worst, findings=len(rows), documents=documents, examples=examples
    )  # fmt: skip


def _row(tokenizer: Tokenizer, text: Text, view: TokenView, found: TokenFinding) -> LoggedFinding:
    data = view.text.encode()
    ids = tuple(p.id for p in view.pieces if p.start < found.end and found.start < p.end)[:50]
    return LoggedFinding(
        source=text.source, document=text.key, span=(found.start, found.end),
        input=data[found.start : found.end].decode("utf-8", "replace")[:200], ids=ids,
        decoded=tokenizer.decode(ids)[:200], code=found.code, severity=found.severity,
        stage=found.stage, message=found.message, evidence=found.evidence,
        before=data[: found.start].decode("utf-8", "replace")[-60:],
        after=data[found.end :].decode("utf-8", "replace")[:60],
    )  # fmt: skip


def _offenders(views: Sequence[TokenView]) -> tuple[Offender, ...]:
    words: Counter[str] = Counter()
    evidence: dict[str, Any] = {}
    for view in views:
        for one in view.findings:
            if one.code == "shattered-word":
                words[str(one.evidence["word"])] += 1
                evidence[str(one.evidence["word"])] = one.evidence
    return tuple(
        Offender(kind="word", text=word, times=times, pieces=evidence[word]["pieces"], ids=tuple(evidence[word]["ids"]))
        for word, times in words.most_common(20)
    )


def _paired(pairs: Sequence[tuple[str, int, int]], group: str) -> PairedCost:
    mine = [(a, b) for name, a, b in pairs if group in ("", name)]
    first, second = sum(a for a, _ in mine), sum(b for _, b in mine)
    low, high = None, None
    if len(mine) >= 8:
        low, high = _interval(mine, lambda drawn: sum(b for _, b in drawn) / sum(a for a, _ in drawn) - 1)
    verdict: Literal["first is cheaper", "second is cheaper", "no difference shown"] = "no difference shown"
    if low is not None and high is not None and not low <= 0 <= high:
        verdict = "second is cheaper" if high < 0 else "first is cheaper"
    return PairedCost(
        group=group, documents=len(mine), first=first, second=second, change=second / first - 1, low=low, high=high, verdict=verdict,
    )  # fmt: skip


def _paired_codes(views: Sequence[tuple[TokenView, TokenView]]) -> tuple[PairedCode, ...]:
    names = {found.code for pair in views for view in pair for found in view.findings}
    sets = {name: [[any(f.code == name for f in view.findings) for view in pair] for pair in views] for name in names}
    sets["lossy"] = [[not view.lossless for view in pair] for pair in views]
    counts = {name: Counter(map(tuple, rows)) for name, rows in sets.items()}
    ps = {name: mcnemar_exact(c[True, False], c[False, True]) for name, c in counts.items()}
    adjusted = {name: p for name, p in zip(ps, holm(list(ps.values())), strict=True) if p is not None}
    return tuple(
        PairedCode(
            code=name, first_only=c[True, False], second_only=c[False, True], both=c[True, True], documents=len(views),
            p_value=ps[name], adjusted=adjusted[name],
            verdict="no difference shown" if adjusted[name] >= 0.05
            else "first has fewer" if c[True, False] < c[False, True] else "second has fewer",
        )
        for name, c in sorted(counts.items(), key=lambda x: -abs(x[1][True, False] - x[1][False, True]))
    )  # fmt: skip
