"""One cell from nothing to a result: trained, measured, saved."""

import time
from pathlib import Path

import torch

from weakspot.lab.measuring import in_length, measure
from weakspot.lab.names import cell_name
from weakspot.lab.saving import save
from weakspot.lab.shapes import parameters
from weakspot.lab.training import OnStep, Trained, checked, train, weights_sha256
from weakspot.records.lab import Cell, CellResult

MODELS = "models"


def run_cell(cell: Cell, folder: Path, on_step: OnStep | None = None, device: str = "cpu") -> CellResult:
    """Train a cell's model, measure it and save it under `folder/models/<cell's name>/`.

    Everything but the times hangs on the cell alone, for one thread, one machine and one version of torch.

    Args:
        cell: what to train.
        folder: the lab's folder; made where it is missing.
        on_step: told each step's number (from 1) and its loss in nats a token.
        device: `cpu`, or `cuda`.

    Raises:
        UsageError: the cell makes no training, or the device is not there.
        TrainingDiverged: the loss is no number any more.
    """
    checked(cell, device)
    before = torch.get_num_threads()
    torch.set_num_threads(cell.threads)
    try:
        trained = train(cell, device, on_step)
        return _result(cell, folder, trained, device)
    finally:
        torch.set_num_threads(before)


def _result(cell: Cell, folder: Path, trained: Trained, device: str) -> CellResult:
    model = trained.net.model
    began = time.perf_counter()
    lengths = measure(cell, trained.net, trained.head, device)
    test_s = time.perf_counter() - began
    place = Path(MODELS) / cell_name(cell)
    save(cell, model, trained.head, folder / place)
    return CellResult(
        cell=cell,
        parameters=parameters(model),
        curve=trained.curve,
        lengths=lengths,
        in_length=in_length(cell, lengths["free"]),
        train_s=trained.seconds,
        steps_per_s=cell.steps / trained.seconds,
        test_s=test_s,
        weights_bytes=sum(weight.numel() * weight.element_size() for weight in model.parameters()),
        state_bytes=trained.state_bytes,
        memory=trained.state_bytes + trained.activation_bytes,
        model=place.as_posix(),
        weights_sha256=weights_sha256(model),
        device=torch.cuda.get_device_name() if device.startswith("cuda") else device,
        torch=str(torch.__version__),
    )
