"""The frame of all exporters: what of a run is written out, and under which names.

An exporter is one module with one `EXPORTER` and one line under "exporters" in the registry. It gets the records of a
finished run and gives files by name; where they are saved is not its business (`weakspot.api.export`).
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from weakspot.records import Candidate, ModelInfo, Probe, Rating, Response, Score


class Outcome(msgspec.Struct, frozen=True):
    """One item of one candidate: what was asked, answered and found.

    `informative` is false where the candidate failed the item's own positive control; such an item says nothing of it.
    """

    probe: Probe
    response: Response | None
    score: Score | None
    informative: bool
    ratings: tuple[Rating, ...] = ()

    @property
    def reply(self) -> str | None:
        """The text of the reply that was scored, or None."""
        final = self.response.final if self.response is not None else None
        return None if final is None else final.text

    @property
    def passed(self) -> bool | None:
        """The verdict, or None where there is none."""
        return None if self.score is None else self.score.passed

    @property
    def failed(self) -> bool:
        """Whether it enters the failure rate, and failed."""
        return self.probe.counted and self.informative and self.passed is False

    @property
    def reason(self) -> str:
        """Why, in words."""
        return "It was not scored." if self.score is None else self.score.reason


class Exported(msgspec.Struct, frozen=True):
    """A finished run: `outcomes` are by candidate name, in the order of the suite. `created` is UTC, ISO 8601."""

    run_id: str
    suite: str
    created: str
    weakspot: str
    candidates: tuple[Candidate, ...]
    infos: Mapping[str, ModelInfo]
    outcomes: Mapping[str, tuple[Outcome, ...]]


class Exporter(msgspec.Struct, frozen=True):
    """One format: what it is called, its files (name, bytes) for a run, and whether it is one text for a log.

    `write` is there in place of files where another tool writes them itself: it gets the run, its folder, the folder
    to write to and the options of the format, and gives the paths that it wrote.
    """

    title: str
    files: Callable[[Exported], Iterator[tuple[str, bytes]]] = lambda _: iter(())
    printed: bool = False
    write: Callable[[Exported, Path, Path, Mapping[str, str]], list[Path]] | None = None


def plain(text: str, limit: int = 100) -> str:
    """A name as a part of a file's name: letters, digits, dot, hyphen and underscore."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "_" for c in text)[:limit]
    return kept.lstrip(".") or "run"


def prompt_text(probe: Probe) -> str:
    """What was asked as one text: the raw prompt, or the messages with their roles."""
    if probe.prompt is not None:
        return probe.prompt
    messages = [m for m in probe.messages or () if m.content is not None]
    if len(messages) == 1:
        return messages[0].content or ""
    return "\n\n".join(f"{m.role}: {m.content}" for m in messages)


def expected_text(probe: Probe) -> str:
    """What is expected as one text, for formats with a target; the whole expectation as JSON where it is no value."""
    expect: dict[str, Any] = probe.expect
    value = expect.get("value")
    if isinstance(value, str):
        return value
    values = expect.get("values")
    if isinstance(values, list | tuple) and all(isinstance(one, str) for one in values):
        return "\n".join(values)
    return msgspec.json.encode(expect).decode()
