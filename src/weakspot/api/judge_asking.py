"""How judges are asked: their questions are probes in a run folder of their own, so that execution, retries, the
limiter, the reply cache and resuming are the same as for any candidate.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from weakspot.api.compare import run_async
from weakspot.api.opening import contenders
from weakspot.artifacts.bundled import cache_folder
from weakspot.artifacts.locate import make_ready
from weakspot.artifacts.reference import parse_all
from weakspot.contracts import Sink
from weakspot.errors import Interrupted, ModelChanged, UsageError, WeakspotError
from weakspot.records import Candidate, ModelInfo, Probe, Response, from_json, to_json
from weakspot.records.judging import JudgeTest
from weakspot.runs.execute import Execution
from weakspot.runs.plan import probes_hash
from weakspot.runs.silent import Silent
from weakspot.store.replies import ReplyCache
from weakspot.store.run import FILE, RunStore

V = TypeVar("V")
Questions = Callable[[bool], Sequence[Probe]]
QUESTIONS_VERSION = 1
"""Raised when the wording of the judge's questions changes: a self-test of older wording then counts no more."""


class Asking(msgspec.Struct, frozen=True):
    """Where and how judges are asked. `root` gets one folder for each set of questions."""

    root: Path
    judges: tuple[Candidate, ...]
    sink: Sink
    cache: bool = True


class Told(msgspec.Struct, frozen=True):
    """What the judges replied: judge -> question's id -> response, and what was opened."""

    responses: dict[str, dict[str, Response]]
    infos: dict[str, ModelInfo]


def ready(references: Sequence[str], sink: Sink | None, *, accept_licence: bool) -> tuple[list[Candidate], Sink]:
    """The judges, with their files there.

    Raises:
        UsageError: none is named; and what reading references and fetching raises.
    """
    told: Sink = sink if sink is not None else Silent()
    if isinstance(references, str) or not references:
        raise UsageError("Name a judge: a model reference.", hint="weakspot judge RUN --judge MODEL")
    judges = parse_all([str(reference) for reference in references])
    for judge in judges:
        if judge.kind == "imported":
            raise UsageError(f"{judge.name} is an imported candidate and can't be asked.", hint="Name a model.")
        make_ready(judge, accept_licence=accept_licence, progress=told.fetching)
    return judges, told


def ask(asking: Asking, probes: Sequence[Probe]) -> Told:
    """Every judge's response to every question; what was answered before is not asked again.

    A judge that is not what it was (other weights, template or settings under the same name) is asked everything
    anew; the old replies are put aside.

    Raises:
        ModelError, DiskFull: what came before is kept.
        Interrupted: likewise; the same command goes on.
    """
    try:
        return _ask(asking, probes)
    except ModelChanged:
        aside = asking.root.with_name(f"{asking.root.name}-{secrets.token_hex(4)}")
        asking.root.rename(aside)
        asking.sink.note(f"A judge is not what it was; its old replies are in {aside.name}, and all is asked anew.")
        return _ask(asking, probes)


def _ask(asking: Asking, probes: Sequence[Probe]) -> Told:
    folder = asking.root / probes_hash(probes)[:12]
    names = [judge.name for judge in asking.judges]
    rows = [(probe.id, to_json(probe)) for probe in probes]
    with _again(), _opened(folder, rows) as store:
        _carry_over(store, asking.root, dict(rows), names)
        cache = ReplyCache(cache_folder() / "replies.sqlite") if asking.cache else None
        try:
            run_async(Execution(store, asking.sink, cache).run(contenders(asking.judges), probes))
        finally:
            if cache is not None:
                cache.close()
        found = {n: {r.probe: r for r in (from_json(row, Response) for row in store.responses(n))} for n in names}
        infos = {n: from_json(raw, ModelInfo) for n in names if (raw := store.meta(f"info/{n}")) is not None}
    return Told(found, infos)


def ask_twice(
    asking: Asking, questions: Questions, read: Callable[[Response | None], V], invalid: Callable[[V], bool]
) -> tuple[dict[str, dict[str, V]], dict[str, ModelInfo]]:
    """Ask; where the reply can't be read, ask once more with a reminder, and no oftener.

    Args:
        asking: where and how.
        questions: the probes, first plain and then (True) with the reminder, by the same ids.
        read: from a response to a verdict.
        invalid: whether a verdict is worth asking again for.

    Returns:
        Verdicts by judge and question, and what was opened.
    """
    plain = questions(False)
    told = ask(asking, plain)
    found = {name: {p.id: read(responses.get(p.id)) for p in plain} for name, responses in told.responses.items()}
    for judge in asking.judges:
        unread = {key for key, verdict in found[judge.name].items() if invalid(verdict)}
        if not unread:
            continue
        once_more = [probe for probe in questions(True) if probe.id in unread]
        second = ask(msgspec.structs.replace(asking, judges=(judge,)), once_more)
        for probe in once_more:
            found[judge.name][probe.id] = read(second.responses[judge.name].get(probe.id))
    return found, told.infos


def fingerprint(candidate: Candidate, info: ModelInfo) -> str:
    """Of all that decides a judge's replies, the machine apart: 16 hexadecimal digits."""
    made = info.provenance
    options = {key: value for key, value in candidate.options.items() if key not in ("name", "slots", "threads")}
    parts = (
        QUESTIONS_VERSION,
        candidate.kind,
        made.weights_sha256 or [candidate.location, candidate.model],
        made.template_sha256,
        made.system,
        made.sampler,
        options,
    )
    return hashlib.sha256(to_json(parts)).hexdigest()[:16]


def tests_folder() -> Path:
    """Where self-tests are kept, one file a judge."""
    return cache_folder() / "judges"


def saved_test(mark: str) -> JudgeTest | None:
    """A judge's self-test by fingerprint; None where there is none, or a damaged one."""
    try:
        return from_json((tests_folder() / f"{mark}.json").read_bytes(), JudgeTest)
    except (OSError, msgspec.MsgspecError):
        return None


def own_candidates(
    judge: Candidate, info: ModelInfo, candidates: Mapping[str, Candidate], infos: Mapping[str, ModelInfo]
) -> tuple[str, ...]:
    """Candidates with the judge's own weights, by hash, or behind the same endpoint and model name."""
    weights = info.provenance.weights_sha256
    return tuple(
        name
        for name, candidate in candidates.items()
        if (weights and name in infos and infos[name].provenance.weights_sha256 == weights)
        or (candidate.kind == judge.kind and (candidate.location, candidate.model) == (judge.location, judge.model))
    )


@contextmanager
def _opened(folder: Path, rows: Sequence[tuple[str, bytes]]) -> Iterator[RunStore]:
    if (folder / FILE).exists():
        store = RunStore.open(folder, write=True)
    else:
        store = RunStore.create(folder, {"kind": b"judging"}, rows)
    with store:
        yield store


def _carry_over(store: RunStore, root: Path, questions: Mapping[str, bytes], judges: Sequence[str]) -> None:
    """Take over what these judges said to the very same questions in another set, so that it is not paid for twice."""
    for sibling in sorted(path.parent for path in root.glob(f"*/{FILE}")):
        if sibling == store.folder:
            continue
        with RunStore.open(sibling) as other:
            same = {i for row in other.probes() if questions.get(i := from_json(row, Probe).id) == row}
            for judge in judges:
                info, own = other.meta(f"info/{judge}"), store.meta(f"info/{judge}")
                if not same or info is None or own not in (None, info):
                    continue
                done = other.answered(judge) & same
                kept = [r for r in (from_json(row, Response) for row in other.responses(judge)) if r.probe in done]
                store.set_meta(f"info/{judge}", info)
                store.add_responses((r.probe, judge, True, to_json(r)) for r in kept)


@contextmanager
def _again() -> Iterator[None]:
    """Whatever stops the work, the user is told that the same command goes on."""
    how = "The same command goes on from there."
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Interrupted("Stopped; what the judge has said is kept.", hint=how) from None
    except WeakspotError as error:
        error.hint = f"{error.hint} {how}".strip()
        raise
