"""`weakspot.load_probes`, `check_probes`, `probe_schema`."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from weakspot.probes.check import Problem, check_file
from weakspot.probes.suite import load_suite
from weakspot.records import Probe


def load_probes(suite: str = "core", *, quick: bool = False) -> list[Probe]:
    """The probes of a suite, a file or a folder.

    Raises:
        ProbeError, UsageError.
    """
    return load_suite(suite, quick=quick)


def check_probes(file: str | Path) -> list[Problem]:
    """What is wrong with a probe file, line by line; empty where nothing is."""
    return check_file(Path(file))


def probe_schema() -> dict[str, Any]:
    """The JSON Schema of one line of a probe file."""
    text = resources.files("weakspot.probes").joinpath("schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
