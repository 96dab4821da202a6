"""lm-evaluation-harness task files: `include`s merged, the safe subset checked, defaults filled in.

What a task file may ask for is in lm-eval's docs/task_guide.md; of it, everything that is data is read, and nothing
that is code: `!function` is refused with its file and line.
"""

from pathlib import Path
from typing import Any, Final, NoReturn

from weakspot.errors import ImportFailed
from weakspot.exchange.reading import beside, shown
from weakspot.exchange.safe_yaml import Tagged, read_yaml

FUNCTION = "!function"
MOST_INCLUDES = 32
KINDS = ("multiple_choice", "generate_until", "loglikelihood")

_SUPPORTED: Final = frozenset(
    {
        "task",
        "task_alias",
        "tag",
        "group",
        "dataset_path",
        "dataset_name",
        "dataset_kwargs",
        "training_split",
        "validation_split",
        "test_split",
        "fewshot_split",
        "doc_to_text",
        "doc_to_target",
        "doc_to_choice",
        "description",
        "target_delimiter",
        "fewshot_delimiter",
        "fewshot_config",
        "num_fewshot",
        "metric_list",
        "output_type",
        "generation_kwargs",
        "repeats",
        "filter_list",
        "should_decontaminate",
        "doc_to_decontamination_query",
        "gen_prefix",
        "metadata",
    }
)
_CODE: Final = {
    "process_docs": "changes the rows by code",
    "process_results": "scores by code",
    "custom_dataset": "makes its rows by code",
    "use_prompt": "takes its prompt from promptsource",
    "doc_to_image": "shows pictures",
    "doc_to_audio": "plays sound",
    "unsafe_code": "runs generated code",
    "class": "is a Python class",
}
_SHOT: Final = (
    "doc_to_text",
    "doc_to_choice",
    "doc_to_target",
    "gen_prefix",
    "fewshot_delimiter",
    "target_delimiter",
)
_KEYS: Final = ("task", "dataset_path", "doc_to_text", "doc_to_target", "doc_to_choice", "output_type", "include")
Config = dict[str, Any]


def looks_like_task(text: str) -> bool:
    """Whether a YAML file's beginning has at least two of a task's own keys at its outer level, or an include."""
    keys = {line.partition(":")[0].strip("\"' ") for line in text.splitlines() if line[:1] not in (" ", "\t", "#", "-")}
    return len(keys & set(_KEYS)) >= 2


def read_task(path: Path) -> Config:
    """A task's configuration with everything that `rendered` and the importer need.

    Raises:
        ImportFailed: it is no task file, includes what it may not, or asks for what is not supported.
    """
    merged = _merged(path, _root(path), ())
    _refuse_code(merged, "")
    if isinstance(merged.get("task"), list):
        raise ImportFailed(f"{shown(path)} is a group of tasks.", hint="Import its tasks one by one.")
    for key, why in _CODE.items():
        if merged.pop(key, None):
            raise ImportFailed(f"{shown(path)} {why} ({key}), which is not supported.", hint=_hint())
    if unknown := sorted(set(merged) - _SUPPORTED - {"task_list"}):
        raise ImportFailed(f"{shown(path)} has a key {shown(unknown[0])!r} that no task file has.", hint=_hint())
    if "doc_to_text" not in merged and "dataset_path" not in merged:
        raise ImportFailed(f"{shown(path)} is no lm-eval task: it has no doc_to_text.", hint=_hint())
    return _filled(merged, path)


def _root(path: Path) -> Path:
    """The folder that a task's includes must lie in: the tree of tasks it stands in, else its own folder."""
    above = path.resolve().parents
    return next((folder for folder in above if folder.name == "tasks"), above[0])


def _merged(path: Path, root: Path, seen: tuple[Path, ...]) -> Config:
    place = path.resolve()
    if place in seen:
        raise ImportFailed(f"{shown(path)} includes itself.", hint="Break the circle of includes.")
    if len(seen) >= MOST_INCLUDES:
        raise ImportFailed(f"{shown(path)} is included more than {MOST_INCLUDES} deep.", hint="Flatten the includes.")
    config = read_yaml(path, tags=(FUNCTION,))
    if not isinstance(config, dict):
        raise ImportFailed(f"{shown(path)} is no lm-eval task: it holds no mapping.", hint=_hint())
    merged: Config = {}
    includes = config.pop("include", [])
    for name in includes if isinstance(includes, list) else [includes]:
        if not isinstance(name, str):
            raise ImportFailed(f"{shown(path)} includes what is no file name: {name!r:.60}.", hint=_hint())
        other = beside(path.parent, name, root=root)
        if not other.is_file():
            raise ImportFailed(f"{shown(path)} includes {shown(name)}, which is not there.", hint="Copy it beside.")
        merged |= _merged(other, root, (*seen, place))
    return merged | config


def _refuse_code(value: Any, key: str) -> None:
    if isinstance(value, Tagged):
        raise ImportFailed(
            f"{shown(value.file)}, line {value.line}: {key or 'a value'} is {FUNCTION} {shown(value.value)}, "
            "which is code and is not run.",
            hint="Write it as a template, or run lm_eval itself and import its samples_*.jsonl.",
        )
    if isinstance(value, dict):
        for name, inner in value.items():
            _refuse_code(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            _refuse_code(inner, key)


def _filled(given: Config, path: Path) -> Config:
    """The configuration with lm-eval's own defaults (`lm_eval/config/task.py`)."""
    config: Config = {
        "description": "",
        "target_delimiter": " ",
        "fewshot_delimiter": "\n\n",
        "output_type": "generate_until",
        "gen_prefix": None,
        "doc_to_choice": None,
        "num_fewshot": None,
        "repeats": 1,
        **dict.fromkeys(("training_split", "validation_split", "test_split", "fewshot_split")),
        **{key: value for key, value in given.items() if value is not None},
    }
    config["task"] = str(config.get("task") or path.stem)
    if config["output_type"] not in KINDS:
        kind = shown(str(config["output_type"]))
        raise ImportFailed(f"{shown(path)} has the output_type {kind}, which is not supported.", hint=_hint())
    for key in ("doc_to_text", "doc_to_target"):
        if key not in config:
            _wrong(path, key, "is missing")
    for key in ("description", "target_delimiter", "fewshot_delimiter"):
        if not isinstance(config[key], str):
            _wrong(path, key, "is no text")
    if config["num_fewshot"] is not None and (
        not isinstance(config["num_fewshot"], int) or not 0 <= config["num_fewshot"] <= 1000
    ):
        _wrong(path, "num_fewshot", "is no number of 0 to 1000")
    config["shot"] = _shot(config, path)
    return config


def _shot(config: Config, path: Path) -> Config:
    """How solved examples are drawn and written: `fewshot_config`, where it says nothing as the items themselves."""
    given = config.pop("fewshot_config", None) or {}
    if not isinstance(given, dict):
        _wrong(path, "fewshot_config", "is no mapping")
    shot = {key: given[key] if given.get(key) is not None else config[key] for key in _SHOT}
    shot["sampler"] = given.get("sampler", "default")
    shot["samples"] = given.get("samples")
    shot["indices"] = given.get("fewshot_indices")
    config["fewshot_split"] = given.get("split") or config["fewshot_split"]
    if shot["sampler"] not in ("default", "first_n"):
        _wrong(path, "fewshot_config.sampler", f"is {shown(str(shot['sampler']))}; default and first_n are supported")
    if given.get("process_docs"):
        _wrong(path, "fewshot_config.process_docs", "changes the rows by code")
    return shot


def _wrong(path: Path, key: str, what: str) -> NoReturn:
    raise ImportFailed(f"{shown(path)}: {key} {what}.", hint=_hint())


def _hint() -> str:
    return "Read: task files of multiple_choice, generate_until and loglikelihood without code."
