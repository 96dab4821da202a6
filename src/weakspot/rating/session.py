"""A rater's session: the queue, one answer at a time, every grade committed at once, undo across sessions.

It draws nothing: a terminal, a notebook or a program may stand in front of it. Ratings are written beside other
raters' and need no lock of the run, so that two people can rate one run at the same time.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import msgspec

from weakspot.errors import UsageError
from weakspot.rating.answers import Answer, Key, answers, ratings
from weakspot.rating.queue import Wanted, queue
from weakspot.records import Probe, Rating, from_json, to_json
from weakspot.store.run import RunStore

LONGEST_NOTE = 2_000
Rubric = Callable[[Probe], Sequence[tuple[str, str]]]
"""For an item: (level, what it means), in the order they are shown."""


class SavedQueue(msgspec.Struct, frozen=True):
    """A rater's queue as the run keeps it: begun once, it stays as it is whatever is rated meanwhile."""

    wanted: Wanted
    keys: tuple[Key, ...]


class RatingSession:
    """One rater at work on one run; a context manager.

    Answers that the rater has a verdict on are passed over; those skipped earlier come again at the end.

    Attributes:
        wanted: what was asked for.
        rubric: the anchors of each severity for an item.
        note: what goes with the next grade.
    """

    def __init__(self, store: RunStore, wanted: Wanted, rubric: Rubric) -> None:
        self.wanted = wanted
        self.rubric = rubric
        self.note = ""
        self._store = store
        every = answers(store)
        self._answers = {answer.key: answer for answer in every}
        given = ratings(store)
        self._keys = [key for key in saved_queue(store, every, given, wanted) if key in self._answers]
        self._given = {(r.probe, r.candidate): r for r in given if r.rater == wanted.rater and r.kind == "hand"}
        self._past = self._history()
        self._left = self._open_keys()

    def _history(self) -> list[tuple[Key, Rating | None]]:
        """What can be undone, the latest last: (answer, the rating it had before)."""
        mine = [self._given[key] for key in self._keys if key in self._given]
        return [((r.probe, r.candidate), None) for r in sorted(mine, key=lambda r: r.at)]

    def _open_keys(self) -> list[Key]:
        fresh = [key for key in self._keys if key not in self._given]
        skipped = [key for key in self._keys if key in self._given and self._given[key].passed is None]
        return fresh + skipped

    @property
    def current(self) -> Answer | None:
        """The answer to rate now; None when all are rated."""
        return self._answers[self._left[0]] if self._left else None

    @property
    def total(self) -> int:
        """How many answers the queue has."""
        return len(self._keys)

    @property
    def rated(self) -> int:
        """How many of them this rater has a verdict on."""
        return sum(1 for key in self._keys if key in self._given and self._given[key].passed is not None)

    @property
    def skipped(self) -> int:
        """How many of them this rater skipped."""
        return sum(1 for key in self._keys if key in self._given and self._given[key].passed is None)

    @property
    def latest(self) -> Rating | None:
        """The rating given last, which `undo` would take back."""
        return self._given.get(self._past[-1][0]) if self._past else None

    def automatic_of_latest(self) -> Answer | None:
        """The answer rated last, for a look at the automatic verdict; None where the session is blind."""
        if self.wanted.blind or self.latest is None or self.latest.passed is None:
            return None
        return self._answers[self._past[-1][0]]

    def rate(self, *, passed: bool, severity: int | None = None) -> Rating:
        """Grade the current answer and go on; committed when this returns.

        Args:
            passed: the verdict.
            severity: 1 to 5 for a failure, by the rubric; None for a pass.

        Raises:
            UsageError: nothing is left to rate, or the severity does not fit the verdict.
        """
        if passed == (severity is not None) or (severity is not None and not 1 <= severity <= 5):
            raise UsageError("A failure has a severity of 1 to 5; a pass has none.")
        return self._commit(passed, severity)

    def skip(self) -> Rating:
        """Leave the current answer without a verdict and go on.

        Raises:
            UsageError: nothing is left to rate.
        """
        return self._commit(None, None)

    def undo(self) -> Answer | None:
        """Take back the last grade (of this session or an earlier one); its answer and note are current again.

        Returns:
            The answer, or None where there is nothing to take back.
        """
        if not self._past:
            return None
        key, before = self._past.pop()
        gone = self._given.pop(key, None)
        if before is None:
            self._store.drop_rating(self.wanted.rater, *key)
        else:
            self._write(before)
        self.note = gone.note if gone is not None else ""
        self._left = [key, *(other for other in self._left if other != key)]
        return self._answers[key]

    def _commit(self, passed: bool | None, severity: int | None) -> Rating:
        if not self._left:
            raise UsageError("Nothing is left to rate.")
        key = self._left[0]
        rating = Rating(
            probe=key[0],
            candidate=key[1],
            rater=self.wanted.rater,
            kind="hand",
            passed=passed,
            severity=severity,
            note=self.note[:LONGEST_NOTE],
            blind=self.wanted.blind,
            at=datetime.now(UTC).isoformat(timespec="microseconds"),
        )
        before = self._given.get(key)
        self._write(rating)
        self._past.append((key, before))
        self._left.pop(0)
        self.note = ""
        return rating

    def _write(self, rating: Rating) -> None:
        self._store.add_ratings([(rating.rater, rating.probe, rating.candidate, to_json(rating))])
        self._given[rating.probe, rating.candidate] = rating

    def close(self) -> None:
        """Let go of the run; may be called twice."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def saved_queue(store: RunStore, every: Sequence[Answer], given: Sequence[Rating], wanted: Wanted) -> tuple[Key, ...]:
    """The queue for what is wanted: the one begun earlier where the same was asked for, else a new one, kept.

    Raises:
        UsageError: as `weakspot.rating.queue.queue`.
    """
    wanted.check()
    place = f"rating-queue/{wanted.rater}"
    raw = store.meta(place)
    if raw is not None and (kept := from_json(raw, SavedQueue)).wanted == wanted:
        done = {(r.probe, r.candidate) for r in given if r.rater == wanted.rater and r.passed is not None}
        # what raters disagree on changes as they rate: when all of it is done, look anew
        if "disagree" not in wanted.only or not done.issuperset(kept.keys):
            return kept.keys
    made = SavedQueue(wanted, tuple(queue(every, given, wanted)))
    store.set_meta(place, to_json(made))
    return made.keys
