"""The grid cell by cell on Ray: the same cells, the same results by seed, on a local Ray of so many workers.

Ray is opened for this grid alone and closed after it: no dashboard, no usage statistics, no address but the loopback.
Cells and results travel as JSON. A cell of several threads takes as many of Ray's processors.
"""

import logging
import os
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from weakspot.errors import MissingExtra
from weakspot.lab.names import cell_name
from weakspot.lab.running import Job, Message, environment, settled
from weakspot.lab.worker import Order, runner_of, told
from weakspot.records.lab import Cell

LOOPBACK = "127.0.0.1"
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


def train(job: Job) -> None:
    """Train on Ray.

    Raises:
        MissingExtra: Ray is not installed.
    """
    try:
        import ray
    except ImportError:
        raise MissingExtra("Ray is not installed.", hint="pip install 'weakspot[ray]'") from None
    threads = max(cell.threads for cell in job.cells)
    with _environment({**environment(threads), **QUIET}):
        ray.init(
            address="local",
            num_cpus=job.workers * threads,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _node_ip_address=LOOPBACK,
        )
        try:
            _train(job, ray)
        finally:
            ray.shutdown()


def _train(job: Job, ray: Any) -> None:
    waiting, running = deque(job.cells), dict[Any, Cell]()
    while waiting or running:
        while waiting and len(running) < job.workers:
            cell = waiting.popleft()
            order = Order(cell, str(job.folder.absolute()), job.device, job.runner)
            # a GPU is shared by all workers, as it is in processes of our own
            task = ray.remote(num_cpus=cell.threads, max_retries=0)(_run)
            running[task.remote(msgspec.json.encode(order))] = cell
            job.watch.started(cell_name(cell), cell.steps)
        ended, _ = ray.wait(list(running))
        for reference in ended:
            cell = running.pop(reference)
            try:
                message = msgspec.json.decode(ray.get(reference), type=Message)
            except Exception as error:  # noqa: BLE001 - a worker that died, or a result that can't be read
                message = Message(error=told(error))
            settled(job, cell, message.result, message.error)


def _run(data: bytes) -> bytes:
    """One cell, in a process of Ray's."""
    order = msgspec.json.decode(data, type=Order)
    try:
        result = runner_of(order.runner)(order.cell, Path(order.folder), on_step=None, device=order.device)
    except Exception as error:  # noqa: BLE001 - whatever a cell raises is its result
        return msgspec.json.encode({"error": told(error)})
    return msgspec.json.encode({"result": result})


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """The environment that Ray's processes begin with; ours again afterwards."""
    before = dict(os.environ)
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
