"""DeepEval: its goldens (JSON or CSV), which become probes, or a run where they hold answers; and its test runs.

Goldens hold no verdicts, so the answers in them have none here either: a judge or a hand gives them. A test run (JSON
with `testCases`) has DeepEval's own: a case passes where all its metrics do; each metric is a check.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from weakspot.errors import ImportFailed
from weakspot.exchange import making, turns
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.inspect_log import expectation
from weakspot.exchange.reading import json_lines, read_json, read_text, shown
from weakspot.records import Imported, ImportedModel, Message, Probe, Response, Score, Usage

TOOL = "deepeval"
MARKS = ("expected_output", "actual_output", "retrieval_context", "tools_called", "expected_tools", "source_file")
CAMEL = {"actualOutput": "actual_output", "expectedOutput": "expected_output", "retrievalContext": "retrieval_context"}
MOST_ROWS = 1_000_000


def _matches(seen: Sighting) -> bool:
    if seen.suffix == ".csv":
        head = next(csv.reader([seen.text.partition("\n")[0]]), [])
        return "input" in head and sum(mark in head for mark in MARKS) >= 2
    if seen.lines and "testCases" not in seen.first:
        return "input" in seen.first and sum(mark in seen.first for mark in MARKS) >= 2
    if seen.text.lstrip()[:1] == "{":
        return seen.mentions("testCases", "metricsScores") or seen.mentions("testCases", "metricsData")
    return seen.text.lstrip()[:1] == "[" and seen.mentions("input") and sum(seen.mentions(mark) for mark in MARKS) >= 2


def read_deepeval(path: Path, asked: Asked) -> Imported:
    """Goldens or a test run."""
    rows, stated = _rows(path)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not isinstance(row.get("input"), str):
            raise ImportFailed(
                f"Golden {number} of {shown(path)} has no text 'input'.",
                hint="Goldens of one question each are read; conversations are not.",
            )
    suite = making.name(path.stem)
    probes = tuple(_probe(row, suite, number) for number, row in enumerate(rows, start=1))
    if not any(row.get("actual_output") for row in rows):
        return Imported(TOOL, "", suite, probes, (), ("A reply passes that holds the expected output, in any case.",))
    candidate, info = making.candidate(TOOL, asked.model or making.UNNAMED), making.info(TOOL, "")
    answers = tuple(_response(row, p.id, candidate, info) for row, p in zip(rows, probes, strict=True))
    scores = tuple(_score(row, answer) for row, answer in zip(rows, answers, strict=True))
    model = ImportedModel(candidate, info, answers, scores, stated)
    notes = [] if asked.model else ["The file does not name the model that answered (--model NAME)."]
    if all(score.passed is None for score in scores):
        notes.append("Goldens hold no verdicts: let a judge or a hand give them.")
    return Imported(TOOL, "", suite, probes, (model,), tuple(notes))


def _rows(path: Path) -> tuple[list[Any], dict[str, float]]:
    """The goldens or test cases, and what a test run states in all."""
    if path.suffix.lower() == ".csv":
        return _table(path), {}
    if path.suffix.lower() == ".jsonl":
        return [_plain(row) for _, row in json_lines(path)], {}
    document = read_json(path)
    if isinstance(document, dict) and isinstance(document.get("testCases"), list):
        stated = {
            ours: float(document[theirs])
            for ours, theirs in (("passed: testPassed", "testPassed"), ("failed: testFailed", "testFailed"))
            if isinstance(document.get(theirs), int)
        }
        return [_plain(row) for row in document["testCases"]], stated
    if not isinstance(document, list):
        raise ImportFailed(f"{shown(path)} holds neither goldens nor testCases.", hint="A list of goldens is wanted.")
    return [_plain(row) for row in document], {}


def _plain(row: Any) -> Any:
    return {CAMEL.get(key, key): value for key, value in row.items()} if isinstance(row, dict) else row


def _table(path: Path) -> list[dict[str, Any]]:
    """Rows of a CSV; lists stand in cells as JSON, or with `|` between their parts."""
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    rows: list[dict[str, Any]] = []
    try:
        for row in reader:
            rows.append({key: value for key, value in row.items() if isinstance(key, str) and value})
            if len(rows) > MOST_ROWS:
                raise ImportFailed(f"{shown(path)} has more than {MOST_ROWS:,} rows.", hint="Split it.")
    except csv.Error as error:
        raise ImportFailed(f"{shown(path)}, line {reader.line_num}: {error}.", hint="Is it CSV?") from None
    for row in rows:
        for field in ("context", "retrieval_context"):
            if isinstance(row.get(field), str):
                row[field] = _list(row[field])
    return rows


def _list(cell: str) -> list[str]:
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, list):
        return [str(one) for one in value]
    return [part.strip() for part in cell.split("|" if "|" in cell else ";") if part.strip()]


def _probe(row: Mapping[str, Any], suite: str, number: int) -> Probe:
    named = row.get("name")
    context = row.get("context")
    texts = [str(one) for one in context] if isinstance(context, list) else []
    tags = {"name": making.name(named)} if named else {}
    if texts:  # what a metric holds the answer against; the model is asked the input alone
        tags["context"] = "\n".join(texts)[:4000]
    if row.get("comments"):
        tags["comments"] = making.name(row["comments"])
    return Probe(
        id=f"{suite}/{number}",
        category=suite,
        expect=expectation(row.get("expected_output")),
        messages=(Message("user", row["input"]),),
        tags=tags,
        source=TOOL,
    )


def _response(row: Mapping[str, Any], name: str, candidate: Any, info: Any) -> Response:
    said = row.get("actual_output")
    text = None if said is None or said == "" else turns.text(said)[0]
    return making.response(name, candidate, info, text, usage=Usage())


def _score(row: Mapping[str, Any], answer: Response) -> Score:
    metrics: Sequence[Any] = row.get("metricsData") or row.get("metrics_data") or []
    checks = {
        making.name(one.get("name")): one["success"] if isinstance(one.get("success"), bool) else None
        for one in metrics
        if isinstance(one, dict)
    }
    success = row.get("success") if isinstance(row.get("success"), bool) else None
    if success is None:
        return making.score(answer, f"{TOOL}:none", None, "DeepEval's goldens hold no verdict.")
    reasons = [str(one.get("reason") or one.get("error") or "") for one in metrics if isinstance(one, dict)]
    reason = " ".join(reason for reason in reasons if reason)[:600]
    return making.score(answer, f"{TOOL}:success", success, reason or "DeepEval gives no reason.", checks=checks)


IMPORTER = Importer(title="DeepEval's goldens or test run", matches=_matches, read=read_deepeval)
