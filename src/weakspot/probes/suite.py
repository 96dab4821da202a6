"""Suites: a built-in name, a third party's name, a file or folder of probes, or several; and the quick third."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from itertools import groupby
from pathlib import Path

from weakspot import registry
from weakspot.errors import ProbeError, UsageError
from weakspot.probes.edits import with_attacks
from weakspot.probes.edits_asking import WAYS
from weakspot.probes.load import file_lines, parse_lines
from weakspot.records import Probe

ALL = "all"
"""Every registered suite together."""
QUICK = 3
SUFFIX = ".jsonl"
ABOUT = "about.txt"
"""The file in a suite's folder that says in a sentence what it tests."""


def load_suite(name: str, *, quick: bool = False) -> list[Probe]:
    """The probes of a suite, in order.

    Args:
        name: a registered suite, a JSONL file, or a folder of them; several with commas between them, or "all" for
            every registered suite; behind it attacks that transform its items, each with a plus sign before it
            ("core+typos"); "samples" asks five times more, "stated" for a confidence.
        quick: take a fixed third of every category, matched sets kept whole.

    Raises:
        ProbeError: a line is wrong; all wrong lines are named.
        UsageError: there is no such suite.
    """
    suite, attacks = with_names(name)
    probes = _all(suite)
    if not probes:
        raise ProbeError(f"The suite {suite!r} holds no probes.", hint="`weakspot probes schema` shows their form.")
    plain = quick_third(probes) if quick else probes
    again = [copy for name in dict.fromkeys(attacks) if name in WAYS for copy in WAYS[name](plain)]
    return [*with_attacks(plain, [name for name in attacks if name not in WAYS]), *again]


def with_names(name: str) -> tuple[str, list[str]]:
    """A suite and the attacks behind it: "core+typos+base64"; a file or suite of the whole name comes first."""
    if "+" not in name or name in registry.names("suites") or Path(name).expanduser().exists():
        return name, []
    suite, *attacks = name.split("+")
    while attacks and Path("+".join([suite, attacks[0]])).expanduser().exists():
        suite = "+".join([suite, attacks.pop(0)])
    return suite, attacks


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


def suite_about(name: str) -> str:
    """What a registered suite tests, in a sentence; empty where it does not say."""
    package, _, folder = registry.target("suites", name).partition(":")
    file = resources.files(package).joinpath(*folder.split("/"), ABOUT)
    return file.read_text("utf-8").strip() if file.is_file() else ""


def _all(name: str) -> list[Probe]:
    """Every file is read by itself, so that a wrong line is named by its own file and number."""
    where: dict[str, str] = {}
    probes: list[Probe] = []
    for part in suite_names(name):
        for file, lines in suite_files(part):
            for probe in parse_lines(lines, file):
                if probe.id in where:
                    problem = f"id {probe.id!r} stands in {where[probe.id]} and in {file}"
                    raise ProbeError(f"{name}: {problem}.", hint="Give one another id.", problems=(problem,))
                where[probe.id] = file
                probes.append(probe)
    return probes


def suite_names(name: str) -> list[str]:
    """The suites that a name stands for: itself, the parts between commas, or all that are registered.

    A file whose own name holds a comma is that file.
    """
    if name in registry.names("suites") or Path(name).expanduser().exists():
        return [name]
    parts = [part.strip() for part in name.split(",") if part.strip()]
    found = [one for part in parts for one in (registry.names("suites") if part == ALL else [part])]
    return list(dict.fromkeys(found)) or [name]


def suite_files(name: str) -> Iterator[tuple[str, Iterable[str | bytes]]]:
    """The files of one suite: what to call each in an error, and its lines.

    Raises:
        UsageError: there is no such suite.
    """
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
            hint=f"Built in: {', '.join(registry.names('suites'))}; all; or a JSONL file or a folder of them.",
        )
