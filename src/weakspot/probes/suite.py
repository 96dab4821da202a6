"""Suites: a built-in name, a third party's name, or a file or folder of probes; and the quick third of one."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from itertools import groupby
from pathlib import Path

from weakspot import registry
from weakspot.errors import ProbeError, UsageError
from weakspot.probes.load import file_lines, parse_lines
from weakspot.records import Probe

QUICK = 3
SUFFIX = ".jsonl"


def load_suite(name: str, *, quick: bool = False) -> list[Probe]:
    """The probes of a suite, in order.

    Args:
        name: a registered suite, a JSONL file, or a folder of them.
        quick: take a fixed third of every category, matched sets kept whole.

    Raises:
        ProbeError: a line is wrong; all wrong lines are named.
        UsageError: there is no such suite.
    """
    probes = _all(name)
    if not probes:
        raise ProbeError(f"The suite {name!r} holds no probes.", hint="`weakspot probes schema` shows their form.")
    return quick_third(probes) if quick else probes


def quick_third(probes: Sequence[Probe]) -> list[Probe]:
    """Every third unit of each category, in file order; a unit is a matched set or an item that stands alone.

    Suites list their kinds and grids in order, so a fixed step spreads over all of them. A twin that lies outside
    its own set is brought along.
    """
    chosen: set[str] = set()
    ordered = sorted(range(len(probes)), key=lambda i: (probes[i].category, i))
    for _, indexes in groupby(ordered, key=lambda i: probes[i].category):
        units: dict[str, list[Probe]] = {}
        for index in indexes:
            units.setdefault(probes[index].group or probes[index].id, []).append(probes[index])
        for unit in list(units.values())[::QUICK]:
            chosen.update(probe.id for probe in unit)
    for probe in probes:
        if probe.id in chosen:
            chosen.update(named for named in (probe.expect.get("probe"), probe.tags.get("control")) if named)
    return [probe for probe in probes if probe.id in chosen]


def _all(name: str) -> list[Probe]:
    """Every file is read by itself, so that a wrong line is named by its own file and number."""
    where: dict[str, str] = {}
    probes: list[Probe] = []
    for file, lines in _files(name):
        for probe in parse_lines(lines, file):
            if probe.id in where:
                problem = f"id {probe.id!r} stands in {where[probe.id]} and in {file}"
                raise ProbeError(f"{name}: {problem}.", hint="Give one another id.", problems=(problem,))
            where[probe.id] = file
            probes.append(probe)
    return probes


def _files(name: str) -> Iterator[tuple[str, Iterable[str | bytes]]]:
    """The files of a suite: what to call each in an error, and its lines."""
    if name in registry.names("suites"):
        package, _, folder = registry.target("suites", name).partition(":")
        root = resources.files(package).joinpath(*folder.split("/"))
        for item in sorted(root.iterdir(), key=lambda file: file.name):
            if item.name.endswith(SUFFIX):
                yield f"{name}/{item.name}", item.read_text("utf-8").split("\n")
        return
    path = Path(name).expanduser()
    if path.is_dir():
        for file in sorted(path.glob(f"*{SUFFIX}")):
            yield str(file), file_lines(file)
    elif path.is_file():
        yield str(path), file_lines(path)
    else:
        raise UsageError(
            f"There is no suite {name!r}.",
            hint=f"Built in: {', '.join(registry.names('suites'))}; or a JSONL file or a folder of them.",
        )
