"""Plain tables (CSV, TSV, JSON lines, a JSON list, Parquet): a question a row, with what people keep beside it.

Which column is what is guessed from its name, and every guess is a note; `--columns prompt=q,response=a` says it. A
table without responses is a suite; with responses it is a run. The verdict is the table's own where it has one
(`passed`, `score`, `failure`); where it has a reference instead, the reply is scored here, and a note says so.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from weakspot.errors import ImportFailed, UsageError
from weakspot.exchange import making
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.reading import shown
from weakspot.exchange.rows import file_rows
from weakspot.records import Generation, Imported, ImportedModel, Message, Probe, Response, Score
from weakspot.scorers import score_reply

TOOL = "table"
NAMES: dict[str, tuple[str, ...]] = {
    "messages": ("messages",),
    "prompt": ("prompt", "question", "input", "query", "instruction", "user", "request", "text"),
    "system": ("system", "system_prompt"),
    "context": ("context", "passage", "document"),
    "reference": (
        "reference",
        "expected",
        "expected_output",
        "target",
        "gold",
        "ideal",
        "correct_answer",
        "best_answer",
        "answer",
        "answers",
    ),
    "choices": ("choices", "options"),
    "response": (
        "response",
        "output",
        "actual_output",
        "completion",
        "prediction",
        "reply",
        "model_output",
        "generation",
    ),
    "passed": ("passed", "pass", "correct", "is_correct", "success", "score", "grade", "verdict"),
    "failure": ("failure", "failed", "fail"),
    "model": ("model", "model_name", "model_id", "candidate"),
    "id": ("id", "item_id", "example_id", "question_id", "idx", "index"),
    "category": ("category", "task", "topic", "type", "subject", "source"),
    "group": ("group",),
}
"""Our columns, and the names that they go by, the likeliest first."""

_YES = frozenset({"true", "yes", "pass", "passed", "correct", "1", "1.0", "ok", "y", "t"})
_NO = frozenset({"false", "no", "fail", "failed", "incorrect", "wrong", "0", "0.0", "n", "f"})
Row = Mapping[str, Any]


def read_table(path: Path, asked: Asked) -> Imported:
    """The rows of a table as probes, or as a run where they hold responses; rows of several models are one run.

    Args:
        path: the file.
        asked: `columns` says which column is what, `threshold` from which score on an item has passed, `model` names
            the model where no column does, or takes one of several; `metric` names how a reply is held against the
            reference: contains (the default), exact, number.

    Raises:
        ImportFailed: no column holds a question; two models were asked different things under one id.
        UsageError: `columns` names what is not there.
    """
    rows = file_rows(path)
    columns, notes = _columns(list(rows[0]), asked.columns, path)
    if _names_answers(rows, columns):
        del columns["id"]
        notes.append(
            "The ids differ from model to model, so they name answers: items are told by their question's text."
        )
    reader = _Reader(columns, asked, making.name(path.stem))
    for number, row in enumerate(rows, start=1):
        reader.take(row, f"Row {number} of {shown(path)}")
    if reader.skipped:
        notes.append(f"{reader.skipped} rows without a question were left out.")
    notes += reader.notes
    return Imported(TOOL, "", making.name(path.stem), tuple(reader.probes.values()), reader.models(), tuple(notes))


def _columns(there: Sequence[str], named: Mapping[str, str], path: Path) -> tuple[dict[str, str], list[str]]:
    """Our name -> the table's column, and the guesses in words."""
    for ours, theirs in named.items():
        if ours not in NAMES:
            raise UsageError(f"There is no column {ours!r} to name.", hint=f"There are: {', '.join(NAMES)}.")
        if theirs not in there:
            raise UsageError(f"{path.name} has no column {theirs!r}.", hint=f"It has: {shown(', '.join(there))}.")
    lower = {name.strip().lower().replace(" ", "_"): name for name in reversed(there)}
    found, taken = dict(named), set(named.values())
    for ours, likely in NAMES.items():
        if ours not in found:
            guess = next((lower[name] for name in likely if name in lower and lower[name] not in taken), None)
            if guess is not None:
                found[ours] = guess
                taken.add(guess)
    if "prompt" not in found and "messages" not in found:
        raise ImportFailed(
            f"{shown(path)} has no column that is known as a question; it has: {shown(', '.join(there))}.",
            hint="Name it: --columns prompt=COLUMN",
        )
    guessed = ", ".join(f"{ours} = {theirs}" for ours, theirs in found.items() if ours not in named)
    left = ", ".join(name for name in there if name not in taken)
    notes = [f"Guessed from the names of columns: {guessed}."] if guessed else []
    return found, notes + ([f"Columns left out: {left}."] if left else [])


def _names_answers(rows: Sequence[Row], columns: Mapping[str, str]) -> bool:
    """Whether the ids are those of answers: one question has several of them, and none is shared by two models."""
    if not {"id", "model", "response"} <= columns.keys():
        return False
    models: dict[str, set[str]] = {}
    ids: dict[str, set[str]] = {}
    for row in rows:
        identity = str(row.get(columns["id"]))
        models.setdefault(identity, set()).add(str(row.get(columns["model"])))
        question = "\0".join(str(row.get(columns.get(part, ""))) for part in ("prompt", "messages", "context"))
        ids.setdefault(question, set()).add(identity)
    return all(len(one) == 1 for one in models.values()) and any(len(one) > 1 for one in ids.values())


class _Reader:
    """Gathers probes and answers row by row."""

    def __init__(self, columns: Mapping[str, str], asked: Asked, suite: str) -> None:
        self.probes: dict[str, Probe] = {}
        self.notes: list[str] = []
        self.skipped = 0
        self._columns = columns
        self._asked = asked
        self._suite = suite
        self._responses: dict[str, list[tuple[Response, Score]]] = {}
        self._known: dict[str, Any] = {}

    def take(self, row: Row, where: str) -> None:
        """One row: a probe, and an answer where it holds one."""
        named = making.name(self._cell(row, "model") or self._asked.model, making.UNNAMED)
        if self._asked.model and "model" in self._columns and named != making.name(self._asked.model):
            return
        messages = self._messages(row, where)
        if not messages:
            self.skipped += 1
            return
        probe = self._probe(row, messages)
        if "response" not in self._columns:
            if probe.id in self.probes:
                self._note("The same question stands on several rows; it is taken once.")
            self.probes.setdefault(probe.id, probe)
            return
        probe = self._placed(probe, named, where)
        self._answer(row, probe, named)

    def models(self) -> tuple[ImportedModel, ...]:
        """The answers by model; empty where the table holds none."""
        found = []
        for named, pairs in self._responses.items():
            candidate, info = self._known[named]
            found.append(ImportedModel(candidate, info, tuple(r for r, _ in pairs), tuple(s for _, s in pairs)))
        return tuple(found)

    def _cell(self, row: Row, ours: str) -> Any:
        value = row.get(self._columns.get(ours, ""))
        return None if isinstance(value, str) and not value.strip() else value

    def _messages(self, row: Row, where: str) -> tuple[Message, ...]:
        given = self._cell(row, "messages")
        if isinstance(given, list):
            try:
                return tuple(msgspec.convert({"role": t["role"], "content": t["content"]}, Message) for t in given)
            except (KeyError, TypeError, msgspec.ValidationError):
                raise ImportFailed(
                    f"{where} has messages of an unknown form.", hint="role and content are wanted."
                ) from None
        prompt, context, system = (self._cell(row, name) for name in ("prompt", "context", "system"))
        if prompt is None:
            return ()
        text = str(prompt) if context is None else f"{context}\n\n{prompt}"
        return (*((Message("system", str(system)),) if system is not None else ()), Message("user", text))

    def _probe(self, row: Row, messages: tuple[Message, ...]) -> Probe:
        identity = self._cell(row, "id")
        digest = hashlib.sha256("\0".join(f"{m.role} {m.content}" for m in messages).encode()).hexdigest()[:12]
        return Probe(
            id=making.name(identity if identity is not None else f"item-{digest}"),
            category=making.name(self._cell(row, "category") or self._suite),
            expect=_expect(self._cell(row, "reference"), self._cell(row, "choices"), self._asked.metric),
            messages=messages,
            generation=Generation(max_tokens=256, multiline=True),
            group=making.name(group) if (group := self._cell(row, "group")) is not None else None,
            source=self._suite,
        )

    def _placed(self, probe: Probe, named: str, where: str) -> Probe:
        """The probe that a row's answer belongs to; a second answer of a model to it is an item of its own."""
        known = self.probes.get(probe.id)
        if known is not None and known.messages != probe.messages:
            digest = hashlib.sha256(str(probe.messages).encode()).hexdigest()[:8]
            self._note("One id stands with several questions; a hash of the question is put behind it.")
            probe = msgspec.structs.replace(probe, id=making.name(f"{probe.id[:150]}/{digest}"))
        place, again = probe.id, 1
        answered = {response.probe for response, _ in self._responses.get(named, ())}
        while place in answered:
            again += 1
            place = f"{probe.id[:180]}#{again}"
        if again > 1:
            self._note("Where a model answered a question more than once, each answer is an item, in one group.")
            probe = msgspec.structs.replace(probe, id=place, group=probe.group or probe.id)
        if again > 10_000:
            raise ImportFailed(f"{where} is the same question too many times.", hint="Name the model's column.")
        return self.probes.setdefault(place, probe)

    def _answer(self, row: Row, probe: Probe, named: str) -> None:
        if named not in self._known:
            self._known[named] = (making.candidate(TOOL, named), making.info(TOOL, ""))
        candidate, info = self._known[named]
        text = self._cell(row, "response")
        response = making.response(probe.id, candidate, info, None if text is None else str(text))
        self._responses.setdefault(named, []).append((response, self._score(row, probe, response)))

    def _score(self, row: Row, probe: Probe, response: Response) -> Score:
        final = response.final
        for ours, sense in (("passed", True), ("failure", False)):
            if ours in self._columns:
                value = self._cell(row, ours)
                verdict = _verdict(value, self._asked.threshold)
                verdict = None if verdict is None else verdict is sense
                if verdict is None and isinstance(value, int | float):
                    self._note("Scores between 0 and 1, or above, are no verdict without --threshold.")
                told = f"The table says {self._columns[ours]}: {value!r:.100}."
                return making.score(response, f"{TOOL}:{self._columns[ours]}", verdict, told)
        if final is None or probe.expect["type"] == "rubric":
            self._note("The table has no verdicts: rate the replies with `weakspot rate` or `weakspot judge`.")
            return making.score(response, TOOL, None, "The table has no verdict on this reply.")
        self._note(f"The table has no verdicts: replies were scored here ({probe.expect['type']} the reference).")
        return score_reply(probe, response.candidate, final, lambda _: None)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _expect(reference: Any, choices: Any, how: str) -> dict[str, Any]:
    """What a reply is held against: the options where there are some, else the reference."""
    given = (
        [str(one) for one in reference]
        if isinstance(reference, list)
        else []
        if reference is None
        else [str(reference)]
    )
    given = [one.strip() for one in given if one.strip()]
    if not given:
        return {"type": "rubric", "rubric": "The table has no reference."}
    options = [str(one) for one in choices] if isinstance(choices, list) else []
    if len(given) == 1 and given[0] in options and len({o.strip().casefold() for o in options}) == len(options) > 1:
        return {"type": "choice", "options": options, "value": given[0]}
    if how == "exact":
        return {"type": "filtered_match", "values": given, "filters": [{"function": "remove_whitespace"}]}
    if how == "number":
        return _number(given[0])
    if len(given) > 1:
        return {"type": "any_of", "values": given, "ignore_case": True, "whole_word": True}
    return {"type": "contains", "value": given[0], "ignore_case": True, "whole_word": True}


def _number(text: str) -> dict[str, Any]:
    try:
        return {"type": "number", "value": float(text.replace(",", ""))}
    except ValueError:
        return {"type": "rubric", "rubric": f"The number {text}"[:2000]}


def _verdict(value: Any, threshold: float | None) -> bool | None:
    """A cell as a verdict: a truth, a word for one, a 1 or 0, or a score held against the threshold."""
    if isinstance(value, str):
        word = value.strip().lower()
        if threshold is None and word in _YES | _NO:
            return word in _YES
        try:
            value = float(word)
        except ValueError:
            return None
    return making.passed(value, threshold)


def _matches(seen: Sighting) -> bool:
    if seen.folder:
        return False
    if seen.suffix == ".parquet" or seen.head.startswith(b"PAR1"):
        return True
    if seen.lines:
        return _known(seen.first)
    if seen.text.lstrip()[:1] == "[":
        return any(seen.mentions(name) for name in (*NAMES["prompt"], *NAMES["messages"]))
    header = seen.text.partition("\n")[0]
    cells = [cell.strip().strip('"') for mark in ",;\t|" for cell in header.split(mark)]
    return seen.suffix in (".csv", ".tsv") or (seen.suffix not in (".yaml", ".yml") and _known(cells))


def _known(names: Iterable[str]) -> bool:
    lower = {name.strip().lower() for name in names}
    return any(name in lower for name in (*NAMES["prompt"], *NAMES["messages"]))


IMPORTER = Importer("a plain table", _matches, read_table)
