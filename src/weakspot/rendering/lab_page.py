"""A lab's report as one HTML page that loads nothing and runs no script, and a fragment of it for notebooks."""

from typing import Any

from weakspot.records.lab import LabReport
from weakspot.rendering import lab_charts, lab_words
from weakspot.rendering.environment import environment
from weakspot.version import __version__


def lab_html(report: LabReport) -> str:
    """The page. Every expression of the template passes `markup.plain` and is then escaped."""
    return environment().get_template("lab_page.html").render(_context(report))


def lab_fragment(report: LabReport) -> str:
    """The verdict and the trade-off for a notebook, without a style sheet."""
    return (
        environment()
        .get_template("lab_fragment.html")
        .render(
            headline=lab_words.headline(report),
            verdict=lab_words.verdict(report),
            cautions=lab_words.cautions(report),
            trades=lab_words.trades(report),
        )
    )


def _context(report: LabReport) -> dict[str, Any]:
    crossed = lab_words.crossed(report)
    right, bottom = lab_charts.WIDTH - lab_charts.RIGHT, lab_charts.HEIGHT - lab_charts.BOTTOM
    return {
        "report": report,
        "headline": lab_words.headline(report),
        "verdict": lab_words.verdict(report),
        "cautions": lab_words.cautions(report),
        "by_length": lab_charts.length_groups(report),
        "curves": lab_charts.curve_groups(report),
        "trades": lab_words.trades(report),
        "patterns": [
            (arm, lab_words.half_words(arm), lab_charts.histogram(arm.first_errors))
            for arm in lab_words.free_arms(report)
        ],
        "decoded": lab_words.decoded(report),
        "chart": lab_charts.crossing_charts(report),
        "shown": [row for row in crossed if row.standing in lab_words.SHOWN_STANDINGS],
        "open": [row for row in crossed if row.standing not in lab_words.SHOWN_STANDINGS],
        "method": lab_words.paragraphs(lab_words.METHOD),
        "limits": lab_words.paragraphs(lab_words.LIMITS),
        "size": {
            "width": lab_charts.WIDTH,
            "height": lab_charts.HEIGHT,
            "left": lab_charts.LEFT,
            "right": right,
            "top": lab_charts.TOP,
            "bottom": bottom,
            "bars": lab_charts.BARS,
            "bar": lab_charts.BAR,
        },
        "version": __version__,
    }
