"""Long context: one fact in a text of made-up news, at a depth, among facts that look like it.

The positive control has the fact alone, the placebo the same text without the look-alikes: what only the treatment
fails is the fault of the distractors, what the placebo fails too is the fault of the length.
"""

import msgspec

from weakspot.generators.build import Kind, Matched, lay_out, no_echo, words
from weakspot.generators.draw import Draw
from weakspot.records import Probe

_WHO = (
    "the baker", "a young driver", "our neighbour", "the choir", "a teacher", "the mayor", "an old sailor",
    "the gardener", "a nurse", "the postman", "two students", "the librarian", "a painter", "the chess club",
    "a farmer", "the cook",
)  # fmt: skip
_DID = (
    "repaired", "painted", "sold", "found", "cleaned", "photographed", "carried away", "measured", "admired",
    "lost", "covered", "described", "borrowed", "moved", "opened", "inspected",
)  # fmt: skip
_WHAT = (
    "the wooden gate", "an empty barrel", "the north wall", "three chairs", "a rusty bell", "the garden path",
    "some lamps", "the ferry ticket", "a stack of plates", "the old map", "a broken oar", "the front door",
    "several umbrellas", "the tall ladder", "a heavy rope", "the stone bench",
)  # fmt: skip
_WHEN = (
    "on Monday", "before lunch", "in the rain", "without a word", "last week", "at dawn", "after the concert",
    "in a great hurry", "with much care", "for the second time", "near the harbour", "behind the school",
    "in the evening", "during the fair", "beside the mill", "once again",
)  # fmt: skip
_NAMES = (
    "Ada", "Boris", "Clara", "David", "Ella", "Felix", "Greta", "Hugo", "Irma", "Jonas", "Karla", "Luis",
)  # fmt: skip
_THINGS = ("locker", "room", "ticket", "code", "badge", "seat")
_COLOURS = (
    "red", "green", "yellow", "black", "white", "purple", "orange", "brown", "silver", "pink",
)  # fmt: skip


class LongContext(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fact at a depth in a text of a length, among look-alikes; an outdated fact; two facts to be joined."""

    lengths: tuple[int, ...] = (90, 250, 600)
    """Words of the text around the fact."""
    depths: tuple[int, ...] = (0, 25, 50, 75, 100)
    """Where the fact stands, in percent of the text."""
    distractors: tuple[int, ...] = (1, 4)
    """How many look-alikes there are."""
    longest: int = 2400
    """Words of the few longest texts; about 3,200 tokens."""

    def probes(self, seed: int, n: int | None) -> list[Probe]:
        """The items for a seed."""
        grid = len(self.lengths) * len(self.depths)
        kinds = (
            *(Kind(f"among-{count}", grid, self._among) for count in self.distractors),
            Kind("outdated", grid, self._outdated),
            Kind("two-facts", grid, self._joined),
            Kind("longest", 4, self._far),
        )
        return lay_out("long-context", kinds, seed, n)

    def _cell(self, made: Matched) -> tuple[int, int]:
        length = self.lengths[made.index // len(self.depths) % len(self.lengths)]
        return length, self.depths[made.index % len(self.depths)]

    def _among(self, made: Matched) -> None:
        self._look_alikes(made, *self._cell(made), int(made.tags["kind"].rpartition("-")[2]))

    def _far(self, made: Matched) -> None:
        depths = self.depths[:: max(1, len(self.depths) // 2)]
        self._look_alikes(made, self.longest, depths[made.index % len(depths)], 1 + 3 * (made.index // len(depths)))

    def _look_alikes(self, made: Matched, length: int, depth: int, count: int) -> None:
        thing = made.draw.pick(_THINGS)
        who, *others = made.draw.some(_NAMES, count + 1)
        value, *values = made.draw.some(range(12, 98), count + 1)
        fact = f"{who} has {thing} {value}."
        alike = [f"{name} has {thing} {other}." for name, other in zip(others, values, strict=True)]
        self._tags(made, length, depth, count)
        _arms(made, (fact,), alike, (length, depth), (f"Which {thing} does {who} have?", str(value)))

    def _outdated(self, made: Matched) -> None:
        """The look-alike is an earlier state of the same thing, and stands before the one that holds."""
        length, depth = self._cell(made)
        who = made.draw.pick(_NAMES)
        old, new = made.draw.some(_COLOURS, 2)
        self._tags(made, length, depth, 1)
        fact = f"Since yesterday {who}'s boat is {new}."
        asked = f"What colour is {who}'s boat now?"
        _arms(made, (fact,), [f"Years ago {who}'s boat was {old}."], (length, depth), (asked, new), first=True)

    def _joined(self, made: Matched) -> None:
        """The answer takes two facts that stand apart: who has which animal, and where that animal is."""
        length, depth = self._cell(made)
        who, other = made.draw.some(_NAMES, 2)
        pet, another = made.draw.some(("cat", "dog", "parrot", "pony", "goat"), 2)
        place, elsewhere = made.draw.some(("cellar", "garage", "shed", "attic", "stable"), 2)
        self._tags(made, length, depth, 1)
        facts = (f"{who} owns the {pet}.", f"The {pet} sleeps in the {place}.")
        alike = [f"{other} owns the {another}.", f"The {another} sleeps in the {elsewhere}."]
        _arms(made, facts, alike, (length, depth), (f"Where does {who}'s animal sleep?", place))

    def _tags(self, made: Matched, length: int, depth: int, count: int) -> None:
        level = "easy" if length <= min(self.lengths) else "hard" if length >= max(self.lengths) else "medium"
        made.tokens = 16
        made.tags |= {"length": str(length), "depth": str(depth), "distractors": str(count), "level": level}


def _arms(
    made: Matched,
    facts: tuple[str, ...],
    alike: list[str],
    cell: tuple[int, int],
    asked: tuple[str, str],
    *,
    first: bool = False,
) -> None:
    """The fact alone, in the text, and in the text with look-alikes; `first` puts these before the fact."""
    question, answer = asked
    expect = no_echo(words(answer))
    length, depth = cell
    filler = _text(made.draw, length)
    plain = _placed(filler, facts, depth)
    at = [plain.index(fact) for fact in facts]
    crowded = list(plain)
    for number, sentence in enumerate(alike):
        # Spread evenly over the text, or over what stands before the fact.
        limit = at[0] if first else len(plain)
        crowded.insert((number + 1) * limit // (len(alike) + 1) + (0 if first else number), sentence)
    made.add("positive-control", "alone", f"{' '.join(facts)}\n\n{question}", expect)
    made.add("placebo", "long", f"{' '.join(plain)}\n\n{question}", expect)
    made.add("treatment", "crowded", f"{' '.join(crowded)}\n\n{question}", expect)


def _placed(filler: list[str], facts: tuple[str, ...], depth: int) -> list[str]:
    """The facts in the text, the first at `depth` percent; a second one a third of the text away."""
    text = list(filler)
    for number, fact in enumerate(facts):
        place = (depth + 33 * number) % 101 if number else depth
        text.insert(round(place * len(text) / 100), fact)
    return text


def _text(draw: Draw, length: int) -> list[str]:
    """Sentences that say little, at least `length` words of them."""
    said: list[str] = []
    total = 0
    while total < length:
        sentence = f"{draw.pick(_WHO)} {draw.pick(_DID)} {draw.pick(_WHAT)} {draw.pick(_WHEN)}."
        said.append(sentence[0].upper() + sentence[1:])
        total += len(sentence.split())
    return said
