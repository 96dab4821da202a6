"""Which verdict a task asks for: its `metric_list` and `filter_list` as the `expect` of a probe."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from weakspot.errors import ImportFailed
from weakspot.exchange.reading import shown

Config = Mapping[str, Any]
_PLAIN = ("take_first", "take_first_k", "majority_vote")
"""Filters over repeated answers: with one answer they change nothing."""
_DEFAULTS = {"multiple_choice": ["acc", "acc_norm"], "generate_until": ["exact_match"], "loglikelihood": ["acc"]}
"""`lm_eval/api/registry.py`, as far as they are verdicts on an item."""
REGEX = r"#### (\-?[0-9\.\,]+)"


class Verdict(msgspec.Struct, frozen=True):
    """Makes the `expect` of an item (`lm_eval_render`), and what is to be said about it."""

    expect: Callable[[Mapping[str, Any]], dict[str, Any]]
    notes: tuple[str, ...] = ()


def expectation(config: Config, metric: str, path: Path) -> Verdict:
    """The verdict of a task.

    Args:
        config: the task's configuration.
        metric: the metric that decides, with `,FILTER` behind it where a task has several; empty for the first that is
            supported.
        path: the task's file, for errors.

    Raises:
        ImportFailed: none of the task's metrics is supported, or not the one asked for.
    """
    kind = config["output_type"]
    metrics = _metrics(config, path)
    wanted, _, pipeline = metric.partition(",")
    chosen = next((m for m in _DEFAULTS[kind] if m in metrics and wanted in ("", m)), None)
    if chosen is None:
        told = shown(wanted) or ", ".join(shown(one) for one in metrics)
        raise ImportFailed(
            f"{shown(path)}: the metric {told} of a {kind} task is not supported.",
            hint=f"Supported are: {', '.join(_DEFAULTS[kind])}.",
        )
    others = [one for one in metrics if one != chosen]
    notes = [f"The verdict is {chosen}; {', '.join(map(shown, others))} left out."] if others else []
    if kind == "multiple_choice":
        return Verdict(_choice(config, chosen), tuple(notes))
    if kind == "loglikelihood":
        notes.append("acc is taken as: going on greedily, the model writes the target.")
        return Verdict(_greedy(config), tuple(notes))
    steps, more = _pipeline(config, pipeline, path)
    return Verdict(_match(steps, metrics[chosen], path), (*notes, *more))


def _metrics(config: Config, path: Path) -> dict[str, dict[str, Any]]:
    given = config.get("metric_list")
    if given is None:
        return {one: {} for one in _DEFAULTS[config["output_type"]]}
    if not isinstance(given, list) or not all(isinstance(one, dict) and "metric" in one for one in given):
        _wrong(path, "metric_list is no list of metrics")
    return {str(one["metric"]): one for one in given}


def _choice(config: Config, metric: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    def expect(item: Mapping[str, Any]) -> dict[str, Any]:
        gold = item["gold"]
        return {
            "type": "likelihood",
            "choices": item["choices"],
            "value": gold[0] if len(gold) == 1 else gold,
            "delimiter": config["target_delimiter"],
            "normalise": metric == "acc_norm",
        }

    return expect


def _greedy(config: Config) -> Callable[[Mapping[str, Any]], dict[str, Any]]:  # noqa: ARG001 - one form for all three
    def expect(item: Mapping[str, Any]) -> dict[str, Any]:
        target = str(item["target"]).strip()
        return {"type": "regex", "pattern": r"\A\s*" + re.escape(target)}

    return expect


def _match(
    steps: list[dict[str, Any]], metric: Mapping[str, Any], path: Path
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    known = {"metric", "aggregation", "higher_is_better", "hf_evaluate"}
    options = {
        "regexes_to_ignore": "remove",
        "ignore_case": "ignore_case",
        "ignore_punctuation": "ignore_punctuation",
        "ignore_numbers": "ignore_digits",
    }
    if unknown := sorted(set(metric) - known - set(options)):
        _wrong(path, f"exact_match has an option {shown(unknown[0])!r}, which is not supported")
    fixed = {ours: metric[theirs] for theirs, ours in options.items() if metric.get(theirs)}

    def expect(item: Mapping[str, Any]) -> dict[str, Any]:
        target = item["target"]
        values = [str(one) for one in target] if isinstance(target, list) else [str(target)]
        return {"type": "filtered_match", "values": values, "filters": steps, **fixed}

    return expect


def _pipeline(config: Config, wanted: str, path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The filters that decide: the first pipeline, or the one asked for."""
    given = config.get("filter_list")
    if not given:
        return [], []
    pipelines = {str(one.get("name")): one.get("filter") or [] for one in given if isinstance(one, dict)}
    chosen = wanted or next(iter(pipelines), "")
    if chosen not in pipelines:
        _wrong(path, f"there is no filter {shown(chosen)!r}; there is: {shown(', '.join(pipelines))}")
    others = [one for one in pipelines if one != chosen]
    notes = [f"Answers are drawn out by the filter {chosen}; {', '.join(others)} left out."] if others else []
    steps = [_step(step, path) for step in pipelines[chosen]]
    return [step for step in steps if step], notes


def _step(step: Any, path: Path) -> dict[str, Any]:
    """One of lm-eval's filters as a filter of `filtered_match`; empty where it changes nothing."""
    function = step.get("function") if isinstance(step, dict) else None
    if function in _PLAIN:
        return {}
    if function in ("remove_whitespace", "lowercase", "uppercase"):
        return {"function": function}
    if function == "regex":
        fallback = step.get("fallback", "[invalid]")
        pattern = step.get("regex_pattern", REGEX)
        if not isinstance(pattern, str) or not isinstance(fallback, str):
            _wrong(path, "a regex filter's pattern or fallback is no text")
        return {"function": "regex", "pattern": pattern, "select": step.get("group_select", 0), "fallback": fallback}
    if function == "map" and isinstance(step.get("mapping_dict"), dict):
        mapping = {str(key): str(value) for key, value in step["mapping_dict"].items()}
        return {"function": "map", "mapping": mapping, "fallback": str(step.get("default_value"))}
    return _wrong(path, f"the filter {shown(str(function))!r} is not supported")


def _wrong(path: Path, what: str) -> NoReturn:
    raise ImportFailed(
        f"{shown(path)}: {what}.", hint="Run lm_eval itself and import its samples_*.jsonl, which hold its verdicts."
    )
