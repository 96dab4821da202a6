"""One row of lm-evaluation-harness's samples: what was asked, what came, what it was worth."""

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from weakspot.errors import ImportFailed
from weakspot.exchange.lm_eval_filters import expectation
from weakspot.exchange.making import name
from weakspot.records import Generation, Message, Probe, Reply
from weakspot.records.response import ChoiceLogprob

_PLAIN = {"doc_id", "doc_hash", "prompt_hash", "target_hash", "doc", "target", "arguments", "resps", "filter"}
_PLAIN |= {"filtered_resps", "metrics", "multiple_choice"}


class Row(msgspec.Struct, frozen=True):
    """A sample, whichever version wrote it.

    Attributes:
        probe: the probe's id.
        doc_hash: lm-eval's hash of the document; empty where it gives none.
        prompt: the context; empty where messages were sent.
        messages: the messages, where a chat endpoint was asked.
        choices: the continuations whose likelihood was asked, delimiter and all; empty for generation.
        likelihoods: log-likelihood (nats) and whether it is greedy, for each of them.
        texts: the replies, for generation.
        generation: lm-eval's generation arguments.
        target: the target as it stands in the row.
        filter: which filter pipeline the values belong to.
        values: metric -> value.
        same: whether all choices share one context.
    """

    probe: str
    doc_hash: str
    prompt: str
    messages: tuple[Message, ...]
    choices: tuple[str, ...]
    likelihoods: tuple[tuple[float, bool], ...]
    texts: tuple[str, ...]
    generation: dict[str, Any]
    target: Any
    filter: str
    values: dict[str, Any]
    same: bool = True

    @classmethod
    def of(cls, raw: Mapping[str, Any], task: str, where: str) -> "Row":
        """A row out of its JSON.

        Raises:
            ImportFailed: it does not have the form of a sample.
        """
        arguments = _arguments(raw["arguments"], where)
        resps = raw["resps"]
        if not isinstance(resps, list) or len(resps) != len(arguments):
            raise _failed(where, "has not one response for each request")
        contexts = [_context(one[0]) for one in arguments]
        likely = all(len(one) > 1 and isinstance(one[1], str) for one in arguments)
        likelihoods = tuple(_likelihood(one, where) for one in resps) if likely else ()
        metrics = raw.get("metrics") or [key for key in raw if key not in _PLAIN]
        options = next((part for part in arguments[0][1:] if isinstance(part, dict)), {})
        return cls(
            probe=name(f"{task}/{raw.get('doc_id')}"),
            doc_hash=str(raw.get("doc_hash") or "")[:16],
            prompt=contexts[0] if isinstance(contexts[0], str) else "",
            messages=() if isinstance(contexts[0], str) else contexts[0],
            choices=tuple(one[1] for one in arguments) if likely else (),
            likelihoods=likelihoods,
            texts=() if likely else tuple(str(one) for one in (resps[0] if isinstance(resps[0], list) else [resps[0]])),
            generation=options,
            target=raw.get("target"),
            filter=str(raw.get("filter") or "none"),
            values={str(key): raw.get(key) for key in metrics},
            same=all(one == contexts[0] for one in contexts),
        )

    @property
    def best(self) -> int:
        """The index of the likeliest choice, the first of several, as numpy's argmax has it."""
        return max(range(len(self.likelihoods)), key=lambda i: self.likelihoods[i][0])


class Settings:
    """What is known of a task while its rows are read: the metric and the filter that decide, the stated figures."""

    def __init__(self, task: str, results: Mapping[str, Any], metric: str) -> None:
        self.task = task
        self.metric, _, self.filter = metric.partition(",")
        self.others: list[str] = []
        configs = results.get("configs")
        self.config: dict[str, Any] = (configs or {}).get(task) or {} if isinstance(configs, dict) else {}
        better = results.get("higher_is_better")
        self._better = (better.get(task) or {}) if isinstance(better, dict) else {}
        stated = (results.get("results") or {}).get(task) or {}
        self.stated = {
            key: float(value)
            for key, value in stated.items()
            if isinstance(value, int | float) and not isinstance(value, bool) and "," in key and "_stderr" not in key
        }

    @property
    def higher_is_better(self) -> bool:
        """Whether 1 is a pass; so unless the results file says otherwise."""
        return self._better.get(self.metric) is not False

    @property
    def through(self) -> str:
        """The filter in words, where it is not the plain one."""
        return "" if self.filter in ("", "none") else f" through the filter {self.filter}"

    def settle(self, row: Row, liked: Sequence[str], where: str) -> None:
        """Choose metric and filter by the first row, where they were not asked for."""
        if not self.metric:
            known = [one for one in liked if one in row.values] or list(row.values)
            if not known:
                raise _failed(where, "has no metric")
            self.metric = known[0]
        elif self.metric not in row.values:
            raise ImportFailed(
                f"{where[:1].upper()}{where[1:]} has no metric {self.metric!r}.",
                hint=f"It has: {', '.join(row.values) or 'none'}.",
            )
        self.filter = self.filter or row.filter
        self.others = [one for one in row.values if one != self.metric]

    def picked(self, row: Row) -> str:
        """The likeliest choice in words; empty for generation and for a single continuation."""
        if len(row.likelihoods) < 2:
            return ""
        ordered = sorted(row.likelihoods, reverse=True)
        return f" Likeliest is {row.choices[row.best]!r:.80} at {ordered[0][0]:.3f} nats, the next {ordered[1][0]:.3f}."


def answer(row: Row, settings: Settings) -> Reply:
    """What the model gave back: its text, or the likeliest choice with all likelihoods."""
    if not row.likelihoods:
        return Reply(text=row.texts[0] if row.texts else "")
    numbers = tuple(ChoiceLogprob(one, greedy) for one, greedy in row.likelihoods)
    if len(row.likelihoods) == 1:
        greedy = row.likelihoods[0][1]
        return Reply(text=row.choices[0] if greedy else "", choice_logprobs=numbers)
    delimiter = _delimiter(row, settings)
    return Reply(text=row.choices[row.best].removeprefix(delimiter), choice_logprobs=numbers)


def probe_of(row: Row, settings: Settings) -> Probe:
    """The item as a probe that our own models can be asked, as near to lm-eval's as the file allows."""
    return Probe(
        id=row.probe,
        category=name(settings.task),
        expect=_expect(row, settings),
        messages=row.messages or None,
        prompt=None if row.messages else row.prompt or " ",
        generation=_generation(row),
        tags={"doc_hash": row.doc_hash} if row.doc_hash else {},
        source=f"lm-eval task {settings.task}",
    )


def _expect(row: Row, settings: Settings) -> dict[str, Any]:
    target = _literal(row.target)
    if len(row.choices) > 1 and row.same:
        delimiter = _delimiter(row, settings)
        choices = [one.removeprefix(delimiter) for one in row.choices]
        gold = [
            choices.index(one) if one in choices else one for one in (target if isinstance(target, list) else [target])
        ]
        if gold and all(isinstance(one, int) and 0 <= one < len(choices) for one in gold) and all(choices):
            value = gold[0] if len(gold) == 1 else gold
            kind = {"type": "likelihood", "choices": choices, "value": value, "delimiter": delimiter}
            return {**kind, "normalise": settings.metric == "acc_norm"}
    elif not row.choices and settings.config and settings.metric == "exact_match":
        task = {"output_type": "generate_until", **settings.config}
        try:
            verdict = expectation(
                task, ",".join(part for part in (settings.metric, settings.filter) if part), Path("it")
            )
        except ImportFailed:
            pass
        else:
            return verdict.expect({"target": target if isinstance(target, list) else str(row.target)})
    return {"type": "rubric", "rubric": f"lm-eval's {settings.metric}; the target is: {row.target}"[:2000]}


def _delimiter(row: Row, settings: Settings) -> str:
    """What stands before every choice: as the task says, else a blank that all of them share."""
    given = settings.config.get("target_delimiter")
    for one in (given, " "):
        if isinstance(one, str) and one and all(choice.startswith(one) for choice in row.choices):
            return one
    return ""


def _generation(row: Row) -> Generation:
    until = row.generation.get("until") or []
    tokens = row.generation.get("max_gen_toks", 256)
    return Generation(
        max_tokens=1 if row.choices else max(1, min(int(tokens), 1_000_000)),
        stop=tuple(str(one) for one in ([until] if isinstance(until, str) else until) if one),
        multiline=True,
        temperature=0.0 if not row.generation.get("do_sample") else float(row.generation.get("temperature", 1.0)),
    )


def _arguments(given: Any, where: str) -> list[list[Any]]:
    """The requests of a row, each a list of its arguments."""
    found = list(given.values()) if isinstance(given, dict) else given
    if not isinstance(found, list) or not found:
        raise _failed(where, "has no arguments")
    rows = [list(one.values()) if isinstance(one, dict) else one for one in found]
    if not all(isinstance(one, list) and one for one in rows):
        raise _failed(where, "has arguments of an unknown form")
    return rows


def _context(given: Any) -> str | tuple[Message, ...]:
    """A context as text, or as messages where a chat endpoint was asked (a JSON text, in a list of one)."""
    text = given[0] if isinstance(given, list) and len(given) == 1 and isinstance(given[0], str) else given
    if isinstance(text, str) and not text.lstrip().startswith('[{"role"'):
        return text
    try:
        turns = json.loads(text) if isinstance(text, str) else text
        return tuple(Message(turn["role"], str(turn["content"])) for turn in turns)
    except (ValueError, TypeError, KeyError):
        return str(text)


def _likelihood(resp: Any, where: str) -> tuple[float, bool]:
    """A log-likelihood and whether it is greedy: `[[-1.5, false]]`, or the same as texts."""
    inner = resp[0] if isinstance(resp, list) and resp and isinstance(resp[0], list) else resp
    try:
        value, greedy = inner
        return float(value), greedy is True or str(greedy) == "True"
    except (TypeError, ValueError):
        raise _failed(where, "has a response that is no log-likelihood") from None


def _literal(target: Any) -> Any:
    """A target as it was before it was written as a text: an index, a list, or the text itself."""
    if isinstance(target, str) and (
        target.isdigit() or (target[:1] == "[" and target[-1:] == "]" and len(target) < 10_000)
    ):
        try:
            return ast.literal_eval(target)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            return target
    return target


def _failed(where: str, what: str) -> ImportFailed:
    return ImportFailed(
        f"{where[:1].upper()}{where[1:]} {what}.", hint="The file was cut off, or another version of lm-eval wrote it."
    )
