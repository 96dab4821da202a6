"""Carrying out a plan."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from conftest import probe
from weakspot.artifacts.reference import parse
from weakspot.errors import (
    AuthenticationFailed,
    BadReply,
    ContextExceeded,
    ModelChanged,
    ModelError,
    RequestRejected,
    ServerFailed,
)
from weakspot.models.scripted import Scripted
from weakspot.records import Candidate, ModelInfo, Probe, Reply, Request, Response, from_json, to_json
from weakspot.runs.conversation import Conversation
from weakspot.runs.execute import HOPELESS, Contender, Execution
from weakspot.runs.plan import context_needed, estimate, turns
from weakspot.runs.silent import Silent
from weakspot.store.replies import ReplyCache
from weakspot.store.run import RunStore


class Faulty(Scripted):
    """A scripted model that fails where a question holds a word, and counts what it is asked."""

    def __init__(self, candidate: Candidate, fault: ModelError | None = None, word: str = "") -> None:
        super().__init__(candidate)
        self._fault = fault
        self._word = word
        self.asked = 0

    async def generate(self, request: Request) -> Reply:
        """Fail or answer."""
        self.asked += 1
        if self._fault is not None and any(self._word in (m.content or "") for m in request.messages):
            raise self._fault
        return await super().generate(request)


class Batched(Scripted):
    """A scripted model with a batch method."""

    def __init__(self, candidate: Candidate) -> None:
        super().__init__(candidate)
        self.batches: list[int] = []

    @property
    def info(self) -> ModelInfo:
        """Four at once."""
        return msgspec.structs.replace(super().info, concurrency=4)

    async def generate_batch(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """One after the other; a request about `too-long` fails alone."""
        self.batches.append(len(requests))
        return [
            ContextExceeded("too long") if "too-long" in repr(request) else await self.generate(request)
            for request in requests
        ]


PROBES = [probe(f"p{number}") for number in range(20)]
ECHO = parse("scripted:echo")


def run(
    folder: Path, model: Scripted, probes: Sequence[Probe] = PROBES, cache: ReplyCache | None = None
) -> list[Response]:
    """Carry out, or go on with, a run of one model."""
    if (folder / "run.sqlite").exists():
        store = RunStore.open(folder, write=True)
    else:
        store = RunStore.create(folder, {}, [(p.id, to_json(p)) for p in probes])
    with store:
        asyncio.run(Execution(store, Silent(), cache).run([Contender(ECHO, model)], probes))
        return [from_json(row, Response) for row in store.responses(ECHO.name)]


def test_every_probe_is_answered_once(tmp_path: Path) -> None:
    """Each probe has one response with the reply, its hash and its provenance."""
    responses = run(tmp_path / "r", Scripted(ECHO))
    assert [r.probe for r in responses] == [p.id for p in PROBES]
    assert all(r.final is not None and r.final.text.startswith("Question p") for r in responses)
    assert all(len(r.request_hash) == 64 and r.provenance.backend == "scripted" for r in responses)


def test_nothing_is_asked_twice(tmp_path: Path) -> None:
    """A finished run asks nothing when it is carried out again."""
    run(tmp_path / "r", Scripted(ECHO))
    again = Faulty(ECHO)
    run(tmp_path / "r", again)
    assert again.asked == 0


def test_an_item_that_fails_alone_is_recorded(tmp_path: Path) -> None:
    """A request that no retry can mend is recorded as an error and the others go on."""
    responses = run(tmp_path / "r", Faulty(ECHO, ContextExceeded("too long"), "p7:"))
    errors = {r.probe: r.error for r in responses if r.error is not None}
    assert list(errors) == ["p7"]
    assert errors["p7"].code == "ContextExceeded"
    again = Faulty(ECHO)
    run(tmp_path / "r", again)
    assert again.asked == 0


def test_a_passing_fault_is_asked_again(tmp_path: Path) -> None:
    """What failed for a reason that may pass is asked again by the next run, and only that."""
    run(tmp_path / "r", Faulty(ECHO, ServerFailed("down"), "p7:"))
    again = Faulty(ECHO)
    responses = run(tmp_path / "r", again)
    assert again.asked == 1
    assert all(r.error is None for r in responses)


def test_a_refused_key_stops_at_once(tmp_path: Path) -> None:
    """An error that every request would meet is raised at the first, and what was answered is kept."""
    model = Faulty(ECHO, AuthenticationFailed("no"), "p5:")
    with pytest.raises(AuthenticationFailed):
        run(tmp_path / "r", model)
    assert model.asked == 6
    assert len(run(tmp_path / "r", Faulty(ECHO))) == 20


def test_a_dead_endpoint_stops_the_run(tmp_path: Path) -> None:
    """So many failures in a row are taken for a dead endpoint instead of failing every item."""
    model = Faulty(ECHO, BadReply("rubbish"))
    with pytest.raises(BadReply):
        run(tmp_path / "r", model)
    assert model.asked == HOPELESS


def test_an_endpoint_that_rejects_everything_is_no_run(tmp_path: Path) -> None:
    """When every request is rejected the run ends with that error, and asks all of them again once it is mended."""
    model = Faulty(ECHO, RequestRejected("no such parameter"))
    with pytest.raises(RequestRejected):
        run(tmp_path / "r", model, PROBES[:5])
    again = Faulty(ECHO)
    run(tmp_path / "r", again, PROBES[:5])
    assert again.asked == 5


def test_a_changed_model_is_not_mixed_in(tmp_path: Path) -> None:
    """A run that is resumed with other weights under the same name is refused, and keeps what it has."""
    run(tmp_path / "r", Faulty(ECHO, ServerFailed("down"), "p7:"))
    with pytest.raises(ModelChanged):
        run(tmp_path / "r", Scripted(parse("scripted:agree")))
    assert len(run(tmp_path / "r", Scripted(ECHO))) == 20


def test_batches(tmp_path: Path) -> None:
    """A model with a batch method gets full batches; an item that fails in one fails alone; dialogues go on in rounds."""
    dialogue = probe(
        "talk",
        messages=[
            {"role": "user", "content": "First"},
            {"role": "assistant"},
            {"role": "user", "content": "Second"},
        ],
    )
    model = Batched(ECHO)
    probes = [*PROBES[:6], dialogue, probe("too-long")]
    responses = {r.probe: r for r in run(tmp_path / "r", model, probes)}
    assert max(model.batches) == 4
    assert [reply.text for reply in responses["talk"].replies] == ["First", "Second"]
    assert [name for name, r in responses.items() if r.error is not None] == ["too-long"]


def test_cache_saves_requests_and_is_marked(tmp_path: Path) -> None:
    """A second run takes replies from the cache, marked so; another seed or reply limit is another request."""
    cache = ReplyCache(tmp_path / "cache.sqlite")
    run(tmp_path / "a", Scripted(ECHO), cache=cache)
    second = Faulty(ECHO)
    responses = run(tmp_path / "b", second, cache=cache)
    assert second.asked == 0
    assert all(r.final is not None and r.final.cached for r in responses)
    other = Faulty(parse("scripted:echo?seed=5"))
    run(tmp_path / "c", other, cache=cache)
    assert other.asked == len(PROBES)
    longer = Faulty(parse("scripted:echo?max_tokens=2"))
    replies = run(tmp_path / "d", longer, cache=cache)
    assert longer.asked == len(PROBES)
    assert {len(r.final.text.split()) for r in replies if r.final is not None} == {2}


def test_conversation_fills_the_gaps() -> None:
    """An assistant turn without content is filled by the model's stripped reply, and the last reply ends the talk."""
    talk = Conversation(
        probe(
            "p",
            messages=[
                {"role": "system", "content": "S"},
                {"role": "user", "content": "A"},
                {"role": "assistant"},
                {"role": "user", "content": "B"},
            ],
        )
    )
    first = talk.next()
    assert first is not None
    assert [m.content for m in first.messages] == ["S", "A"]
    talk.take(Reply(" one \n"))
    second = talk.next()
    assert second is not None
    assert [m.content for m in second.messages] == ["S", "A", "one", "B"]
    talk.take(Reply("two"))
    assert talk.next() is None
    assert [reply.text for reply in talk.replies] == [" one \n", "two"]


def test_a_trailing_gap_is_the_last_reply() -> None:
    """A probe that ends with an open assistant turn asks once, not twice."""
    item = probe("p", messages=[{"role": "user", "content": "A"}, {"role": "assistant"}])
    talk = Conversation(item)
    assert talk.next() is not None
    talk.take(Reply("one"))
    assert talk.next() is None
    assert turns(item) == 1


def test_estimates_cover_the_longest() -> None:
    """The context asked for is that of the longest item, whatever its script, and requests count turns."""
    thai = probe("t", messages=[{"role": "user", "content": "ก" * 300}])
    assert context_needed([PROBES[0], thai]) == context_needed([thai]) > 300
    assert estimate(PROBES).requests == 20
