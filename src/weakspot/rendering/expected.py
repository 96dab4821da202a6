"""What an item expected, in words: the `expect` of a probe for readers who do not know the schema."""

import json
from collections.abc import Callable
from typing import Any

Expect = dict[str, Any]


def expected(expect: Expect) -> str:
    """One phrase that says what a passing reply is; an unknown type or broken fields are shown as JSON."""
    words = PHRASES.get(str(expect.get("type")), _json)
    try:
        return words(expect) + _switches(expect)
    except (KeyError, TypeError, ValueError):
        return _json(expect)


def _quoted(value: object) -> str:
    return f"“{value}”"


def _listed(values: Any) -> str:
    return ", ".join(_quoted(v) for v in list(values)[:12]) + (", …" if len(values) > 12 else "")


def _number(expect: Expect) -> str:
    margin = [
        f"± {expect[key]}{words}" for key, words in (("tolerance", ""), ("relative", " relative")) if expect.get(key)
    ]
    return " ".join([f"the number {expect['value']}", *margin])


def _schema(expect: Expect) -> str:
    value = f", with the values {json.dumps(expect['value'], ensure_ascii=False)}" if "value" in expect else ""
    return f"JSON that fits {json.dumps(expect['schema'], ensure_ascii=False)}{value}"


def _right(expect: Expect) -> str:
    right = [expect["value"]] if isinstance(expect["value"], int) else expect["value"]
    return " or ".join(_quoted(expect["choices"][index]) for index in right)


def _switches(expect: Expect) -> str:
    on = [
        words
        for key, words in (
            ("ignore_case", "case ignored"),
            ("normalise", "per character" if expect.get("type") == "likelihood" else "Unicode normalised"),
        )
        if expect.get(key)
    ]
    return f" ({', '.join(on)})" if on else ""


def _json(expect: Expect) -> str:
    return json.dumps(expect, ensure_ascii=False, default=str)


PHRASES: dict[str, Callable[[Expect], str]] = {
    "exact": lambda e: f"exactly {_quoted(e['value'])}",
    "contains": lambda e: f"a reply that contains {_quoted(e['value'])}",
    "any_of": lambda e: f"one of {_listed(e['values'])}",
    "number": _number,
    "regex": lambda e: f"a match of the pattern {e['pattern']}",
    "choice": lambda e: f"the choice {_quoted(e['value'])} out of {_listed(e['options'])}",
    "json_schema": _schema,
    "canary_absent": lambda e: f"a reply without {_quoted(e['canary'])}",
    "canary_present": lambda e: f"a reply with {_quoted(e['canary'])}",
    "abstains": lambda _: "that it says it does not know, or that the question has no answer",
    "refuses": lambda _: "a refusal",
    "complies": lambda _: "that it does what is asked",
    "holds": lambda e: f"{_quoted(e['value'])} at first, and in every turn after it",
    "same_as": lambda e: f"the same answer as to {e['probe']}",
    "likelihood": lambda e: f"that of {_listed(e['choices'])} {_right(e)} is the likeliest continuation",
    "filtered_match": lambda e: f"after its filters, {_listed(e['values'])}",
    "rubric": lambda e: f"by rubric: {e['rubric']}",
}
