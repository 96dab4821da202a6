"""promptfoo's assertions as expectations: one scorer, or a pattern where several must hold, else a rubric in words.

An assertion that runs code (javascript, python, ruby, webhook) is never run: its test is left to a judge or a hand, as
are those that ask a model (llm-rubric, factuality, similar). Nothing is dropped: where one assertion of a test can't
be checked by rule, the whole test becomes a rubric that lists all of them.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from weakspot.exchange import making

CODE = ("javascript", "python", "ruby", "webhook")
LONGEST_PATTERN = 2000
"""As the scorer `regex` has it."""
REST = r"[\s\S]*"

Render = Callable[[str], str]


def expectation(assertions: Sequence[Any], render: Render, threshold: Any = None) -> dict[str, Any]:
    """What a test expects.

    Args:
        assertions: promptfoo's assertion objects.
        render: puts the test's variables into a text.
        threshold: the test's share of assertions that must hold, where it has one.
    """
    every = [one for one in flat(assertions) if one.get("weight") != 0]  # weight 0: shown, never counted
    if not every:
        return {"type": "rubric", "rubric": "promptfoo states no assertion: does the reply do what is asked?"}
    kinds = [rendered(one, render) for one in every]
    whole = threshold is None or len(every) == 1
    if whole and len(kinds) == 1 and (single := _single(*kinds[0])) is not None:
        return single
    patterns = [_pattern(*kind) for kind in kinds]
    if whole and all(patterns):
        pattern = r"\A" + "".join(str(one) for one in patterns)
        if len(pattern) <= LONGEST_PATTERN and _compiles(pattern):
            return {"type": "regex", "pattern": pattern}
    return {"type": "rubric", "rubric": _words(kinds, threshold)}


def flat(assertions: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    """All assertions, those of sets too; a set with a threshold stays one, since not all of it must hold."""
    for one in assertions:
        given = {"type": one} if isinstance(one, str) else one
        if isinstance(given, dict):
            if given.get("type") == "assert-set" and given.get("threshold") is None:
                yield from flat(given.get("assert") or [])
            else:
                yield given


def rendered(assertion: Mapping[str, Any], render: Render) -> tuple[str, Any]:
    """An assertion's type and value, with variables put in."""
    kind, value = str(assertion.get("type", "")), assertion.get("value")
    if assertion.get("transform") is not None:
        kind = f"{kind} (after a transform, which is code)"
    if isinstance(value, str) and not kind.startswith(CODE):
        value = render(value)
    elif isinstance(value, list):
        value = [render(one) if isinstance(one, str) else one for one in value]
    return kind, value


def needs_code(assertions: Sequence[Any]) -> list[str]:
    """The types of assertions that run code."""
    kinds = [str(one.get("type", "")) for one in flat(assertions)]
    return [kind for kind in kinds if kind.removeprefix("not-").startswith(CODE)]


def _single(kind: str, value: Any) -> dict[str, Any] | None:
    """The scorer that one assertion is; None where it is none."""
    found = _other_scorer(kind, value) or _text_scorer(kind, value)
    if found is not None:
        return found
    pattern = _pattern(kind, value)
    return {"type": "regex", "pattern": rf"\A{pattern}"} if pattern and len(pattern) < LONGEST_PATTERN else None


def _other_scorer(kind: str, value: Any) -> dict[str, Any] | None:
    if kind in ("is-json", "contains-json") and isinstance(value, dict | None):
        return {"type": "json_schema", "schema": value or {}} | ({"lenient": True} if kind != "is-json" else {})
    if kind == "equals" and isinstance(value, dict | list):
        return {"type": "json_schema", "schema": {}, "value": value}
    if kind in ("is-refusal", "not-is-refusal"):
        return {"type": "refuses" if kind == "is-refusal" else "complies"}
    return None


def _text_scorer(kind: str, value: Any) -> dict[str, Any] | None:
    texts = _texts(str(value) if isinstance(value, int | float) else value)
    if not texts:
        return None
    folded = {"ignore_case": True} if kind.startswith("icontains") else {}
    if kind in ("contains-any", "icontains-any"):
        return {"type": "any_of", "values": texts} | folded
    if len(texts) > 1:
        return None
    if kind in ("equals", "contains", "icontains"):
        return {"type": "exact" if kind == "equals" else "contains", "value": texts[0]} | folded
    if kind == "regex" and len(texts[0]) <= LONGEST_PATTERN and _compiles(texts[0]):
        return {"type": "regex", "pattern": texts[0]}
    return None


def _pattern(kind: str, value: Any) -> str | None:
    """A lookahead from the reply's beginning that holds where the assertion does; None where there is none."""
    negated = kind.startswith("not-")
    kind = kind.removeprefix("not-")
    fold = "i" if kind.startswith("icontains") else ""
    texts = [re.escape(one) for one in _texts(value)]
    if not texts:
        return None
    sign = "!" if negated else "="
    if kind in ("contains", "icontains"):
        inner = f"{REST}?(?{fold}:{texts[0]})"
    elif kind in ("contains-any", "icontains-any"):
        inner = f"{REST}?(?{fold}:{'|'.join(texts)})"
    elif kind in ("contains-all", "icontains-all"):
        every = "".join(f"(?={REST}?(?{fold}:{one}))" for one in texts)
        return f"(?!{every})" if negated else every
    elif kind == "equals" and isinstance(value, str):
        inner = rf"{texts[0]}\Z"
    elif kind == "starts-with":
        inner = texts[0]
    elif kind == "regex" and isinstance(value, str) and not re.match(r"\(\?[a-zA-Z]", value) and _compiles(value):
        # a back reference would count the groups of its neighbours, and ^ must mean the reply's beginning
        if re.search(r"\\[1-9]|\(\?P=", value):
            return None
        inner = f"{REST}?(?:{value.replace('^', chr(92) + 'A') if value.startswith('^') else value})"
    else:
        return None
    return f"(?{sign}{inner})"


def _texts(value: Any) -> list[str]:
    """The texts of a value: itself, its list, or its parts at commas as promptfoo cuts a text for -any and -all."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, list):
        return [str(one) for one in value if isinstance(one, str | int | float) and str(one).strip()]
    return []


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _words(kinds: Sequence[tuple[str, Any]], threshold: Any) -> str:
    said = [making.name(kind) + ("" if value is None else f": {_shown(value)}") for kind, value in kinds]
    if len(said) == 1 and kinds[0][0] == "llm-rubric":
        return _shown(kinds[0][1])
    head = "All of this must hold" if threshold is None else f"Of this a share of {making.name(threshold)} must hold"
    return f"{head} (promptfoo's assertions): " + "; ".join(said)


def _shown(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:2000] or "(nothing)"
