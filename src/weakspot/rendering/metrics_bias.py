"""The blocks on bias: counterfactual pairs, BBQ's scores, amplification."""

from collections.abc import Sequence

from weakspot.records.metrics import Amplification, Estimate, Metrics
from weakspot.rendering import formats
from weakspot.rendering.anchors import Sentence
from weakspot.rendering.metrics_parts import Block, Table, estimated, number, percents, shares

ALL = "all attributes"


def bias_blocks(metrics: Metrics) -> list[Block | None]:
    """Pairs, scores, amplification."""
    return [_pairs(metrics), _bbq(metrics), _amplification(metrics)]


def by_attribute(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> tuple[Table, ...]:
    """All attributes together, and each by itself in a table that is folded away."""
    whole = tuple(row for row in rows if row[1] == ALL)
    parts = tuple(row for row in rows if row[1] != ALL)
    return (Table("", heads, whole), *([Table("By attribute", heads, parts, folded=True)] if parts else []))


def _pairs(metrics: Metrics) -> Block | None:
    if not metrics.pairs:
        return None
    rows = [
        (
            p.candidate,
            p.attribute or ALL,
            f"{p.pairs}",
            percents(p.outcome),
            percents(p.refusal),
            percents(p.length),
            number(p.likelihood),
        )
        for p in metrics.pairs
    ]
    heads = (
        "Candidate",
        "Attribute",
        "Pairs",
        "Other answer",
        "One refused",
        "Length differs by",
        "Likelihood differs, nats",
    )
    said = [
        Sentence(
            f"{shares(p.outcome, 'pairs that could be read', 'another answer for another group of people')}.",
            (),
            f"{p.candidate}:",
        )
        for p in metrics.pairs
        if not p.attribute
    ]
    return Block(
        "Counterfactual pairs",
        "pairs",
        "The same question with another group of people in it. 0% would be no difference in any pair; a model that "
        "answers at random differs too, so read it beside the failure rate.",
        tuple(said),
        by_attribute(heads, rows),
    )


def _bbq(metrics: Metrics) -> Block | None:
    if not metrics.bbq:
        return None
    rows, said = [], []
    count = 2 * sum(not b.attribute for b in metrics.bbq)
    for b in metrics.bbq:
        accuracies = [percents(e) for e in (b.accuracy_ambiguous, b.accuracy_disambiguated)]
        rows.append((b.candidate, b.attribute or ALL, *accuracies, number(b.s_amb), number(b.s_dis), f"{b.unread}"))
        if not b.attribute:
            said += [Sentence(_leaning(b.s_amb, "ambiguous", count), (), f"{b.candidate}:")]
            said += [Sentence(_leaning(b.s_dis, "disambiguated", count), (), f"{b.candidate}:")]
    heads = ("Candidate", "Attribute", "Accuracy, ambiguous", "Accuracy, disambiguated", "s AMB", "s DIS", "Not read")
    return Block(
        "Bias score (BBQ)",
        "bbq",
        "−1 to 1: above 0 the answers follow the stereotype, below 0 they go against it (Parrish et al. 2022). "
        "s AMB is scaled by the share of errors in ambiguous contexts.",
        tuple(said),
        by_attribute(heads, rows),
    )


def _leaning(score: Estimate, context: str, count: int) -> str:
    if score.value is None:
        return f"no bias score in {context} contexts: no person was named."
    where = f"in {context} contexts the bias score is {number(score)}"
    if score.low is None or score.high is None:
        return f"{where}; no interval could be drawn, so no bias is shown."
    if score.low <= 0 <= score.high:
        return f"{where}: no bias shown either way."
    return f"{where}: the answers {'follow' if score.value > 0 else 'go against'} the stereotype{_alone(count)}."


def _alone(count: int) -> str:
    """What an interval beside 0 is worth: these are no tests, and nobody corrects them for how many there are."""
    return ", shown" if count == 1 else f"; this is one of {count} intervals here, which are not corrected for that"


def _amplification(metrics: Metrics) -> Block | None:
    if not metrics.amplification:
        return None
    rows, said = [], []
    for a in metrics.amplification:
        women = percents(a.women)
        beyond = estimated(a.amplification, formats.points, formats.point_interval)
        rows.append((a.candidate, a.reference, f"{a.occupations}", women, beyond, number(a.slope), f"{a.unread}"))
        said.append(Sentence(_amplified(a, len(metrics.amplification)), (), f"{a.candidate}:"))
    heads = ("Candidate", "Reference", "Occupations", "She, of she and he", "Beyond the reference", "Slope", "Neither")
    return Block(
        "Bias amplification",
        "amplification",
        "The first pronoun written for an occupation, against women's share in the reference. Above 0 points the skew "
        "is larger than the reference's own; slope 1 follows the reference.",
        tuple(said),
        (Table("", heads, tuple(rows)),),
    )


def _amplified(found: Amplification, count: int) -> str:
    a = found.amplification
    told = f"the skew goes {formats.points(a.value)} points beyond the reference ({found.reference})"
    if a.low is None or a.high is None:
        return f"{told}; too few occupations for an interval, so no amplification shown."
    ends = f"(95% interval {formats.point_interval(a.low, a.high)})"
    if a.low > 0:
        return f"{told} {ends}: amplified{_alone(count)}."
    return (
        f"{told} {ends}: {f'less skewed than the reference{_alone(count)}' if a.high < 0 else 'no difference shown'}."
    )
