"""Audits and comparisons of two as whole pages, as fragments for notebooks, and for a terminal.

It needs records only. Every expression of a template passes `markup.plain` and is then escaped.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from weakspot.records.audit import AuditDiff, AuditSummary
from weakspot.rendering import formats
from weakspot.rendering.audit_charts import change_panels, group_panels, premium_pair
from weakspot.rendering.audit_codes import SEVERITIES, meaning
from weakspot.rendering.audit_examples import example_groups, ids_text, with_examples
from weakspot.rendering.audit_figures import share
from weakspot.rendering.audit_tables import (
    code_rows,
    digit_bars,
    group_rows,
    made_facts,
    offender_tables,
    source_rows,
    stages,
)
from weakspot.rendering.audit_terminal import audit_renderable
from weakspot.rendering.audit_words import cautions, ending, group_name, headline, name_of, verdict
from weakspot.rendering.diff_tables import (
    code_pairs,
    cost_rows,
    document_rows,
    offender_pairs,
    premium_rows,
    price_rows,
    side_by_side,
)
from weakspot.rendering.diff_terminal import diff_renderable
from weakspot.rendering.diff_words import as_times, diff_cautions, diff_headline, diff_names, diff_verdict
from weakspot.rendering.environment import environment
from weakspot.rendering.text import one_line

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["audit_fragment", "audit_html", "audit_renderable", "diff_fragment", "diff_html", "diff_renderable"]

FRAGMENT_ROWS = 12
"""Rows of a table in a notebook."""


def audit_html(summary: AuditSummary, version: str = "") -> str:
    """An audit as a whole page, without a script and with nothing to load.

    Args:
        summary: the audit.
        version: Weakspot's, for the page's foot.
    """
    return _environment().get_template("audit_page.html").render(_audit(summary), version=version)


def audit_fragment(summary: AuditSummary) -> str:
    """An audit for a notebook (`_repr_html_`): the verdict and the worst findings, no style sheet."""
    template = _environment().get_template("audit_fragment.html")
    rows = code_rows(summary, ())
    return template.render(
        headline=headline(summary),
        verdict=verdict(summary),
        cautions=cautions(summary),
        codes=rows[:FRAGMENT_ROWS],
        left_out=max(0, len(rows) - FRAGMENT_ROWS),
    )


def diff_html(diff: AuditDiff, version: str = "") -> str:
    """Two tokenizers on one corpus as a whole page, without a script and with nothing to load.

    Args:
        diff: the comparison.
        version: Weakspot's, for the page's foot.
    """
    return _environment().get_template("diff_page.html").render(_diff(diff), version=version)


def diff_fragment(diff: AuditDiff) -> str:
    """A comparison for a notebook (`_repr_html_`): the verdict and the tokens by group, no style sheet."""
    rows, left_out = cost_rows(diff)
    return (
        _environment()
        .get_template("diff_fragment.html")
        .render(
            names=diff_names(diff),
            headline=diff_headline(diff),
            verdict=diff_verdict(diff),
            cautions=diff_cautions(diff),
            costs=rows[:FRAGMENT_ROWS],
            left_out=left_out + max(0, len(rows) - FRAGMENT_ROWS),
        )
    )


@cache
def _environment() -> "Environment":
    return environment(decimal=formats.decimal, line=one_line, ending=ending, ids=ids_text, meaning=meaning)


def _audit(summary: AuditSummary) -> dict[str, Any]:
    whole, groups, groups_left = group_rows(summary)
    panels, between = group_panels(summary)
    sources, sources_left = source_rows(summary)
    examples = example_groups(summary)
    parts = [("verdict", "Verdict"), ("losses", "Losses"), ("findings", "Findings"), ("groups", "Groups")]
    parts += [("vocabulary", "Vocabulary"), ("offenders", "Offenders"), ("examples", "Examples")]
    return {
        "summary": summary,
        "name": name_of(summary),
        "headline": headline(summary),
        "verdict": verdict(summary),
        "cautions": cautions(summary),
        "contents": [*parts, ("sources", "Sources"), ("made", "How it was made")],
        "stages": stages(summary.codes),
        "codes": code_rows(summary, with_examples(summary)),
        "severities": SEVERITIES,
        "whole": whole,
        "groups": groups,
        "groups_left": groups_left,
        "reference": group_name(summary.reference_group) if summary.reference_group else "",
        "panels": panels,
        "between": between,
        "used": share(summary.used, summary.vocabulary),
        "unknown": share(summary.unknown, summary.whole.tokens),
        "fallback": share(summary.byte_fallback, summary.whole.tokens),
        "digits": digit_bars(summary),
        "offenders": offender_tables(summary),
        "inexact": any(not offender.exact for offender in summary.offenders),
        "examples": examples,
        "sources": sources,
        "sources_left": sources_left,
        "made": made_facts(summary),
    }


def _diff(diff: AuditDiff) -> dict[str, Any]:
    costs, costs_left = cost_rows(diff, by_change=True)
    changes, between = change_panels(diff)
    premiums, premiums_left = premium_rows(diff)
    parts = [("verdict", "Verdict"), ("sides", "Side by side"), ("tokens", "Tokens"), ("findings", "Findings")]
    parts += [("premium", "Premium")] if premiums else []
    parts += [("prices", "Prices")] if diff.prices else []
    return {
        "diff": diff,
        "names": diff_names(diff),
        "headline": diff_headline(diff),
        "verdict": diff_verdict(diff),
        "cautions": diff_cautions(diff),
        "contents": [*parts, ("documents", "Documents"), ("offenders", "Offenders"), ("made", "How it was made")],
        "sides": side_by_side(diff),
        "costs": costs,
        "costs_left": costs_left,
        "changes": changes,
        "large": as_times(diff),
        "between": between,
        "codes": code_pairs(diff),
        "premiums": premiums,
        "premiums_left": premiums_left,
        "premium_panels": premium_pair(diff),
        "reference": group_name(diff.first.reference_group),
        "prices": price_rows(diff),
        "documents": document_rows(diff),
        "offenders": offender_pairs(diff),
        "made": [
            (name, value, other)
            for (name, value), (_, other) in zip(made_facts(diff.first), made_facts(diff.second), strict=True)
        ],
    }
