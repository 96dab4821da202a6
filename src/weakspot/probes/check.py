"""Says line by line what is wrong with a probe file, and what is only doubtful.

It does not know how hard a probe is: that takes a model.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from weakspot.errors import ProbeError
from weakspot.probes.load import Problem, file_lines, scan
from weakspot.records import Probe, to_json

__all__ = ["Problem", "check_file", "check_lines"]

LONG_REPLY: Final = 1024
"""Tokens beyond which a reply is worth a warning: at 65 tokens/s it takes a quarter of a minute."""


def check_file(path: str | Path) -> list[Problem]:
    """All errors and warnings of a probe file, in the order of its lines; empty where there are none."""
    try:
        return check_lines(file_lines(Path(path)))
    except ProbeError as error:
        return [Problem(0, "", error.message)]


def check_lines(lines: Iterable[str | bytes]) -> list[Problem]:
    """All errors and warnings of JSON lines."""
    found = scan(lines)
    if not found.probes and not found.problems:
        return [Problem(0, "", "The file holds no probes.")]
    doubts = [
        Problem(line, probe.id, text, "warning")
        for judge in (_alone, _matched, _alike)
        for line, probe, text in judge(found.probes)
    ]
    return sorted([*found.problems, *doubts], key=lambda p: (p.line, p.severity))


Numbered = tuple[tuple[int, Probe], ...]
Doubt = tuple[int, Probe, str]


def _alone(probes: Numbered) -> Iterator[Doubt]:
    """What can be said of a probe by itself."""
    for line, probe in probes:
        if not probe.reviewed:
            yield line, probe, "not reviewed"
        if not probe.source:
            yield line, probe, "no source"
        if probe.generation.max_tokens > LONG_REPLY:
            yield line, probe, f"generation.max_tokens is {probe.generation.max_tokens:,}: replies may take long"
        for index, message in enumerate(probe.messages or ()):
            if message.content is not None and not message.content.strip():
                yield line, probe, f"messages[{index}].content is blank"


def _matched(probes: Numbered) -> Iterator[Doubt]:
    """Treatments whose failure could not be told from plain inability."""
    arms: dict[str, set[str]] = {}
    controls = {probe.id for _, probe in probes if probe.arm == "positive-control"}
    for _, probe in probes:
        if probe.group is not None and probe.arm is not None:
            arms.setdefault(probe.group, set()).add(probe.arm)
    for line, probe in probes:
        named = probe.tags.get("control")
        if named is not None and named not in controls:
            yield line, probe, f"tags.control {named!r} is no positive control of this file"
            continue
        others = arms.get(probe.group or "", set())
        controlled = named is not None or "positive-control" in others
        if probe.counted and probe.expect["type"] == "canary_absent" and not controlled:
            yield line, probe, "no positive control: a pass may only mean that the model cannot do it"
        elif probe.arm == "treatment" and not controlled and len(others) < 2:
            yield line, probe, "arm is treatment, but its group has no control"


def _alike(probes: Numbered) -> Iterator[Doubt]:
    """The same question with the same expectation twice counts one item double."""
    seen: dict[bytes, int] = {}
    for line, probe in probes:
        key = to_json([probe.messages, probe.prompt, probe.expect, probe.generation])
        if key in seen:
            yield line, probe, f"asks and expects the same as line {seen[key]}"
        seen.setdefault(key, line)
