"""The rows behind a task: local files as `datasets` would load them, or, where it is installed, the hub itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weakspot.errors import ImportFailed, MissingExtra
from weakspot.exchange.reading import beside, shown
from weakspot.exchange.rows import file_rows

LOCAL = ("json", "csv", "parquet")
SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")
Rows = list[dict[str, Any]]
Splits = dict[str, Rows]


def load_splits(config: Mapping[str, Any], task: Path, data: str) -> Splits:
    """The splits that a task names, each a list of rows; only those that could be found.

    Args:
        config: the task's configuration.
        task: its file; names in it are looked for beside it, then in the working folder.
        data: what the user named instead: one file (for the items), `split=FILE,split=FILE`, or a folder of such files.

    Raises:
        ImportFailed: there is no data, or a file can't be read.
        MissingExtra: the rows lie on a hub and `datasets` is not installed.
    """
    if data:
        return _named(data, config)
    source = str(config.get("dataset_path") or "")
    if source in LOCAL:
        return _local(config, task)
    return _hub(config, source)


def wanted_splits(config: Mapping[str, Any]) -> tuple[str, str | None]:
    """The split that is asked, and the one that solved examples come from (None: the same rows), as lm-eval has it."""
    asked = config["test_split"] or config["validation_split"]
    if not asked:
        raise ImportFailed(f"The task {shown(config['task'])} names no test or validation split.", hint="Name one.")
    shots = config["fewshot_split"] or config["training_split"] or config["validation_split"] or config["test_split"]
    return str(asked), None if shots == asked else shots


def _named(data: str, config: Mapping[str, Any]) -> Splits:
    path = Path(data).expanduser()
    if path.is_dir():
        found = {}
        for file in sorted(path.iterdir()):
            if file.suffix.lower() in SUFFIXES:
                found[file.name.partition(".")[0].partition("-")[0]] = file_rows(file)
        if not found:
            raise ImportFailed(f"{shown(data)} holds no file of rows.", hint="Name them by split: test.jsonl, ...")
        return found
    if "=" in data and not path.exists():
        pairs = [part.partition("=") for part in data.split(",")]
        return {split.strip(): file_rows(Path(file).expanduser()) for split, _, file in pairs}
    return {wanted_splits(config)[0]: file_rows(path)}


def _local(config: Mapping[str, Any], task: Path) -> Splits:
    options = config.get("dataset_kwargs")
    files = options.get("data_files") if isinstance(options, dict) else None
    if not files:
        raise ImportFailed(f"The task {shown(config['task'])} names no data_files.", hint="Name them: --data FILE")
    field = options.get("field") if isinstance(options, dict) else None
    by_split = files if isinstance(files, dict) else {"train": files}
    found: Splits = {}
    for split, names in by_split.items():
        paths = [_beside(str(name), task) for name in (names if isinstance(names, list) else [names])]
        found[str(split)] = [row for path in paths for row in file_rows(path, field=field)]
    return found


def _beside(name: str, task: Path) -> Path:
    """A data file beside the task or under the working folder; nowhere else, since a task file is not to be trusted."""
    if "://" in name:
        raise ImportFailed(f"The data {shown(name)} lies on a network.", hint="Fetch it, then: --data FILE")
    for folder in (task.parent, Path.cwd()):
        try:
            path = beside(folder, name)
        except ImportFailed:
            continue
        if path.is_file():
            return path
    beside(task.parent, name)
    raise ImportFailed(f"The data file {shown(name)} is not there.", hint="Name it: --data FILE")


def _hub(config: Mapping[str, Any], source: str) -> Splits:
    """The data set from its hub, where the package and a network are there; code of a data set is never run."""
    hint = "Export the split you want as JSONL, CSV or Parquet and name it: --data FILE"
    try:
        import datasets  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise MissingExtra(
            f"The task's data set {shown(source)!r} lies on a hub, which needs the package datasets.",
            hint=f"{hint}; or: pip install datasets",
        ) from None
    try:
        loaded = datasets.load_dataset(source, config.get("dataset_name"))
        return {str(split): [dict(row) for row in rows] for split, rows in loaded.items()}
    except Exception as error:
        reason = str(error).partition("\n")[0][:200]
        raise ImportFailed(f"The data set {shown(source)!r} can't be loaded: {shown(reason)}.", hint=hint) from error
