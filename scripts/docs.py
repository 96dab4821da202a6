"""Writes docs/commands.md and the README's table of commands from the program; `--check` fails when they are stale."""

import argparse
import contextlib
import io
import re
import sys
from pathlib import Path

from weakspot import registry
from weakspot.cli.main import WAY, way

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ROOT / "docs" / "commands.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- commands: made by scripts/docs.py -->", "<!-- end -->"


def help_text(command: str) -> str:
    """What `weakspot COMMAND --help` prints, at 100 columns."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        registry.load("commands", command)(["--help"])
    return out.getvalue()


def commands_page() -> str:
    """The page of every command's help."""
    parts = [
        "# Commands",
        "",
        "Made by `python scripts/docs.py` from the program; do not edit.",
        "",
        "```",
        way(),
        "```",
    ]
    for commands in WAY.values():
        for name in commands:
            parts += ["", f"## weakspot {name}", "", "```", help_text(name).rstrip(), "```"]
    return "\n".join(parts) + "\n"


def table() -> str:
    """The README's table of commands."""
    rows = [BEGIN, "| step | command | what it does |", "|---|---|---|"]
    for group, commands in WAY.items():
        rows += [
            f"| {group} | `weakspot {name}` | {sentence.replace('|', chr(92) + '|')} |"
            for name, sentence in commands.items()
        ]
    return "\n".join([*rows, END])


def main() -> int:
    """Write, or compare with what is written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something is stale")
    check = parser.parse_args().check
    readme = re.sub(f"{BEGIN}.*?{END}", lambda _: table(), README.read_text("utf-8"), flags=re.DOTALL)
    stale = []
    for path, wanted in ((COMMANDS, commands_page()), (README, readme)):
        if not path.exists() or path.read_text("utf-8") != wanted:
            stale.append(path)
            if not check:
                path.write_text(wanted, "utf-8")
    for path in stale:
        sys.stdout.write(f"{'stale' if check else 'written'}: {path.relative_to(ROOT)}\n")
    if check and stale:
        sys.stdout.write("Run: make docs\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    import os

    os.environ["COLUMNS"] = "100"  # argparse wraps to the terminal; the page must not depend on it
    sys.exit(main())
