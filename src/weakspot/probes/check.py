"""Says line by line what is wrong with a probe file, and what is only doubtful.

It does not know how hard a probe is: that takes a model.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from weakspot.errors import ProbeError
from weakspot.probes.load import Problem, file_lines, scan
from weakspot.records import Probe, to_json

__all__ = ["Floor", "Problem", "check_file", "check_lines", "check_lines_of", "guessing_floors"]

LONG_REPLY: Final = 1024
"""Tokens beyond which a reply is worth a warning: at 65 tokens/s it takes a quarter of a minute."""
ONE_SIDED: Final = 0.8
"""Share of a category's choices between the same options at which one and the same answer is right too often."""
FEW_CHOICES: Final = 10
"""Choices between the same options below which such a share says nothing."""


class Floor(msgspec.Struct, frozen=True):
    """What guessing passes in a category: of `choices` counted items with options, a share of `rate` by chance."""

    category: str
    choices: int
    rate: float


def check_file(path: str | Path) -> list[Problem]:
    """All errors and warnings of a probe file, in the order of its lines; empty where there are none."""
    try:
        return check_lines(file_lines(Path(path)))
    except ProbeError as error:
        return [Problem(0, "", error.message)]


def check_lines(lines: Iterable[str | bytes]) -> list[Problem]:
    """All errors and warnings of JSON lines."""
    return check_lines_of(lines)[1]


def check_lines_of(lines: Iterable[str | bytes]) -> tuple[list[Probe], list[Problem]]:
    """The probes that can be run, and all errors and warnings, in the order of the lines."""
    found = scan(lines)
    if not found.probes and not found.problems:
        return [], [Problem(0, "", "The file holds no probes.")]
    doubts = [
        Problem(line, probe.id, text, "warning")
        for judge in (_alone, _leaking, _matched, _alike, _one_sided)
        for line, probe, text in judge(found.probes)
    ]
    probes = [probe for _, probe in found.probes]
    return probes, sorted([*found.problems, *doubts], key=lambda p: (p.line, p.severity))


def guessing_floors(probes: Sequence[Probe]) -> tuple[Floor, ...]:
    """By category: the share of its counted items with options that picking one by chance would pass."""
    chances: dict[str, list[float]] = {}
    for probe in probes:
        if probe.counted and (options := _options(probe.expect)):
            chances.setdefault(probe.category, []).append(1 / len(options))
    return tuple(Floor(name, len(all_), sum(all_) / len(all_)) for name, all_ in chances.items())


def _options(expect: dict[str, Any]) -> Sequence[str]:
    """The options that are picked from; none where the answer is open."""
    if expect["type"] in ("choice", "same_as"):
        return expect.get("options") or ()
    return expect.get("choices") or () if expect["type"] == "likelihood" else ()


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


def _leaking(probes: Numbered) -> Iterator[Doubt]:
    """Questions that hold their own answer, where nothing before them could have been read for it."""
    for line, probe in probes:
        expect = probe.expect
        if not probe.counted or expect["type"] not in ("exact", "contains", "any_of"):
            continue
        said = [m.content for m in probe.messages or () if m.content] or [probe.prompt or ""]
        answers = expect.get("values") or [expect["value"]]
        question = said[-1].strip()
        if len(said) > 1 or not re.fullmatch(r"[^.!?:\n।。؟]+[?؟？]", question):
            continue  # a text to be read, options to pick from, or something to be copied
        for answer in answers:
            if re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", question, re.IGNORECASE):
                yield line, probe, f"the question holds the answer {answer[:60]!r}"
                break


def _one_sided(probes: Numbered) -> Iterator[Doubt]:
    """Choices of a category between the same options where one answer is nearly always right: saying it passes."""
    right: dict[tuple[str, ...], Counter[str]] = {}
    first: dict[tuple[str, ...], tuple[int, Probe]] = {}
    for line, probe in probes:
        if probe.expect["type"] == "choice" and (probe.counted or probe.arm == "control"):
            key = (probe.category, *sorted(str(o).casefold() for o in probe.expect["options"]))
            right.setdefault(key, Counter())[probe.expect["value"].casefold()] += 1
            first.setdefault(key, (line, probe))
    for key, values in right.items():
        answer, count = values.most_common(1)[0]
        if values.total() >= FEW_CHOICES and count / values.total() > ONE_SIDED:
            yield *first[key], f"{answer[:60]!r} is right in {count} of {values.total()} choices between these options"


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
        elif probe.arm in ("control", "placebo") and probe.group is None:
            yield line, probe, f"arm is {probe.arm}, but it has no group: nothing is held against it"


def _alike(probes: Numbered) -> Iterator[Doubt]:
    """The same question with the same expectation twice counts one item double."""
    seen: dict[bytes, int] = {}
    for line, probe in probes:
        key = to_json([probe.messages, probe.prompt, probe.expect, probe.generation])
        if key in seen:
            yield line, probe, f"asks and expects the same as line {seen[key]}"
        seen.setdefault(key, line)
