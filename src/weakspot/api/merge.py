"""Finished runs held against each other: the same items, other candidates; nothing is asked or scored again."""

import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from weakspot.api.conclude import count_up
from weakspot.api.evidence import saved
from weakspot.api.opening import environment
from weakspot.api.report import report
from weakspot.api.result import RunResult
from weakspot.errors import NotARun, UsageError
from weakspot.records import Candidate, Probe, Rating, Response, Score, from_json, to_json
from weakspot.runs.plan import Plan, probes_hash
from weakspot.store.run import FILE, RunStore

CARRIED = ("info", "card", "card-missing", "seconds", "sensitivity")
"""What a run keeps by candidate, beside responses and scores; the key is followed by the candidate's name."""

NOTES = ("import-notes", "notes")
"""What an import or an earlier merge had to say of a run; it holds for every run made of it."""


@dataclass(frozen=True, slots=True)
class Source:
    """One finished run: where it is, its plan, its probes by id, and what its own report has to say of it."""

    folder: Path
    plan: Plan
    probes: dict[str, Probe]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One candidate of the new run: which run it comes from, its name there, and what it is called here."""

    source: Source
    old: str
    candidate: Candidate


def is_run(reference: str) -> bool:
    """Whether a reference names a run folder rather than a model."""
    try:
        return (Path(reference).expanduser() / FILE).is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def merge(folders: Sequence[str], *, out: str | Path | None = None, baseline: str | None = None) -> RunResult:
    """Compare the candidates of finished runs, Weakspot's own or imported ones, on the items that all of them hold.

    Args:
        folders: run folders. Candidates of equal names get their folder's name behind theirs.
        out: the new run folder; by default one under `runs/`.
        baseline: a candidate's name; each of the others is held against it.

    Raises:
        UsageError: fewer than two candidates, no item in common, or no candidate of the baseline's name.
        NotARun, RunSchemaMismatch: a folder holds no finished run.
    """
    sources = [_source(Path(folder).expanduser()) for folder in dict.fromkeys(folders)]
    columns = _columns(sources)
    shared, left_out = _shared(sources)
    _check(columns, shared, baseline)
    plan = Plan(
        suite=" + ".join(dict.fromkeys(source.plan.suite for source in sources)),
        quick=any(source.plan.quick for source in sources),
        candidates=tuple(column.candidate for column in columns),
        probes=len(shared),
        probes_sha256=probes_hash(shared),
        use_cache=False,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join(["weakspot", "compare", *folders, *(["--baseline", baseline] if baseline else [])]),
        origin="; ".join(dict.fromkeys(source.plan.origin or "Weakspot" for source in sources)),
        baseline=baseline or "",
    )
    place = Path(out).expanduser() if out is not None else _folder()
    meta = {"plan": to_json(plan), "environment": to_json(environment()), "id": secrets.token_hex(4).encode()}
    meta["notes"] = to_json(_notes(sources, columns, left_out))
    with RunStore.create(place, meta, [(probe.id, to_json(probe)) for probe in shared]) as store:
        for column in columns:
            _copy(column, store, {probe.id for probe in shared})
        count_up(store, plan, shared)
    return report(place)


def _source(folder: Path) -> Source:
    with RunStore.open(folder) as store:
        if store.meta("summary") is None:
            raise NotARun(f"The run in {folder} was stopped before its end.", hint=f"Go on: weakspot resume {folder}")
        probes = [from_json(row, Probe) for row in store.probes()]
        notes = tuple(n for key in NOTES if (raw := store.meta(key)) is not None for n in from_json(raw, list[str]))
        return Source(folder, saved(store, "plan", Plan), {probe.id: probe for probe in probes}, notes)


def _columns(sources: Sequence[Source]) -> list[Column]:
    names = [candidate.name for source in sources for candidate in source.plan.candidates]
    columns = []
    for source in sources:
        for candidate in source.plan.candidates:
            twice = names.count(candidate.name) > 1
            name = f"{candidate.name} ({source.folder.resolve().name})" if twice else candidate.name
            columns.append(Column(source, candidate.name, msgspec.structs.replace(candidate, name=name)))
    made = [column.candidate.name for column in columns]
    for name in made:
        if made.count(name) > 1:
            raise UsageError(f"Two candidates would be called {name!r}.", hint="Rename one of the run folders.")
    return columns


def _shared(sources: Sequence[Source]) -> tuple[list[Probe], int]:
    """The probes that all runs hold with the same question and expectation, and how many share only the id."""
    first, *others = sources
    same, changed = [], 0
    for name, probe in first.probes.items():
        found = [other.probes.get(name) for other in others]
        if all(twin is not None and _asks(twin) == _asks(probe) for twin in found):
            same.append(probe)
        elif all(twin is not None for twin in found):
            changed += 1
    return same, changed


def _asks(probe: Probe) -> object:
    return probe.category, probe.messages, probe.prompt, probe.expect, probe.arm


def _check(columns: Sequence[Column], shared: Sequence[Probe], baseline: str | None) -> None:
    names = [column.candidate.name for column in columns]
    if len(names) < 2:
        raise UsageError("A comparison needs two candidates; these runs hold one.", hint="Name another run folder.")
    if not shared:
        raise UsageError(
            "These runs have no item in common: none has the same id, question and expectation in all of them.",
            hint="Runs can be compared that put their candidates to the same suite.",
        )
    if baseline and baseline not in names:
        raise UsageError(f"There is no candidate {baseline!r} in these runs.", hint=f"There are: {', '.join(names)}.")


def _notes(sources: Sequence[Source], columns: Sequence[Column], left_out: int) -> list[str]:
    said = []
    for source in sources:
        names = ", ".join(column.candidate.name for column in columns if column.source is source)
        said.append(f"From the run in {source.folder.name}: {names}.")
    said += [
        f"The verdicts in {source.folder.name} are those of {source.plan.origin}, taken as they stand."
        for source in sources
        if source.plan.origin
    ]
    said += [f"{source.folder.name}: {note}" for source in sources for note in source.notes]
    if left_out:
        said.append(f"{left_out} items have the same id but another question or expectation; they were left out.")
    return said


def _copy(column: Column, store: RunStore, wanted: set[str]) -> None:
    """One candidate's part of a run, under its new name."""
    old, new = column.old, column.candidate.name
    with RunStore.open(column.source.folder) as source:
        responses = [r for row in source.responses(old) if (r := from_json(row, Response)).probe in wanted]
        renamed = [msgspec.structs.replace(response, candidate=new) for response in responses]
        store.add_responses([(response.probe, new, True, to_json(response)) for response in renamed])
        scores = [from_json(row, Score) for row in source.scores()]
        kept = [msgspec.structs.replace(s, candidate=new) for s in scores if s.candidate == old and s.probe in wanted]
        store.set_scores([(score.probe, new, to_json(score)) for score in kept])
        ratings = [from_json(row, Rating) for row in source.ratings()]
        mine = [msgspec.structs.replace(r, candidate=new) for r in ratings if r.candidate == old and r.probe in wanted]
        if mine:
            store.add_ratings([(rating.rater, rating.probe, new, to_json(rating)) for rating in mine])
        store.add_pieces(new, [(token, data, kind) for token, (data, kind) in source.pieces(old).items()])
        for key in CARRIED:
            if (value := source.meta(f"{key}/{old}")) is not None:
                store.set_meta(f"{key}/{new}", value)


def _folder() -> Path:
    return Path("runs") / f"{datetime.now(UTC).strftime('%Y%m%d-%H%M%S')}-merged"
