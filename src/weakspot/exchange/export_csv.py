"""CSV out of a run: one row for each item and candidate, with prompt, reply, verdict and every rating.

A spreadsheet runs nothing that stands in it (`weakspot.rendering.csv`).
"""

from collections.abc import Iterator, Mapping

from weakspot.exchange.exporting import Exported, Exporter, Outcome, expected_text, prompt_text
from weakspot.rendering.csv import csv_bytes

LONGEST = 30_000
"""Characters of a cell: a spreadsheet cuts at 32,767, and symbols for hidden characters take room."""


def files(run: Exported) -> Iterator[tuple[str, bytes]]:
    """One table for the whole run."""
    every = [outcome for outcomes in run.outcomes.values() for outcome in outcomes]
    raters = dict.fromkeys(rating.rater for outcome in every for rating in outcome.ratings)
    rows = [_row(outcome, name, raters) for name, outcomes in run.outcomes.items() for outcome in outcomes]
    yield "items.csv", csv_bytes(rows)


def _row(outcome: Outcome, candidate: str, raters: Mapping[str, None]) -> dict[str, object]:
    probe, score, response = outcome.probe, outcome.score, outcome.response
    row: dict[str, object] = {
        "probe": probe.id,
        "category": probe.category,
        "arm": probe.arm,
        "counted": probe.counted,
        "group": probe.group,
        "candidate": candidate,
        "passed": outcome.passed,
        "reply_class": score.reply_class if score else None,
        "severity": score.severity if score else None,
        "uninformative": probe.counted and not outcome.informative,
        "scorer": score.scorer if score else None,
        "reason": score.reason if score else None,
        "prompt": prompt_text(probe)[:LONGEST],
        "expected": expected_text(probe)[:LONGEST],
        "reply": None if outcome.reply is None else outcome.reply[:LONGEST],
        "error": response.error.message if response is not None and response.error is not None else None,
    }
    given = {rating.rater: rating for rating in outcome.ratings}
    for rater in raters:
        rating = given.get(rater)
        row[f"{rater}: passed"] = rating.passed if rating else None
        row[f"{rater}: severity"] = rating.severity if rating else None
        row[f"{rater}: note"] = rating.note if rating else None
    return row


EXPORTER = Exporter(title="CSV", files=files)
