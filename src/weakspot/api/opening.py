"""From model references to models that can be opened: the registry picks the backend."""

import platform
import sys
from collections.abc import Sequence
from importlib import metadata

from weakspot import registry
from weakspot.contracts import Model
from weakspot.records import Candidate
from weakspot.runs.execute import Contender

PACKAGES = ("xllamacpp", "aiohttp", "jinja2", "msgspec", "jsonschema", "numpy", "torch", "transformers")


def contenders(candidates: Sequence[Candidate]) -> list[Contender]:
    """A model for each candidate, not opened yet; another backend than the reference's own by `?backend=NAME`.

    Raises:
        UsageError: there is no such backend.
        MissingExtra: the backend needs a package that is not installed.
    """
    found = []
    for candidate in candidates:
        backend = registry.load("backends", str(candidate.options.get("backend", candidate.kind)))
        model: Model = backend(candidate)
        found.append(Contender(candidate, model))
    return found


def environment() -> dict[str, str]:
    """This machine and these packages, for the box that says how to reproduce a run. No names of users or hosts."""
    facts = {
        "python": sys.version.split()[0],
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
    }
    for package in PACKAGES:
        try:
            facts[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return facts


def _processor() -> str:
    import os

    name = platform.processor() or "unknown"
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - a kernel file, read line by line
            name = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), name)
    except OSError:
        pass  # not Linux: the plain name has to do
    return f"{name}, {os.cpu_count()} cores"
