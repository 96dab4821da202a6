"""What taking heads out does, against other heads of the same layers: the experiment behind every "this head matters".

A head's result is replaced, at every position, by its own mean over the sequence or by zeros. One head is held against
each other head of its layer; several against as many drawn at random, layer by layer.
"""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from weakspot.inside.parts import Parts, head_name
from weakspot.inside.passes import Input, Key, Passes, Row
from weakspot.records.look import HeadEffect, How
from weakspot.stats.resampling import mean_interval

DRAWS = 20
"""Random sets that several heads are held against: p can fall to 1 in 21."""


class Target(NamedTuple):
    """What is measured: inputs of one length, whether their answers' log-probabilities are averaged, and its name.

    `unit` follows a figure in sentences: nats, or nats a token where they are averaged.
    """

    name: str
    inputs: tuple[Input, ...]
    average: bool = False

    @property
    def unit(self) -> str:
        """What a figure counts."""
        return "nats a token" if self.average else "nats"


def ablate(passes: Passes, target: Target, sets: Sequence[tuple[Key, ...]], how: How, seed: int) -> list[HeadEffect]:
    """The effect of each set of heads on a target."""
    results = [passes.head_results(given) for given in target.inputs]
    others = {heads: others_of(passes.parts, heads, seed) for heads in sets}
    wanted = list(dict.fromkeys([(), *sets, *(one for drawn in others.values() for one in drawn)]))  # once, if shared
    scores = dict(zip(wanted, _scores(passes, target, results, wanted, how), strict=True))
    base = scores[()]
    found = []
    for heads in sets:
        rows = [scores[one] for one in (heads, *others[heads])]
        effects = [[without - with_ for without, with_ in zip(row, base, strict=True)] for row in rows]
        found.append(_effect(passes.parts, target, how, heads, base, effects))
    return found


def _scores(
    passes: Passes, target: Target, results: Sequence[dict[Any, Any]], sets: Sequence[tuple[Key, ...]], how: How
) -> list[list[float]]:
    """The target's value for each set and input."""
    given, rows = [], []
    for heads in sets:
        for one, result in zip(target.inputs, results, strict=True):
            given.append(one)
            rows.append(Row(heads={key: _stand_in(result, key, how) for key in heads}))
    values = [float(v.mean() if target.average else v.sum()) for v in passes.many(given, rows)]
    size = len(target.inputs)
    return [values[start : start + size] for start in range(0, len(values), size)]


def _stand_in(result: dict[Any, Any], key: Key, how: How) -> Any:
    stack, layer, head = key
    whole = result[stack, layer][:, head]
    return whole.mean(0) if how == "mean" else whole.new_zeros(whole.shape[1])


def others_of(parts: Parts, heads: tuple[Key, ...], seed: int) -> list[tuple[Key, ...]]:
    """Every other head of the layer, for one; for several, drawn sets of as many of each layer, none asked for."""
    by_layer = Counter((stack, layer) for stack, layer, _ in heads)
    free = {place: [(*place, n) for n in range(_count(parts, place)) if (*place, n) not in heads] for place in by_layer}
    if len(heads) == 1:
        [(stack, layer)] = by_layer
        return [(key,) for key in free[stack, layer]]
    if any(len(free[place]) < count for place, count in by_layer.items()):
        return []
    dice = random.Random(seed)  # noqa: S311 - which heads are compared is no secret
    drawn = {
        tuple(key for place, count in sorted(by_layer.items()) for key in sorted(dice.sample(free[place], count)))
        for _ in range(DRAWS)
    }
    return sorted(drawn)


def _count(parts: Parts, place: tuple[Any, int]) -> int:
    found = parts.attention(*place)
    return found.heads if found else 0


def _effect(
    parts: Parts,
    target: Target,
    how: How,
    heads: tuple[Key, ...],
    base: Sequence[float],
    effects: Sequence[Sequence[float]],
) -> HeadEffect:
    size = len(base)
    own, *others = [sum(row) / size for row in effects]
    as_large = sum(abs(other) >= abs(own) for other in others)
    interval = mean_interval(effects[0]) if size > 1 else None
    before = sum(base) / size
    made = HeadEffect(
        heads=tuple(head_name(*key, several=parts.encoder) for key in heads),
        target=target.name,
        how=how,
        before=before,
        after=before + own,
        effect=own,
        others=tuple(others),
        as_large=as_large,
        p=(as_large + 1) / (len(others) + 1),
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        sequences=size,
    )
    return _worded(made, target.unit)


def _worded(found: HeadEffect, unit: str) -> HeadEffect:
    names = ", ".join(found.heads)
    less = "less" if found.effect < 0 else "more"
    between = "" if found.low is None or found.high is None else f" ({-found.high:.2f} to {-found.low:.2f})"
    if found.effect >= 0 and found.low is not None and found.high is not None:
        between = f" ({found.low:.2f} to {found.high:.2f})"
    said = f"Without {names} {found.target} is {abs(found.effect):.2f} {unit} {less} likely{between}"
    whole = "other heads of its layer" if len(found.heads) == 1 else "random sets of the same layers"
    if not found.others:
        said += "; there is nothing of the same layers to hold it against."
    elif found.as_large == 0:
        most = max(abs(other) for other in found.others)
        said += f": more than each of {len(found.others)} {whole} (at most {most:.2f}; p = {found.p:.2f})."
    else:
        said += f"; {found.as_large} of {len(found.others)} {whole} change it as much: no difference shown."
    return msgspec.structs.replace(found, sentence=said)
