"""`weakspot.compare` and `weakspot.resume`: from references to a finished run folder."""

import asyncio
import secrets
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import MsgspecError

from weakspot.api.conclude import conclude
from weakspot.api.evidence import saved
from weakspot.api.merge import is_run, merge
from weakspot.api.opening import contenders, environment
from weakspot.api.plan import announcement
from weakspot.api.report import report
from weakspot.api.result import RunResult
from weakspot.artifacts.bundled import cache_folder
from weakspot.artifacts.locate import make_ready
from weakspot.artifacts.reference import parse_all
from weakspot.contracts import Sink
from weakspot.errors import Interrupted, NotARun, RunSchemaMismatch, UsageError, WeakspotError
from weakspot.models.python_object import offer
from weakspot.probes.suite import load_suite
from weakspot.records import Candidate, Probe, from_json, to_json
from weakspot.runs.execute import Contender, Execution
from weakspot.runs.plan import Plan, probes_hash
from weakspot.runs.silent import Silent
from weakspot.store.replies import ReplyCache
from weakspot.store.run import RunStore


def compare(
    models: Sequence[object],
    *,
    suite: str | Path = "core",
    quick: bool = False,
    out: str | Path | None = None,
    cache: bool = True,
    accept_licence: bool = False,
    baseline: str | None = None,
    sink: Sink | None = None,
) -> RunResult:
    """Put models through a suite and compare them on the same items; or compare finished runs.

    Args:
        models: model references, such as "smollm2", "path/model.gguf" or "http://host/v1#name?temperature=0"; or run
            folders alone, whose candidates are compared on the items they share, without asking anything. A function
            from text to text, a LangChain runnable or a LlamaIndex query engine goes in as the object that it is.
        suite: a suite's name, a probe file, or a folder of them.
        quick: a fixed stratified third of the suite.
        out: the run folder; by default a new one under `runs/`.
        cache: whether replies of earlier runs may be used (local models only).
        accept_licence: accept the terms of bundled models that have terms of their own.
        baseline: the name or reference of the candidate that each of the others is held against (it joins them where
            it is not among them); without it all pairs are compared.
        sink: told of progress.

    Returns:
        The finished run: `.summary`, `.folder`, `.files`.

    Raises:
        UnknownModel, LicenceNotAccepted, FetchFailed, ProbeError, ModelError, Interrupted, ...: see `weakspot.errors`;
        what was answered before is kept, and `weakspot.resume(folder)` goes on from there.
    """
    references, suite = _checked(models), str(suite)
    if any(map(is_run, references)):
        return merge(_all_runs(references), out=out, baseline=baseline)
    told: Sink = sink if sink is not None else Silent()
    candidates, against = with_baseline(references, baseline)
    probes = load_suite(suite, quick=quick)
    for candidate in candidates:
        make_ready(candidate, accept_licence=accept_licence, progress=told.fetching)
    asked = contenders(candidates)  # every mistake that can be found before the first request is
    folder = Path(out).expanduser() if out is not None else _new_folder(candidates)
    plan = Plan(
        suite=suite,
        quick=quick,
        candidates=tuple(candidates),
        probes=len(probes),
        probes_sha256=probes_hash(probes),
        use_cache=cache,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=_command(references, suite, quick=quick, cache=cache, baseline=baseline),
        baseline=against,
    )
    told.note(announcement(candidates, probes))
    meta = {"plan": to_json(plan), "environment": to_json(environment()), "id": secrets.token_hex(4).encode()}
    store = RunStore.create(folder, meta, [(probe.id, to_json(probe)) for probe in probes])
    with _resumable(folder):
        with store:
            _carry_out(store, plan, probes, asked, told)
        return report(folder)


def resume(folder: str | Path, *, trust_code: bool = False, sink: Sink | None = None) -> RunResult:
    """Go on with a run that was stopped, from its folder alone.

    Args:
        folder: the run folder.
        trust_code: run the Python code that the run names as a candidate: a folder from elsewhere may name any.
        sink: told of progress.

    Raises:
        NotARun, RunSchemaMismatch, RunInUse, ModelChanged, and what `compare` raises.
    """
    told: Sink = sink if sink is not None else Silent()
    place = Path(folder).expanduser()
    with _resumable(place):
        with RunStore.open(place, write=True) as store:
            plan, probes = saved_plan(store)
            if plan.origin:
                raise UsageError(
                    f"The run in {place} was imported or merged ({plan.origin}): there is nothing to go on with.",
                    hint=f"`weakspot report {place}` writes its report again.",
                )
            for candidate in plan.candidates:
                _refuse_code(candidate, trusted=trust_code, place=place)
                make_ready(candidate, progress=told.fetching)
            _carry_out(store, plan, probes, contenders(plan.candidates), told)
        return report(place)


def _refuse_code(candidate: Candidate, *, trusted: bool, place: Path) -> None:
    if candidate.kind == "python" and not trusted:
        raise UsageError(
            f"{candidate.name} is Python code ({candidate.location}), which a run folder can't vouch for.",
            hint=f"If it is your own: weakspot resume {place} --trust-code",
        )


def _checked(models: Sequence[object]) -> list[str]:
    if isinstance(models, str | Path) or not isinstance(models, Sequence) or not models:
        raise UsageError(
            "compare needs a list of model references.", hint='weakspot.compare(["smollm2", "other.gguf"])'
        )
    return [str(model) if isinstance(model, str | Path) else offer(model) for model in models]


def with_baseline(references: Sequence[str], baseline: str | None) -> tuple[list[Candidate], str]:
    """The candidates, the baseline among them, and the baseline's name ("" without one).

    Raises:
        UnknownModel, UsageError.
    """
    candidates = parse_all(list(references))
    if baseline is None:
        return candidates, ""
    for candidate in candidates:
        if baseline in (candidate.name, candidate.reference):
            return candidates, candidate.name
    candidates = parse_all([baseline, *references])
    return candidates, candidates[0].name


def _all_runs(references: Sequence[str]) -> list[str]:
    for reference in references:
        if not is_run(reference):
            raise UsageError(
                f"{reference} is no run folder: runs are compared with runs, models with models.",
                hint="Name run folders alone, or model references alone.",
            )
    return list(references)


@contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """Whatever stops the work from here on, the user is told how to go on; nothing that was answered is lost."""
    how = f"weakspot resume {folder}"
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Interrupted(f"Stopped; {folder} keeps every reply that had come.", hint=f"Go on: {how}") from None
    except WeakspotError as error:
        if how not in error.hint and not isinstance(error, NotARun | RunSchemaMismatch | UsageError):
            error.hint = f"{error.hint} What was answered is kept: {how}".strip()
        raise


def saved_plan(store: RunStore) -> tuple[Plan, list[Probe]]:
    """The plan and the probes that a run was made with."""
    try:
        return saved(store, "plan", Plan), [from_json(row, Probe) for row in store.probes()]
    except MsgspecError as error:
        raise NotARun(f"The run in {store.folder} is damaged: {error}.", hint="Make the run again.") from error


def _carry_out(store: RunStore, plan: Plan, probes: Sequence[Probe], asked: Sequence[Contender], sink: Sink) -> None:
    cache = ReplyCache(cache_folder() / "replies.sqlite") if plan.use_cache else None
    try:
        run_async(Execution(store, sink, cache).run(asked, probes))
    finally:
        if cache is not None:
            cache.close()
    conclude(store, plan, probes)


def run_async(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, also inside a notebook, whose own event loop can't be entered twice."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    failed: list[BaseException] = []

    def inside() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001 - handed over to the calling thread, below
            failed.append(error)

    thread = threading.Thread(target=inside, name="weakspot-run")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def _new_folder(candidates: Sequence[Candidate]) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    short = "-".join("".join(c if c.isalnum() else "_" for c in candidate.name)[:20] for candidate in candidates)
    return Path("runs") / f"{stamp}-{short[:60]}"


def _command(models: Sequence[str], suite: str, *, quick: bool, cache: bool, baseline: str | None) -> str:
    import shlex

    words = ["weakspot", "compare", *models, "--suite", suite]
    words += ["--quick"] * quick + ["--no-cache"] * (not cache)
    words += ["--baseline", baseline] if baseline else []
    return shlex.join(words)
