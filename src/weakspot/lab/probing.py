"""Test sequences of a task as a probe file: a trained model goes through `weakspot compare` like any candidate."""

import json
from pathlib import Path

from weakspot.errors import UsageError
from weakspot.lab.tasks import examples, longest, words
from weakspot.records import Generation, Probe, to_builtins

SPARE = 8
"""Tokens that a reply may have beyond the expected ones."""


def probes(task: str, lengths: tuple[int, ...], n: int) -> list[Probe]:
    """The first n test sequences of each length, each to be answered exactly; the same that the lab tests with.

    Raises:
        UsageError: an unknown task, or a length that it does not have.
    """
    return [
        Probe(
            id=f"lab/{task}-{length:02d}-{number:03d}",
            category=f"lab {task}",
            prompt=" ".join(words(task, example.prompt)),
            expect={"type": "exact", "value": " ".join(words(task, example.answer))},
            generation=Generation(max_tokens=longest(task, length)[1] + SPARE, multiline=True),
            tags={"task": task, "length": str(length)},
            source="weakspot lab",
            licence="Apache-2.0",
        )
        for length in lengths
        for number, example in enumerate(examples(task, length, n, "tests"))
    ]


def write_suite(task: str, lengths: tuple[int, ...], n: int, path: Path) -> Path:
    """Write the probes of a task as JSON lines; the same path.

    Raises:
        UsageError: an unknown task or length, or the file can't be written.
    """
    lines = [json.dumps(_line(probe), ensure_ascii=False) for probe in probes(task, lengths, n)]
    try:
        path.write_text("\n".join(lines) + "\n", "utf-8")
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}.", hint="Is the folder there?") from None
    return path


def _line(probe: Probe) -> dict[str, object]:
    """The fields that are set; what a line leaves out is the default."""
    fields = to_builtins(probe)
    fields["generation"] = {"max_tokens": probe.generation.max_tokens, "multiline": True}
    return {name: value for name, value in fields.items() if value not in (None, {}, False, "")}
