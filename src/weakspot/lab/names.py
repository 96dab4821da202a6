"""The lab's tables: which tasks and shapes there are, the parts a shape is made of, and the name of a cell.

Nothing here needs torch. Two shapes that differ in exactly one part are a crossing: see `crossings`.
"""

import hashlib
from itertools import combinations

import msgspec

from weakspot.errors import UsageError
from weakspot.records.lab import Cell


class Task(msgspec.Struct, frozen=True):
    """What a task asks, in a line; `counts` says what a length counts, `decodings` how its answers are decoded."""

    line: str
    counts: str = "tokens"
    decodings: tuple[str, ...] = ("free",)


class Shape(msgspec.Struct, frozen=True):
    """An architecture by its parts.

    `kind` is decoder or encoder-decoder; `positions` how places are told; `attention` whether heads share keys and
    values; `block` whose norms, feed-forward and initialisation it has (`own` blocks are all alike).
    """

    line: str
    kind: str
    positions: str
    attention: str
    block: str

    def parts(self) -> dict[str, str]:
        """The parts by name, as crossings compare them."""
        return {"kind": self.kind, "positions": self.positions, "attention": self.attention, "block": self.block}


FORMED = ("free", "constrained")

TASKS: dict[str, Task] = {
    "copy": Task("write the letters again"),
    "reverse": Task("write the letters from the last to the first"),
    "recall": Task("associative recall: give each asked key with its value", counts="pairs"),
    "sorting": Task("write the letters in alphabetical order"),
    "brackets": Task("close the open brackets of four kinds", counts="levels of nesting", decodings=FORMED),
    "json": Task(
        "complete a JSON document from its cut", counts="levels of nesting", decodings=(*FORMED, "structure head")
    ),
    "addition": Task("add two numbers, one token a digit", counts="digits"),
    "addition-triples": Task("add two numbers, one token for three digits", counts="digits"),
}

SHAPES: dict[str, Shape] = {
    "gpt": Shape("GPT-2: a decoder with learned positions", "decoder", "learned", "all heads", "gpt2"),
    "llama": Shape("LLaMA: a decoder with rotary positions and grouped queries", "decoder", "rope", "grouped", "llama"),
    "t5": Shape("T5: an encoder-decoder with relative bias", "encoder-decoder", "t5 bias", "all heads", "t5"),
    "block-learned": Shape("the lab's decoder, learned positions", "decoder", "learned", "all heads", "own"),
    "block-learned-offset": Shape(
        "the lab's decoder, learned positions begun at a random place in training",
        "decoder",
        "learned, random offset",
        "all heads",
        "own",
    ),
    "block-rope": Shape("the lab's decoder, rotary positions", "decoder", "rope", "all heads", "own"),
    "block-alibi": Shape("the lab's decoder, ALiBi", "decoder", "alibi", "all heads", "own"),
    "block-none": Shape("the lab's decoder, no positions", "decoder", "none", "all heads", "own"),
    "block-t5": Shape("the lab's decoder, T5's relative bias", "decoder", "t5 bias", "all heads", "own"),
    "encdec-t5": Shape(
        "the lab's encoder-decoder, T5's relative bias", "encoder-decoder", "t5 bias", "all heads", "own"
    ),
    "encdec-rope": Shape("the lab's encoder-decoder, rotary positions", "encoder-decoder", "rope", "all heads", "own"),
    "encdec-learned": Shape(
        "the lab's encoder-decoder, learned positions", "encoder-decoder", "learned", "all heads", "own"
    ),
}


def crossings(shapes: tuple[str, ...] | list[str]) -> list[tuple[str, str, str]]:
    """All pairs of these shapes that differ in exactly one part: the part's name, the first shape, the second.

    Raises:
        UsageError: a shape is unknown.
    """
    found = []
    for first, second in combinations(shapes, 2):
        one, other = known_shape(first).parts(), known_shape(second).parts()
        differing = [part for part, value in one.items() if other[part] != value]
        if len(differing) == 1:
            found.append((differing[0], first, second))
    return found


def known_shape(name: str) -> Shape:
    """The shape of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in SHAPES:
        raise UsageError(f"There is no shape named {name!r}.", hint=f"Known: {', '.join(SHAPES)}.")
    return SHAPES[name]


def known_task(name: str) -> Task:
    """The task of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in TASKS:
        raise UsageError(f"There is no task named {name!r}.", hint=f"Known: {', '.join(TASKS)}.")
    return TASKS[name]


def cell_name(cell: Cell) -> str:
    """A name that is safe as a file name and differs wherever any field of the cell does."""
    digest = hashlib.sha256(msgspec.json.encode(cell)).hexdigest()[:8]
    return f"{cell.task}-{cell.shape}-s{cell.seed}-{digest}"
