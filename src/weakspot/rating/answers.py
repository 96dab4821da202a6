"""The answers of a run that a person can rate, with everything a rater may be shown.

Only items that count are rated: a control is there to test the item, not the model. An answer that never came (an
error) is none.
"""

from collections.abc import Iterator

import msgspec

from weakspot.errors import NotARun
from weakspot.records import Probe, Rating, Reply, Response, Score, Summary, from_json
from weakspot.store.run import RunStore

Key = tuple[str, str]
"""(probe id, candidate name)."""


class Answer(msgspec.Struct, frozen=True):
    """One answer: the item, all of the candidate's replies, and the automatic score (None where there is none)."""

    probe: Probe
    candidate: str
    replies: tuple[Reply, ...]
    score: Score | None

    @property
    def key(self) -> Key:
        """What names it."""
        return (self.probe.id, self.candidate)

    @property
    def stratum(self) -> tuple[str, str]:
        """(category, automatic verdict): what samples are drawn by and weighed by."""
        return (self.probe.category, verdict_word(None if self.score is None else self.score.passed))

    @property
    def text(self) -> str:
        """What is rated: the last reply."""
        return self.replies[-1].text

    def asked(self) -> tuple[tuple[str, str], ...]:
        """What came before the last reply, as (role, text); the candidate's own earlier replies are filled in."""
        if self.probe.messages is None:
            return (("prompt", self.probe.prompt or ""),)
        own = iter(self.replies[:-1])
        turns = []
        for message in self.probe.messages:
            if message.content is not None:
                turns.append((message.role, message.content))
            elif (reply := next(own, None)) is not None:
                turns.append((message.role, reply.text))
        return tuple(turns)


def verdict_word(passed: bool | None) -> str:
    """A verdict as one word."""
    return {True: "passed", False: "failed", None: "unscored"}[passed]


def answers(store: RunStore) -> list[Answer]:
    """Every answer that can be rated, by probe in the suite's order, then by candidate in the run's.

    Raises:
        NotARun: the run was stopped before its end, or is damaged.
    """
    raw = store.meta("summary")
    if raw is None:
        raise NotARun(
            f"The run in {store.folder} was stopped before its end.", hint=f"Go on: weakspot resume {store.folder}"
        )
    try:
        names = list(from_json(raw, Summary).models)
        probes = [probe for row in store.probes() if (probe := from_json(row, Probe)).counted]
        scores = {(s.probe, s.candidate): s for s in (from_json(row, Score) for row in store.scores())}
        replies = {
            (response.probe, name): response.replies
            for name in names
            for row in store.responses(name)
            if (response := from_json(row, Response)).final is not None
        }
    except msgspec.MsgspecError as error:
        raise NotARun(f"The run in {store.folder} is damaged: {error}.", hint="Make the run again.") from error
    return [
        Answer(probe, name, replies[probe.id, name], scores.get((probe.id, name)))
        for probe in probes
        for name in names
        if (probe.id, name) in replies
    ]


def ratings(store: RunStore) -> list[Rating]:
    """All ratings of a run.

    Raises:
        NotARun: it is damaged.
    """
    try:
        return [from_json(row, Rating) for row in store.ratings()]
    except msgspec.MsgspecError as error:
        raise NotARun(f"The ratings in {store.folder} are damaged: {error}.", hint="Make the run again.") from error


def hands(all_ratings: list[Rating]) -> Iterator[Rating]:
    """People's verdicts, without skipped answers."""
    return (rating for rating in all_ratings if rating.kind == "hand" and rating.passed is not None)
