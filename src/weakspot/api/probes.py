"""`weakspot.load_probes`, `list_suites`, `make_probes`, `check_probes`, `survey_probes` and the like."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from weakspot import registry
from weakspot.errors import UsageError
from weakspot.probes.check import Floor, Problem, check_file, check_lines_of, guessing_floors
from weakspot.probes.suite import load_suite, suite_about, suite_files, suite_names
from weakspot.probes.write import write_probes
from weakspot.records import Probe

MOST_SETS = 100_000
"""Matched sets that one call makes at most."""


class Tally(msgspec.Struct, frozen=True):
    """How many probes of one category there are: items that enter a rate, and their controls."""

    category: str
    counted: int
    controls: int


class Suite(msgspec.Struct, frozen=True):
    """A registered suite: what it tests, its size, and its size by category."""

    name: str
    about: str
    counted: int
    controls: int
    categories: tuple[Tally, ...]


class GeneratorInfo(msgspec.Struct, frozen=True):
    """A registered generator: what it makes, its settings with their defaults, the items made when none are named."""

    name: str
    about: str
    settings: dict[str, Any]
    counted: int
    controls: int


class Survey(msgspec.Struct, frozen=True):
    """What a probe file or a suite holds, and all that is wrong or doubtful with it.

    `floors` says what guessing alone would pass; `problems` is in the order of files and lines.
    """

    read: int
    categories: tuple[Tally, ...]
    floors: tuple[Floor, ...]
    problems: tuple[tuple[str, Problem], ...]

    @property
    def errors(self) -> int:
        """How many lines cannot be run."""
        return sum(problem.severity == "error" for _, problem in self.problems)


def load_probes(suite: str = "core", *, quick: bool = False) -> list[Probe]:
    """The probes of a suite, a file or a folder; of several with commas between them; or of "all" suites.

    Raises:
        ProbeError, UsageError.
    """
    return load_suite(suite, quick=quick)


def list_suites() -> list[Suite]:
    """All registered suites: what each tests and how large it is."""
    return [_suite(name, load_suite(name)) for name in registry.names("suites")]


def list_generators() -> list[GeneratorInfo]:
    """All registered generators with their settings."""
    found = []
    for name in registry.names("generators"):
        kind = registry.load("generators", name)
        made = kind()
        tallies = tally(made.probes(0, None))
        about = (kind.__doc__ or "").strip().partition("\n")[0]
        settings = {field: getattr(made, field) for field in getattr(kind, "__struct_fields__", ())}
        counted, controls = sum(t.counted for t in tallies), sum(t.controls for t in tallies)
        found.append(GeneratorInfo(name, about, settings, counted, controls))
    return found


def make_probes(
    generator: str,
    *,
    seed: int = 0,
    n: int | None = None,
    settings: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
) -> list[Probe]:
    """Make a suite. The same arguments give the same probes on every machine.

    Args:
        generator: a name that `list_generators` tells.
        seed: 0 gives the suite that ships; another one other items with other ids, to be asked beside it.
        n: matched sets in all; None: as many as the suite that ships. Tables of our own words end at some point.
        settings: fields of the generator, as values or as text ("100,200" for a list).
        out: the probe file to write; None: write nothing.

    Raises:
        UsageError: there is no such generator or setting, or the file cannot be written.
    """
    if seed < 0 or (n is not None and not 1 <= n <= MOST_SETS):
        raise UsageError("seed is 0 or more, and n between 1 and 100,000.", hint="weakspot probes make --help")
    made: list[Probe] = _configured(generator, settings or {}).probes(seed, n)
    if out is not None:
        write_probes(made, out)
    return made


def check_probes(file: str | Path) -> list[Problem]:
    """What is wrong with a probe file, line by line; empty where nothing is."""
    return check_file(Path(file))


def survey_probes(suite: str | Path) -> Survey:
    """What a probe file, a folder or a suite holds, counted by category, with its errors and warnings.

    Raises:
        UsageError: there is no such file or suite.
    """
    problems: list[tuple[str, Problem]] = []
    probes: list[Probe] = []
    for name in suite_names(str(suite)):
        for file, lines in suite_files(name):
            found, told = check_lines_of(lines)
            probes.extend(found)
            problems.extend((file, problem) for problem in told)
    twice = [name for name, count in Counter(probe.id for probe in probes).items() if count > 1]
    problems.extend(("", Problem(0, name, f"id {name!r} stands in two files")) for name in twice)
    return Survey(len(probes), tally(probes), guessing_floors(probes), tuple(problems))


def probe_schema() -> dict[str, Any]:
    """The JSON Schema of one line of a probe file."""
    text = resources.files("weakspot.probes").joinpath("schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def tally(probes: Sequence[Probe]) -> tuple[Tally, ...]:
    """Counted items and controls by category, in the order of the file."""
    counted = Counter(probe.category for probe in probes if probe.counted)
    everything = Counter(probe.category for probe in probes)
    return tuple(Tally(name, counted[name], total - counted[name]) for name, total in everything.items())


def _suite(name: str, probes: Sequence[Probe]) -> Suite:
    rows = tally(probes)
    return Suite(name, suite_about(name), sum(r.counted for r in rows), sum(r.controls for r in rows), rows)


def _configured(generator: str, settings: Mapping[str, Any]) -> Any:
    kind = registry.load("generators", generator)
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for name in settings:
        if name not in fields:
            known = f"Its settings: {', '.join(fields)}." if fields else "It has no settings."
            raise UsageError(f"The generator {generator!r} has no setting {name!r}.", hint=known)
    lists = {name for name, of in fields.items() if str(of).startswith("tuple")}
    given = {
        name: [part.strip() for part in value.split(",")] if name in lists and isinstance(value, str) else value
        for name, value in settings.items()
    }
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        text = str(error).partition(" - at ")
        where = text[2].strip("`$.") or "its settings"
        raise UsageError(
            f"The generator {generator!r} cannot take {where}: {text[0][:1].lower()}{text[0][1:]}.",
            hint="`weakspot probes list --generators` shows the settings with their defaults.",
        ) from None
