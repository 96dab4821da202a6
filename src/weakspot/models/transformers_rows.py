"""One batch in flight: each row chooses its own tokens and stops by its own rules.

The library's `generate` runs the model and its cache; what it would decide for a batch as a whole is decided here
for each row: temperature, top-p, seed, stop strings and length. So a reply does not depend on what its neighbours
asked for. The first step may be as wide as the prompt, every other one is one token.

Seen by trial: `generate` with `do_sample` draws all rows from one global generator, so that a seed would mean another
reply in another batch; and one draw per token from a row's own generator costs 1 ms at 49,152 entries.

Samplers come in llama.cpp's order - top-p on the model's own distribution, then temperature -, so that equal
settings mean the same in both backends; the library's own order is the other way round.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from weakspot.records import FinishReason

if TYPE_CHECKING:
    import torch

Step = tuple[float, list[tuple[int, float]]]
"""The log-probability (nats) of the token that was chosen, and the likeliest ids with theirs."""


@dataclass(frozen=True)
class Wish:
    """What one row was asked for: its prompt's ids and how to go on. `top` is None where no logprobs are wanted."""

    text: str
    ids: tuple[int, ...]
    limit: int
    stops: tuple[str, ...]
    temperature: float
    top_p: float
    seed: int
    top: int | None


@dataclass
class Row:
    """How far one row is. `finish` is empty while it goes on; `broken` says that the model gave no numbers."""

    wish: Wish
    ids: list[int] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    text: str = ""
    finish: FinishReason | None = None
    broken: bool = False
    generator: Any = None


class Batch:
    """The rows of one call of `generate`.

    Args:
        wishes: one for each row.
        ends: ids that end a reply.
        decode: ids to the text of a reply.
        stop: set from outside to end the work at the next token.
    """

    def __init__(
        self,
        wishes: Sequence[Wish],
        ends: frozenset[int],
        decode: Callable[[Sequence[int]], str],
        stop: threading.Event,
    ) -> None:
        import torch

        self._torch = torch
        self.rows = [Row(wish) for wish in wishes]
        self._ends = ends
        self._decode = decode
        self._stop = stop
        self.first_at: float | None = None
        for row in self.rows:
            if row.wish.temperature > 0:
                # drawn on the CPU, so that a seed means the same on every device
                row.generator = torch.Generator().manual_seed(row.wish.seed % (1 << 63))

    def choose(self, scores: "torch.Tensor") -> "torch.Tensor":
        """Scores (rows, vocabulary) in which each row's token is the greatest; also keeps the logprobs asked for."""
        if self.first_at is None:
            self.first_at = time.perf_counter()
        chosen = scores.argmax(
            dim=-1
        )  # as the library does it: bfloat16 makes ties, and `max` may break them otherwise
        greatest = scores.gather(1, chosen[:, None])[:, 0]
        for number, (row, value) in enumerate(zip(self.rows, greatest.tolist(), strict=True)):
            if row.finish is not None:
                continue
            if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - not a number
                row.broken, row.finish = True, "unknown"
                continue
            if row.generator is not None:
                chosen[number] = self._draw(scores[number], row)
            if row.wish.top is not None:
                row.steps.append(_step(scores[number], int(chosen[number]), row.wish.top))
        if any(row.generator is not None for row in self.rows):
            forced = scores.new_full(scores.shape, float("-inf"))
            return forced.scatter(1, chosen[:, None], 0.0)
        return scores

    def _draw(self, scores: "torch.Tensor", row: Row) -> int:
        """One id, drawn by the inverse of the distribution function with a single uniform number."""
        torch = self._torch
        logits = scores.double()
        order = None
        if row.wish.top_p < 1:
            logits, order = logits.sort(descending=True, stable=True)
            shares = logits.softmax(-1)
            kept = shares.cumsum(-1) - shares < row.wish.top_p
            kept[0] = True
            logits = logits.masked_fill(~kept, float("-inf"))
        shares = ((logits - logits.max()) / row.wish.temperature).softmax(-1).cumsum(-1)
        uniform = torch.rand((), generator=row.generator, dtype=torch.float64).to(shares.device)
        at = int(torch.searchsorted(shares, uniform * shares[-1], right=True))
        at = min(at, len(shares) - 1)
        return at if order is None else int(order[at])

    def done(self, last: Sequence[int]) -> list[bool]:
        """Takes the newest id of each row; whether each row has ended."""
        for row, token in zip(self.rows, last, strict=True):
            if row.finish is None:
                self._take(row, token)
        return [row.finish is not None or self._stop.is_set() for row in self.rows]

    def _take(self, row: Row, token: int) -> None:
        row.ids.append(token)
        if token in self._ends:
            row.finish = "stop"
        elif row.wish.stops and (cut := first_stop(self._decode(row.ids), row.wish.stops)) is not None:
            row.finish, row.text = "stop", cut
            return
        elif len(row.ids) >= row.wish.limit:
            row.finish = "length"
        if row.finish is not None:
            row.text = self._decode(row.ids)
            if row.finish == "length":
                row.text = row.text.rstrip("\ufffd")  # the limit fell inside a character


def first_stop(text: str, stops: Sequence[str]) -> str | None:
    """The text before the first stop string, or None where there is none in it."""
    found = [at for stop in stops if stop and (at := text.find(stop)) >= 0]
    return text[: min(found)] if found else None


def _step(scores: "torch.Tensor", chosen: int, top: int) -> Step:
    """Logprobs of the model's own distribution, before any sampler, as llama.cpp gives them."""
    shares = scores.log_softmax(-1)
    values, ids = shares.topk(min(top, len(shares)))
    return float(shares[chosen]), list(zip(ids.tolist(), values.tolist(), strict=True))


class Chooser:
    """`Batch.choose` in the shape of the library's logits processors."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        """Scores (rows, vocabulary) in, scores out; the ids so far are not needed."""
        del input_ids
        return self._batch.choose(scores)


class Stopper:
    """`Batch.done` in the shape of the library's stopping criteria."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def __call__(self, input_ids: "torch.Tensor", scores: Any, **kwargs: Any) -> "torch.Tensor":
        """A flag for each row, from ids (rows, length)."""
        del scores, kwargs
        ended = self._batch.done(input_ids[:, -1].tolist())
        return input_ids.new_tensor(ended).bool()
