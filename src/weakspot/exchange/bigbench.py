"""BIG-bench `task.json` and BIG-Bench-Hard's `{canary, examples: [{input, target}]}` into probes.

The format is BIG-bench's docs/doc.md ("JSON schema for json tasks"). The canary of the file, by which it asks to be
kept out of training data, stays with every probe as `tags.canary`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from weakspot.errors import ImportFailed
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.making import name
from weakspot.exchange.reading import read_object, shown
from weakspot.records import Generation, Imported, Message, Probe

TOOL = "BIG-bench"
MULTIPLE = "multiple_choice_grade"
LONGEST = 64
"""Tokens that a short answer may take where the task does not say."""
_OPTIONS = re.compile(r"(?im)^options:\s*$\n((?:^(?:\([A-Z]\)|[-*]) .*$\n?)+)")
Expect = dict[str, Any]


def read_bigbench(path: Path, asked: Asked) -> Imported:
    """The examples of a task as probes: multiple choice where they have options, else the target word for word.

    Args:
        path: the task's JSON file, or a folder with a `task.json`.
        asked: `metric` may name `likelihood` to compare the options' log-likelihoods, as BIG-bench's own
            multiple_choice_grade does, where by default the model is asked to write one.

    Raises:
        ImportFailed: it is no such task, or an example has no target.
    """
    file = path / "task.json" if path.is_dir() else path
    task = read_object(file)
    examples = task.get("examples")
    if not isinstance(examples, list):
        raise ImportFailed(f"{shown(file)} has no list of examples.", hint="It may be a task written in Python.")
    suite = name(task.get("name") or file.stem if file.stem != "task" else file.resolve().parent.name)
    canary = task.get("canary")
    maker = _Maker(suite, task, {"canary": canary} if isinstance(canary, str) else {}, asked.metric == "likelihood")
    probes = [maker.probe(number, example) for number, example in enumerate(examples)]
    notes = list(dict.fromkeys(maker.notes))
    if canary:
        notes.append("The file asks to be kept out of training data: its canary stays in every probe's tags.")
    return Imported(TOOL, "", suite, tuple(probes), notes=tuple(notes))


class _Maker:
    """Makes the probes of one task."""

    def __init__(self, suite: str, task: Mapping[str, Any], tags: dict[str, str], likelihood: bool) -> None:
        self.notes: list[str] = []
        self._suite = suite
        self._task = task
        self._tags = tags
        self._likelihood = likelihood
        metrics = task.get("metrics") or []
        self._multiple = MULTIPLE in metrics or task.get("preferred_score") == MULTIPLE

    def probe(self, number: int, example: Any) -> Probe:
        """One example; `input` and `target` or `target_scores` are read."""
        where = f"Example {number} of {self._suite}"
        if not isinstance(example, dict) or not isinstance(example.get("input"), str):
            raise ImportFailed(f"{where} has no input.", hint="It may be a task of another kind.")
        scores = example.get("target_scores")
        text = example["input"]
        if isinstance(scores, dict) and scores:
            return self._choice(number, text, scores, where)
        target = example.get("target")
        targets = [str(one) for one in (target if isinstance(target, list) else [target]) if one not in (None, "")]
        if not targets:
            raise ImportFailed(f"{where} has no target.", hint="It may be a task of another kind.")
        return self._made(number, self._framed(text), self._written(text, targets))

    def _choice(self, number: int, text: str, scores: Mapping[str, Any], where: str) -> Probe:
        options = [str(option) for option in scores]
        best = max(float(value) for value in scores.values())
        right = [option for option, value in zip(options, scores.values(), strict=True) if float(value) == best]
        if best <= 0 or len(options) < 2:
            raise ImportFailed(f"{where} has no right option among {len(options)}.", hint="Leave it out.")
        if any(0 < float(value) < best for value in scores.values()):
            self.notes.append("Options with a score between are wrong here; BIG-bench gives them part of a point.")
        if self._likelihood:
            indexes = [options.index(option) for option in right]
            expect: Expect = {"type": "likelihood", "choices": options, "delimiter": " ", "normalise": False}
            expect["value"] = indexes[0] if len(indexes) == 1 else indexes
            return self._made(number, self._framed(text), expect, raw=True)
        letters = [f"({chr(65 + place)}) {option}" for place, option in enumerate(options)]
        asked = self._framed(text, "\nOptions:\n" + "\n".join(letters) if len(options) <= 26 else "")
        if len(right) == 1 and len({one.strip().casefold() for one in options}) == len(options):
            return self._made(number, asked, {"type": "choice", "options": options, "value": right[0], "letters": True})
        self.notes.append("Where several options are right, a reply that contains one of them passes.")
        return self._made(number, asked, {"type": "any_of", "values": right, "ignore_case": True})

    def _written(self, text: str, targets: Sequence[str]) -> Expect:
        """BBH's targets: a letter out of the options that the input lists, a yes or no, or a short text."""
        if len(targets) > 1:
            return {"type": "any_of", "values": list(targets), "ignore_case": True}
        target = targets[0]
        if (listed := _OPTIONS.search(text)) is not None:
            lines = [line.strip() for line in listed[1].strip().splitlines()]
            lettered = {line[:3]: line[4:].strip() for line in lines if re.match(r"\([A-Z]\) ", line)}
            options = list(lettered.values()) or [line[2:].strip() for line in lines]
            value = lettered.get(target, target)
            if value in options and len({one.casefold() for one in options}) == len(options) > 1:
                return {"type": "choice", "options": options, "value": value, "letters": bool(lettered)}
        for pair in (
            ("Yes", "No"),
            ("True", "False"),
            ("yes", "no"),
            ("valid", "invalid"),
            ("plausible", "implausible"),
        ):
            if target in pair:
                return {"type": "choice", "options": list(pair), "value": target, "letters": False}
        return {"type": "contains", "value": target, "ignore_case": True, "whole_word": True}

    def _framed(self, text: str, options: str = "") -> str:
        """The input with the task's own words around it (`task_prefix`, `example_input_prefix`, ...)."""
        prefix = str(self._task.get("task_prefix") or "")
        before = str(self._task.get("example_input_prefix") or "").lstrip("\n")
        behind = str(self._task.get("example_output_prefix") or "")
        return f"{prefix}{before}{text}{options}{behind}"

    def _made(self, number: int, text: str, expect: Expect, *, raw: bool = False) -> Probe:
        return Probe(
            id=name(f"{self._suite}/{number}"),
            category=self._suite,
            expect=expect,
            messages=None if raw else (Message("user", text),),
            prompt=text if raw else None,
            generation=Generation(max_tokens=1 if raw else LONGEST, multiline=True),
            tags=self._tags,
            source=f"BIG-bench task {self._suite}",
        )


def _matches(seen: Sighting) -> bool:
    if seen.folder:
        return "task.json" in seen.names
    return (
        seen.mentions("examples", "input")
        and (seen.mentions("target") or seen.mentions("target_scores"))
        and not seen.lines
    ) or (seen.mentions("examples") and seen.mentions("canary"))


IMPORTER = Importer("a BIG-bench or BBH task", _matches, read_bigbench)
