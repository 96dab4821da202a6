"""A finished run in Weights & Biases: configuration, tables, metrics, and the report as an artifact.

Offline unless asked otherwise: the run is written to a folder, no account is needed, and `wandb sync FOLDER` uploads it
later. With mode=online wandb itself finds the key (WANDB_API_KEY or `wandb login`); it is neither read nor kept here.
What wandb would add by itself - the machine's name, the command line, git, code, console output - is turned off.

Options: project (weakspot), entity, name, mode (offline or online).
"""

import contextlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from weakspot.errors import MissingExtra, NotARun, UsageError
from weakspot.exchange.exporting import Exported, Exporter, expected_text, prompt_text
from weakspot.records import Rate, Summary, from_json, to_builtins
from weakspot.store.run import RunStore

OPTIONS = ("project", "entity", "name", "mode")
LONGEST = 10_000
"""Characters of a prompt or a reply in a table."""
MOST_ROWS = 10_000
"""wandb keeps no more rows of a table."""
CATEGORIES = ("candidate", "category", "n", "failed", "rate", "low", "high", "unscored", "uninformative", "severity")
FAILURES = ("candidate", "probe", "category", "severity", "reply_class", "reason", "prompt", "expected", "reply")
COMPARISONS = ("a", "b", "category", "n", "difference", "low", "high", "p_adjusted", "shown", "verdict")
REPORT = ("report.html", "report.md", "summary.json")


def write(run: Exported, folder: Path, target: Path, options: Mapping[str, str]) -> list[Path]:
    """Log a run and give the folders that were written (mode online: nothing stays here but wandb's own copy).

    Raises:
        MissingExtra: wandb is not installed.
        UsageError: an option is unknown, or wandb refuses it.
    """
    wandb = _library()
    asked = _checked(options)
    summary = _summary(folder)
    target.mkdir(parents=True, exist_ok=True)
    before = set(_runs(target))
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            logged = wandb.init(
                project=asked.get("project", "weakspot"),
                entity=asked.get("entity"),
                name=asked.get("name", f"weakspot-{run.run_id}"),
                mode=asked.get("mode", "offline"),
                dir=str(target),
                config=_config(run),
                job_type="weakspot",
                reinit="create_new",
                settings=_settings(wandb),
            )
            try:
                _log(wandb, logged, run, summary, folder)
            finally:
                logged.finish()
                if wandb.run is None:  # its service writes the last block when it ends; a user's own run keeps it alive
                    wandb.teardown()
    except Exception as error:  # noqa: BLE001 - wandb raises of many kinds: its settings, its service, the network
        raise UsageError(
            f"wandb refused: {type(error).__name__}: {_one_line(error)}",
            hint="Without an account leave mode out: what is written offline goes up later by `wandb sync`.",
        ) from None
    return [path for path in _runs(target) if path not in before]


def _library() -> Any:
    try:
        import wandb
    except ImportError as error:
        raise MissingExtra("This export needs the package wandb.", hint='pip install "weakspot[wandb]"') from error
    library: Any = wandb
    return library


def _settings(wandb: Any) -> Any:
    """Nothing of this machine or its user beside what is logged on purpose."""
    return wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        disable_code=True,
        disable_job_creation=True,
        host="",
        program="weakspot",
        x_disable_meta=True,
        x_disable_stats=True,
        x_disable_machine_info=True,
    )


def _checked(options: Mapping[str, str]) -> dict[str, str]:
    for name, value in options.items():
        if name not in OPTIONS:
            raise UsageError(f"There is no option {name!r} for wandb.", hint=f"Known: {', '.join(OPTIONS)}.")
        if not value.strip():
            raise UsageError(f"The option {name} is empty.", hint=f"Like {name}=something.")
    if options.get("mode", "offline") not in ("offline", "online"):
        raise UsageError(f"There is no mode {options['mode']!r}.", hint="offline or online.")
    return dict(options)


def _summary(folder: Path) -> Summary:
    with RunStore.open(folder) as store:
        raw = store.meta("summary")
    if raw is None:
        raise NotARun(f"The run in {folder} was stopped before its end.", hint=f"Go on: weakspot resume {folder}")
    return from_json(raw, Summary)


def _config(run: Exported) -> dict[str, Any]:
    return {
        "weakspot": run.weakspot,
        "run_id": run.run_id,
        "suite": run.suite,
        "created": run.created,
        "candidates": {
            one.name: {
                "reference": one.reference,
                "kind": one.kind,
                "options": one.options,
                "provenance": to_builtins(run.infos[one.name].provenance) if one.name in run.infos else None,
            }
            for one in run.candidates
        },
    }


def _log(wandb: Any, logged: Any, run: Exported, summary: Summary, folder: Path) -> None:
    names = [one.name for one in run.candidates if one.name in summary.models]
    tables = {
        "categories": (CATEGORIES, _categories(summary, names)),
        "failures": (FAILURES, _failures(run)),
        "comparisons": (COMPARISONS, _comparisons(summary, names)),
    }
    logged.log({title: _table(wandb, columns, rows) for title, (columns, rows) in tables.items()})
    for name in names:
        for key, value in _metrics(summary, name):
            logged.summary[f"{name}/{key}"] = value
    artifact = wandb.Artifact(f"weakspot-{run.run_id or 'run'}", type="report")
    for file in REPORT:
        if (folder / file).is_file():
            artifact.add_file(str(folder / file), name=file)
    logged.log_artifact(artifact)


def _table(wandb: Any, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> Any:
    """A table whose columns may hold any mixture: a missing rate is empty, and never a number."""
    data = [list(row) for _, row in zip(range(MOST_ROWS), rows, strict=False)]
    return wandb.Table(columns=list(columns), data=data, allow_mixed_types=True)


def _categories(summary: Summary, names: list[str]) -> Iterator[tuple[Any, ...]]:
    for name in names:
        model = summary.models[name]
        for category, rate in {"(all)": model.pooled, **model.categories}.items():
            yield name, category, *_rate(rate), rate.unscored, rate.uninformative, rate.mean_severity


def _rate(rate: Rate) -> tuple[Any, ...]:
    return rate.n, rate.failed, rate.rate, rate.low, rate.high


def _failures(run: Exported) -> Iterator[tuple[Any, ...]]:
    for name, outcomes in run.outcomes.items():
        for one in outcomes:
            if one.failed and one.score is not None:
                texts = prompt_text(one.probe), expected_text(one.probe), one.reply or ""
                yield (
                    *(name, one.probe.id, one.probe.category, one.score.severity, one.score.reply_class, one.reason),
                    *(text[:LONGEST] for text in texts),
                )


def _comparisons(summary: Summary, names: list[str]) -> Iterator[tuple[Any, ...]]:
    for pair in summary.comparisons:
        if pair.a in names and pair.b in names:
            for category, found in {"(all)": pair.pooled, **pair.categories}.items():
                numbers = found.n, found.difference, found.low, found.high, found.p_adjusted
                yield pair.a, pair.b, category, *numbers, found.shown, found.verdict


def _metrics(summary: Summary, name: str) -> Iterator[tuple[str, Any]]:
    """One candidate's numbers; what is missing is left out."""
    model = summary.models[name]
    pooled = model.pooled
    found = {
        "failure_rate": pooled.rate,
        "failure_rate_low": pooled.low,
        "failure_rate_high": pooled.high,
        "n": pooled.n,
        "failed": pooled.failed,
        "unscored": pooled.unscored,
        "prompt_tokens": model.prompt_tokens,
        "completion_tokens": model.completion_tokens,
        "wall_s": model.wall_s,
        "latency_p50_s": model.latency_p50_s,
    }
    found |= {f"failure_rate/{category}": rate.rate for category, rate in model.categories.items()}
    yield from ((key, value) for key, value in found.items() if value is not None)


def _runs(target: Path) -> list[Path]:
    return sorted(path for path in (target / "wandb").glob("*run-*") if path.is_dir() and not path.is_symlink())


def _one_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:200]


EXPORTER = Exporter(title="Weights & Biases", write=write)
