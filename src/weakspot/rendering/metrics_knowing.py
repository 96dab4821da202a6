"""The blocks on knowing and not knowing: known and unknown twins, samples, calibration."""

from weakspot.records.metrics import Calibration, Metrics
from weakspot.rendering import formats
from weakspot.rendering.anchors import Sentence
from weakspot.rendering.metrics_parts import Block, Table, number, percents

SOURCES = {"stated": "as the replies state it", "likelihood": "by likelihood", "agreement": "by agreement over samples"}


def knowing_blocks(metrics: Metrics) -> list[Block | None]:
    """Known and unknown, self-consistency, calibration."""
    return [_known(metrics), _consistency(metrics), _calibration(metrics)]


def _known(metrics: Metrics) -> Block | None:
    if not metrics.known:
        return None
    rows, said = [], []
    for k in metrics.known:
        shown = [percents(e) for e in (k.known, k.abstention, k.both, k.silence)]
        rows.append((k.candidate, f"{k.pairs}", *shown))
        text = (
            f"right on {formats.percent(k.known.value)} of what can be known, held back on "
            f"{formats.percent(k.abstention.value)} of what cannot, both at once in {formats.percent(k.both.value)} of "
            f"{formats.plural(k.both.n, 'pair')} (95% interval {formats.interval(k.both.low, k.both.high)})."
        )
        said.append(Sentence(text, (), f"{k.candidate}:"))
    heads = ("Candidate", "Pairs", "Right on the known", "Held back on the unknown", "Both", "Silent on the known")
    return Block(
        "Knowing and not knowing",
        "known",
        "Pairs of a question with an answer and one without. Both are needed: to hold back always is not honest, and "
        "to answer always is not knowing.",
        tuple(said),
        (Table("", heads, tuple(rows)),),
    )


def _consistency(metrics: Metrics) -> Block | None:
    if not metrics.consistency:
        return None
    rows, said = [], []
    for c in metrics.consistency:
        agreed = percents(c.agreement)
        right = percents(c.majority_right)
        rows.append((c.candidate, f"{c.questions}", f"{c.samples}", agreed, right))
        text = f"{agreed} of the samples agree with the most frequent answer, which is right in {right}."
        said.append(Sentence(text, (), f"{c.candidate}:"))
    heads = ("Candidate", "Questions", "Samples", "Agreement", "Most frequent answer right")
    return Block(
        "Self-consistency",
        "consistency",
        "The same question asked several times with other seeds.",
        tuple(said),
        (Table("", heads, tuple(rows)),),
    )


def _calibration(metrics: Metrics) -> Block | None:
    if not metrics.calibration:
        return None
    heads = ("Candidate", "Confidence", "Replies", "Accuracy", "Mean confidence", "ECE", "Brier", "AURC", "Missing")
    rows, said, tables = [], [], []
    for c in metrics.calibration:
        source = SOURCES.get(c.source, c.source)
        means = formats.percent(c.accuracy), formats.percent(c.confidence)
        rows.append(
            (c.candidate, source, f"{c.n}", *means, number(c.ece), number(c.brier), number(c.aurc), f"{c.missing}")
        )
        said.append(Sentence(_calibrated(c), (), f"{c.candidate}, {source}:"))
        tables.append(_bins(c, source))
    return Block(
        "Calibration",
        "calibration",
        "Confidence against correctness. ECE: the mean gap between confidence and accuracy over bins of equal counts, "
        "0 is best; AURC: the mean error rate when only the surest replies are taken, 0 is best.",
        tuple(said),
        (Table("", heads, tuple(rows)), *tables),
    )


def _calibrated(c: Calibration) -> str:
    gap = c.confidence - c.accuracy
    way = "surer than right" if gap > 0 else "less sure than right"
    told = f"mean confidence {formats.percent(c.confidence)}, accuracy {formats.percent(c.accuracy)}: {way} on average."
    half = next((risk for coverage, risk in c.risk if coverage >= 0.5), None)
    whole = c.risk[-1][1] if c.risk else None
    told += f" The surest half has an error rate of {formats.percent(half)}, all together {formats.percent(whole)}."
    return told


def _bins(c: Calibration, source: str) -> Table:
    rows = tuple(
        (f"{b.n}", formats.percent(b.confidence), f"{formats.percent(b.accuracy)} ({formats.interval(b.low, b.high)})")
        for b in c.bins
    )
    heads = ("Replies", "Mean confidence", "Accuracy")
    return Table(f"Reliability of {c.candidate}, confidence {source}", heads, rows, folded=True)
