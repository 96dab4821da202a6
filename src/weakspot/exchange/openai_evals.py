"""OpenAI evals: its samples (JSON lines of `input` and `ideal`) and its logs (`spec`, events, `final_report`).

A log's events are gathered by sample. The verdict is that of its last `match`, or of the metric named by `metric` (or
the only one) in its `metrics`; what was asked and answered is in its last `sampling`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from weakspot.errors import ImportFailed
from weakspot.exchange import making, turns
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.inspect_log import expectation
from weakspot.exchange.reading import json_lines, shown
from weakspot.records import Imported, ImportedModel, Message, Probe, Response, Score

TOOL = "openai-evals"
EVENTS = ("sampling", "match", "metrics", "error", "pick_option")


def _matches(seen: Sighting) -> bool:
    first = seen.first
    if "spec" in first:
        return isinstance(first["spec"], dict) and "completion_fns" in first["spec"]
    return {"input", "ideal"} <= first.keys() or {"run_id", "event_id", "sample_id", "type"} <= first.keys()


def read_openai_evals(path: Path, asked: Asked) -> Imported:
    """A log or a file of samples, told by the first line."""
    log: _Log | None = None
    probes: list[Probe] = []
    for number, row in json_lines(path):
        if log is None and not probes and ("spec" in row or "event_id" in row or "final_report" in row):
            log = _Log(path, asked)
        if log is not None:
            log.take(row, number)
        else:
            probes.append(_sample(row, number, path))
    if log is not None:
        return log.imported()
    note = "A reply passes that holds an ideal answer, in any case; OpenAI evals' own class may ask for more."
    return Imported(TOOL, "", making.name(path.stem), tuple(probes), (), (note,))


def _sample(row: Mapping[str, Any], number: int, path: Path) -> Probe:
    if "input" not in row:
        raise ImportFailed(f"Line {number} of {shown(path)} has no 'input'.", hint="`input` and `ideal` are read.")
    suite = making.name(path.stem)
    return Probe(
        id=f"{suite}/{number}",
        category=suite,
        expect=expectation(row.get("ideal")),
        messages=turns.messages(row["input"])[0],
        source=TOOL,
    )


class _Log:
    """A log on its way to records; only the last event of each kind is kept of a sample."""

    def __init__(self, path: Path, asked: Asked) -> None:
        self._path, self._asked = path, asked
        self._spec: dict[str, Any] = {}
        self._report: dict[str, Any] | None = None
        self._samples: dict[str, dict[str, Any]] = {}

    def take(self, row: Mapping[str, Any], number: int) -> None:
        """One line."""
        if isinstance(row.get("spec"), dict):
            self._spec = row["spec"]
        elif "final_report" in row:
            self._report = row["final_report"] if isinstance(row["final_report"], dict) else {}
        elif row.get("type") in EVENTS and isinstance(row.get("data"), dict):
            name = making.name(row.get("sample_id"), "")
            if not name or row.get("sample_id") is None:
                return  # an event of the whole run
            sample = self._samples.setdefault(name, {"samplings": 0})
            sample[row["type"]] = row["data"]
            sample["samplings"] += row["type"] == "sampling"
        elif "type" not in row:
            raise ImportFailed(
                f"Line {number} of {shown(self._path)} is neither spec, event nor final_report.",
                hint="A log of `oaieval` is wanted.",
            )

    def imported(self) -> Imported:
        """Everything as records."""
        if not self._samples:
            raise ImportFailed(f"{shown(self._path)} holds no samples.", hint="Was the run stopped before it asked?")
        task = making.name(self._spec.get("eval_name") or self._spec.get("base_eval") or self._path.stem)
        models = self._spec.get("completion_fns")
        model = self._asked.model or str(models[0] if isinstance(models, list) and models else making.UNNAMED)
        candidate = making.candidate(TOOL, model)
        info = making.info(TOOL, "")
        metric = self._metric()
        probes, answers, scores = [], [], []
        for sample_id in sorted(self._samples, key=_natural):
            sample = self._samples[sample_id]
            answer = self._response(sample, sample_id, candidate, info)
            probes.append(_asked(sample, sample_id, task))
            answers.append(answer)
            scores.append(_score(sample, answer, metric, self._asked.threshold))
        reported = self._reported(metric)
        found = ImportedModel(candidate, info, tuple(answers), tuple(scores), reported)
        return Imported(TOOL, "", task, tuple(probes), (found,), tuple(self._notes(metric)))

    def _metric(self) -> str:
        """Which number of `metrics` events is the verdict; empty where `match` is."""
        known = dict.fromkeys(
            key
            for sample in self._samples.values()
            for key, value in sample.get("metrics", {}).items()
            if isinstance(value, bool | int | float)
        )
        if self._asked.metric and self._asked.metric not in known and self._asked.metric != "match":
            raise ImportFailed(
                f"The log has no metric {making.name(self._asked.metric)!r}.", hint=f"It has: {', '.join(known)}."
            )
        if self._asked.metric:
            return "" if self._asked.metric == "match" else self._asked.metric
        if any("match" in sample for sample in self._samples.values()):
            return ""
        return next(iter(known), "")

    def _response(self, sample: Mapping[str, Any], name: str, candidate: Any, info: Any) -> Response:
        sampled = sample.get("sampling", {}).get("sampled")
        if isinstance(sampled, list):
            sampled = sampled[0] if sampled else None
        if isinstance(sampled, dict):
            sampled = turns.text(sampled.get("content"))[0]
        if sampled is None:
            picked = sample.get("match", {}).get("picked", sample.get("pick_option", {}).get("picked"))
            sampled = picked if isinstance(picked, str) else None
        failed = sample.get("error")
        told = f"{failed.get('type')}: {failed.get('message')}" if isinstance(failed, dict) else ""
        return making.response(name, candidate, info, None if sampled is None else str(sampled), error=told)

    def _reported(self, metric: str) -> dict[str, float]:
        """The final report's numbers; its accuracy is that of the `match` events, which is what we count."""
        found = {}
        for name, value in (self._report or {}).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                found[making.name(name)] = float(value)
        accuracy = found.get("accuracy", found.get("score"))
        if accuracy is not None and not metric:
            found = {"share passed: accuracy": accuracy} | found
        return found

    def _notes(self, metric: str) -> Iterator[str]:
        if metric:
            yield f"The verdict is the metric {metric!r}: 1 has passed, 0 failed (--metric NAME, --threshold X)."
        if self._report is None:
            yield "The log has no final report: the run was stopped, or the file was cut off."
        many = sum(sample["samplings"] > 1 for sample in self._samples.values())
        if many:
            yield f"{many} samples were asked in several calls; the last one is kept."


def _asked(sample: Mapping[str, Any], name: str, task: str) -> Probe:
    match = sample.get("match", {})
    messages, _ = turns.messages(_prompt(sample.get("sampling", {}).get("prompt")))
    return Probe(
        id=name,
        category=task,
        expect=expectation(match.get("expected")),
        messages=messages or (Message("user", ""),),
        source=TOOL,
    )


def _prompt(given: Any) -> Any:
    return given if isinstance(given, str | list) else "(the log does not hold what was asked)"


def _score(sample: Mapping[str, Any], answer: Response, metric: str, threshold: float | None) -> Score:
    if metric:
        value = sample.get("metrics", {}).get(metric)
        verdict = making.passed(value, threshold)
        return making.score(answer, f"{TOOL}:{metric}", verdict, f"{metric} is {making.name(value)}.")
    match = sample.get("match")
    if match is None:
        return making.score(answer, f"{TOOL}:match", None, "The log has no verdict on this sample.")
    verdict = making.passed(match.get("correct"))
    expected, picked = making.name(match.get("expected")), making.name(match.get("picked"))
    return making.score(answer, f"{TOOL}:match", verdict, f"Expected {expected}; picked {picked}.")


def _natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """`match.dev.10` after `match.dev.9`."""
    parts = re.split(r"(\d{1,15})", name)
    return tuple((part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)


IMPORTER = Importer(title="OpenAI evals' log or samples", matches=_matches, read=read_openai_evals)
