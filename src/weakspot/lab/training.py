"""Trains one cell: fixed steps of AdamW, a warm-up and a cosine, the loss on the answers alone.

Measured on one core (copying, lengths 1 to 10, GPT-2 shape): batches of mixed lengths reach an exact match of 1.0
within 700 steps; batches of one length each cost half the time a step and had reached 0.60 after 600, so that mixed
batches are used in spite of their padding. A decoder's batch in two halves by length takes 71 ms instead of 84 (width
96), an encoder-decoder's 102 instead of 101. Tried and left out: flushing denormal numbers (93 and 84 ms), AdamW
without the fused kernel (5 ms a step more), batches of 32 (T5 had not begun to copy after 1000 steps). On one thread
everything is deterministic: the same cell gives the same weights.
"""

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from weakspot.errors import TrainingDiverged, UsageError
from weakspot.lab.nets import Batch, Net, loss_of, net_of
from weakspot.lab.shapes import Build, make
from weakspot.lab.structure import StructureHead
from weakspot.lab.tasks import Example, examples, longest, training, vocabulary
from weakspot.records.lab import Cell, CurvePoint

POINTS = 20
"""Points of a learning curve."""
WATCHED = 16
"""Held-out sequences of each trained length whose exact match the curve shows; not those of the test."""
CLIP = 1.0
HALVED = 32
"""Sequences from which on a decoder's batch is halved."""
LEAST_RATE = 0.1
BETAS = (0.9, 0.98)
DECAY = 0.01

OnStep = Callable[[int, float], None]


class Trained(NamedTuple):
    """A net after its steps. `state_bytes` are weights, gradients and the optimiser's state, `activation_bytes` what
    one step of the longest batch keeps for its backward pass.
    """

    net: Net
    head: StructureHead | None
    curve: tuple[CurvePoint, ...]
    seconds: float
    state_bytes: int
    activation_bytes: int


def checked(cell: Cell, device: str = "cpu") -> Cell:
    """The same cell.

    Raises:
        UsageError: its numbers make no training, or the device is not there.
    """
    for name in ("steps", "batch", "width", "layers", "heads", "low", "tests", "threads"):
        if getattr(cell, name) < 1:
            raise UsageError(f"A cell can't have {name}={getattr(cell, name)}.", hint="At least 1.")
    if not (math.isfinite(cell.rate) and cell.rate > 0):
        raise UsageError(f"A cell can't have a learning rate of {cell.rate}.", hint="A positive number, like 0.002.")
    if not cell.low <= cell.high <= cell.far:
        raise UsageError(
            f"Lengths from {cell.low} to {cell.high}, tested to {cell.far}, are out of order.",
            hint="low <= high <= far.",
        )
    longest(cell.task, cell.far)
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("There is no CUDA device.", hint="Leave the device out, or install torch with CUDA.")
    return cell


def build_of(cell: Cell) -> Build:
    """Sizes of a cell's model. A learned table has rows for the longest tested sequence and a few more: those beyond
    the trained lengths are never trained, and can be asked.
    """
    prompt, answer = longest(cell.task, cell.far)
    return Build(len(vocabulary(cell.task)), cell.width, cell.layers, cell.heads, prompt + answer + SPARE)


SPARE = 16
"""Rows of a learned table beyond the longest test, for answers that go on too long."""


def train(cell: Cell, device: str = "cpu", on_step: OnStep | None = None) -> Trained:
    """A net trained as the cell says; `on_step` is told each step's number and loss.

    Raises:
        UsageError: the cell or the device can't be had.
        TrainingDiverged: the loss is no number any more.
    """
    checked(cell, device)
    with seeded(cell.seed):
        net = net_of(make(cell.shape, build_of(cell)).to(device).train())
        head = StructureHead(cell.task, cell.width).to(device) if cell.task == "json" else None
        return _steps(cell, net, head, device, on_step)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's generators begun at a seed, and afterwards as they were."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _steps(cell: Cell, net: Net, head: StructureHead | None, device: str, on_step: OnStep | None) -> Trained:
    parts = [list(net.model.parameters())] + ([list(head.parameters())] if head is not None else [])
    optimiser = torch.optim.AdamW(_groups(net.model, parts[1:]), lr=cell.rate, betas=BETAS, fused=True)
    batches = training(cell.task, cell.seed, cell.batch, (cell.low, cell.high))
    curve: list[CurvePoint] = []
    since: list[float] = []
    every = max(1, cell.steps // POINTS)
    began, watching = time.perf_counter(), 0.0
    for step in range(1, cell.steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = cell.rate * share(step, cell.steps)
        loss = _step(net, head, [placed(part, device) for part in in_parts(net, next(batches))], optimiser, parts)
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"The loss of {cell.shape} on {cell.task} (seed {cell.seed}) is no number at step {step}.",
                hint="Take a lower learning rate.",
            )
        since.append(loss)
        if on_step is not None:
            on_step(step, loss)
        if step % every == 0 or step == cell.steps:
            paused = time.perf_counter()
            curve.append(CurvePoint(step, sum(since) / len(since), watched(cell, net, device)))
            since.clear()
            watching += time.perf_counter() - paused
    seconds = time.perf_counter() - began - watching
    bytes_ = state_bytes(net, optimiser), activation_bytes(cell, net, device)
    return Trained(net, head, tuple(curve), seconds, *bytes_)


def _step(net: Net, head: StructureHead | None, batches: list[Batch], optimiser: Any, parts: list[Any]) -> float:
    """One step over the parts of a batch; the mean loss of the answers' tokens.

    The head's loss does not reach the model.
    """
    optimiser.zero_grad(set_to_none=True)
    tokens = sum(len(batch.targets) for batch in batches)
    total = 0.0
    for batch in batches:
        part = len(batch.targets) / tokens
        states = net.states(batch)
        loss = loss_of(net.logits(states), batch.targets)
        whole = loss if head is None else loss + head.loss(states.detach(), batch.targets)
        (whole * part).backward()  # type: ignore[no-untyped-call]
        total += loss.item() * part
    for weights in parts:  # each for itself: a loud head must not quieten the model
        torch.nn.utils.clip_grad_norm_(weights, CLIP)
    optimiser.step()
    return total


def in_parts(net: Net, drawn: list[Example]) -> list[Batch]:
    """A batch as one, or a decoder's in halves by length: less padding, and the same gradient but for rounding."""
    if net.encoder or len(drawn) < HALVED:
        return [net.batch(drawn)]
    ordered = sorted(drawn, key=lambda example: len(example.prompt) + len(example.answer))
    half = len(ordered) // 2
    return [net.batch(ordered[:half]), net.batch(ordered[half:])]


def _groups(model: Any, others: list[list[Any]]) -> list[dict[str, Any]]:
    """Weight decay for matrices alone: rows of a table that no sequence reaches stay what they were."""
    kept = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding)}
    decays = [weight for weight in model.parameters() if weight.dim() > 1 and id(weight) not in kept]
    chosen = {id(weight) for weight in decays}
    rest = [weight for weight in model.parameters() if id(weight) not in chosen]
    return [
        {"params": decays, "weight_decay": DECAY},
        {"params": rest + [weight for part in others for weight in part], "weight_decay": 0.0},
    ]


def share(step: int, steps: int) -> float:
    """The part of the learning rate at a step (1-based): up in a tenth of the steps, at most 200, then a cosine."""
    warm = min(200, max(1, steps // 10))
    if step < warm:
        return step / warm
    passed = (step - warm) / max(1, steps - warm)
    return LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * passed))


def placed(batch: Batch, device: str) -> Batch:
    """A batch on its device."""
    if device == "cpu":
        return batch
    moved: list[Any] = [part.to(device) if isinstance(part, Tensor) else part for part in batch]
    return Batch(*moved)


def watched(cell: Cell, net: Net, device: str) -> float:
    """The share of held-out sequences of the trained lengths whose every token is foretold, and so written."""
    right = count = 0
    net.model.eval()
    with torch.inference_mode():
        for length in range(cell.low, cell.high + 1):
            drawn = examples(cell.task, length, WATCHED, "watched")
            batch = placed(net.batch(drawn), device)
            hits = net.logits(net.states(batch)).argmax(-1) == batch.targets
            parts = torch.split(hits, [len(example.answer) + 1 for example in drawn])
            right += sum(bool(part.all()) for part in parts)
            count += len(drawn)
    net.model.train()
    return right / count


def state_bytes(net: Net, optimiser: Any) -> int:
    """Bytes of weights, gradients and the optimiser's state."""
    weights = list(net.model.parameters())
    parts = [*weights, *(weight.grad for weight in weights if weight.grad is not None)]
    for weight in weights:
        parts += [value for value in optimiser.state[weight].values() if isinstance(value, Tensor)]
    return sum(part.numel() * part.element_size() for part in parts)


def activation_bytes(cell: Cell, net: Net, device: str) -> int:
    """Bytes that one forward pass over a part of the longest trained batch keeps for its backward pass, no weights.

    Counted at the hooks that autograd calls for each saved tensor; a storage that is saved twice counts once.
    """
    batch = placed(in_parts(net, examples(cell.task, cell.high, cell.batch, "memory"))[-1], device)
    own = {weight.untyped_storage().data_ptr() for weight in net.model.parameters()}
    kept: dict[int, Any] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage  # held, so that no address is given twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss_of(net.logits(net.states(batch)), batch.targets)
    return sum(storage.nbytes() for storage in kept.values())


def weights_sha256(model: Any) -> str:
    """The sha256 over each weight's name and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
