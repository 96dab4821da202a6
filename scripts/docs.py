"""Writes the generated docs (commands, probe format, the table in the README); `--check` fails on stale ones."""

import argparse
import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

from weakspot import probe_schema, registry
from weakspot.cli.main import WAY, way

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ROOT / "docs" / "commands.md"
PROBES = ROOT / "docs" / "probes.md"
README = ROOT / "README.md"
SHARED = {"canary_absent": "canary", "canary_present": "canary", "refuses": "stance", "complies": "stance"}
BEGIN, END = "<!-- commands: made by scripts/docs.py -->", "<!-- end -->"


def help_text(kind: str, command: str) -> str:
    """What `weakspot COMMAND --help` prints, at 100 columns."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        registry.load(kind, command)(["--help"])
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
            parts += ["", f"## weakspot {name}", "", "```", help_text("commands", name).rstrip(), "```"]
    for name in registry.BUILT_IN["token_actions"]:
        parts += ["", f"### weakspot tokens {name}", "", "```", help_text("token_actions", name).rstrip(), "```"]
    for name in registry.BUILT_IN["lab_actions"]:
        parts += ["", f"### weakspot lab {name}", "", "```", help_text("lab_actions", name).rstrip(), "```"]
    return "\n".join(parts) + "\n"


def probes_page() -> str:
    """The page of the probe format, out of the JSON Schema and its worked cases."""
    schema = probe_schema()
    made = "Made by `python scripts/docs.py` from `weakspot probes schema`; do not edit."
    intro = [made, "", schema["description"], ""]
    parts = ["# The probe format", "", *intro, "```json", json.dumps(schema["examples"][0], indent=1), "```", ""]
    parts += ["## Fields", "", "| field | meaning |", "|---|---|"]
    parts += [f"| `{name}` | {_meaning(schema, field)} |" for name, field in schema["properties"].items()]
    parts += ["", "Required: " + ", ".join(f"`{n}`" for n in schema["required"]) + ", and `messages` or `prompt`.", ""]
    parts += ["## What each kind of expectation compares"]
    for name in registry.BUILT_IN["scorers"]:
        parts += ["", f"### {name}", "", *_expectation(schema, name)]
    return "\n".join(parts) + "\n"


def _meaning(schema: dict[str, Any], field: dict[str, Any]) -> str:
    target = schema["$defs"][field["$ref"].rsplit("/", 1)[1]] if "$ref" in field else {}
    return str(field.get("description") or target.get("description", "")).replace("|", "\\|")


def _expectation(schema: dict[str, Any], name: str) -> list[str]:
    found = next(part for key, part in schema["$defs"].items() if key in (name, SHARED.get(name, "")))
    lines = [found["description"], ""]
    cases = [case for case in found.get("x-cases", ()) if case["expect"]["type"] == name]
    if cases:
        lines += ["| expect | reply | passed |", "|---|---|---|"]
    for case in cases:
        expect, reply = (_code(json.dumps(case[key], ensure_ascii=True)) for key in ("expect", "reply"))
        reply = f"log-likelihoods {case['logprobs']}" if "logprobs" in case else reply
        lines.append(f"| {expect} | {reply} | {json.dumps(case['passed'])} |")
    return lines


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|").replace("`", "'") + "`"


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
    for path, wanted in ((COMMANDS, commands_page()), (PROBES, probes_page()), (README, readme)):
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
