"""The numbers as rows of text, the same for the page, Markdown and notebooks."""

from collections.abc import Mapping
from typing import NamedTuple

from weakspot.records import Comparison, Difference, Rate, Summary
from weakspot.records.summary import ModelSummary
from weakspot.rendering import formats
from weakspot.rendering.anchors import Anchors, categories_of
from weakspot.rendering.sentences import fails_less
from weakspot.rendering.view import ReportInput

NOTES = {"floor": "floor: nearly all fail", "ceiling": "ceiling: nearly none fail", "few": "under 10 items"}
ALL = "All categories"


class RateCell(NamedTuple):
    """One candidate's rate in one category; `details` are short remarks (floor, items without a verdict)."""

    rate: str
    interval: str
    counts: str
    severity: str
    details: tuple[str, ...]


class RateRow(NamedTuple):
    """One category (None: all together) with a cell per candidate, None where a candidate lacks it."""

    category: str | None
    name: str
    anchor: str
    cells: tuple[RateCell | None, ...]


class DifferenceRow(NamedTuple):
    """One paired difference; `winner` is the candidate shown to fail less, None where nothing is shown."""

    category: str | None
    name: str
    anchor: str
    n: str
    discordant: str
    difference: str
    interval: str
    test: str
    p: str
    p_adjusted: str
    detectable: str
    verdict: str
    winner: str | None


class ComparisonTable(NamedTuple):
    """All differences between two candidates, and what else differs between them."""

    a: str
    b: str
    rows: tuple[DifferenceRow, ...]
    confounds: tuple[str, ...]


class Fact(NamedTuple):
    """A named value per candidate."""

    name: str
    values: tuple[str, ...]


def rate_rows(summary: Summary, anchors: Anchors) -> list[RateRow]:
    """All categories together, then each."""
    models = list(summary.models.values())
    rows = [RateRow(None, ALL, anchors.rate(None), tuple(_rate(m.pooled) for m in models))]
    for name in categories_of(summary):
        cells = tuple(_rate(m.categories[name]) if name in m.categories else None for m in models)
        rows.append(RateRow(name, formats.category(name), anchors.rate(name), cells))
    return rows


def comparison_tables(summary: Summary, anchors: Anchors) -> list[ComparisonTable]:
    """Every comparison with its differences: pooled, then by category."""
    return [_comparison(k, comparison, anchors) for k, comparison in enumerate(summary.comparisons)]


def cost_facts(report: ReportInput) -> list[Fact]:
    """What the run took: tokens, time, money, and how much replies depend on the batch."""
    models = report.summary.models
    sensitivity = report.summary.batch_sensitivity
    return [
        Fact("Prompt tokens", tuple(formats.count(m.prompt_tokens) for m in models.values())),
        Fact("Generated tokens", tuple(formats.count(m.completion_tokens) for m in models.values())),
        Fact("Wall time", tuple(formats.duration(m.wall_s) for m in models.values())),
        Fact("Generated tokens/s, prompts included", tuple(_speed(m) for m in models.values())),
        Fact("Cost", tuple(report.costs.get(name) or _price(m) for name, m in models.items())),
        Fact("Replies that change with the slots", tuple(formats.percent(sensitivity.get(name)) for name in models)),
    ]


def provenance_facts(report: ReportInput) -> list[Fact]:
    """What made each candidate's replies: everything needed to make them again."""
    models = report.summary.models
    made = [_provenance(name, model, report.licences) for name, model in models.items()]
    names = list(made[0]) if made else []
    return [Fact(name, tuple(facts[name] for facts in made)) for name in names]


def run_facts(report: ReportInput) -> list[tuple[str, str]]:
    """The run itself: (name, value)."""
    summary = report.summary
    facts = [
        ("Run", report.run_id),
        ("Date", report.created),
        ("Suite", f"{summary.suite}{' (quick)' if summary.quick else ''}"),
        ("Probes", f"{summary.probes:,}, of which {summary.counted:,} are counted"),
        ("Probes, sha256", summary.probes_sha256),
        ("Weakspot", summary.weakspot),
        ("Record schema", str(summary.schema_version)),
    ]
    return [(name, value or formats.NONE) for name, value in [*facts, *report.environment.items()]]


def _rate(rate: Rate) -> RateCell:
    details = [NOTES[rate.note]] if rate.note else []
    if rate.unscored:
        bounds = f"{formats.percent(rate.lowest)} to {formats.percent(rate.highest)}"
        details.append(f"{rate.unscored:,} without a verdict: {bounds}")
    if rate.uninformative:
        details.append(f"{rate.uninformative:,} uninformative")
    return RateCell(
        formats.percent(rate.rate),
        formats.interval(rate.low, rate.high),
        f"{rate.failed:,}/{rate.n:,}",
        formats.decimal(rate.mean_severity),
        tuple(details),
    )


def _comparison(k: int, comparison: Comparison, anchors: Anchors) -> ComparisonTable:
    every = [(None, comparison.pooled), *comparison.categories.items()]
    rows = tuple(_difference(k, comparison, name, difference, anchors) for name, difference in every)
    return ComparisonTable(comparison.a, comparison.b, rows, comparison.confounds)


def _difference(
    k: int, comparison: Comparison, category: str | None, difference: Difference, anchors: Anchors
) -> DifferenceRow:
    groups = f" ({formats.plural(difference.groups, 'group')})" if difference.groups else ""
    return DifferenceRow(
        category=category,
        name=ALL if category is None else formats.category(category),
        anchor=anchors.difference(k, category),
        n=f"{difference.n:,}{groups}",
        discordant=f"{difference.only_a_failed:,} / {difference.only_b_failed:,}",
        difference=formats.points(difference.difference),
        interval=formats.point_interval(difference.low, difference.high),
        test=difference.test or formats.NONE,
        p=formats.p_value(difference.p),
        p_adjusted=formats.p_value(difference.p_adjusted),
        detectable=formats.points(difference.smallest_detectable).lstrip("+"),
        verdict=difference.verdict or formats.NONE,
        winner=fails_less(comparison, difference),
    )


def _speed(model: ModelSummary) -> str:
    return formats.decimal(model.completion_tokens / model.wall_s) if model.wall_s > 0 else formats.NONE


def _price(model: ModelSummary) -> str:
    return "none (local)" if model.info.local else formats.NONE


def _provenance(name: str, model: ModelSummary, licences: Mapping[str, str]) -> dict[str, str]:
    made = model.info.provenance
    facts: dict[str, object] = {
        "Reference": model.candidate.reference,
        "Kind": {"chat": "chat model", "base": "base model", "unknown": "unknown"}[model.info.kind],
        "Backend": made.backend,
        "Engine": f"{made.engine} {made.engine_version}".strip(),
        "Weights, sha256": made.weights_sha256,
        "Quantisation": made.quantisation,
        "Data type": made.dtype,
        "Threads": made.threads,
        "Slots": made.slots,
        "Context per request, tokens": None if model.info.context is None else f"{model.info.context:,}",
        "Template": made.template,
        "Template, sha256": made.template_sha256,
        "System prompt": made.system,
        "Samplers": ", ".join(f"{key} {value}" for key, value in made.sampler.items()),
        "Seed": made.seed,
        "Prefix cache": {None: None, True: "on", False: "off"}[made.prefix_cache],
        "Licence": licences.get(name) or model.info.licence,
    }
    return {key: formats.NONE if value is None or value == "" else str(value) for key, value in facts.items()}
