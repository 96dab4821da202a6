"""`json_schema`: the reply is JSON, fits a schema and, where given, holds the expected values.

Syntax, schema and values are three results (`checks`); all that apply must hold. Nested or malformed input gives a
failure, never a crash. Formats (`"format": "date"`) are not checked, and no `$ref` is ever fetched.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.compare import Span, evidence, shorten
from weakspot.scorers.verdict import Finding, verdict

LONGEST: Final = 1_000_000
"""Characters of a reply that are parsed; a longer one is no JSON."""
_FENCE = re.compile(r"```[^\S\n]*[\w+-]*[^\S\n]*\n?(?P<body>.*?)(?:```|\Z)", re.DOTALL)
_STARTS = 50
"""Places at which a lenient reading tries to find a JSON value."""


class JsonSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when the reply, stripped of outer white space, is JSON that fits `schema` and equals `value` if given.

    `fenced` also takes the inside of the first ``` fence; `lenient` takes the first JSON object or array anywhere.
    `prefix` is text that the prompt already ends with: it is put before the reply. Values are equal as JSON: the
    order of keys does not count, 1 equals 1.0, true does not equal 1.
    """

    schema: dict[str, Any]
    value: Any = msgspec.UNSET
    fenced: bool = False
    lenient: bool = False
    prefix: str = ""

    def __post_init__(self) -> None:
        try:
            fault = _schema_fault(msgspec.json.encode(self.schema))
        except RecursionError:
            fault = "schema is nested too deeply"
        if fault:
            raise ValueError(fault)

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply, with the three checks."""
        finding = self._finding(reply.text, fenced=self.fenced, lenient=self.lenient)
        if finding.fault == "unusable_format" and not finding.passed:
            loose = self._finding(reply.text, fenced=True, lenient=True)
            if loose.passed:
                said = f"{finding.reason} The right JSON is in it, among other text."
                finding = msgspec.structs.replace(finding, reason=said, evidence=loose.evidence, fault="form")
        return verdict("json_schema", finding, reply, probe)

    def _finding(self, text: str, *, fenced: bool, lenient: bool) -> Finding:
        has_value = self.value is not msgspec.UNSET
        checks: dict[str, bool | None] = {"syntax": False, "schema": None} | ({"values": None} if has_value else {})
        try:
            given, span = _parse(self.prefix + text, fenced=fenced, lenient=lenient)
        except (ValueError, RecursionError) as error:
            said = _fault(error)
            return Finding(
                False, f"The reply is not JSON: {said}.", evidence("syntax", text), "unusable_format", checks
            )
        begin, end = (max(0, at - len(self.prefix)) for at in span)
        misfit = _misfit(given, self.schema)
        checks |= {"syntax": True, "schema": misfit is None}
        if has_value:
            checks["values"] = _equal(given, self.value)
        if misfit is not None:
            noted = evidence("schema", text, (begin, end))
            return Finding(False, f"The JSON does not fit the schema: {misfit}.", noted, "unusable_format", checks)
        if checks.get("values") is False:
            noted = evidence("values", text, (begin, end))
            return Finding(False, "The JSON fits the schema but holds other values.", noted, "wrong", checks)
        said = "The JSON fits the schema" + (" and holds the expected values." if has_value else ".")
        return Finding(True, said, evidence("json_schema", text, (begin, end)), checks=checks)


def _fault(error: ValueError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[:1].lower()}{error.msg[1:]} at character {error.pos + 1}"
    return shorten(str(error), 100)


@lru_cache(maxsize=1024)
def _schema_fault(schema: bytes) -> str:
    """What keeps a schema from being one; cached, as it takes a millisecond and every reply asks for it again."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(json.loads(schema))
    except SchemaError as error:
        return f"schema is no JSON Schema: {shorten(error.message, 120)}"
    return ""


def _parse(text: str, *, fenced: bool, lenient: bool) -> tuple[Any, Span]:
    """The JSON value in `text` and its span.

    Raises:
        ValueError: there is none.
        RecursionError: it is nested too deeply.
    """
    if len(text) > LONGEST:
        raise ValueError("it is longer than a million characters")
    fence = _FENCE.search(text) if fenced else None
    start, end = fence.span("body") if fence else (0, len(text))
    body = text[start:end].strip()
    start += text[start:end].find(body)
    try:
        return _loads(body), (start, start + len(body))
    except ValueError:
        if not lenient:
            raise
    for opening in list(re.finditer(r"[{\[]", text))[:_STARTS]:
        try:
            value, stop = _DECODER.raw_decode(text, opening.start())
        except ValueError:
            continue
        return value, (opening.start(), stop)
    raise ValueError("it holds no JSON object or array")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _loads(text: str) -> Any:
    if not text:
        raise ValueError("it is empty")
    return _DECODER.decode(text)


def _misfit(value: Any, schema: dict[str, Any]) -> str | None:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    validator = Draft202012Validator(schema, registry=Registry())  # an empty registry: nothing is ever fetched
    try:
        error = next(iter(validator.iter_errors(value)), None)
    except RecursionError:
        return "it is nested too deeply"
    if error is None:
        return None
    where = "".join(f"[{p!r}]" for p in list(error.absolute_path)[:6])
    return shorten(f"at {where}: {error.message}" if where else error.message, 160)


def _equal(a: Any, b: Any) -> bool:
    try:
        return _same(a, b)
    except RecursionError:
        return False


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)
