"""Rows for new tokens in a torch model: make room, fill them, and if wanted train them and nothing else.

It works on any causal model of transformers, with tied or untied output embeddings, with or without an output bias.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weakspot.errors import WeakspotError
from weakspot.vocabularies.embedding_init import Mixture, mixed_rows

RATE = 1e-3
BETAS = (0.9, 0.999)
ROWS_A_STEP = 2


def make_room(model: Any, size: int) -> tuple[int, int]:
    """Grow input and output embeddings to at least `size` rows; the configuration's vocab_size goes along.

    A model may have more rows than its tokenizer has tokens (padding to a multiple): those are used first.

    Returns:
        Rows before and after.
    """
    before = int(model.get_input_embeddings().weight.shape[0])
    if size > before:
        model.resize_token_embeddings(size, mean_resizing=False)
    return before, int(model.get_input_embeddings().weight.shape[0])


def is_tied(model: Any) -> bool:
    """Whether input and output embeddings are one matrix."""
    head = model.get_output_embeddings()
    return head is None or head.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()


def fill_rows(model: Any, mixture: Mixture) -> None:
    """Write the rows of new tokens, in the output matrix and its bias too; old rows are not touched.

    Raises:
        WeakspotError: the model has no output embeddings to fill.
    """
    import torch

    new = sorted(mixture)
    head = model.get_output_embeddings()
    if head is None:
        raise WeakspotError("The model has no output embeddings, so new tokens can't be written by it.")
    targets = [model.get_input_embeddings().weight]
    if not is_tied(model):
        targets.append(head.weight)
    if getattr(head, "bias", None) is not None:
        targets.append(head.bias)
    with torch.no_grad():
        for target in targets:
            made = mixed_rows(target.detach().float().numpy(), mixture, new)
            target[torch.tensor(new)] = torch.from_numpy(made).to(target.dtype)


def tune_rows(
    model: Any,
    rows: Sequence[Sequence[int]],
    new: Sequence[int],
    steps: int,
    *,
    start: int,
    tell: Callable[[int], None] = lambda _: None,
) -> None:
    """Train the rows of new tokens alone, on passages that hold some; old rows stay.

    Gradient descent with momentum, each step divided by the running root mean square of the gradients of all new rows
    together. Adam (Kingma and Ba 2015) divides number by number: then the rows of words that a step does not hold,
    whose small gradients only say that they are unlikely, move as far as the others, and held-back text got worse
    (SmolLM2, 300 words of licences, 20 steps at a rate of 0.005: 1.28 to 1.34 bits a byte).

    Args:
        model: the model, its rows filled.
        rows: passages of the training part, in ids.
        new: the ids whose rows are trained.
        steps: how many steps of two passages each.
        start: what stands in front of every passage.
        tell: hears of every step done.
    """
    import torch

    wanted = set(new)
    useful = [row for row in rows if wanted.intersection(row)]
    if not useful:
        return
    index = torch.tensor(sorted(wanted))
    weights = [model.get_input_embeddings().weight]
    if not is_tied(model):
        weights.append(model.get_output_embeddings().weight)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for weight in weights:
        weight.requires_grad_(True)
    first = [torch.zeros_like(weight[index]) for weight in weights]
    second = [torch.zeros(()) for _ in weights]
    dice = np.random.default_rng(0)
    for step in range(1, steps + 1):
        for weight in weights:
            weight.grad = None
        for at in dice.integers(len(useful), size=ROWS_A_STEP).tolist():
            ids = torch.tensor([[start, *useful[at]]])
            logits = model(input_ids=ids, use_cache=False).logits
            loss: Any = torch.nn.functional.cross_entropy(logits[0, :-1].float(), ids[0, 1:]) / ROWS_A_STEP
            loss.backward()
        rate = RATE * (1 - (step - 1) / steps)
        with torch.no_grad():
            for weight, m, v in zip(weights, first, second, strict=True):
                slope = weight.grad[index]
                m.mul_(BETAS[0]).add_(slope, alpha=1 - BETAS[0])
                v.mul_(BETAS[1]).add_(slope.square().mean(), alpha=1 - BETAS[1])
                move = (m / (1 - BETAS[0] ** step)) / ((v / (1 - BETAS[1] ** step)).sqrt() + 1e-8)
                weight[index] -= rate * move
        tell(step)
    for weight in weights:
        weight.grad = None
        weight.requires_grad_(False)
