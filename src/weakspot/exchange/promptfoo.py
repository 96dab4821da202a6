"""promptfoo's output (`promptfoo eval -o output.json`, results version 2 and 3; or `.jsonl`, a result a line).

Each test under each prompt is an item, each provider a model; a test that was repeated gives a group. The verdict is
promptfoo's `success`, a request that failed has none; the assertions are kept as checks.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from weakspot.errors import ImportFailed
from weakspot.exchange import making, turns
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.promptfoo_assert import expectation, flat
from weakspot.exchange.reading import json_lines, parse_json, read_object, shown
from weakspot.records import Imported, ImportedModel, Message, Probe, Response, Score, Timings, Usage
from weakspot.records.response import FinishReason

TOOL = "promptfoo"
VERSIONS = (2, 3)
ERROR = 2
"""`failureReason` of a request that failed; 1 is an assertion that does not hold."""
FINISH: dict[str, FinishReason] = {"stop": "stop", "length": "length", "content_filter": "content_filter"}


def _matches(seen: Sighting) -> bool:
    if {"promptIdx", "testIdx", "success"} <= seen.first.keys():
        return True
    return seen.text.lstrip()[:1] == "{" and (
        seen.mentions("evalId", "results") or (seen.mentions("results", "prompts") and seen.mentions("testPassCount"))
    )


def read_promptfoo(path: Path, asked: Asked) -> Imported:
    """An output file."""
    if path.suffix.lower() == ".jsonl":
        return _Output({}, asked, path).imported(row for _, row in json_lines(path))
    document = read_object(path)
    results = document.get("results")
    if not isinstance(results, dict) or not isinstance(results.get("results"), list):
        raise ImportFailed(
            f"{shown(path)} has no 'results.results'.", hint="`promptfoo eval --output output.json` writes such a file."
        )
    version = results.get("version")
    if version not in VERSIONS:
        raise ImportFailed(
            f"{shown(path)} is promptfoo's output of version {str(version)[:20]!r}; 2 and 3 are read.",
            hint="Export it again with a promptfoo of 2024 or later.",
        )
    return _Output(document, asked, path).imported(results["results"])


class _Column:
    """One provider's results."""

    def __init__(self, name: str) -> None:
        self.candidate = making.candidate(TOOL, name)
        self.responses: list[Response] = []
        self.scores: list[Score] = []
        self.keys: dict[str, int] = {}


class _Output:
    """An output on its way to records."""

    def __init__(self, document: Mapping[str, Any], asked: Asked, path: Path) -> None:
        metadata = document.get("metadata")
        self._version = str(metadata.get("promptfooVersion", "")) if isinstance(metadata, dict) else ""
        config = document.get("config")
        self._config = config if isinstance(config, dict) else {}
        self._results = document.get("results") or {}
        self._asked = asked
        self._suite = making.name(self._config.get("description") or path.stem)
        self._columns: dict[str, _Column] = {}
        self._probes: dict[str, Probe] = {}
        self._prompts: dict[str, int] = {}
        self._lost: dict[str, int] = {}
        for prompt in self._results.get("prompts") or []:
            if isinstance(prompt, dict):
                self._prompts.setdefault(_prompt_key(prompt), len(self._prompts) + 1)

    def imported(self, rows: Iterable[Any]) -> Imported:
        """Everything as records."""
        for number, row in enumerate(rows, start=1):
            if not isinstance(row, dict) or "success" not in row or not isinstance(row.get("testIdx"), int):
                raise ImportFailed(
                    f"Result {number} has no 'success' or no 'testIdx'.", hint="The file may be damaged, or older."
                )
            self._take(row)
        chosen = {name: c for name, c in self._columns.items() if self._asked.model in ("", name, c.candidate.name)}
        if not chosen:
            raise ImportFailed(
                f"The file has no provider {self._asked.model!r}.",
                hint=f"It has: {', '.join(self._columns) or 'none'}.",
            )
        info = making.info(TOOL, self._version)
        names = _apart(chosen)
        models = tuple(
            ImportedModel(
                candidate=msgspec.structs.replace(column.candidate, name=names[key]),
                info=info,
                responses=tuple(msgspec.structs.replace(r, candidate=names[key]) for r in column.responses),
                scores=tuple(msgspec.structs.replace(s, candidate=names[key]) for s in column.scores),
                reported=self._reported(key),
            )
            for key, column in chosen.items()
        )
        ordered = sorted(self._probes, key=_numbers)
        return Imported(
            TOOL, self._version, self._suite, tuple(self._probes[n] for n in ordered), models, tuple(self._notes())
        )

    def _take(self, row: Mapping[str, Any]) -> None:
        column = self._columns.setdefault(_provider(row.get("provider")), _Column(_provider(row.get("provider"))))
        prompt = row.get("prompt") if isinstance(row.get("prompt"), dict) else {}
        key = str(row.get("promptId") or _prompt_key(prompt or {}))
        number = self._prompts.setdefault(key, len(self._prompts) + 1)
        name = f"test-{row['testIdx'] + 1}/prompt-{number}"
        column.keys[name] = again = column.keys.get(name, 0) + 1
        probe = self._probe(row, name, again)
        response = self._response(row, probe.id, column)
        column.responses.append(response)
        column.scores.append(_score(row, response))
        self._probes.setdefault(probe.id, probe)

    def _probe(self, row: Mapping[str, Any], name: str, again: int) -> Probe:
        test = row.get("testCase") if isinstance(row.get("testCase"), dict) else {}
        metadata = (test or {}).get("metadata") or {}
        category = next((metadata[k] for k in ("category", "pluginId") if metadata.get(k)), self._suite)
        values = row.get("vars") if isinstance(row.get("vars"), dict) else {}
        repeated = again > 1
        if repeated:
            first = self._probes[name]
            self._probes[name] = msgspec.structs.replace(first, group=name)
        described = (test or {}).get("description")
        return Probe(
            id=f"{name}/{again}" if repeated else name,
            category=making.name(category),
            expect=expectation(_assertions(row, test or {}), _with(values or {}), (test or {}).get("threshold")),
            messages=self._asked_of(row),
            tags={"description": making.name(described)} if described else {},
            group=name if repeated else None,
            source=TOOL,
        )

    def _asked_of(self, row: Mapping[str, Any]) -> tuple[Message, ...]:
        prompt = row.get("prompt")
        raw = str(prompt.get("raw", "") if isinstance(prompt, dict) else prompt or "")
        return chat(raw)

    def _response(self, row: Mapping[str, Any], name: str, column: _Column) -> Response:
        given = row.get("response") if isinstance(row.get("response"), dict) else {}
        output = (given or {}).get("output")
        if output is not None and not isinstance(output, str):
            output = msgspec.json.encode(output).decode()
        failed = row.get("failureReason") == ERROR or (output is None and bool(row.get("error")))
        told = str(row.get("error") or (given or {}).get("error") or "the request failed") if failed else ""
        usage = (given or {}).get("tokenUsage") or {}
        made = making.response(
            name,
            column.candidate,
            making.info(TOOL, self._version),
            output,
            finish=FINISH.get(str((given or {}).get("finishReason")), "unknown"),
            usage=Usage(_count(usage.get("prompt")), _count(usage.get("completion"))),
            error=told,
        )
        latency = row.get("latencyMs")
        if not made.replies or not isinstance(latency, int | float):
            return made
        last = msgspec.structs.replace(made.replies[-1], timings=Timings(total_s=max(0.0, latency / 1000)))
        return msgspec.structs.replace(made, replies=(*made.replies[:-1], last))

    def _reported(self, provider: str) -> dict[str, float]:
        """What promptfoo counts for one provider, over its prompts; and in all where there is only one."""
        found: dict[str, float] = {}
        for prompt in self._results.get("prompts") or []:
            metrics = prompt.get("metrics") if isinstance(prompt, dict) else None
            if isinstance(metrics, dict) and _provider(prompt.get("provider")) == provider:
                names = (("passed", "testPassCount"), ("failed", "testFailCount"), ("errors", "testErrorCount"))
                for ours, theirs in names:
                    if isinstance(metrics.get(theirs), int):
                        found[f"{ours}: {theirs}"] = found.get(f"{ours}: {theirs}", 0.0) + metrics[theirs]
        stats = self._results.get("stats")
        if len(self._columns) == 1 and isinstance(stats, dict):
            for ours, theirs in (("passed", "successes"), ("failed", "failures"), ("errors", "errors")):
                if isinstance(stats.get(theirs), int):
                    found[f"{ours}: stats.{theirs}"] = float(stats[theirs])
        return found

    def _notes(self) -> Iterator[str]:
        if len(self._prompts) > 1:
            yield f"There are {len(self._prompts)} prompts; each test under each prompt is an item of its own."
        rubrics = sum(probe.expect["type"] == "rubric" for probe in self._probes.values())
        if rubrics:
            yield f"{rubrics} items have assertions that no rule here checks; promptfoo's own verdict stands."


def chat(raw: str) -> tuple[Message, ...]:
    """A prompt: JSON of chat messages, or the user's text."""
    if raw.lstrip().startswith("["):
        try:
            given = parse_json(raw, "a prompt")
            if given and all(isinstance(one, dict) and "role" in one for one in given):
                return turns.messages(given)[0]
        except (ImportFailed, TypeError):
            pass  # a text that only looks like JSON
    return (Message("user", raw),)


def _score(row: Mapping[str, Any], answer: Response) -> Score:
    if answer.error is not None:
        return making.score(answer, f"{TOOL}:success", None, "No reply.")
    grading = row.get("gradingResult") if isinstance(row.get("gradingResult"), dict) else {}
    checks: dict[str, bool | None] = {}
    for part in (grading or {}).get("componentResults") or []:
        kind = part.get("assertion", {}) if isinstance(part, dict) else {}
        label = making.name((kind or {}).get("metric") or (kind or {}).get("type") or "assertion")
        checks[_unused(label, checks)] = part.get("pass") if isinstance(part.get("pass"), bool) else None
    reason = str((grading or {}).get("reason") or row.get("error") or "").strip()[:600]
    success = row["success"] if isinstance(row["success"], bool) else None
    return making.score(answer, f"{TOOL}:success", success, reason or "promptfoo gives no reason.", checks=checks)


def _unused(label: str, known: Mapping[str, Any]) -> str:
    number = 2
    name = label
    while name in known:
        name, number = f"{label} {number}", number + 1
    return name


def _assertions(row: Mapping[str, Any], test: Mapping[str, Any]) -> list[Any]:
    """The assertions, with their values as promptfoo rendered them where it says so."""
    stated = list(flat(test.get("assert") or []))
    grading = row.get("gradingResult")
    parts = (grading.get("componentResults") or []) if isinstance(grading, dict) else []
    values = {}
    for part in parts:
        if isinstance(part, dict) and isinstance(part.get("metadata"), dict):
            value = part["metadata"].get("renderedAssertionValue")
            if isinstance(part.get("assertion"), dict) and isinstance(value, str):
                values[str(part["assertion"])] = value
    return [dict(one) | ({"value": values[str(one)]} if str(one) in values else {}) for one in stated]


def _with(values: Mapping[str, Any]) -> Any:
    """Puts plain variables into a text: `{{ name }}` and nothing more, since promptfoo did the rest."""

    def render(text: str) -> str:
        for name, value in values.items():
            if isinstance(value, str | int | float):
                text = text.replace("{{" + name + "}}", str(value)).replace("{{ " + name + " }}", str(value))
        return text

    return render


def _provider(given: Any) -> str:
    if isinstance(given, dict):
        return making.name(given.get("label") or given.get("id") or making.UNNAMED)
    return making.name(given or making.UNNAMED)


def _apart(columns: Mapping[str, _Column]) -> dict[str, str]:
    """Names of candidates; providers whose short names are equal get their whole ones."""
    short = [column.candidate.name for column in columns.values()]
    return {k: c.candidate.name if short.count(c.candidate.name) == 1 else k for k, c in columns.items()}


def _prompt_key(prompt: Mapping[str, Any]) -> str:
    return str(prompt.get("id") or prompt.get("label") or prompt.get("raw") or "")


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(part.rpartition("-")[2]) for part in name.split("/"))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


IMPORTER = Importer(title="promptfoo's output", matches=_matches, read=read_promptfoo)
