"""lm-evaluation-harness results (`lm_eval --log_samples`) into a run: `samples_TASK_TIME.jsonl`, `results_TIME.json`.

Read are the layouts of 0.4.0 and later: `arguments` as a list of lists or as `gen_args_0: {arg_0, ...}`,
log-likelihoods as numbers or as texts, several filters as rows of their own. The verdict is the row's own metric;
nothing is scored again.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from weakspot.errors import ImportFailed
from weakspot.exchange import making
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.lm_eval_rows import Row, Settings, answer, probe_of
from weakspot.exchange.reading import json_lines, read_object, shown
from weakspot.records import Candidate, Imported, ImportedModel, ModelInfo, Probe, Response, Score

TOOL = "lm-eval"
NAME = re.compile(r"samples_(?P<task>.+?)_(?P<time>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.jsonl?")
LIKED = ("acc", "exact_match", "acc_norm")
"""Metrics that are a verdict on an item, the first of them first."""


def read_lm_eval_samples(path: Path, asked: Asked) -> Imported:
    """One task's samples, or all of a folder's: a model's, or one folder for each model.

    Args:
        path: a samples file (its results file is looked for beside it), or the folder of `--output_path`.
        asked: `task` takes one of several tasks, `model` names the model where no results file does, `metric` names the
            verdict (`acc_norm`; `exact_match,flexible-extract` where there are several filters).

    Raises:
        ImportFailed: there are no samples, or rows that can't be read.
    """
    files = _files(path, asked.task)
    probes: dict[str, Probe] = {}
    models: dict[str, _Model] = {}
    notes: list[str] = []
    for file in files:
        task, results = _task(file), _results(file, notes)
        settings = Settings(task, results, asked.metric)
        named = asked.model if asked.model and len({f.parent for f in files}) == 1 else _model_name(results, file)
        model = models.setdefault(named, _Model(named, results))
        for row in _rows(file, settings, notes):
            known = probes.setdefault(row.probe, probe_of(row, settings))
            model.add(row, settings, asked.threshold, known)
        model.state(settings)
    made = _distinct(tuple(model.done() for model in models.values()))
    version = next((model.version for model in models.values() if model.version), "")
    suite = ", ".join(dict.fromkeys(_task(file) for file in files))
    return Imported(TOOL, version, making.name(suite), tuple(probes.values()), made, tuple(dict.fromkeys(notes)))


class _Model:
    """One model's answers while they are gathered."""

    def __init__(self, named: str, results: Mapping[str, Any]) -> None:
        self.version = str(results.get("lm_eval_version") or "")
        self._candidate = making.candidate(TOOL, named)
        self._info = _info(self.version, results)
        self._responses: list[Response] = []
        self._scores: list[Score] = []
        self._reported: dict[str, float] = {}

    def add(self, row: Row, settings: Settings, threshold: float | None, probe: Probe) -> None:
        """One row."""
        if probe.prompt is not None and row.prompt != probe.prompt:
            raise ImportFailed(
                f"Item {probe.id} was asked with another context of the other model.",
                hint="Their number or draw of solved examples differs; import them one by one.",
            )
        reply = answer(row, settings)
        response = making.response(probe.id, self._candidate, self._info, reply.text)
        response = msgspec.structs.replace(response, replies=(reply,))
        value = row.values.get(settings.metric)
        verdict = making.passed(value, threshold)
        verdict = None if verdict is None else verdict is settings.higher_is_better
        scorer = f"{TOOL}:{settings.metric}"
        told = f"lm-eval gives {settings.metric} {value!r}{settings.through}." + settings.picked(row)
        score = making.score(response, scorer, verdict, told[:400], rule=settings.metric + settings.through)
        if row.likelihoods:  # the text is the choice's, not the model's own words: it has no stance
            score = msgspec.structs.replace(score, reply_class="answered")
        self._responses.append(response)
        self._scores.append(score)

    def state(self, settings: Settings) -> None:
        """What the results file says of a task; the metric that decides is held against our counts."""
        for key, value in settings.stated.items():
            held = key == f"{settings.metric},{settings.filter}"
            what = "share passed" if settings.higher_is_better else "share failed"
            label = f"{what} in {making.name(settings.task)}: {key}" if held else f"{settings.task} {key}"
            self._reported[label] = value

    def done(self) -> ImportedModel:
        return ImportedModel(
            self._candidate, self._info, tuple(self._responses), tuple(self._scores), dict(self._reported)
        )


def _files(path: Path, task: str) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted(file for pattern in ("samples_*.jsonl", "*/samples_*.jsonl") for file in path.glob(pattern))
    newest: dict[tuple[Path, str], Path] = {}
    for file in found:
        if task in ("", _task(file)):
            newest[file.parent, _task(file)] = file  # sorted by time: the last one wins
    if not newest:
        there = ", ".join(sorted({_task(file) for file in found})) or "none"
        raise ImportFailed(
            f"{shown(path)} holds no samples{f' of {shown(task)}' if task else ''}; there is: {shown(there)}.",
            hint="lm_eval writes them with --log_samples --output_path DIR.",
        )
    return list(newest.values())


def _task(file: Path) -> str:
    found = NAME.fullmatch(file.name)
    return found["task"] if found else file.stem.removeprefix("samples_")


def _results(file: Path, notes: list[str]) -> dict[str, Any]:
    """The results file of the same run, told by its time; without one there is no model's name and no version."""
    found = NAME.fullmatch(file.name)
    beside = file.parent / f"results_{found['time']}.json" if found else None
    if beside is None or not beside.is_file():
        candidates = sorted(file.parent.glob("results*.json"))
        if len(candidates) != 1:
            notes.append(f"There is no results file beside {file.name}: version, filters and figures are unknown.")
            return {}
        beside = candidates[0]
    return read_object(beside)


def _model_name(results: Mapping[str, Any], file: Path) -> str:
    config = results.get("config")
    arguments = config.get("model_args") if isinstance(config, dict) else None
    if isinstance(arguments, str):
        arguments = dict(part.split("=", 1) for part in arguments.split(",") if "=" in part)
    if isinstance(arguments, dict):
        named = arguments.get("pretrained") or arguments.get("model")
        if named:
            return str(named)
    return str(results.get("model_name") or (file.parent.name if NAME.fullmatch(file.name) else making.UNNAMED))


def _info(version: str, results: Mapping[str, Any]) -> ModelInfo:
    config = results.get("config")
    config = config if isinstance(config, dict) else {}
    dtype = config.get("model_dtype") or (config.get("model_args") or {}) if config else ""
    if isinstance(dtype, dict):
        dtype = dtype.get("dtype", "")
    seed = config.get("random_seed")
    return making.info(
        TOOL,
        version,
        dtype=making.name(dtype, "") if isinstance(dtype, str) else "",
        template_sha256=str(results.get("chat_template_sha") or ""),
        system=results.get("system_instruction") if isinstance(results.get("system_instruction"), str) else None,
        sampler=config["gen_kwargs"] if isinstance(config.get("gen_kwargs"), dict) else {},
        seed=seed if isinstance(seed, int) else None,
    )


def _rows(file: Path, settings: Settings, notes: list[str]) -> Iterator[Row]:
    """The rows of the filter that decides; the first one met where none was asked for."""
    others: set[str] = set()
    for number, raw in json_lines(file):
        where = f"line {number} of {shown(file)}"
        if "resps" not in raw or "arguments" not in raw:
            raise ImportFailed(f"{where[:1].upper()}{where[1:]} is no sample of lm-eval's.", hint="It has no resps.")
        row = Row.of(raw, settings.task, where)
        settings.settle(row, LIKED, where)
        if row.filter == settings.filter:
            yield row
        else:
            others.add(row.filter)
    if others:
        notes.append(
            f"Of {settings.task} the filter {settings.filter} is taken; left out: {', '.join(sorted(others))}."
        )
    if settings.others:
        notes.append(f"The verdict of {settings.task} is {settings.metric}; left out: {', '.join(settings.others)}.")


def _distinct(models: Sequence[ImportedModel]) -> tuple[ImportedModel, ...]:
    """Two models may end in the same name (`a/chat`, `b/chat`): then the whole of it is the name."""
    short = [model.candidate.name for model in models]
    if len(set(short)) == len(short):
        return tuple(models)
    return tuple(_renamed(model) for model in models)


def _renamed(model: ImportedModel) -> ImportedModel:
    full: Candidate = msgspec.structs.replace(model.candidate, name=model.candidate.model)
    return msgspec.structs.replace(
        model,
        candidate=full,
        responses=tuple(msgspec.structs.replace(one, candidate=full.name) for one in model.responses),
        scores=tuple(msgspec.structs.replace(one, candidate=full.name) for one in model.scores),
    )


def _matches(seen: Sighting) -> bool:
    if seen.folder:
        found = any(NAME.fullmatch(name) for name in seen.names)
        return found or any(NAME.fullmatch(file.name) for file in seen.path.glob("*/samples_*.jsonl"))
    return (seen.lines and {"doc_id", "resps", "arguments"} <= seen.first.keys()) or (
        seen.mentions("doc_id", "resps", "filtered_resps")
    )


IMPORTER = Importer("lm-evaluation-harness samples", _matches, read_lm_eval_samples)
