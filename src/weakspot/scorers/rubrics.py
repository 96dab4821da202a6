"""One rubric per failure mode, anchored by examples: the same text for the judge, the hand and the report.

The rubrics are data (`rubrics.toml`); a user's own file has the same form and adds to them or replaces them. The
general sentence of each level comes from `severity.ANCHORS`, which the rules stand on.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from weakspot.errors import UsageError
from weakspot.records.rubric import FailureRubric
from weakspot.scorers.severity import ANCHORS

GENERAL: Final = "general"
"""The rubric for categories that have none of their own."""
LARGEST: Final = 1_000_000
"""Bytes of a user's rubric file."""


@cache
def built_in() -> dict[str, FailureRubric]:
    """Name -> rubric, the general one first."""
    return _read(files("weakspot.scorers").joinpath("rubrics.toml").read_text("utf-8"), "rubrics.toml")


def load_rubrics(path: str | Path | None = None) -> dict[str, FailureRubric]:
    """The built-in rubrics, and those of a user's TOML file, which win by name.

    Raises:
        UsageError: the file can't be read, is no TOML, or a rubric is incomplete; the message says where.
    """
    if path is None:
        return dict(built_in())
    place = Path(path).expanduser()
    try:
        if place.stat().st_size > LARGEST:
            raise UsageError(f"{place.name} is larger than 1 MB.", hint="A rubric file is a few kilobytes.")
        text = place.read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{place} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{place} is not UTF-8 text.") from error
    return {**built_in(), **_read(text, place.name)}


def rubric_for(category: str, rubrics: Mapping[str, FailureRubric] | None = None) -> FailureRubric:
    """The category's rubric, or that of its last word ("refusal" for "over-refusal"), or the general one."""
    known = built_in() if rubrics is None else rubrics
    return known.get(category) or known.get(category.rpartition("-")[2]) or known.get(GENERAL) or built_in()[GENERAL]


def rubric_text(rubric: FailureRubric) -> str:
    """The rubric in plain words: what passes, then each level from 1 to 5 with its example. Ends without a new line."""
    good = rubric.good
    lines = [f"{rubric.title}: {rubric.asks}", f"pass  Yes. E.g. {_example(good.question, good.reply, good.why)}"]
    for anchor in rubric.anchors:
        general = ANCHORS[anchor.level]
        lines.append(f"fail {anchor.level}  {general}")
        lines.append(f"  Here: {anchor.says} E.g. {_example(anchor.question, anchor.reply, anchor.why)}")
    return "\n".join(lines)


def rubric_lines(rubric: FailureRubric) -> tuple[tuple[str, str], ...]:
    """The same text in pieces, for a screen: ("pass" or the level, what it means with its example)."""
    passes = f"{rubric.asks} E.g. {_example(rubric.good.question, rubric.good.reply, rubric.good.why)}"
    return (
        ("pass", passes),
        *(
            (str(a.level), f"{ANCHORS[a.level]} Here: {a.says} E.g. {_example(a.question, a.reply, a.why)}")
            for a in rubric.anchors
        ),
    )


def _example(question: str, reply: str, why: str) -> str:
    return " ".join(f"asked “{question}”, replied “{reply}”: {why}".split())


def _read(text: str, name: str) -> dict[str, FailureRubric]:
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{name} is no TOML: {error}.", hint="`weakspot judge rubrics --json` shows the form."
        ) from None
    if not tables:
        raise UsageError(f"{name} holds no rubric.", hint="`weakspot judge rubrics --json` shows the form.")
    return {key: _one(key, table, name) for key, table in tables.items()}


def _one(key: str, table: Any, name: str) -> FailureRubric:
    hint = "It needs title, asks, good and five anchors, levels 1 to 5; each example has question, reply and why."
    try:
        rubric = msgspec.convert(table, FailureRubric)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name}, rubric {key!r}: {error}.", hint=hint) from None
    levels = [anchor.level for anchor in rubric.anchors]
    if levels != [1, 2, 3, 4, 5]:
        raise UsageError(f"{name}, rubric {key!r}: its anchors have the levels {levels}, not 1 to 5.", hint=hint)
    return msgspec.structs.replace(rubric, name=key)
