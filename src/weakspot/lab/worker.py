"""One worker process of the lab: cells come in as lines of JSON, results go out so. `python -m weakspot.lab.worker`.

A process of its own, and not a pool: threads are set in its environment before any library is loaded, nothing is
pickled, the caller's script is not imported again, and one that dies takes its own cell with it and no other.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

import msgspec

from weakspot.records.lab import Cell

TOLD = 500
"""Characters of an error that are kept."""


class Order(msgspec.Struct, frozen=True):
    """What a worker is told to do: train this cell into this folder."""

    cell: Cell
    folder: str
    device: str
    runner: str


def runner_of(name: str) -> Callable[..., Any]:
    """The function behind `module:function`."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def told(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:TOLD]


def main() -> int:
    """Serve until the caller is gone: then stop at once, in the middle of a cell too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the caller's to answer
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not stand among the results
    orders: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    while True:
        order = msgspec.json.decode(orders.get(), type=Order)
        _serve(order, out)


def _listen(orders: "SimpleQueue[bytes]") -> None:
    for line in sys.stdin.buffer:
        orders.put(line)
    os._exit(0)  # the caller is gone, maybe killed: nobody waits for this cell any more


def _serve(order: Order, out: BinaryIO) -> None:
    def on_step(step: int, loss: float) -> None:
        _say(out, {"step": step, "loss": loss})

    try:
        result = runner_of(order.runner)(order.cell, Path(order.folder), on_step=on_step, device=order.device)
        answer: dict[str, Any] = {"result": msgspec.to_builtins(result)}
    except Exception as error:  # noqa: BLE001 - whatever a cell raises is its result
        answer = {"error": told(error)}
    _say(out, answer)


def _say(out: BinaryIO, message: dict[str, Any]) -> None:
    out.write(msgspec.json.encode(message) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
