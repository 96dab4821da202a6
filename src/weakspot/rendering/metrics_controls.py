"""The block on positive controls: what each candidate can do when it is asked plainly."""

from weakspot.records.metrics import ControlEffect, Metrics
from weakspot.rendering import formats
from weakspot.rendering.anchors import Sentence
from weakspot.rendering.metrics_parts import Block, Table, net_points, percents

ALL = "All categories"


def controls_block(metrics: Metrics) -> Block | None:
    """Rates and pairs; None where the run has few positive controls."""
    if not metrics.controls:
        return None
    said = tuple(Sentence(c.effect.verdict, (), f"{_pair(c)}:") for c in metrics.control_pairs if not c.category)
    rates = tuple((c.candidate, f"{c.failed.n}", percents(c.failed)) for c in metrics.controls)
    whole = tuple(_row(c) for c in metrics.control_pairs if not c.category)
    parts = tuple(_row(c) for c in metrics.control_pairs if c.category and c.effect.n)
    heads = ("Pair", "Category", "Controls", "Failed by one only", "Difference", "p adjusted", "Verdict")
    tables = [Table("", ("Candidate", "Positive controls", "Not passed"), rates)]
    tables += [Table("Each pair", heads, whole)] if whole else []
    tables += [Table("By category", heads, parts, folded=True)] if parts else []
    return Block(
        "Asked plainly",
        "controls",
        "Positive controls ask for what an item turns on, without the difficulty. An item leaves a candidate's rate "
        "where its own control is not passed, so a candidate that can do little is judged on little: this is what that "
        "hides.",
        said,
        tuple(tables),
    )


def _pair(c: ControlEffect) -> str:
    return f"{c.a} and {c.b}"


def _row(c: ControlEffect) -> tuple[str, ...]:
    e = c.effect
    one = f"{e.first_only} / {e.second_only}"
    return (_pair(c), c.category or ALL, f"{e.n}", one, net_points(e), formats.p_value(e.p_adjusted), e.verdict)
