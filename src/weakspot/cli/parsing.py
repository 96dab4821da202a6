"""What every command's parser shares."""

import argparse
import sys
from typing import Any, NoReturn

from weakspot.errors import UsageError


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that speaks the house's way: one sentence, a hint, exit code 2."""

    def __init__(self, command: str, description: str, examples: str) -> None:
        super().__init__(
            prog=f"weakspot {command}",
            description=description,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Told like every other mistake."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", hint=f"{self.prog} --help shows how it is used.")


class _Suites(argparse.Action):
    """Several `--suite` are one name with commas."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse calls it so
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,  # noqa: ARG002 - likewise
    ) -> None:
        given = getattr(namespace, self.dest)
        setattr(namespace, self.dest, values if given == self.default else f"{given},{values}")


def add_suite(parser: argparse.ArgumentParser) -> None:
    """The option that says which probes: one suite, several, or all."""
    told = "a suite's name, a probe file or a folder of them; several with commas or repeated; or all (core)"
    parser.add_argument("--suite", default="core", action=_Suites, help=told)


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option that every reporting command has."""
    parser.add_argument("--json", action="store_true", help="print JSON on standard output instead of text")


def print_json(data: Any) -> None:
    """JSON for a program; non-ASCII is escaped, so that it can't steer a terminal."""
    import json  # most commands print text

    json.dump(data, sys.stdout, indent=2)
    sys.stdout.write("\n")
