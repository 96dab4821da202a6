"""How a generator lays out its suite: kinds, matched sets, ids that stay.

A set is made from (suite, kind, number, seed) alone, so asking for more sets never changes those that were there.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from weakspot.generators.draw import Draw
from weakspot.records import Generation, Message, Probe
from weakspot.records.probe import Arm

_SOUNDS = re.compile(r"(?:[aeio]|u(?:n(?!i)|p)|hour|heir|honest)", re.IGNORECASE)
SOURCE = "weakspot"
LICENCE = "Apache-2.0"


class Generator(Protocol):
    """What is registered under "generators": its fields are its settings."""

    def probes(self, seed: int, n: int | None) -> list[Probe]:
        """The items for a seed: `n` matched sets, spread over the kinds; None: as many as the suite that ships."""
        ...


class Matched:
    """One matched set being made: its arms share the group, the category and the tags."""

    def __init__(self, category: str, name: str, draw: Draw, *, index: int, seed: int) -> None:
        self.category = category
        self.name = name
        self.draw = draw
        self.index = index
        self.seed = seed
        self.tags: dict[str, str] = {}
        self.tokens = 16
        self.made: list[Probe] = []

    def add(
        self,
        arm: Arm | None,
        suffix: str,
        asked: str | Sequence[Message],
        expect: dict[str, Any],
        *,
        generation: Generation | None = None,
        **tags: str,
    ) -> str:
        """Put an arm into the set; returns its id. `asked` is the user's question or a whole conversation."""
        name = f"{self.name}-{suffix}" if suffix else self.name
        messages = (Message("user", asked),) if isinstance(asked, str) else tuple(asked)
        self.made.append(
            Probe(
                id=name,
                category=self.category,
                messages=messages,
                expect=expect,
                generation=generation or Generation(max_tokens=self.tokens),
                tags=self.tags | tags,
                group=self.name,
                arm=arm,
                source=SOURCE,
                licence=LICENCE,
                reviewed=True,
            )
        )
        return name


class Kind(msgspec.Struct, frozen=True):
    """One kind of set: how many the suite that ships has, how it is made, and how many there can be at most."""

    name: str
    count: int
    make: Callable[[Matched], None]
    most: int | None = None
    category: str | None = None


def lay_out(suite: str, kinds: Sequence[Kind], seed: int, n: int | None, *, category: str | None = None) -> list[Probe]:
    """The sets of all kinds, kind by kind.

    Args:
        suite: the first part of every id.
        kinds: what there is.
        seed: 0 for the suite that ships; another seed stands in the ids, so that both can be asked together.
        n: matched sets in all, dealt to the kinds in turn; None: each kind's own count.
        category: of all kinds that name none of their own; None: the suite's name.
    """
    counts = {kind.name: kind.count for kind in kinds} if n is None else _dealt(kinds, n)
    return [
        probe
        for kind in kinds
        for index in range(counts[kind.name])
        for probe in _set(suite, kind, seed, index, kind.category or category or suite)
    ]


def _set(suite: str, kind: Kind, seed: int, index: int, category: str) -> Iterator[Probe]:
    name = f"{suite}/{kind.name}-{f's{seed}-' if seed else ''}{index + 1:02}"
    matched = Matched(category, name, Draw(suite, kind.name, index, seed), index=index, seed=seed)
    matched.tags = {"kind": kind.name, "level": "medium"}
    kind.make(matched)
    yield from matched.made


def _dealt(kinds: Sequence[Kind], n: int) -> dict[str, int]:
    counts = dict.fromkeys((kind.name for kind in kinds), 0)
    while sum(counts.values()) < n:
        open_kinds = [kind for kind in kinds if kind.most is None or counts[kind.name] < kind.most]
        if not open_kinds:
            break
        for kind in open_kinds[: n - sum(counts.values())]:
            counts[kind.name] += 1
    return counts


def articles(text: str) -> str:
    """`text` with "a" and "an" as the words behind them want it, for names that were put into a sentence."""
    return re.sub(r"\b([Aa])n? (?=(\w+))", lambda m: f"{m[1]}{'n' if _SOUNDS.match(m[2]) else ''} ", text)


def words(*values: str) -> dict[str, Any]:
    """Expect one of these words anywhere, whole, in any letter case."""
    return {"type": "any_of", "values": list(values), "ignore_case": True, "normalise": True, "whole_word": True}


def choice(options: Sequence[str], value: str, *, abstention: str | None = None) -> dict[str, Any]:
    """Expect this one of the options, by its words."""
    expect = {"type": "choice", "options": list(options), "value": value, "letters": False}
    return expect | ({"abstention": abstention} if abstention else {})


def no_echo(expect: dict[str, Any]) -> dict[str, Any]:
    """The same where the question itself tells the answer: its own words, repeated whole, are none."""
    return expect | {"beyond_question": True}


def number(value: float) -> dict[str, Any]:
    """Expect this number as the last one of the reply."""
    return {"type": "number", "value": value}
