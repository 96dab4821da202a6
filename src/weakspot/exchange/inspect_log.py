"""Inspect's logs (JSON, `inspect_ai` 0.3, log version 2) and its data sets (JSON lines of `input` and `target`).

Each sample of each epoch is an item; the epochs of a sample are one group. The verdict is that of one scorer: the
first, or the one named by `metric` ("scorer", or "scorer/key" where its value is a dict); the others are kept as
checks. Values are read as Inspect's own `value_to_float` reads them: C, yes and true are 1, I, N, no and false 0, P
one half, which is neither passed nor failed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from weakspot.errors import ImportFailed
from weakspot.exchange import making, turns
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.reading import json_lines, parse_json, read_object, read_text, shown
from weakspot.records import Imported, ImportedModel, Message, Probe, Reply, Response, Score, Timings, Usage
from weakspot.records.response import FinishReason

TOOL = "inspect"
VERSION = 2
"""The log's version that `inspect_ai` 0.3 writes; 1 is that of 2024's first half, with one scorer a log."""
WORDS = {"c": 1.0, "i": 0.0, "p": 0.5, "n": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "tool_calls": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
}


def _matches(seen: Sighting) -> bool:
    if isinstance(seen.first.get("eval"), dict) and "version" in seen.first and "status" in seen.first:
        return True
    if seen.lines:
        return {"input", "target"} <= seen.first.keys()
    return seen.text.lstrip()[:1] == "{" and seen.mentions("version", "status", "eval", "task", "run_id", "model")


def read_inspect(path: Path, asked: Asked) -> Imported:
    """A log in one JSON document, or a data set in JSON lines."""
    text = read_text(path)
    first = text.lstrip().partition("\n")[0]
    if first.rstrip().endswith("}") and '"input"' in first and '"eval"' not in first:
        return _dataset(json_lines(path), path)
    return from_log(parse_json(text, path) if text.strip() else read_object(path), path, asked)


def from_log(log: Any, path: Path, asked: Asked) -> Imported:
    """The items and the results of a log whose samples are all there.

    Raises:
        ImportFailed: another version, no samples, or no such scorer.
    """
    if not isinstance(log, dict) or not isinstance(log.get("eval"), dict):
        raise ImportFailed(f"{shown(path)} is no log of Inspect: it has no 'eval'.", hint="`inspect eval` writes one.")
    version = log.get("version")
    if version not in (1, VERSION):
        raise ImportFailed(
            f"{shown(path)} is an Inspect log of version {str(version)[:20]!r}; {VERSION} is read.",
            hint="`inspect log convert` of the Inspect that wrote it gives another.",
        )
    samples = log.get("samples") or []
    if not samples:
        raise ImportFailed(f"{shown(path)} holds no samples{_stated(log)}.", hint="Read the log with its samples.")
    return _Log(log, asked).imported(samples)


def _stated(log: Mapping[str, Any]) -> str:
    stated = ", ".join(f"{name} {value:g}" for name, value in reported(log).items())
    status = log.get("status")
    return f" (it is a header: status {str(status)[:20]!r}" + (f", {stated})" if stated else ")") if status else ""


def reported(log: Mapping[str, Any]) -> dict[str, float]:
    """Inspect's own numbers: `scorer/metric` -> value, and how many samples it counts."""
    results = log.get("results") or {}
    found: dict[str, float] = {}
    for one in results.get("scores") or [results.get("scorer") or {}]:
        name = making.name(one.get("name") or "scorer")
        for metric, data in (one.get("metrics") or results.get("metrics") or {}).items():
            value = data.get("value") if isinstance(data, dict) else data
            if isinstance(value, int | float):
                found[f"{name}/{making.name(metric)}"] = float(value)
    for key in ("total_samples", "completed_samples"):
        if isinstance(results.get(key), int):
            found[key] = float(results[key])
    return found


def value_of(value: object) -> float | None:
    """A score's value as Inspect counts it; None where it is no number and no word that Inspect knows."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return None if value != value else float(value)  # noqa: PLR0124 - NaN says: not scored
    if isinstance(value, str):
        known = WORDS.get(value.strip().lower())
        if known is not None:
            return known
        try:
            return float(value)
        except ValueError:
            return None
    return None


def flat(scores: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """The scores of a sample by name, with their values; a dict of values gives one for each key."""
    for name, score in scores.items():
        given = score if isinstance(score, dict) else {"value": score}
        value = given.get("value")
        if isinstance(value, dict):
            for key, inner in value.items():
                yield f"{making.name(name)}/{making.name(key)}", inner, given
        else:
            yield making.name(name), value, given


def scores_of(sample: Mapping[str, Any]) -> dict[str, Any]:
    """A sample's scores by scorer; version 1 had one `score`."""
    scores = sample.get("scores")
    if isinstance(scores, dict):
        return scores
    return {"score": sample["score"]} if sample.get("score") is not None else {}


class _Log:
    """One log on its way to records."""

    def __init__(self, log: Mapping[str, Any], asked: Asked) -> None:
        self._log, self._asked = log, asked
        spec = log["eval"]
        self._task = making.name(str(spec.get("task") or "task").rpartition("/")[2])
        self._model = asked.model or str(spec.get("model") or making.UNNAMED)
        self._candidate = making.candidate(TOOL, self._model)
        packages = spec.get("packages")
        self._version = str(packages.get("inspect_ai", "")) if isinstance(packages, dict) else ""
        self._lost: dict[str, int] = {}

    def imported(self, samples: Sequence[Any]) -> Imported:
        kept = [self._whole(sample, number) for number, sample in enumerate(samples, start=1)]
        metric = self._metric(kept)
        epochs = {sample.get("epoch", 1) for sample in kept}
        names = [_item(self._task, sample, len(epochs) > 1) for sample in kept]
        info = making.info(TOOL, self._version, system=_system(kept), sampler=self._sampler())
        answers = [self._response(s, n, info) for s, n in zip(kept, names, strict=True)]
        model = ImportedModel(
            candidate=self._candidate,
            info=info,
            responses=tuple(answers),
            scores=tuple(self._score(s, a, metric) for s, a in zip(kept, answers, strict=True)),
            reported=self._comparable(kept, metric) | reported(self._log),
        )
        probes = tuple(self._probe(s, n, len(epochs) > 1) for s, n in zip(kept, names, strict=True))
        return Imported(TOOL, self._version, self._task, probes, (model,), tuple(self._notes(metric, len(epochs))))

    def _comparable(self, samples: Sequence[Mapping[str, Any]], metric: str) -> dict[str, float]:
        """Inspect's figures that our counts can be held against: the items, and the accuracy where no value is between.

        Inspect takes the mean over the epochs of each sample first; that is the mean over all where none is missing.
        """
        found, per_sample = {}, dict.fromkeys((sample["id"] for sample in samples), 0)
        total = reported(self._log).get("total_samples")
        if total is not None:
            found["items: total_samples"] = total
        for sample in samples:
            for name, value, _ in flat(scores_of(sample)):
                if name == metric and value_of(value) is not None:
                    if making.passed(value_of(value), self._asked.threshold) is None:
                        return found
                    per_sample[sample["id"]] += 1
        accuracy = reported(self._log).get(f"{metric.rpartition('/')[2]}/accuracy")
        if accuracy is not None and self._asked.threshold is None and len(set(per_sample.values()) - {0}) == 1:
            found[f"share passed: {metric}/accuracy"] = accuracy
        return found

    def _whole(self, sample: Any, number: int) -> dict[str, Any]:
        if not isinstance(sample, dict) or "id" not in sample or "input" not in sample:
            raise ImportFailed(f"Sample {number} of the log has no 'id' or no 'input'.", hint="The log may be damaged.")
        return sample

    def _metric(self, samples: Sequence[Mapping[str, Any]]) -> str:
        """Whose value is the verdict."""
        known = dict.fromkeys(name for sample in samples for name, _, _ in flat(scores_of(sample)))
        wanted = self._asked.metric
        if wanted and wanted not in known:
            raise ImportFailed(
                f"The log has no score named {making.name(wanted)!r}.", hint=f"It has: {', '.join(known) or 'none'}."
            )
        if len(known) > 1 and not wanted:
            chosen, *others = known
            self._lost[f"The verdict is that of {chosen!r}; kept as checks: {', '.join(others)} (--metric NAME)."] = 0
        return wanted or next(iter(known), "")

    def _probe(self, sample: Mapping[str, Any], name: str, grouped: bool) -> Probe:
        choices = sample.get("choices")
        tags = {"target": _target(sample)[:1000]} if _target(sample) else {}
        if isinstance(choices, list) and choices:
            tags["choices"] = "\n".join(str(choice) for choice in choices)[:2000]
        ours = _ours(sample)
        if ours is not None:
            return ours
        return Probe(
            id=name,
            category=self._task,
            expect=expectation(sample.get("target")),
            messages=self._asked_of(sample.get("input")),
            tags=tags,
            group=_item(self._task, sample, False) if grouped else None,
            source=making.name(self._log["eval"].get("task_file") or TOOL),
        )

    def _asked_of(self, given: Any) -> tuple[Message, ...]:
        messages, lost = turns.messages(given)
        for kind in lost:
            self._count(f"{kind} in the input can't be taken over; a word stands in its place")
        return messages

    def _response(self, sample: Mapping[str, Any], name: str, info: Any) -> Response:
        output = sample.get("output") or {}
        choice = next(iter(output.get("choices") or []), None)
        error = sample.get("error")
        text = None
        if isinstance(choice, dict):
            text, lost = turns.text((choice.get("message") or {}).get("content"))
            text += turns.calls((choice.get("message") or {}).get("tool_calls"))
            for kind in lost:
                self._count(f"{kind} in replies can't be taken over; a word stands in its place")
        if any(isinstance(m, dict) and m.get("role") == "tool" for m in sample.get("messages") or []):
            self._count("samples used tools; only the last reply of each is kept")
        usage = output.get("usage") or {}
        told = "" if error is None else str(error.get("message") if isinstance(error, dict) else error) or "error"
        made = making.response(
            name,
            self._candidate,
            info,
            text,
            finish=FINISH.get(str((choice or {}).get("stop_reason")), "unknown"),
            usage=Usage(_count(usage.get("input_tokens")), _count(usage.get("output_tokens"))),
            error=told,
        )
        return _timed(made, output.get("time"))

    def _score(self, sample: Mapping[str, Any], answer: Response, metric: str) -> Score:
        checks: dict[str, bool | None] = {}
        found: tuple[Any, Mapping[str, Any]] | None = None
        for name, value, given in flat(scores_of(sample)):
            if name == metric:
                found = value, given
            else:
                checks[name] = making.passed(value_of(value), self._asked.threshold)
        if found is None:
            return making.score(answer, f"{TOOL}:{metric or 'none'}", None, "The log has no score of it.")
        value, given = found
        number = value_of(value)
        verdict = making.passed(number, self._asked.threshold)
        if verdict is None and number is not None:
            self._count("scores lie between 0 and 1 and are no verdict; --threshold makes them one")
        explained = str(given.get("explanation") or given.get("answer") or "").strip()
        reason = f"Inspect's {metric} gave {str(value)[:80]}" + (f": {explained[:400]}" if explained else ".")
        return making.score(answer, f"{TOOL}:{metric}", verdict, reason, checks=checks)

    def _sampler(self) -> dict[str, Any]:
        config = (self._log.get("plan") or {}).get("config") or {}
        known = ("temperature", "top_p", "top_k", "max_tokens", "seed", "stop_seqs", "frequency_penalty")
        return {key: config[key] for key in known if config.get(key) is not None}

    def _count(self, what: str) -> None:
        self._lost[what] = self._lost.get(what, 0) + 1

    def _notes(self, metric: str, epochs: int) -> Iterator[str]:
        status = self._log.get("status")
        if status != "success":
            yield f"Inspect says of this run: {making.name(status)}; it may not have been finished."
        if not metric:
            yield "The log has no scores: no item has a verdict."
        if epochs > 1:
            yield f"Each sample was asked {epochs} times (epochs); these are items of one group."
        for what, count in self._lost.items():
            yield f"{count} {what}." if count else what


def expectation(target: Any) -> dict[str, Any]:
    """What is expected by a data set's target: one of its texts, in any case; without one, a rubric."""
    values = [str(value) for value in (target if isinstance(target, list) else [target]) if str(value or "").strip()]
    if not values:
        return {"type": "rubric", "rubric": "The data set states no target: does the reply do what is asked?"}
    return {"type": "any_of", "values": [value.strip() for value in values], "ignore_case": True}


def _dataset(lines: Iterable[tuple[int, dict[str, Any]]], path: Path) -> Imported:
    """A data set as `json_dataset` reads it: input, target, choices, id."""
    suite = making.name(path.stem)
    probes, lost = [], set()
    for number, row in lines:
        if "input" not in row:
            raise ImportFailed(f"Line {number} of {shown(path)} has no 'input'.", hint="`input` and `target` are read.")
        asked, kinds = turns.messages(row["input"])
        lost |= kinds
        name = making.name(row.get("id", number))
        probes.append(
            Probe(f"{suite}/{name}", suite, expectation(row.get("target")), asked, source=making.name(path.name))
        )
    notes = ["A reply passes that holds the target, in any case, as Inspect's `includes` does."]
    notes += [f"{kind} can't be taken over; a word stands in its place." for kind in sorted(lost)]
    return Imported(TOOL, "", suite, tuple(probes), (), tuple(notes))


def _item(task: str, sample: Mapping[str, Any], epoch: bool) -> str:
    if (ours := _ours(sample)) is not None:
        return ours.id
    name = f"{task}/{making.name(sample['id'])}"[:190]
    return f"{name}/{making.name(sample.get('epoch', 1))}" if epoch else name


def _ours(sample: Mapping[str, Any]) -> Probe | None:
    """The item as it was before Weakspot exported it; None for a sample of Inspect's own."""
    metadata = sample.get("metadata")
    kept = metadata.get("weakspot") if isinstance(metadata, dict) else None
    try:
        return msgspec.convert(kept["probe"], Probe) if isinstance(kept, dict) else None
    except (msgspec.ValidationError, KeyError):
        return None


def _target(sample: Mapping[str, Any]) -> str:
    target = sample.get("target")
    return "\n".join(str(one) for one in target) if isinstance(target, list) else str(target or "")


def _system(samples: Sequence[Mapping[str, Any]]) -> str | None:
    """The system message that the solver put before every sample; None where there is none, or several."""
    found = set()
    for sample in samples:
        first = next(iter(sample.get("messages") or []), None) or {}
        given = first.get("content") if first.get("role") == "system" else None
        found.add(given if isinstance(given, str) else None)
    return found.pop() if len(found) == 1 else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _timed(answer: Response, seconds: Any) -> Response:
    if not isinstance(seconds, int | float) or not answer.replies:
        return answer
    last: Reply = msgspec.structs.replace(answer.replies[-1], timings=Timings(total_s=max(0.0, float(seconds))))
    return msgspec.structs.replace(answer, replies=(*answer.replies[:-1], last))


IMPORTER = Importer(title="a log or data set of Inspect", matches=_matches, read=read_inspect)
