"""`weakspot.export`: a finished run in another tool's form."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from weakspot import registry
from weakspot.api.evidence import saved
from weakspot.errors import NotARun, UsageError
from weakspot.exchange.exporting import Exported, Exporter, Outcome
from weakspot.records import ModelInfo, Probe, Rating, Response, Score, from_json
from weakspot.rendering.files import write_atomic
from weakspot.runs.compare import Sheet
from weakspot.runs.plan import Plan
from weakspot.store.run import RunStore
from weakspot.version import __version__


class ExportResult(msgspec.Struct, frozen=True):
    """What was written: the format, the files, and the text itself where it is one for a log (`printed`)."""

    to: str
    files: tuple[str, ...]
    printed: str = ""


def export(
    run: str | Path,
    to: str,
    *,
    out: str | Path | None = None,
    candidate: str | None = None,
    options: Mapping[str, str] | None = None,
) -> ExportResult:
    """Write a finished run in another tool's form.

    Args:
        run: the run folder.
        to: the form: lm-eval, inspect, junit, csv, sarif, github, wandb, or one that a plugin brings.
        out: a folder; or a file, where there is one to write. By default `exports/TO` in the run folder.
        candidate: write this candidate only; by default all.
        options: what a form takes beside these; wandb: project, entity, name, mode (offline, online).

    Returns:
        The files that were written. Without `out`, GitHub annotations are only in `printed`.

    Raises:
        UsageError: there is no such form or candidate, or several files would go into one.
        NotARun, RunSchemaMismatch: the folder holds no finished run.
        DiskFull: there is no room for the files.
    """
    exporter: Exporter = registry.load("exporters", to)
    place = Path(run).expanduser()
    if exporter.write is not None:
        target = place / "exports" / to if out is None else Path(out).expanduser()
        written = exporter.write(read_run(place, candidate), place, target, options or {})
        return ExportResult(to, tuple(map(str, written)))
    if options:
        raise UsageError(f"The form {to} takes no options.", hint="Leave them out.")
    made = list(exporter.files(read_run(place, candidate)))
    if exporter.printed and out is None:
        return ExportResult(to, (), b"".join(data for _, data in made).decode())
    target = place / "exports" / to if out is None else Path(out).expanduser()
    if target.suffix and not target.is_dir():
        if len(made) > 1:
            raise UsageError(
                f"{target} is one file, and {len(made)} are to be written.", hint="Name a folder, or one --candidate."
            )
        paths = [(target, made[0][1])]
    else:
        paths = [(target / name, data) for name, data in made]
    try:
        for path, data in paths:
            write_atomic(path, data)
    except OSError as error:
        raise UsageError(f"{target} can't be written: {error.strerror}.", hint="Name another place by --out.") from None
    return ExportResult(to, tuple(str(path) for path, _ in paths))


def read_run(folder: Path, candidate: str | None = None) -> Exported:
    """The records of a finished run, laid out for exporters."""
    with RunStore.open(folder) as store:
        if store.meta("summary") is None:
            raise NotARun(f"The run in {folder} was stopped before its end.", hint=f"Go on: weakspot resume {folder}")
        plan = saved(store, "plan", Plan)
        chosen = [one for one in plan.candidates if candidate in (None, one.name)]
        if not chosen:
            known = ", ".join(one.name for one in plan.candidates)
            raise UsageError(f"The run has no candidate {candidate!r}.", hint=f"It has: {known}.")
        probes = [from_json(row, Probe) for row in store.probes()]
        scores = {(s.probe, s.candidate): s for s in (from_json(row, Score) for row in store.scores())}
        ratings: dict[tuple[str, str], list[Rating]] = {}
        for rating in (from_json(row, Rating) for row in store.ratings()):
            ratings.setdefault((rating.probe, rating.candidate), []).append(rating)
        sheet = Sheet(probes, scores)
        outcomes = {}
        for one in chosen:
            responses = {r.probe: r for r in (from_json(row, Response) for row in store.responses(one.name))}
            outcomes[one.name] = tuple(
                Outcome(
                    probe,
                    responses.get(probe.id),
                    scores.get((probe.id, one.name)),
                    not probe.counted or sheet.informative(probe, one.name),
                    tuple(ratings.get((probe.id, one.name), ())),
                )
                for probe in probes
            )
        return Exported(
            run_id=(store.meta("id") or b"").decode(),
            suite=plan.suite,
            created=plan.created,
            weakspot=__version__,
            candidates=tuple(chosen),
            infos={one.name: saved(store, f"info/{one.name}", ModelInfo) for one in chosen},
            outcomes=outcomes,
        )
