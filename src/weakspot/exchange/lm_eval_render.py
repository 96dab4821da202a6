"""An lm-evaluation-harness task's items, built as lm-eval builds them: templates, solved examples, requests.

Follows `lm_eval/api/task.py` (ConfigurableTask.fewshot_context, build_qa_turn, construct_requests) and
`lm_eval/api/samplers.py` of 0.4.13. Templates come
with the task and are hostile: they run in Jinja's sandbox, and the whole of this in a process of its own that has
limits of time and memory (`main`; see `rendered`), since no sandbox stops a loop in a loop or a text of 10 GB.
It knows no files: the configuration and the rows are handed over as JSON.
"""

import ast
import json
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from weakspot.errors import ImportFailed

SEED = 1234
"""lm-eval's own default of --seed for solved examples."""
START_S = 20.0
PER_TEMPLATE_S = 0.005
MEMORY = 4 << 30
LONGEST_OUTPUT = 512 << 20

Doc = dict[str, Any]


class Refused(Exception):
    """What is wrong with a task, as one sentence."""


class Task:
    """A task's configuration with its rows; `items` gives what lm-eval would ask.

    Args:
        config: the checked configuration (`lm_eval_task.CONFIG` keys).
        pool: the rows that solved examples are drawn from.
        features: the names of the rows' columns.
        multiple: whether the first row's target is a list (lm-eval decides by the first row alone).
    """

    def __init__(self, config: Doc, pool: Sequence[Doc], features: Sequence[str]) -> None:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        self._config = config
        self._pool = list(pool)
        self._features = frozenset(features)
        self._random = random.Random(SEED)  # noqa: S311 - the draw must be lm-eval's own
        self._jinja = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
        self._jinja.filters["regex_replace"] = _regex_replace
        self._templates: dict[str, Any] = {}

    def items(self, docs: Sequence[Doc]) -> list[Doc]:
        """One object for each row: prompt, and target, choices, gold as the kind of output has them."""
        found = []
        for number, doc in enumerate(docs):
            try:
                found.append(self._item(doc))
            except Refused as error:
                raise Refused(f"row {number + 1}: {error}") from None
        return found

    def _item(self, doc: Doc) -> Doc:
        config, kind = self._config, self._config["output_type"]
        prefix = self._field(config["gen_prefix"], doc)
        prompt = self._context(doc, prefix)
        choices = self._choices(doc, config["doc_to_choice"])
        target = self._target(doc, config["doc_to_target"])
        item: Doc = {"prompt": prompt, "target": target, "choices": choices}
        if kind == "multiple_choice":
            if choices is None:
                raise Refused("the task is multiple_choice but has no doc_to_choice")
            item["gold"] = _gold(target, choices)
        elif kind == "generate_until" and choices is not None:
            item["target"] = _pick(choices, target)
        return item

    def _context(self, doc: Doc, prefix: str | None) -> str:
        config = self._config
        parts = [self._field(config["description"], doc) or ""]
        shots = config["num_fewshot"] or 0
        if shots:
            shared = config["fewshot_split"] == config["test_split"]
            parts.extend(self._solved(example) for example in self._sample(shots, doc if shared else None))
        text = self._text(doc, config["doc_to_text"])
        parts.append(_turn(text, prefix, config["target_delimiter"]))
        return "".join(parts)

    def _solved(self, doc: Doc) -> str:
        """One solved example: question, delimiter, answer, delimiter of examples."""
        shot = self._config["shot"]
        text = self._text(doc, shot["doc_to_text"])
        choices = self._choices(doc, shot["doc_to_choice"])
        answer = self._target(doc, shot["doc_to_target"])
        if answer is None or answer == "":
            return _turn(text, self._field(shot["gen_prefix"], doc), shot["target_delimiter"])
        if choices and isinstance(answer, int):
            answer = _pick(choices, answer)
        elif isinstance(answer, list):
            answer = answer[0] if answer else ""
        if not isinstance(answer, str):
            raise Refused(f"the answer of a solved example is no text: {answer!r:.60}")
        prefix = self._field(shot["gen_prefix"], doc)
        between: str = shot["target_delimiter"] if not prefix or _delimit(text, prefix) else ""
        return f"{text}{between}{_joined(prefix, answer)}{shot['fewshot_delimiter']}"

    def _sample(self, n: int, doc: Doc | None) -> list[Doc]:
        """lm-eval's samplers: `first_n`, or drawn with one generator that goes on from item to item."""
        pool = self._pool
        if self._config["shot"]["sampler"] == "first_n":
            found = [d for d in pool if d != doc][:n] if doc is not None else pool[:n]
        else:
            want = n if not doc else n + 1
            if want > len(pool):
                raise Refused(f"{want} solved examples are wanted, but there are only {len(pool)}")
            found = self._random.sample(pool, want)
            if doc:
                found = [d for d in found if d != doc][:n]
                if len(found) < n:
                    found = self._random.sample([d for d in pool if d != doc], n)
        if len(found) < n:
            raise Refused(f"{n} solved examples are wanted, but there are only {len(found)}")
        return found

    def _text(self, doc: Doc, source: Any) -> str:
        found: Any = source
        if isinstance(source, str):
            found = doc[source] if source in self._features else self._rendered(source, doc)
            if source not in self._features and found.isdigit() and self._config["doc_to_choice"] is not None:
                found = int(found)
        if isinstance(found, int) and not isinstance(found, bool):
            raise Refused("doc_to_text gives a number: tasks whose choices stand in the context are not supported")
        if not isinstance(found, str):
            raise Refused(f"doc_to_text gives no text: {found!r:.60}")
        return found

    def _target(self, doc: Doc, source: Any) -> Any:
        if not isinstance(source, str):
            return source
        if source in self._features:
            return doc[source]
        found = self._rendered(source, doc)
        if found.isdigit() and self._config["doc_to_choice"] is not None:
            return _literal(found, found)
        return _literal(found, found) if len(found) >= 2 and found[0] == "[" and found[-1] == "]" else found

    def _choices(self, doc: Doc, source: Any) -> list[str] | None:
        if source is None:
            return None
        if isinstance(source, dict):
            found: Any = list(source.values())
        elif isinstance(source, str):
            found = doc[source] if source in self._features else _literal(self._rendered(source, doc), None)
        else:
            found = source
        if not isinstance(found, list | tuple) or not all(isinstance(choice, str) for choice in found):
            raise Refused(f"doc_to_choice gives no list of texts: {found!r:.60}")
        return list(found)

    def _field(self, source: str | None, doc: Doc) -> str | None:
        if not source:
            return None
        found = doc[source] if source in doc else self._rendered(source, doc)
        return found if isinstance(found, str) else str(found)

    def _rendered(self, source: str, doc: Doc) -> str:
        from jinja2 import TemplateError

        try:
            if source not in self._templates:
                self._templates[source] = self._jinja.from_string(source)
            return str(self._templates[source].render(**doc))
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, re.error) as error:
            raise Refused(f"the template {source[:60]!r} fails: {type(error).__name__}: {error}") from None


def rendered(config: Doc, docs: Sequence[Doc], pool: Sequence[Doc], features: Sequence[str]) -> list[Doc]:
    """The items of a task, built in a process of its own with limits of time and memory.

    Returns:
        For each row `prompt` (what the model is given), `target`, `choices` (None where the task has none) and, for
        multiple_choice, `gold` (indexes of the right choices).

    Raises:
        ImportFailed: a template fails, takes too long or too much memory, or a row does not fit.
    """
    shots = config["num_fewshot"] or 0
    limit = START_S + PER_TEMPLATE_S * len(docs) * (shots + 1)
    handed = json.dumps({"config": config, "docs": list(docs), "pool": list(pool), "features": list(features)})
    try:
        done = subprocess.run(
            [sys.executable, "-m", "weakspot.exchange.lm_eval_render"],
            input=handed.encode(),
            capture_output=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ImportFailed(
            f"The task's templates took longer than {limit:.0f} s.", hint="A template may loop without end; look at it."
        ) from None
    if done.returncode != 0 or len(done.stdout) > LONGEST_OUTPUT:
        raise ImportFailed(
            f"The task's templates took more than {MEMORY >> 30} GiB of memory, or more output than that.",
            hint="A template may repeat a text without end; look at it.",
        )
    answer = json.loads(done.stdout)
    if "refused" in answer:
        raise ImportFailed(
            f"The task can't be built: {answer['refused']}.", hint="Look at the task's file and its data."
        )
    items: list[Doc] = answer["items"]
    return items


def main() -> None:
    """The child: reads the task from standard input, writes its items to standard output."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    given = json.load(sys.stdin)
    try:
        answer: Doc = {"items": Task(given["config"], given["pool"], given["features"]).items(given["docs"])}
    except Refused as error:
        answer = {"refused": str(error)}
    json.dump(answer, sys.stdout)


def _turn(text: str, prefix: str | None, delimiter: str) -> str:
    """The question itself; a prefix of the answer follows it, with the delimiter where both lack white space."""
    if not prefix:
        return text
    return text + (delimiter if _delimit(text, prefix) else "") + prefix


def _delimit(before: str, behind: str) -> bool:
    return before != "" and not (before[-1].isspace() or behind[0].isspace())


def _joined(prefix: str | None, answer: str) -> str:
    if not prefix or not answer:
        return prefix or answer
    return prefix + (" " if _delimit(prefix, answer) else "") + answer


def _pick(choices: Sequence[str], index: Any) -> str:
    try:
        return str(choices[index])
    except (IndexError, TypeError):
        raise Refused(f"the target {index!r:.40} is no index of {len(choices)} choices") from None


def _gold(target: Any, choices: Sequence[str]) -> list[int]:
    """The indexes of the right choices, as lm-eval's process_results finds them."""
    given = target if isinstance(target, list) else [target]
    found = [choices.index(one) if isinstance(one, str) and one in choices else one for one in given]
    for one in found:
        if not isinstance(one, int) or isinstance(one, bool) or not 0 <= one < len(choices):
            raise Refused(f"the target {one!r:.40} is none of the {len(choices)} choices")
    return found


def _literal(text: str, otherwise: Any) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return otherwise


def _regex_replace(string: str, pattern: str, repl: str, count: int = 0) -> str:
    """lm-eval's own Jinja filter."""
    return re.sub(pattern, repl, string, count=count)


if __name__ == "__main__":
    main()
