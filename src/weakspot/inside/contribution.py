"""How much each token of the prompt makes the answer likelier: by ablation, and by gradient x input.

An ablated token keeps its place; its embedding becomes the vocabulary's mean. Gradient x input (Shrikumar et al. 2016,
arXiv 1605.01713) is the gradient of the answer's log-probability times the embedding; `first_order` is the gradient
times the change that the ablation makes, so what it misses of the ablation is curvature alone.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from weakspot.inside.passes import Input, Passes, Row, hooked
from weakspot.records.look import Agreement
from weakspot.stats.classify_metrics import spearman

GROUPS = 128
"""Passes at most: a longer prompt is ablated in groups of neighbours."""
LONGEST = 4096
"""Tokens beyond which no gradient is taken: everything between input and answer has to be kept."""
TOP = 5


class Contribution(NamedTuple):
    """Each by token; `group` is the number of the group that a token was ablated with. Nats."""

    ablation: list[float]
    group: list[int]
    gradient: list[float] | None
    first_order: list[float] | None
    agreement: tuple[Agreement, ...]


def contribution(passes: Passes, given: Input, tokens: int) -> Contribution:
    """Both ways over the first `tokens` tokens of what is read (the prompt; an encoder's whole text)."""
    size = max(1, math.ceil(tokens / GROUPS))
    groups = [range(start, min(tokens, start + size)) for start in range(0, tokens, size)]
    mean = passes.mean_embedding()
    rows = [Row(), *(Row(embeddings=dict.fromkeys(group, mean)) for group in groups)]
    sums = passes.answers(given, rows).sum(-1).tolist()
    effects = [sums[0] - one for one in sums[1:]]
    of = [number for number, group in enumerate(groups) for _ in group]
    if tokens > LONGEST:
        return Contribution([effects[n] for n in of], of, None, None, ())
    gradient, first_order = _gradients(passes, given, tokens, mean)
    by_group = [[sum(values[n] for n in group) for group in groups] for values in (gradient, first_order)]
    agreement = (
        agree("ablation", effects, "gradient x input", by_group[0]),
        agree("ablation", effects, "its first-order forecast", by_group[1]),
    )
    return Contribution([effects[n] for n in of], of, gradient, first_order, agreement)


def _gradients(passes: Passes, given: Input, tokens: int, mean: Any) -> tuple[list[float], list[float]]:
    """Gradient x input, and gradient x (input - mean), of each token."""
    torch, held, calls = passes.torch, [], [0]

    def hook(_module: Any, _arguments: Any, result: Any) -> Any:
        calls[0] += 1
        if calls[0] > 1:  # an encoder-decoder's table, used again by the decoder
            return result
        held.append(result.detach().requires_grad_(True))
        return held[0]

    with torch.enable_grad(), hooked(passes.parts.embedding, hook):
        logits = passes.model(**passes.fed([given], keep=given.answer)).logits[0, -given.answer :].float()
    wanted = torch.tensor(given.written[-given.answer :], device=passes.device)
    said = logits.log_softmax(-1).gather(1, wanted[:, None]).sum()
    (gradient,) = torch.autograd.grad(said, held[0])
    slope, value = gradient[0, :tokens].float(), held[0].detach()[0, :tokens].float()
    return (slope * value).sum(-1).tolist(), (slope * (value - mean.float())).sum(-1).tolist()


def agree(first: str, a: Sequence[float], second: str, b: Sequence[float]) -> Agreement:
    """Spearman's correlation of two attributions, and how many of the largest few they share."""
    top = min(TOP, len(a))
    largest = [set(sorted(range(len(v)), key=lambda n: -abs(v[n]))[:top]) for v in (a, b)]
    found = (
        spearman(np.asarray(a, np.float64), np.asarray(b, np.float64), np.ones((1, len(a))))[0]
        if len(a) > 2
        else math.nan
    )
    return Agreement(
        first, second, None if math.isnan(found) else float(found), len(a), len(largest[0] & largest[1]), top
    )
