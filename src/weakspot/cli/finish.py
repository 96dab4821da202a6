"""How a finished run is shown: a table and the report's place, or JSON."""

import sys

from rich.console import Console

from weakspot.api.result import RunResult
from weakspot.cli.parsing import print_json
from weakspot.records import to_builtins
from weakspot.rendering.terminal import summary_renderable


def finish(result: RunResult, *, as_json: bool) -> int:
    """Print the summary; returns the exit code."""
    if as_json:
        print_json(to_builtins(result.summary))
        return 0
    Console(highlight=False).print(summary_renderable(result.summary))
    for name, path in result.files.items():
        if not name.startswith("category-"):  # the report links to them
            sys.stdout.write(f"{name:<14}{path}\n")
    return 0
