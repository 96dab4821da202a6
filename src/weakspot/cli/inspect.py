"""`weakspot inspect MODEL... [--context N] [--batch B] [--json]`."""

import re

from weakspot import inspect
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.cli.writing import write_page
from weakspot.errors import UsageError
from weakspot.records import to_builtins
from weakspot.rendering.inspection import inspections_renderable, lint_renderable
from weakspot.rendering.inspection_page import inspections_html

EXAMPLES = """\
  weakspot inspect smollm2 gemma3-270m --context 8192
  weakspot inspect path/to/folder --context 131072 --batch 8 --kv-dtype fp8 --memory 80GB
  weakspot inspect config.json --json
  weakspot inspect smollm2 gemma3-270m --html cards.html
  weakspot inspect smollm2 gemma3-270m --run runs/demo
  weakspot inspect path/to/folder --lint && echo sound

Only headers are read: no weights, no torch, and no code that a configuration names is ever run. Bytes of the cache are
  those that the architecture needs; engines round up. Exit code 0, whatever is found; with --lint 1 when there is a
  finding."""
_SIZE = re.compile(r"(\d{1,15})(?:\.(\d{1,6}))?\s*([kKMGT]i?)?B?")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("inspect", "How models are built, and what that costs, from their headers alone.", EXAMPLES)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="a model reference, or a configuration file (.json)")
    parser.add_argument("--context", type=int, metavar="N", help="tokens of a sequence (the model's declared context)")
    parser.add_argument("--batch", type=int, default=1, metavar="B", help="sequences at once (1)")
    parser.add_argument("--kv-dtype", default="bf16", metavar="T", help="bf16, f16, f32, fp8, q8_0 or q4_0 (bf16)")
    parser.add_argument("--memory", metavar="SIZE", help="the device's memory, like 24GB: the largest batch that fits")
    parser.add_argument(
        "--lint", action="store_true", help="show only what breaks models in use; exit 1 if anything does"
    )
    parser.add_argument("--run", metavar="RUN", help="a run folder: its results beside what the structure predicts")
    parser.add_argument("--html", metavar="FILE", help="also write a page that loads nothing and runs no script")
    add_json(parser)
    given = parser.parse_args(words)
    found = inspect(
        given.models,
        context=given.context,
        batch=given.batch,
        kv_dtype=given.kv_dtype,
        memory=None if given.memory is None else _bytes(given.memory),
        run=given.run,
    )
    if given.html is not None:
        write_page(given.html, inspections_html(found))
    if given.json:
        print_json(to_builtins(found))
    else:
        _print(lint_renderable(found) if given.lint else inspections_renderable(found))
    return int(given.lint and any(model.lint for model in found.models))


def _bytes(text: str) -> int:
    """A size like 24GB, 16GiB or 512 MB in bytes.

    Raises:
        UsageError: it is none.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no size.", hint="Like 24GB, 16GiB or 512MB.")
    unit = (match[3] or "").replace("K", "k")
    scale = _BINARY[unit] if unit.endswith("i") else _UNITS[unit]
    return int(match[1]) * scale + int(int(match[2] or 0) * scale / 10 ** len(match[2] or ""))


def _print(shown: object) -> None:
    from rich.console import Console

    Console(highlight=False, markup=False, emoji=False, soft_wrap=False).print(shown)
