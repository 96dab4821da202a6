"""`weakspot.import_results`: another tool's file as a probe file or, where it holds answers, as a finished run."""

import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from weakspot.anatomy.confounds import confounds
from weakspot.api.opening import environment
from weakspot.api.report import report
from weakspot.errors import DiskFull, ImportFailed, UsageError
from weakspot.exchange.importing import Asked, read_foreign
from weakspot.probes.load import parse_lines
from weakspot.records import Imported, ImportedModel, ModelInfo, Probe, Summary, to_json
from weakspot.runs.compare import Cost, summarise
from weakspot.runs.plan import Plan, probes_hash
from weakspot.store.run import RunStore

HELD = re.compile(r"(?P<what>share passed|share failed|passed|failed|items)(?: in (?P<category>.+?))?: ")
NEAR = 5e-5
"""Figures that tools state are rounded; half of the fourth decimal is no difference."""


class Held(msgspec.Struct, frozen=True):
    """A figure that the tool states for a model, and ours from the items taken over.

    `ours` is None where the figure is none that our counts can be held against (a BLEU score, a perplexity); `agrees`
    is None then too.
    """

    model: str
    metric: str
    reported: float
    ours: float | None = None
    agrees: bool | None = None


class ImportedModelCounts(msgspec.Struct, frozen=True):
    """What was taken over of one model: items with an answer, and the tool's verdicts on them."""

    name: str
    answers: int
    passed: int
    failed: int
    undecided: int


class ImportResult(msgspec.Struct, frozen=True):
    """What an import made.

    Attributes:
        tool: which tool wrote the file, and `version` of it (empty where the file doesn't say).
        suite: the task or data set.
        probes: how many items.
        out: the probe file, or the run folder where the file held answers.
        run: whether `out` is a run folder.
        models: counts for each model.
        reported: what the tool itself states, held against our counts.
        notes: what could not be taken over, or was guessed, a sentence each.
    """

    tool: str
    version: str
    suite: str
    probes: int
    out: str
    run: bool
    models: tuple[ImportedModelCounts, ...] = ()
    reported: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()


def import_results(
    path: str | Path, *, tool: str = "", out: str | Path | None = None, options: Asked | None = None
) -> ImportResult:
    """Take over another tool's task, data set or results.

    Args:
        path: its file, or its folder where the tool writes folders.
        tool: which tool's it is; empty to tell it by the content. Names: the registry's "importers".
        out: where to write: a probe file (`.jsonl`) for items alone, a run folder for results. By default
            `NAME.probes.jsonl` here, or a new folder under `runs/`.
        options: more about the file (`weakspot.ImportOptions`), such as a task's data or the names of columns.

    Returns:
        What was made, with the tool's own figures beside ours.

    Raises:
        ImportFailed: the file can't be taken over; the sentence says why.
        UsageError: there is no such importer, or `out` exists.
    """
    place = Path(path).expanduser()
    found = read_foreign(place, tool, options)
    target = _run(found, place, tool, out) if found.models else _probe_file(found, place, out)
    return ImportResult(
        tool=found.tool,
        version=found.version,
        suite=found.suite,
        probes=len(found.probes),
        out=str(target),
        run=bool(found.models),
        models=tuple(_counts(model) for model in found.models),
        reported=tuple(held for model in found.models for held in _held(model, found.probes)),
        notes=found.notes,
    )


def _probe_file(found: Imported, source: Path, out: str | Path | None) -> Path:
    target = Path(out).expanduser() if out is not None else Path(f"{_plain(source.stem)}.probes.jsonl")
    if target.is_dir():
        target /= f"{_plain(source.stem)}.probes.jsonl"
    if target.exists():
        raise UsageError(f"{target} exists already.", hint="Name another one by --out.")
    lines = [to_json(probe) + b"\n" for probe in found.probes]
    _readable(lines, source)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"".join(lines))
    except OSError as error:
        raise DiskFull(f"{target} can't be written: {error.strerror}.", hint="Name another one by --out.") from error
    return target


def _run(found: Imported, source: Path, tool: str, out: str | Path | None) -> Path:
    """A finished run folder: the plan says where it came from, the scores are the tool's own."""
    folder = Path(out).expanduser() if out is not None else _new_folder(found)
    _readable([to_json(probe) + b"\n" for probe in found.probes], source)
    plan = Plan(
        suite=found.suite,
        quick=False,
        candidates=tuple(model.candidate for model in found.models),
        probes=len(found.probes),
        probes_sha256=probes_hash(found.probes),
        use_cache=False,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join(["weakspot", "import", source.name, *(["--from", tool] if tool else [])]),
        origin=f"{found.tool} {found.version}".strip(),
    )
    meta = {
        "plan": to_json(plan),
        "environment": to_json(environment()),
        "id": secrets.token_hex(4).encode(),
        "import-notes": to_json(found.notes),
    }
    with RunStore.create(folder, meta, [(probe.id, to_json(probe)) for probe in found.probes]) as store:
        for model in found.models:
            _save(store, model)
        store.set_meta("summary", to_json(_summary(plan, found.probes, found.models)))
    report(folder)
    return folder


def _save(store: RunStore, model: ImportedModel) -> None:
    named = model.candidate.name
    store.set_meta(f"info/{named}", to_json(model.info))
    store.set_meta(f"reported/{named}", to_json(model.reported))
    store.add_responses([(one.probe, named, True, to_json(one)) for one in model.responses])
    store.set_scores([(one.probe, named, to_json(one)) for one in model.scores])


def _summary(plan: Plan, probes: Sequence[Probe], models: Sequence[ImportedModel]) -> Summary:
    """The numbers of the run, from the tool's own verdicts; several models in one file are compared, paired."""
    scores = {(one.probe, one.candidate): one for model in models for one in model.scores}
    infos: Mapping[str, ModelInfo] = {model.candidate.name: model.info for model in models}
    found = summarise(plan, probes, scores, infos, {model.candidate.name: _cost(model) for model in models})
    pairs = [
        msgspec.structs.replace(pair, confounds=tuple(confounds(None, None, infos[pair.a], infos[pair.b])))
        for pair in found.comparisons
    ]
    return msgspec.structs.replace(found, comparisons=tuple(pairs))


def _cost(model: ImportedModel) -> Cost:
    replies = [reply for response in model.responses for reply in response.replies]
    return Cost(
        prompt_tokens=sum(reply.usage.prompt_tokens or 0 for reply in replies),
        completion_tokens=sum(reply.usage.completion_tokens or 0 for reply in replies),
    )


def _counts(model: ImportedModel) -> ImportedModelCounts:
    verdicts = [one.passed for one in model.scores]
    return ImportedModelCounts(
        name=model.candidate.name,
        answers=sum(one.final is not None for one in model.responses),
        passed=verdicts.count(True),
        failed=verdicts.count(False),
        undecided=verdicts.count(None),
    )


def _held(model: ImportedModel, probes: Sequence[Probe]) -> list[Held]:
    """The tool's figures against ours, by the names that importers give them (see `weakspot.exchange`)."""
    category = {probe.id: probe.category for probe in probes}
    found = []
    for metric, value in model.reported.items():
        named = HELD.match(metric)
        mine = None
        if named is not None:
            within = named["category"]
            scores = [one for one in model.scores if within is None or category[one.probe] == within]
            mine = _ours(named["what"], [one.passed for one in scores])
        agrees = None if mine is None else abs(mine - value) <= NEAR
        found.append(Held(model.candidate.name, metric, value, mine, agrees))
    return found


def _ours(what: str, verdicts: Sequence[bool | None]) -> float | None:
    passed, decided = verdicts.count(True), len(verdicts) - verdicts.count(None)
    if what in ("share passed", "share failed"):
        if not decided:
            return None
        return (passed if what == "share passed" else decided - passed) / decided
    return float({"passed": passed, "failed": decided - passed, "items": len(verdicts)}[what])


def _readable(lines: Sequence[bytes], source: Path) -> None:
    """Our own reader must take what was made, or nothing is written."""
    try:
        parse_lines(lines, source.name)
    except Exception as error:
        raise ImportFailed(
            f"{source.name} holds an item that no probe can be made of: {str(error).rstrip('.')}.",
            hint="Leave it out and try again.",
        ) from error


def _new_folder(found: Imported) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    names = "-".join([found.suite, *(model.candidate.name for model in found.models)])
    return Path("runs") / f"{stamp}-{_plain(names)[:60]}"


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "_" for c in text) or "imported"
