"""lm-evaluation-harness task files (YAML) into probes that ask exactly what lm-eval asks.

multiple_choice   expect likelihood: the choices' log-likelihoods are compared (acc, acc_norm)
generate_until    expect filtered_match: lm-eval's filters and exact_match
loglikelihood     the target must be what the model itself goes on with (lm-eval's acc is "is greedy")
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from weakspot.errors import ImportFailed
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.lm_eval_config import Config, looks_like_task, read_task
from weakspot.exchange.lm_eval_data import load_splits, wanted_splits
from weakspot.exchange.lm_eval_filters import expectation
from weakspot.exchange.lm_eval_render import rendered
from weakspot.exchange.making import name
from weakspot.exchange.reading import shown
from weakspot.records import Generation, Imported, Probe

TOOL = "lm-eval"
GENERATED = 256
"""lm-eval's own max_gen_toks where a task says nothing (`lm_eval/defaults.py`)."""
LONGEST_CONTINUATION = 256
Item = Mapping[str, Any]


def read_lm_eval_task(path: Path, asked: Asked) -> Imported:
    """A task file's items as probes, prompts letter for letter as lm-eval builds them without a chat template.

    Args:
        path: the YAML file.
        asked: `data` names a local export of the task's data set, `few_shot` how many solved examples stand before each
            item (lm_eval's --num_fewshot), `metric` which of the task's metrics decides.

    Raises:
        ImportFailed, MissingExtra: see `lm_eval_config`, `lm_eval_data` and `lm_eval_render`.
    """
    config = read_task(path)
    notes = _few_shot(config, asked.few_shot)
    splits = load_splits(config, path, asked.data)
    split, shots = wanted_splits(config)
    docs = _split(splits, split, config)
    pool = _pool(splits, shots or split, config)
    items = rendered(config, docs, pool, list(docs[0]))
    probes = []
    blank = 0
    verdict = expectation(config, asked.metric, path)
    for number, item in enumerate(items):
        if not item["prompt"]:
            raise ImportFailed(
                f"Item {number} of {shown(path)} has an empty context, which no chat or completion can be asked.",
                hint="Run lm_eval itself and import its samples_*.jsonl.",
            )
        if "" in (item["choices"] or ()) and config["output_type"] == "multiple_choice":
            blank += 1  # it has no token whose likelihood could be asked
            continue
        probes.append(_probe(config, number, item, verdict.expect(item)))
    if blank:
        notes.append(
            f"{blank} of {len(items)} items have an empty choice, which has no likelihood; they were left out."
        )
    version = _version(config)
    return Imported(TOOL, "", name(config["task"]), tuple(probes), notes=(*notes, *verdict.notes, *version))


def _few_shot(config: Config, asked: int | None) -> list[str]:
    """Sets the number of solved examples as lm-eval would with --num_fewshot; a task's own 0 stays."""
    if asked is None or asked == config["num_fewshot"]:
        return []
    if config["num_fewshot"] == 0:
        return ["The task says num_fewshot: 0, which lm-eval does not let --num_fewshot change; neither was it here."]
    config["num_fewshot"] = asked
    return []


def _split(splits: Mapping[str, Sequence[Any]], split: str, config: Config) -> list[dict[str, Any]]:
    if split not in splits:
        there = ", ".join(sorted(splits)) or "none"
        raise ImportFailed(
            f"The task {shown(config['task'])} needs the split {shown(split)!r}; there is: {shown(there)}.",
            hint=f"Name it: --data {shown(split)}=FILE (more splits behind a comma)",
        )
    return list(splits[split])


def _pool(splits: Mapping[str, Sequence[Any]], split: str, config: Config) -> list[dict[str, Any]]:
    """The rows that solved examples are drawn from."""
    if not config["num_fewshot"]:
        return []
    shot = config["shot"]
    samples = shot["samples"]
    if config["fewshot_split"] is None and samples is not None:
        if not isinstance(samples, list) or not all(isinstance(row, dict) for row in samples):
            raise ImportFailed("fewshot_config.samples is no list of rows.", hint="Look at the task's file.")
        return samples
    return _split(splits, split, config)


def _probe(config: Config, number: int, item: Item, expect: dict[str, Any]) -> Probe:
    task = name(config["task"])
    return Probe(
        id=name(f"{task}/{number}"),
        category=task,
        prompt=item["prompt"],
        expect=expect,
        generation=_generation(config, item),
        source=f"lm-eval task {task}",
    )


def _generation(config: Config, item: Item) -> Generation:
    if config["output_type"] == "multiple_choice":
        return Generation(max_tokens=1, multiline=True, temperature=0.0)
    if config["output_type"] == "loglikelihood":
        most = min(LONGEST_CONTINUATION, len(str(item["target"]).encode()) + 1)  # no token is less than a byte
        return Generation(max_tokens=most, multiline=True, temperature=0.0)
    given = config.get("generation_kwargs") or {}
    until = given.get("until", [config["fewshot_delimiter"]])
    sampled = given.get("do_sample", False)
    temperature = float(given.get("temperature", 0.0)) if sampled else 0.0
    return Generation(
        max_tokens=int(given.get("max_gen_toks", given.get("max_new_tokens", GENERATED))),
        stop=tuple(stop for stop in ([until] if isinstance(until, str) else until) if stop),
        multiline=True,
        temperature=temperature,
        top_p=float(given["top_p"]) if sampled and "top_p" in given else None,
    )


def _version(config: Config) -> list[str]:
    found = config.get("metadata")
    version = found.get("version") if isinstance(found, dict) else None
    return [] if version is None else [f"The task's own version is {version}."]


def _matches(seen: Sighting) -> bool:
    yaml = seen.suffix in (".yaml", ".yml") or re.search(r"_yaml$", seen.path.name) is not None
    return not seen.folder and yaml and looks_like_task(seen.text)


IMPORTER = Importer("an lm-evaluation-harness task", _matches, read_lm_eval_task)
