"""HELM run folders into a run: `run_spec.json`, `scenario_state.json`, `per_instance_stats.json`, `stats.json`.

Read is one run folder, or a suite's folder with many (several models on one scenario are compared then). The verdict is
HELM's own per-instance metric, `exact_match` and its kin first; nothing is scored again. Field names are those of
crfm-helm 0.5 (`helm/benchmark/adaptation/`, `helm/benchmark/metrics/statistic.py`).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from weakspot.errors import ImportFailed
from weakspot.exchange import making
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.reading import read_json, read_object, shown
from weakspot.records import Generation, Imported, ImportedModel, Message, Probe, Response, Score, Usage
from weakspot.records.response import FinishReason

TOOL = "helm"
STATE = "scenario_state.json"
LIKED = (
    "exact_match",
    "quasi_exact_match",
    "prefix_exact_match",
    "quasi_prefix_exact_match",
    "final_number_exact_match",
    "math_equiv_chain_of_thought",
    "math_equiv",
    "exact_set_match",
    "ifeval_strict_accuracy",
    "safety_score",
)
"""Metrics that are a verdict on an item, in the order in which they are preferred."""
Json = Mapping[str, Any]


def read_helm(path: Path, asked: Asked) -> Imported:
    """A run folder, or all run folders of a suite's folder.

    Args:
        path: the folder.
        asked: `task` takes only runs whose name holds it, `model` only those of one model, `metric` names the verdict.

    Raises:
        ImportFailed: there is no run, a file of it is missing, or no metric is a verdict.
    """
    probes: dict[str, Probe] = {}
    models: dict[str, _Model] = {}
    suites: list[str] = []
    notes: list[str] = []
    for folder in _runs(path):
        spec = read_object(folder / "run_spec.json")
        named, model = str(spec.get("name", folder.name)), str(spec["adapter_spec"].get("model") or making.UNNAMED)
        if (asked.task and asked.task not in named) or asked.model not in ("", model):
            continue
        run = _Run(folder, spec, asked, notes)
        suites.append(run.scenario)
        models.setdefault(model, _Model(model, spec)).take(run, probes)
    if not models:
        raise ImportFailed(f"{shown(path)} holds no run of that name.", hint="Leave --task and --model out.")
    made = tuple(model.done() for model in models.values())
    suite = making.name(", ".join(dict.fromkeys(suites)))
    return Imported(TOOL, "", suite, tuple(probes.values()), made, tuple(dict.fromkeys(notes)))


class _Run:
    """One run folder: its requests, and HELM's own figures for each."""

    def __init__(self, folder: Path, spec: Json, asked: Asked, notes: list[str]) -> None:
        self.scenario = making.name(str(spec.get("name", folder.name)).partition(":")[0])
        self.threshold = asked.threshold
        self.states = _states(folder)
        self.values = _values(folder)
        self.metric = self._metric(asked.metric, folder, notes)
        self.stats = read_json(folder / "stats.json") if (folder / "stats.json").is_file() else []
        if not self.stats:
            notes.append(f"{folder.name} has no stats.json: HELM's own figures are unknown.")

    def _metric(self, asked: str, folder: Path, notes: list[str]) -> str:
        known = {metric for values in self.values.values() for metric in values}
        chosen = asked if asked in known else next((one for one in LIKED if one in known and not asked), "")
        if not chosen:
            told = f"no metric {shown(asked)}" if asked else "no metric that is a verdict on an item"
            raise ImportFailed(
                f"{shown(folder.name)} has {told}.", hint=f"Name one by --metric: {shown(', '.join(sorted(known)))}"
            )
        others = [one for one in LIKED if one in known and one != chosen]
        notes.append(
            f"The verdict of {self.scenario} is {chosen}" + (f"; left out: {', '.join(others)}." if others else ".")
        )
        return chosen

    def category(self, state: Json) -> str:
        """The scenario with the item's split and, where it has one, its perturbation."""
        split = str(state["instance"].get("split") or "")
        parts = [self.scenario, split, _perturbation(state["instance"])]
        return making.name("/".join(part for part in parts if part))

    def reported(self) -> Iterator[tuple[str, float]]:
        """The metric's mean by split, on unperturbed items, as stats.json has it."""
        for stat in self.stats:
            named = stat.get("name") or {}
            if named.get("name") != self.metric or named.get("perturbation") or not stat.get("count"):
                continue
            category = making.name("/".join(part for part in (self.scenario, str(named.get("split") or "")) if part))
            yield f"share passed in {category}: {self.metric}", float(stat["mean"])


class _Model:
    """One model's answers while they are gathered."""

    def __init__(self, model: str, spec: Json) -> None:
        adapter = spec["adapter_spec"]
        sampler = {key: adapter[key] for key in ("temperature", "max_tokens", "stop_sequences") if key in adapter}
        self._candidate = making.candidate(TOOL, model)
        self._info = making.info(TOOL, "", sampler=sampler)
        self._responses: list[Response] = []
        self._scores: list[Score] = []
        self._reported: dict[str, float] = {}

    def take(self, run: _Run, probes: dict[str, Probe]) -> None:
        """All items of a run."""
        for states in _grouped(run.states).values():
            probe = _probe(states, run)
            if probes.setdefault(probe.id, probe) != probe:
                raise ImportFailed(
                    f"Item {probe.id} was asked in two ways.", hint="Import the runs one by one, or name one by --task."
                )
            response = _response(states, probe, self._candidate.name, self)
            value = run.values.get(_key(states[0]), {}).get(run.metric)
            verdict = making.passed(value, run.threshold)
            told = f"HELM gives {run.metric} {value!r}."
            self._responses.append(response)
            self._scores.append(making.score(response, f"{TOOL}:{run.metric}", verdict, told, rule=run.metric))
        self._reported |= dict(run.reported())

    def answer(self, probe: str, text: str | None, finish: FinishReason, usage: Usage, error: str) -> Response:
        """A response of this model."""
        return making.response(probe, self._candidate, self._info, text, finish=finish, usage=usage, error=error)

    def done(self) -> ImportedModel:
        """The record of it."""
        return ImportedModel(
            self._candidate, self._info, tuple(self._responses), tuple(self._scores), dict(self._reported)
        )


def _runs(path: Path) -> list[Path]:
    folder = path.parent if path.is_file() else path
    if (folder / STATE).is_file():
        return [folder]
    found = sorted(file.parent for file in folder.glob(f"*/{STATE}"))
    if not found:
        raise ImportFailed(f"{shown(path)} holds no HELM run.", hint=f"A run's folder has a {STATE}.")
    return found


def _states(folder: Path) -> list[Json]:
    found = read_object(folder / STATE).get("request_states")
    if not isinstance(found, list) or not all(isinstance(one, dict) and "instance" in one for one in found):
        raise ImportFailed(f"{shown(folder / STATE)} has no request_states.", hint="It is of another kind, or damaged.")
    return found


def _values(folder: Path) -> dict[tuple[str, int, str], dict[str, float]]:
    """Instance, trial and perturbation -> metric -> value; a metric without a count has none."""
    rows = read_json(folder / "per_instance_stats.json")
    found = {}
    for row in rows:
        perturbation = row.get("perturbation") or {}
        key = (str(row["instance_id"]), int(row.get("train_trial_index", 0)), str(perturbation.get("name") or ""))
        found[key] = {stat["name"]["name"]: stat["mean"] for stat in row["stats"] if stat.get("count")}
    return found


def _key(state: Json) -> tuple[str, int, str]:
    return str(state["instance"].get("id")), int(state.get("train_trial_index", 0)), _perturbation(state["instance"])


def _perturbation(instance: Json) -> str:
    return str((instance.get("perturbation") or {}).get("name") or "")


def _grouped(states: list[Json]) -> dict[tuple[str, int, str], list[Json]]:
    """The requests of each item: one, or one for each reference where references are scored by themselves."""
    found: dict[tuple[str, int, str], list[Json]] = {}
    for state in states:
        found.setdefault(_key(state), []).append(state)
    return found


def _probe(states: list[Json], run: _Run) -> Probe:
    state = states[0]
    identity, trial, perturbation = _key(state)
    request = state["request"]
    messages = request.get("messages")
    parts = [run.scenario, identity, f"trial{trial}" if trial else "", perturbation]
    return Probe(
        id=making.name("/".join(part for part in parts if part)),
        category=run.category(state),
        expect=_expect(state, run.metric),
        messages=tuple(Message(turn["role"], str(turn["content"])) for turn in messages) if messages else None,
        prompt=None if messages else str(request.get("prompt") or " "),
        generation=_generation(request),
        group=making.name(f"{run.scenario}/{identity}") if trial or perturbation else None,
        source=f"HELM scenario {run.scenario}",
    )


def _expect(state: Json, metric: str) -> dict[str, Any]:
    """What our own scorers can hold a reply against; in the imported run HELM's verdict stands."""
    references = state["instance"].get("references") or []
    right = [str(one["output"]["text"]) for one in references if "correct" in (one.get("tags") or [])]
    mapping = state.get("output_mapping") or {}
    letters = [letter for letter, text in mapping.items() if text in right]
    if letters:
        options = [str(letter) for letter in mapping]
        if len(letters) == 1 and len(options) > 1:
            return {"type": "choice", "options": options, "value": letters[0], "letters": False}
        return {"type": "any_of", "values": letters, "whole_word": True}
    if right and all(right):
        return {"type": "filtered_match", "values": right, "filters": [{"function": "remove_whitespace"}]}
    return {"type": "rubric", "rubric": f"HELM's {metric}"}


def _generation(request: Json) -> Generation:
    stops = tuple(str(one) for one in request.get("stop_sequences") or [] if one)
    temperature = request.get("temperature")
    return Generation(
        max_tokens=max(1, min(int(request.get("max_tokens") or 1), 1_000_000)),
        stop=stops,
        multiline="\n" not in stops,
        temperature=float(temperature) if isinstance(temperature, int | float) and temperature >= 0 else None,
    )


def _response(states: list[Json], probe: Probe, _name: str, model: _Model) -> Response:
    """The first completion; where each reference was scored by itself there is none, only HELM's verdict."""
    state = states[0]
    result = state.get("result") or {}
    completions = result.get("completions") or []
    error = str(result.get("error") or "") if result.get("success") is False else ""
    if len(states) > 1:
        return model.answer(probe.id, "", "unknown", Usage(), error)
    text = str(completions[0].get("text", "")) if completions else None
    reason = (completions[0].get("finish_reason") or {}).get("reason") if completions else None
    finish: FinishReason = "length" if reason == "length" else "stop" if reason in ("stop", "endoftext") else "unknown"
    tokens = len(completions[0].get("tokens") or []) if completions else 0
    return model.answer(probe.id, text, finish, Usage(completion_tokens=tokens or None), error)


def _matches(seen: Sighting) -> bool:
    if seen.folder:
        return STATE in seen.names or any(True for _ in seen.path.glob(f"*/{STATE}"))
    return seen.path.name == STATE


IMPORTER = Importer("a HELM run", _matches, read_helm)
