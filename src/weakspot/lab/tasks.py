"""The lab's sequences by seed: every shape sees the same ones, and test sets share nothing with training.

A sequence is `prompt, =>, answer, <end>`. Sequence i of length n of a task's test set is the same for every shape and
seed of the lab, so that arms are compared paired. Training draws are another stream, by the cell's seed.

A prompt belongs to one side by its checksum: one in eight is never trained on, and tests are drawn from those alone.
Where a length has fewer than `SMALL` prompts (one letter has 26), both sides share them: `held_apart` says so.
"""

import hashlib
from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

from weakspot.errors import UsageError
from weakspot.lab.names import known_task
from weakspot.lab.tasks_making import KINDS, Kind

PAD, END, UNKNOWN, SEPARATOR = "<pad>", "<end>", "<unk>", "=>"
SPECIAL: Final = (PAD, END, UNKNOWN, SEPARATOR)
PAD_ID, END_ID, UNKNOWN_ID, SEPARATOR_ID = range(4)
SIDES: Final = 8
"""One prompt in this many is held out."""
SMALL: Final = 4096
"""Prompts of a length below which tests and training share them: an eighth of fewer is no test set."""
_TRIES: Final = 10_000


class Example(NamedTuple):
    """Ids of a prompt with the separator behind it, and of its answer without the end."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]


def kind_of(task: str) -> Kind:
    """How a task's sequences are made.

    Raises:
        UsageError: there is no such task.
    """
    known_task(task)
    return KINDS[task]


def vocabulary(task: str) -> tuple[str, ...]:
    """A task's tokens; a token's place is its id. The special ones stand first."""
    return (*SPECIAL, *kind_of(task).tokens)


def held_apart(task: str, length: int) -> bool:
    """Whether no prompt of this length is both tested and trained on."""
    return kind_of(task).space(length) >= SMALL


def longest(task: str, length: int) -> tuple[int, int]:
    """Most tokens of a prompt (with separator) and of an answer (with end) up to this length.

    Raises:
        UsageError: the task has no sequences of this length.
    """
    kind = kind_of(task)
    if not 1 <= length <= kind.most:
        raise UsageError(f"The task {task!r} has no length {length}.", hint=f"Its lengths go from 1 to {kind.most}.")
    prompt, answer = kind.sizes(length)
    return prompt + 1, answer + 1


class Source:
    """A task's sequences, drawn by a seed.

    Args:
        task: its name.
        stream: which of the independent streams of this seed.
        seed: any number.
        held_out: draw from the eighth that training never sees.
    """

    def __init__(self, task: str, stream: str, seed: int, *, held_out: bool) -> None:
        self._kind = kind_of(task)
        self._ids = {token: number for number, token in enumerate(vocabulary(task))}
        self._random = Random(f"weakspot lab {task_stream(task)} {stream} {seed}")  # noqa: S311 - draws, no secrets
        self._held_out = held_out

    def draw(self, length: int) -> Example:
        """The next sequence of a length."""
        apart = self._kind.space(length) >= SMALL
        while True:
            asked, text, answer = self._kind.make(self._random, length)
            if not apart or _is_held_out(asked) == self._held_out:
                ids = self._ids
                return Example((*(ids[token] for token in text), SEPARATOR_ID), tuple(ids[token] for token in answer))

    def batch(self, size: int, low: int, high: int) -> list[Example]:
        """Sequences whose lengths are drawn evenly from low to high."""
        return [self.draw(self._random.randint(low, high)) for _ in range(size)]


def _is_held_out(asked: str) -> bool:
    return hashlib.blake2b(asked.encode(), digest_size=1).digest()[0] % SIDES == 0


def task_stream(task: str) -> str:
    """Both additions draw the same numbers, so that only the tokens differ."""
    return "addition" if task.startswith("addition") else task


def training(task: str, seed: int, size: int, lengths: tuple[int, int]) -> Iterator[list[Example]]:
    """Batches without end; the same for every shape."""
    source = Source(task, "training", seed, held_out=False)
    while True:
        yield source.batch(size, *lengths)


def examples(task: str, length: int, n: int, stream: str = "tests") -> list[Example]:
    """The first n test sequences of a length: none twice where the length has prompts enough.

    Raises:
        UsageError: the task has no sequences of this length.
    """
    longest(task, length)
    source = Source(task, f"{stream} {length}", 0, held_out=True)
    found: list[Example] = []
    seen: set[tuple[int, ...]] = set()
    tries = 0
    while len(found) < n:
        example = source.draw(length)
        tries += 1
        if example.prompt in seen and held_apart(task, length) and tries < _TRIES:
            continue
        seen.add(example.prompt)
        found.append(example)
    return found


def words(task: str, ids: tuple[int, ...] | list[int]) -> list[str]:
    """Ids as tokens."""
    known = vocabulary(task)
    return [known[number] for number in ids]
