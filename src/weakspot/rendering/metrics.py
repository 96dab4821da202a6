"""What is measured beyond failure rates, as blocks of sentences and tables: the same for the page and Markdown.

Every block says what its numbers are, and where nothing is shown says so aloud. It knows records alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from weakspot.records import Summary
from weakspot.records.metrics import AttackEffect, Estimate, Metrics, PairedEffect, PressureTurn
from weakspot.rendering import formats
from weakspot.rendering.anchors import Sentence
from weakspot.rendering.chart import SHAPES, Dot, Frame, differences_svg
from weakspot.rendering.metrics_bias import bias_blocks
from weakspot.rendering.metrics_controls import controls_block
from weakspot.rendering.metrics_knowing import knowing_blocks
from weakspot.rendering.metrics_parts import Block, Table, net_points, percents

ALL = "All categories"


class Drawn(NamedTuple):
    """A chart in its wide and narrow drawing, "" where there is nothing to draw."""

    wide: Markup
    narrow: Markup


def blocks(summary: Summary) -> list[Block]:
    """The blocks that the run has numbers for, in the order in which they are shown."""
    metrics = summary.metrics
    made = [controls_block(metrics), _attacks(metrics), _pressure(metrics), _matrix(metrics)]
    return [block for block in [*made, *bias_blocks(metrics), *knowing_blocks(metrics)] if block is not None]


def attack_chart(summary: Summary) -> Drawn:
    """The effect of each attack on each candidate, all categories, around a zero line."""
    models = list(summary.models)
    whole = [a for a in summary.metrics.attacks if not a.category and formats.known(a.effect.difference)]
    dots = [
        Dot(a.attack, models.index(a.candidate) % len(SHAPES), a.effect.difference, a.effect.low, a.effect.high)
        for attack in dict.fromkeys(a.attack for a in whole)
        for a in whole
        if a.attack == attack and a.candidate in models
    ]
    if not dots:
        return Drawn(Markup(""), Markup(""))
    row = 26 + 8 * min(len(models), len(SHAPES))
    told = "Effect of each attack", "Failure rate attacked minus untouched. The numbers are in the table of attacks"
    wide = differences_svg(dots, Frame(560, row, 170, *told, False))
    narrow = differences_svg(dots, Frame(215, row, 110, *told, False))
    return Drawn(Markup(wide), Markup(narrow))  # noqa: S704 - built by chart.py, all text escaped by its serialiser


def _attacks(metrics: Metrics) -> Block | None:
    found = metrics.attacks
    if not found:
        return None
    heads = (
        "Attack",
        "Candidate",
        "Untouched",
        "Attacked",
        "Difference",
        "Beyond placebo",
        "p adjusted",
        "Verdict",
        "Left out",
    )
    whole = [a for a in found if not a.category]
    parts = [a for a in found if a.category and a.effect.n]
    tables = [Table("All categories", heads, tuple(map(_attack_row, whole)))]
    if parts:
        rows = tuple((a.category, *_attack_row(a)) for a in parts)
        tables.append(Table("By category", ("Category", *heads), rows, folded=True))
    return Block(
        "Attacks",
        "attacks",
        "Each attack transforms items of the suite; the difference is the failure rate attacked minus untouched, on "
        "the same items, in points, with its 95% interval. Beyond placebo: attacked minus a harmless edit of the same "
        "size. Attacked items count in no failure rate. p is Holm's, over all attacks, candidates and categories.",
        tuple(_attack_sentences(whole)),
        tuple(tables),
    )


def _attack_row(a: AttackEffect) -> tuple[str, ...]:
    beyond = net_points(a.beyond) if a.beyond is not None else formats.NONE
    left = [
        f"{count} {words}"
        for count, words in (
            (a.undecoded, "not decoded"),
            (a.uninformative, "uninformative"),
            (a.unscored, "without a verdict"),
        )
        if count
    ]
    rates = (
        percents(a.plain),
        percents(a.attacked),
    )
    told = (a.attack, a.candidate, *rates, net_points(a.effect), beyond)
    return *told, formats.p_value(a.effect.p_adjusted), a.effect.verdict, "; ".join(left) or formats.NONE


def _attack_sentences(whole: Sequence[AttackEffect]) -> list[Sentence]:
    """One for each effect that is shown, and one for each candidate that lists the attacks that showed nothing."""
    said = []
    for a in whole:
        if a.effect.shown and a.effect.difference is not None:
            way = "more" if a.effect.difference > 0 else "fewer"
            change = (
                f"{abs(a.effect.difference) * 100:.1f} points {way} failures on {formats.plural(a.effect.n, 'item')}"
            )
            said.append(Sentence(f"{change} (95% interval {_interval(a.effect)}), shown. {_beyond(a)}", (), _lead(a)))
    for name in dict.fromkeys(a.candidate for a in whole):
        quiet = [a.attack for a in whole if a.candidate == name and not a.effect.shown and a.effect.n]
        mute = [a.attack for a in whole if a.candidate == name and not a.effect.n]
        if quiet:
            said.append(Sentence(f"no difference shown under {', '.join(quiet)}.", (), f"{name}:"))
        if mute:
            text = f"nothing could be measured under {', '.join(mute)}: no item was left (see the last column)."
            said.append(Sentence(text, (), f"{name}:"))
    return said


def _lead(a: AttackEffect) -> str:
    return f"{a.candidate} under {a.attack}:"


def _beyond(a: AttackEffect) -> str:
    if a.beyond is None or a.beyond.difference is None:
        return "This attack has no placebo: its effect could be that of any edit."
    told = f"{net_points(a.beyond)} points beyond a harmless edit of the same size"
    return f"{told}, shown." if a.beyond.shown else f"{told}: that it is more than the edit's size is not shown."


def _interval(effect: PairedEffect) -> str:
    return formats.point_interval(effect.low, effect.high)


def _pressure(metrics: Metrics) -> Block | None:
    if not metrics.pressure:
        return None
    said, rows = [], []
    for p in metrics.pressure:
        said.append(Sentence(p.effect.verdict, (), f"{p.candidate}:"))
        for arm, turns, kept in (("pressure", p.pressed, p.kept), ("neutral turns", p.neutral, p.kept_neutral)):
            last = percents(kept)
            rows.append(
                (p.candidate, arm, *(_turn(turns, i) for i in range(3)), last, f"{p.items}", f"{p.first_wrong}")
            )
    heads = ("Candidate", "", "Turn 1", "Turn 2", "Turn 3", "Kept to the end", "Items", "First answer wrong")
    return Block(
        "Pressure over turns",
        "pressure",
        "A right first answer, then three turns of doubt for one and the same wrong answer (mild, by authority, by "
        "insistence), beside three neutral turns. Each turn holds / hedges / capitulates. Items whose first answer was "
        "wrong had nothing to give up and do not count.",
        tuple(said),
        (Table("", heads, tuple(rows)),),
    )


def _turn(turns: Sequence[PressureTurn], index: int) -> str:
    if index >= len(turns):
        return formats.NONE
    turn = turns[index]
    return f"{turn.holds} / {turn.hedges} / {turn.capitulates}"


def _matrix(metrics: Metrics) -> Block | None:
    if not metrics.matrix:
        return None
    said, rows = [], []
    for m in metrics.matrix:
        cells = {(cell.document, cell.user): cell for cell in m.cells}
        for there, effect in (("present", m.wrong_with), ("absent", m.wrong_without)):
            shown = [percents(cells[there, user].accuracy) for user in ("silent", "right", "wrong")]
            shown.append(percents(cells[there, "wrong"].followed))
            rows.append((m.candidate, there, *shown, net_points(effect), formats.p_value(effect.p_adjusted)))
            text = f"document {there}: {effect.verdict}"
            said.append(Sentence(text, (), f"{m.candidate},"))
        said.append(Sentence(_interaction(m.interaction, m.interaction_p), (), f"{m.candidate}:"))
    heads = (
        "Candidate",
        "Document",
        "User silent",
        "User right",
        "User wrong",
        "Follows the wrong user",
        "Wrong minus silent, failures",
        "p adjusted",
    )
    return Block(
        "Contextual sycophancy",
        "matrix",
        "Accuracy on made-up facts, with the document that states them or without, and a user who is silent, right or "
        "wrong. Without the document there is no ground but the user's word: to go with it is no fault there.",
        tuple(said),
        (Table("", heads, tuple(rows)),),
    )


def _interaction(interaction: Estimate, p: float | None) -> str:
    if interaction.value is None:
        return "the two effects could not be compared."
    ends = formats.point_interval(interaction.low, interaction.high)
    shown = p is not None and p <= 0.05
    way = "more" if interaction.value >= 0 else "less"
    told = (
        f"a wrong opinion costs {abs(interaction.value) * 100:.1f} points {way} without the document than with it "
        f"(difference {ends}, sign-flip {formats.p_equals(p)})"
    )
    return f"{told}, shown." if shown else f"{told}: no difference shown between the two."
