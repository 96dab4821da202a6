"""Suites: a built-in name, a third party's name, or a file or folder of probes; and the quick third of one."""

from collections.abc import Sequence
from importlib import resources
from itertools import groupby
from pathlib import Path

from weakspot import registry
from weakspot.errors import ProbeError, UsageError
from weakspot.probes.load import parse_lines
from weakspot.records import Probe

QUICK = 3


def load_suite(name: str, *, quick: bool = False) -> list[Probe]:
    """The probes of a suite, in order.

    Args:
        name: a registered suite, a JSONL file, or a folder of them.
        quick: take a fixed third of every category, matched sets kept whole.

    Raises:
        ProbeError: a line is wrong; all wrong lines are named.
        UsageError: there is no such suite.
    """
    probes = parse_lines(*_lines(name))
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


def _lines(name: str) -> tuple[list[str], str]:
    if name in registry.names("suites"):
        package, _, folder = registry.target("suites", name).partition(":")
        root = resources.files(package).joinpath(*folder.split("/"))
        texts = [
            item.read_text("utf-8") for item in sorted(root.iterdir(), key=lambda f: f.name) if _is_jsonl(item.name)
        ]
        return [line for text in texts for line in text.split("\n")], name
    path = Path(name).expanduser()
    if path.is_dir():
        files = sorted(item for item in path.iterdir() if _is_jsonl(item.name))
        return [line for file in files for line in _read(file)], name
    if path.is_file():
        return _read(path), name
    raise UsageError(
        f"There is no suite {name!r}.",
        hint=f"Built in: {', '.join(registry.names('suites'))}; or a JSONL file or a folder of them.",
    )


def _is_jsonl(name: str) -> bool:
    return name.endswith(".jsonl")


def _read(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ProbeError(f"{path} is not UTF-8 (byte {error.start}).", hint="Save it as UTF-8.") from error
    except OSError as error:
        raise ProbeError(f"{path} can't be read: {error.strerror}.") from error
