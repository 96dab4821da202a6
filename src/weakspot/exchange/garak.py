"""garak's report (`*.report.jsonl`, 0.9 to 0.14): every output of every evaluated attempt is an item.

The category is garak's probe (`dan.Dan_11_0`); the outputs of one attempt are one group. The verdict is that of the
first detector that garak ran on the attempt (its primary one), or of the one named by `metric` (`any`: failed where
any detector says so); all detectors are kept as checks. As in garak, an output has failed where a detector's score is
at least the threshold, 0.5 unless the report or `threshold` says otherwise.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from weakspot.errors import ImportFailed
from weakspot.exchange import making, turns
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.reading import json_lines, shown
from weakspot.records import Imported, ImportedModel, Message, Probe, Response, Score

TOOL = "garak"
EVALUATED = 2
ANY = "any"
THRESHOLD = 0.5
GOAL = "garak wants to provoke: {goal}. The reply fails where a detector finds it."


def _matches(seen: Sighting) -> bool:
    kind = seen.first.get("entry_type")
    return isinstance(kind, str) and (
        kind.startswith("start_run") or kind in ("config", "init", "attempt", "eval", "digest")
    )


def read_garak(path: Path, asked: Asked) -> Imported:
    """A report. Entries of other types than those used here are passed over, as garak adds types with its versions."""
    report = _Report(path, asked)
    for number, entry in json_lines(path):
        report.take(entry, number)
    return report.imported()


class _Report:
    """A report on its way to records; attempts are kept until the file's end, since each is written twice."""

    def __init__(self, path: Path, asked: Asked) -> None:
        self._path, self._asked = path, asked
        self._setup: dict[str, Any] = {}
        self._version = ""
        self._attempts: dict[str, dict[str, Any]] = {}
        self._evals: list[dict[str, Any]] = []
        self._unfinished = 0
        self._complete = False

    def take(self, entry: dict[str, Any], number: int) -> None:
        """One line."""
        kind = entry.get("entry_type")
        if not isinstance(kind, str):
            raise ImportFailed(
                f"Line {number} of {shown(self._path)} has no 'entry_type'.", hint="garak's report.jsonl is wanted."
            )
        if kind.startswith("start_run"):
            self._setup = entry
            self._version = str(entry.get("_config.version") or self._version)
        elif kind == "init":
            self._version = str(entry.get("garak_version") or self._version)
        elif kind == "attempt":
            key = str(entry.get("uuid") or number)
            if entry.get("status") == EVALUATED or self._attempts.get(key, {}).get("status") != EVALUATED:
                self._attempts[key] = _lean(entry, number)
        elif kind == "eval":
            self._evals.append(entry)
        elif kind in ("completion", "digest"):
            self._complete = True

    def imported(self) -> Imported:
        """Everything that was taken, as records."""
        if not self._attempts:
            raise ImportFailed(f"{shown(self._path)} holds no attempts.", hint="Was garak stopped before it asked?")
        candidate = making.candidate(TOOL, self._asked.model or self._target())
        info = making.info(TOOL, self._version, seed=_seed(self._setup.get("run.seed")), sampler=self._sampler())
        probes, answers, scores = [], [], []
        used: dict[str, int] = {}
        for attempt in self._attempts.values():
            name = _unused(_name(attempt), used)
            for number, output in enumerate(attempt["outputs"] or [None]):
                many = len(attempt["outputs"]) > 1
                probe = _probe(attempt, f"{name}/{number + 1}" if many else name, name if many else None)
                text = _text(output)
                told = "" if text is not None else "garak has no output for this attempt"
                answer = making.response(probe.id, candidate, info, text, error=told)
                probes.append(probe)
                answers.append(answer)
                scores.append(self._score(attempt, number, answer))
        reported = self._totals(probes, scores) | self._reported()
        model = ImportedModel(candidate, info, tuple(answers), tuple(scores), reported)
        suite = making.name(", ".join(dict.fromkeys(probe.category for probe in probes)))
        notes = tuple(self._notes(probes, scores))
        return Imported(TOOL, self._version, suite, tuple(probes), (model,), notes)

    def _target(self) -> str:
        for prefix in ("plugins.target", "plugins.model"):
            if self._setup.get(f"{prefix}_name"):
                return str(self._setup[f"{prefix}_name"])
        return str(self._setup.get("plugins.target_type") or self._setup.get("plugins.model_type") or making.UNNAMED)

    def _sampler(self) -> dict[str, Any]:
        generations = self._setup.get("run.generations")
        return {"generations": generations} if isinstance(generations, int) else {}

    @property
    def _threshold(self) -> float:
        stated = self._asked.threshold if self._asked.threshold is not None else self._setup.get("run.eval_threshold")
        return float(stated) if isinstance(stated, int | float) else THRESHOLD

    def _score(self, attempt: Mapping[str, Any], number: int, answer: Response) -> Score:
        checks = {name: self._passed(values, number) for name, values in attempt["detectors"].items()}
        chosen = self._asked.metric or next(iter(checks), "")
        if attempt["status"] != EVALUATED or not checks:
            return making.score(answer, f"{TOOL}:none", None, "garak did not evaluate this attempt.")
        if chosen == ANY:
            verdict = False if False in checks.values() else None if None in checks.values() else True
        elif chosen in checks:
            verdict = checks[chosen]
        else:
            return making.score(answer, f"{TOOL}:{chosen}", None, "This detector did not run.", checks=checks)
        hits = [name for name, passed in checks.items() if passed is False]
        said = f"Detected by {', '.join(hits)}." if hits else "No detector found anything."
        if verdict is None:
            said = f"The detector {chosen} gave no value."
        return making.score(answer, f"{TOOL}:{chosen}", verdict, said, rule=chosen, checks=checks)

    def _passed(self, values: Any, number: int) -> bool | None:
        value = values[number] if isinstance(values, list) and number < len(values) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return value < self._threshold

    def _reported(self) -> dict[str, float]:
        """The counts that garak states: `probe/detector/passed` and `.../evaluated`."""
        found: dict[str, float] = {}
        for entry in self._evals:
            name = f"{making.name(entry.get('probe'))}/{_detector(entry.get('detector'))}"
            for ours, theirs in (("passed", ("passed",)), ("evaluated", ("total_evaluated", "total"))):
                value = next((entry[key] for key in theirs if isinstance(entry.get(key), int)), None)
                if value is not None:
                    found[f"{name}/{ours}"] = found.get(f"{name}/{ours}", 0.0) + value
        return found

    def _totals(self, probes: list[Probe], scores: list[Score]) -> dict[str, float]:
        """What garak states for the verdicts' detectors, over all probes: to be held against our counts."""
        chosen = {(p.category, s.scorer.partition(":")[2]) for p, s in zip(probes, scores, strict=True)}
        stated = self._reported()
        found: dict[str, float] = {}
        for category, detector in chosen:
            passed = stated.get(f"{category}/{_detector(detector)}/passed")
            evaluated = stated.get(f"{category}/{_detector(detector)}/evaluated")
            if passed is None or evaluated is None:
                return {}
            found["passed: all probes"] = found.get("passed: all probes", 0.0) + passed
            found["failed: all probes"] = found.get("failed: all probes", 0.0) + evaluated - passed
        return found

    def _notes(self, probes: list[Probe], scores: list[Score]) -> Iterator[str]:
        others = {name for score in scores for name in score.checks} - {s.scorer.partition(":")[2] for s in scores}
        if others:
            yield f"The verdict is that of each probe's primary detector; kept as checks: {', '.join(sorted(others))}."
        waiting = sum(attempt["status"] != EVALUATED for attempt in self._attempts.values())
        if waiting:
            yield f"{waiting} attempts were not evaluated by garak and have no verdict."
        if not self._complete:
            yield "The report has no end: garak was stopped, or the file was cut off."
        counted, reported = _counts(probes, scores), self._reported()
        for entry in self._evals:
            key = making.name(entry.get("probe")), _detector(entry.get("detector"))
            stated = reported.get("/".join([*key, "passed"]))
            if key in counted and stated is not None and counted[key] != stated:
                yield f"garak states {stated:g} passed for {key[0]} under {key[1]}; the attempts give {counted[key]}."


def _counts(probes: list[Probe], scores: list[Score]) -> dict[tuple[str, str], int]:
    """How many outputs passed, by probe and detector, as the attempts say."""
    found: dict[tuple[str, str], int] = {}
    for probe, score in zip(probes, scores, strict=True):
        for detector, passed in score.checks.items():
            key = probe.category, _detector(detector)
            found[key] = found.get(key, 0) + (passed is True)
    return found


def _detector(name: Any) -> str:
    """A detector's name without the word that garak 0.9 wrote before it in eval entries."""
    return making.name(name).removeprefix("detector ")


def _lean(entry: dict[str, Any], number: int) -> dict[str, Any]:
    """What is needed of an attempt: garak repeats the conversation three times in each."""
    outputs = entry.get("outputs")
    detectors = entry.get("detector_results")
    return {
        "seq": entry.get("seq", number),
        "status": entry.get("status"),
        "category": making.name(entry.get("probe_classname") or "garak"),
        "prompt": entry.get("prompt"),
        "goal": entry.get("goal"),
        "triggers": (entry.get("notes") or {}).get("triggers") if isinstance(entry.get("notes"), dict) else None,
        "outputs": outputs if isinstance(outputs, list) else [],
        "detectors": {making.name(k): v for k, v in detectors.items()} if isinstance(detectors, dict) else {},
    }


def _name(attempt: Mapping[str, Any]) -> str:
    return f"{attempt['category']}/{making.name(attempt['seq'])}"[:180]


def _unused(name: str, used: dict[str, int]) -> str:
    """The name, with a number behind it where it stood before: garak may run a probe twice."""
    used[name] = used.get(name, 0) + 1
    return name if used[name] == 1 else f"{name} ({used[name]})"


def _probe(attempt: Mapping[str, Any], name: str, group: str | None) -> Probe:
    goal = making.name(attempt["goal"] or "the behaviour that its detectors look for")
    triggers = attempt["triggers"]
    tags = {"triggers": ", ".join(str(t) for t in triggers)[:500]} if isinstance(triggers, list) and triggers else {}
    return Probe(
        id=name,
        category=attempt["category"],
        expect={"type": "rubric", "rubric": GOAL.format(goal=goal)},
        messages=_messages(attempt["prompt"]),
        tags=tags,
        group=group,
        source=TOOL,
    )


def _messages(prompt: Any) -> tuple[Message, ...]:
    """The prompt as messages: a text (0.9), or turns whose content is a message with a text."""
    if isinstance(prompt, dict) and isinstance(prompt.get("turns"), list):
        asked = [{"role": t.get("role"), "content": _text(t.get("content"))} for t in prompt["turns"]]
        return turns.messages(asked)[0]
    if isinstance(prompt, dict):
        return (Message("user", _text(prompt) or ""),)
    return turns.messages(prompt if isinstance(prompt, list) else str(prompt or ""))[0]


def _text(output: Any) -> str | None:
    """An output's text: itself, or its `text`; None where garak has none."""
    if isinstance(output, dict):
        output = output.get("text")
    return output if isinstance(output, str) else None


def _seed(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


IMPORTER = Importer(title="garak's report", matches=_matches, read=read_garak)
