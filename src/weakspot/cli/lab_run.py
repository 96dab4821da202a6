"""`weakspot lab run` and `weakspot lab resume`."""

import argparse
import signal

from weakspot import LabOptions, lab_list, lab_resume, lab_run, registry
from weakspot.cli.lab_report import show
from weakspot.cli.parsing import Parser, add_json

EXAMPLES = """\
  weakspot lab run --quick --workers 2
  weakspot lab run --workers 2 --out runs/lab                 # standard: copy and brackets, 3 shapes, 3 seeds
  weakspot lab run --preset crossings --workers 2
  weakspot lab run --tasks copy,reverse --shapes block-rope,block-alibi --seeds 5 --steps 3000 --out runs/two
  weakspot lab run --preset full --engine ray --workers 16

The same command goes on where it was stopped; a cell that has its result is not trained again. Exit code 1 when a cell
failed: the others are trained and reported all the same."""
RESUME = """\
  weakspot lab resume runs/lab --workers 2"""


def run(words: list[str]) -> int:
    """Train a grid."""
    parser = Parser("lab run", "Train a grid of small models on the same tasks and report.", EXAMPLES)
    presets = [str(row["name"]) for row in lab_list()["presets"]]
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--preset", default="standard", choices=presets, help="which grid (standard)")
    which.add_argument("--quick", action="store_const", const="quick", dest="preset", help="the same as --preset quick")
    parser.add_argument("--tasks", type=_names, metavar="A,B", help="these tasks (the preset's)")
    parser.add_argument("--shapes", type=_names, metavar="A,B", help="these shapes (the preset's)")
    parser.add_argument("--seeds", type=int, metavar="N", help="trainings of each (the preset's)")
    parser.add_argument("--steps", type=int, metavar="N", help="optimiser steps of each (the task's)")
    parser.add_argument("--rate", type=float, metavar="R", help="learning rate (the task's)")
    parser.add_argument("--tests", type=int, metavar="N", help="test sequences at each length (256)")
    parser.add_argument("--out", metavar="DIR", help="the lab's folder (runs/lab-PRESET)")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="where to train (cpu)")
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="threads of each cell (1); part of the plan"
    )
    _add_running(parser)
    given = parser.parse_args(words)
    asked = LabOptions(
        preset=given.preset,
        tasks=given.tasks,
        shapes=given.shapes,
        seeds=given.seeds,
        steps=given.steps,
        rate=given.rate,
        tests=given.tests,
        threads=given.threads,
        device=given.device,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill stops as cleanly as Ctrl-C
    with registry.load("faces", "lab_progress")() as watch:
        result = lab_run(asked, out=given.out, workers=given.workers, engine=given.engine, watch=watch)
    return show(result, as_json=given.json)


def resume(words: list[str]) -> int:
    """Go on with a grid."""
    parser = Parser("lab resume", "Train what a lab still lacks, and once more what failed.", RESUME)
    parser.add_argument("folder", metavar="DIR", help="the lab's folder")
    _add_running(parser)
    given = parser.parse_args(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with registry.load("faces", "lab_progress")() as watch:
        result = lab_resume(given.folder, workers=given.workers, engine=given.engine, watch=watch)
    return show(result, as_json=given.json)


def _add_running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="cells side by side (1); results stay equal"
    )
    engines = list(registry.BUILT_IN["lab_engines"])
    parser.add_argument("--engine", default="local", choices=engines, help="ray needs the extra [ray] (local)")
    add_json(parser)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))
