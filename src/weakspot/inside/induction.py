"""Induction: random tokens, repeated. Who attends to what followed before, and does taking them out stop the copying?

The score alone is an association: a head can look at the right place and carry nothing. So the heads above the
threshold are taken out, each and together, and the surprisal of the repeated tokens is measured again.
"""

import random
from collections.abc import Sequence

from weakspot.inside.ablation import Target, ablate
from weakspot.inside.attention import induction_scores
from weakspot.inside.parts import head_name
from weakspot.inside.passes import Input, Key, Passes, Row
from weakspot.records.look import How, Induction

PERIOD, COPIES, SEQUENCES = 60, 4, 8
THRESHOLD = 0.6
MOST = 8
"""Heads that are taken out one by one, strongest first; all of them are taken out together."""
SHORT = 30
"""Tokens of the strings that the ablations see, twice: enough to copy from, and a quarter of the work."""
TARGET = "the repeated text"


def sequences(
    ordinary: Sequence[int], begin: Sequence[int], period: int, copies: int, count: int, seed: int
) -> tuple[Input, ...]:
    """Inputs of `count` random strings of `period` tokens, each repeated; the last copies are what is measured."""
    dice = random.Random(seed)  # noqa: S311 - a seeded draw, to be drawn again
    found = []
    for _ in range(count):
        drawn = dice.sample(ordinary, period) if len(ordinary) >= period else dice.choices(ordinary, k=period)
        found.append(Input((*begin, *drawn * copies), answer=period * (copies - 1)))
    return tuple(found)


def induction(
    passes: Passes, inputs: tuple[Input, ...], period: int, how: How, seed: int, threshold: float = THRESHOLD
) -> tuple[Induction, dict[tuple[int, int], float]]:
    """The scores of all heads, and what those above the threshold carry."""
    scores = induction_scores(passes.torch, passes, inputs, period)
    strong = sorted((key for key, value in scores.items() if value >= threshold), key=lambda key: -scores[key])
    keys: list[Key] = [("decoder", layer, head) for layer, head in strong]
    copies = (len(inputs[0].ids)) // period
    begin, size = len(inputs[0].ids) % period, min(SHORT, period)
    short = tuple(Input((*one.ids[: begin + size], *one.ids[begin : begin + size]), answer=size) for one in inputs)
    first = [Input(one.ids[: begin + size], answer=size - 1) for one in short]
    losses = [
        -sum(float(v.mean()) for v in passes.many(given, [Row()] * len(given))) / len(given)
        for given in (first, list(short))
    ]
    sets: list[tuple[Key, ...]] = [(key,) for key in keys[:MOST]]
    if len(keys) > 1:
        sets.insert(0, tuple(sorted(keys)))
    found = Induction(
        period=period,
        copies=copies,
        sequences=len(inputs),
        threshold=threshold,
        heads=tuple(head_name(*key, several=passes.parts.encoder) for key in keys),
        loss_first=losses[0],
        loss_repeated=losses[1],
        effects=tuple(ablate(passes, Target(TARGET, short, average=True), sets, how, seed)),
    )
    return found, scores
