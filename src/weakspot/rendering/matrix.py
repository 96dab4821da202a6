"""Three and more candidates side by side: each against each, and what their failures cost in time and tokens."""

from typing import NamedTuple

from weakspot.records import Comparison, Summary
from weakspot.records.summary import ModelSummary
from weakspot.rendering import formats
from weakspot.rendering.anchors import Anchors
from weakspot.rendering.sentences import fails_less
from weakspot.rendering.view import ReportInput

SELF = "·"


class Against(NamedTuple):
    """One cell: the row's failure rate minus the column's, in points; `mark` says whether a difference is shown."""

    difference: str
    interval: str
    mark: str
    anchor: str | None


class MatrixRow(NamedTuple):
    """One candidate: its place, its failures, its cells in the order of the rows, and its costs."""

    name: str
    place: int
    failed: str
    rate: str
    groups: str
    cells: tuple[Against, ...]
    latency: str
    tokens: str
    cost: str


def matrix_rows(report: ReportInput, anchors: Anchors) -> list[MatrixRow]:
    """A row for each candidate, best first; empty where fewer than three were compared or only with a baseline."""
    summary = report.summary
    if not summary.ranking:
        return []
    order = [standing.name for standing in summary.ranking]
    places = {name: number for number, name in enumerate(summary.models)}
    rows = []
    for standing in summary.ranking:
        model = summary.models[standing.name]
        rate = standing.failed / standing.n if standing.n else None
        rows.append(
            MatrixRow(
                name=standing.name,
                place=places[standing.name],
                failed=f"{standing.failed:,}/{standing.n:,}",
                rate=formats.percent(rate),
                groups=standing.groups,
                cells=tuple(_against(summary, standing.name, other, anchors) for other in order),
                latency=_latency(model),
                tokens=f"{formats.count(model.prompt_tokens)} + {formats.count(model.completion_tokens)}",
                cost=report.costs.get(standing.name) or ("none (local)" if model.info.local else formats.NONE),
            )
        )
    return rows


def ranking_sentence(summary: Summary) -> str:
    """The order in one line, with the letters; empty without a ranking."""
    if not summary.ranking:
        return ""
    named = ", ".join(f"{s.name} {s.failed:,}/{s.n:,} ({s.groups})" for s in summary.ranking)
    return f"Failures on the items that all have a verdict on: {named}. Who shares a letter is not told apart."


def _against(summary: Summary, row: str, column: str, anchors: Anchors) -> Against:
    if row == column:
        return Against(SELF, "", "", None)
    for k, comparison in enumerate(summary.comparisons):
        if {comparison.a, comparison.b} == {row, column}:
            return _cell(comparison, row, anchors.difference(k, None))
    return Against(formats.NONE, "", "", None)


def _cell(comparison: Comparison, row: str, anchor: str) -> Against:
    pooled = comparison.pooled
    difference, low, high = pooled.difference, pooled.low, pooled.high
    if row == comparison.b:
        difference, low, high = _turned(difference), _turned(high), _turned(low)
    winner = fails_less(comparison, pooled)
    mark = "" if winner is None else "fails less" if winner == row else "fails more"
    return Against(formats.points(difference), formats.point_interval(low, high), mark, anchor)


def _turned(value: float | None) -> float | None:
    return None if value is None else -value


def _latency(model: ModelSummary) -> str:
    if model.latency_p50_s is None or model.latency_p95_s is None:
        return formats.NONE
    return f"{model.latency_p50_s:.2f} / {model.latency_p95_s:.2f} s"
