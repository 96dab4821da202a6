"""SARIF 2.1.0 (OASIS standard) out of a run: a run for each candidate, a rule for each category, a result per failure.

Severity 4 and 5 are errors, 3 warnings, the rest notes. A result lies at the item's line of the suite, counted from 1,
since code-scanning services want a place; `partialFingerprints` let them see that a failure is the same as before.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from weakspot.exchange.exporting import Exported, Exporter, Outcome
from weakspot.rendering.formats import category as heading
from weakspot.rendering.text import visible

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 25_000
"""GitHub refuses a run with more."""
LONGEST = 1_000


def files(run: Exported) -> Iterator[tuple[str, bytes]]:
    """One file for the whole run."""
    runs = [_run(run, candidate.name) for candidate in run.candidates]
    log = msgspec.json.encode({"$schema": SCHEMA, "version": "2.1.0", "runs": runs})
    yield "weakspot.sarif", msgspec.json.format(log, indent=2)


def _run(run: Exported, candidate: str) -> dict[str, Any]:
    outcomes = run.outcomes[candidate]
    categories = list(dict.fromkeys(outcome.probe.category for outcome in outcomes))
    place = quote(run.suite.replace("\\", "/"), safe="/._-")
    results = [
        _result(outcome, candidate, categories, place, line)
        for line, outcome in enumerate(outcomes, start=1)
        if outcome.failed
    ]
    found: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "Weakspot",
                "version": run.weakspot,
                "semanticVersion": run.weakspot,
                "rules": [_rule(name) for name in categories],
            }
        },
        "automationDetails": {"id": f"weakspot/{visible(candidate)}/"},
        "results": results[:MOST_RESULTS],
        "columnKind": "unicodeCodePoints",
        "properties": {"candidate": visible(candidate), "suite": visible(run.suite)} | _without(outcomes),
    }
    if len(results) > MOST_RESULTS:
        found["properties"]["leftOut"] = len(results) - MOST_RESULTS
    return found


def _without(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """What is no result and still must be known: items without a verdict are no passes."""
    counted = [outcome for outcome in outcomes if outcome.probe.counted]
    return {
        "items": len(counted),
        "unscored": sum(outcome.informative and outcome.passed is None for outcome in counted),
        "uninformative": sum(not outcome.informative for outcome in counted),
    }


def _rule(category: str) -> dict[str, Any]:
    return {
        "id": visible(category),
        "name": visible(heading(category)),
        "shortDescription": {"text": f"A reply failed an item of {visible(category)}."},
        "defaultConfiguration": {"level": "warning"},
    }


def _result(outcome: Outcome, candidate: str, categories: list[str], place: str, line: int) -> dict[str, Any]:
    probe = outcome.probe
    severity = outcome.score.severity if outcome.score is not None else None
    said = visible((outcome.reply or "")[:LONGEST])
    print_of = hashlib.sha256(f"{candidate}\0{probe.id}".encode("utf-8", "replace")).hexdigest()
    return {
        "ruleId": visible(probe.category),
        "ruleIndex": categories.index(probe.category),
        "level": level(severity),
        "kind": "fail",
        "message": {"text": visible(f"{candidate} failed {probe.id}: {outcome.reason[:LONGEST]}") + f"\nReply: {said}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": place}, "region": {"startLine": line}},
                "logicalLocations": [{"name": visible(probe.id), "kind": "object"}],
            }
        ],
        "partialFingerprints": {"weakspotItem/v1": print_of},
        "properties": {"severity": severity},
    }


def level(severity: int | None) -> str:
    """SARIF's level of a severity by the house's rubric (1 to 5)."""
    if severity is None or severity == 3:
        return "warning"
    return "error" if severity > 3 else "note"


EXPORTER = Exporter(title="SARIF 2.1.0", files=files)
