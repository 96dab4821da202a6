"""Activations of a second prompt put into a run of the first: where the difference between their answers is carried.

Activation patching as in Meng et al. 2022 (arXiv 2202.05262) and Wang et al. 2022 (arXiv 2211.00593): what is measured
is the log-odds of the first prompt's answer over the second's, at the last position.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from weakspot.errors import UsageError
from weakspot.inside.ablation import others_of
from weakspot.inside.parts import head_name
from weakspot.inside.passes import Input, Key, Passes, Row
from weakspot.inside.stream import streams
from weakspot.records.look import HeadEffect, PatchEffect, Patching, Stack

POSITIONS = 24
BUDGET = 60_000
"""Tokens fed at most for one sweep (about a minute for 135M parameters on a core): beyond it, layers are skipped."""
Words = Callable[[Sequence[int]], list[str]]


class Prompt(NamedTuple):
    """A prompt as read, with one id behind it that is not fed; `reads` is the stack that reads it."""

    text: str
    given: Input
    reads: Stack

    @property
    def length(self) -> int:
        """Tokens of the prompt."""
        return len(self.given.ids) - (0 if self.given.target else 1)

    @property
    def ids(self) -> tuple[int, ...]:
        """Its tokens."""
        return self.given.ids[: self.length]


class Pair(NamedTuple):
    """Two prompts that can be held against each other, and the id of each one's answer."""

    own: Prompt
    other: Prompt
    ahead: tuple[int, int]

    @property
    def same_length(self) -> bool:
        """Whether every position of the one stands for a position of the other."""
        return self.own.length == self.other.length


def pair_of(
    passes: Passes,
    own: Prompt,
    other: Prompt,
    heads: Sequence[tuple[Key, ...]],
    words: Words,
    answer: int | None = None,
) -> Pair:
    """Both prompts with their answers: the likeliest next tokens, or `answer` for the first one. Two passes.

    Raises:
        UsageError: both prompts have the same answer, so there is nothing to move, or these heads can't be patched.
    """
    ahead = [int(_odds(passes, one.given).argmax()) for one in (own, other)]
    if answer is not None:
        ahead[0] = answer
    if ahead[0] == ahead[1]:
        raise UsageError(
            f"Both prompts are answered with {words(ahead[:1])[0]!r}, so nothing could move from one to the other.",
            hint="Give a second prompt with another answer.",
        )
    if own.length != other.length and any(key[0] == "encoder" for keys in heads for key in keys):
        raise UsageError(
            "An encoder's heads can be patched only between prompts of one length.",
            hint=f"These have {own.length} and {other.length} tokens.",
        )
    return Pair(own, other, (ahead[0], ahead[1]))


def patch(passes: Passes, pair: Pair, heads: Sequence[tuple[Key, ...]], words: Words, seed: int = 0) -> Patching:
    """Put the other prompt's activations in, layer by layer, head by head, and the heads that are asked for."""
    own, other, ahead = pair

    def score(last: Any) -> Any:
        return last[-1].log_softmax(-1)[ahead[0]] - last[-1].log_softmax(-1)[ahead[1]]

    ends = [float(score(_odds(passes, one.given)[None])) for one in (own, other)]
    same = pair.same_length
    work = _Work(passes, own, other, score, ends[0], ends[1])
    return Patching(
        prompt=other.text,
        tokens=tuple(words(other.ids)),
        answer=words(ahead)[0],
        other_answer=words(ahead)[1],
        own=ends[0],
        other=ends[1],
        same_length=same,
        residual=tuple(work.residuals(same)),
        by_head=tuple(work.every_head(same)),
        heads=tuple(work.asked(keys, same, seed) for keys in heads),
    )


def _odds(passes: Passes, given: Input) -> Any:
    return passes.logits(given)[-1].float()


class _Work:
    """The sweeps over one pair of prompts."""

    def __init__(
        self, passes: Passes, own: Prompt, other: Prompt, score: Callable[[Any], Any], start: float, end: float
    ) -> None:
        self._passes, self._own, self._other, self._score = passes, own, other, score
        self._start, self._end = start, end
        self._results = passes.head_results(other.given)

    def _moved(self, rows: Sequence[Row]) -> list[float]:
        found = self._passes.many([self._own.given] * len(rows), rows, self._score)
        return [self._start - float(value) for value in found]

    def _effect(self, what: str, layer: int, position: int | None, moved: float) -> PatchEffect:
        whole = self._start - self._end
        return PatchEffect(what, layer, position, moved, moved / whole if abs(whole) > 1e-6 else None)

    def residuals(self, same: bool) -> list[PatchEffect]:
        """The stream behind each layer, at the last position and, in prompts of one length, from where they differ."""
        main = self._passes.parts.main
        donors = {one.stack: one.tail for one in streams(self._passes, self._other.given, 1 << 30)[0]}
        places: list[tuple[Stack, int]] = []
        if same:
            differ = next((n for n, (a, b) in enumerate(zip(self._own.ids, self._other.ids, strict=True)) if a != b), 0)
            span = range(differ, self._own.length)
            chosen = [*span[: POSITIONS - 4], *span[-4:]] if len(span) > POSITIONS else span
            places += [(self._own.reads, n) for n in chosen]
        last = len(self._own.given.written) - 2
        if (main, last) not in places:
            places.append((main, last))
        tokens = len(self._own.given.ids) + len(self._own.given.target)
        layers = {stack: len(self._passes.parts.layers[stack]) for stack, _ in places}
        step = max(1, -(-sum(layers[stack] for stack, _ in places) * tokens // BUDGET))
        wanted = [(stack, layer, n) for stack, n in places for layer in range(step - 1, layers[stack], step)]
        rows = [
            Row(residual={(stack, layer): (n, donors[stack][layer + 1, self._of_donor(stack, n)])})
            for stack, layer, n in wanted
        ]
        several = self._passes.parts.encoder
        return [
            self._effect(f"{stack} residual" if several else "residual", layer, n, moved)
            for (stack, layer, n), moved in zip(wanted, self._moved(rows), strict=True)
        ]

    def _of_donor(self, stack: Stack, position: int) -> int:
        """The donor's place for a place of ours: the same one, or its last."""
        last = len(self._own.given.written) - 2
        if stack == self._passes.parts.main and position == last:
            return len(self._other.given.written) - 2
        return position

    def _row(self, keys: Sequence[Key], same: bool) -> Row:
        whole = {key: self._results[key[0], key[1]][:, key[2]] for key in keys}
        if same:
            return Row(heads=whole)
        last = len(self._own.given.written) - 2
        return Row(heads={key: values[-1:] for key, values in whole.items()}, at=(last,))

    def _patchable(self, same: bool) -> list[Key]:
        """An encoder's heads have no last position that answers: they need prompts of one length."""
        return [key for key in self._passes.parts.heads() if same or key[0] != "encoder"]

    def every_head(self, same: bool) -> list[PatchEffect]:
        """Each head alone, strongest first; nothing where that would be too long a sweep."""
        keys = self._patchable(same)
        if len(keys) * (len(self._own.given.ids) + len(self._own.given.target)) > BUDGET:
            return []
        several = self._passes.parts.encoder
        found = [
            self._effect(head_name(*key, several=several), key[1], None, moved)
            for key, moved in zip(keys, self._moved([self._row([key], same) for key in keys]), strict=True)
        ]
        return sorted(found, key=lambda one: -abs(one.moved))

    def asked(self, keys: tuple[Key, ...], same: bool, seed: int) -> HeadEffect:
        """The heads that were asked for together, against others of their layers."""
        others = others_of(self._passes.parts, keys, seed)
        own, *rest = self._moved([self._row(one, same) for one in (keys, *others)])
        as_large = sum(abs(one) >= abs(own) for one in rest)
        names = tuple(head_name(*key, several=self._passes.parts.encoder) for key in keys)
        p = (as_large + 1) / (len(rest) + 1)
        shown = f"more than each of {len(rest)} others" if not as_large else "no difference shown from others"
        shown = f"{shown} (p = {p:.2f})" if rest else "there is nothing of the same layers to hold it against"
        return HeadEffect(
            heads=names,
            target="the second prompt's answer",
            how="patch",
            before=self._start,
            after=self._start - own,
            effect=own,
            others=tuple(rest),
            as_large=as_large,
            p=p,
            sentence=f"Put in from the second prompt, {', '.join(names)}: the answer moves {own:.2f} nats of "
            f"{self._start - self._end:.2f}; {shown}.",
        )
