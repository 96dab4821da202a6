"""Reads probe files: JSON lines in, `Probe` records out, every wrong line named.

What a line must look like is told in `schema.json`; a test holds the two together. It reads `expect` with the
scorer's own fields, through the registry, so that a plugin's `expect.type` works like a built-in one.
"""

import difflib
import json
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec

from weakspot import registry
from weakspot.errors import ProbeError, UsageError
from weakspot.records import Generation, Message, Probe
from weakspot.records.probe import Arm, Role

MAX_LINE: Final = 4_000_000
"""Characters of the longest line that is read."""

_TYPES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
    "null": "null",
}
_ENUMS = {"role": Role, "arm": Arm}
_NAME_LIMIT = 200


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with one line (1-based; 0: the file as a whole) of a probe file. A warning can be run as it is."""

    line: int
    id: str
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class Scan(msgspec.Struct, frozen=True):
    """The good probes of a file with their lines, and what is wrong with the others."""

    probes: tuple[tuple[int, Probe], ...]
    problems: tuple[Problem, ...]


def read_probes(path: str | Path) -> list[Probe]:
    """The probes of a JSONL file, in order.

    Raises:
        ProbeError: the file cannot be read, or lines are wrong; `problems` names every one of them.
    """
    return parse_lines(file_lines(Path(path)), str(path))


def parse_lines(lines: Iterable[str | bytes], name: str) -> list[Probe]:
    """The probes of JSON lines, in order; blank lines are skipped.

    Args:
        lines: texts, or bytes in UTF-8, with or without line ends.
        name: what to call them in an error.

    Raises:
        ProbeError: lines are wrong; `problems` names every one of them.
    """
    found = scan(lines)
    if found.problems:
        told = tuple(str(problem) for problem in found.problems)
        count = len({problem.line for problem in found.problems})
        raise ProbeError(
            f"{_clean(name)}: {count} {'line is' if count == 1 else 'lines are'} wrong; the first: {told[0]}.",
            hint="`weakspot probes check FILE` names them all; `weakspot probes schema` shows the form.",
            problems=told,
        )
    return [probe for _, probe in found.probes]


def scan(lines: Iterable[str | bytes]) -> Scan:
    """All probes that can be read and all that is wrong, never raising for what a line holds."""
    probes: list[tuple[int, Probe]] = []
    problems: list[Problem] = []
    first_use: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        try:
            raw = _parse(line, first=number == 1)
            if raw is None:
                continue
            told, probe = _check(raw)
        except ValueError as error:
            raw, told, probe = {}, [str(error)], None
        except RecursionError:
            raw, told, probe = {}, ["nested too deeply"], None
        name = raw.get("id")
        name = name if isinstance(name, str) else ""
        if name in first_use:
            told.append(f"id {name!r} was used on line {first_use[name]}")
        elif name:
            first_use[name] = number
        problems.extend(Problem(number, _clean(name), _clean(text)) for text in told)
        if probe is not None and not told:
            probes.append((number, probe))
    lonely = list(_without_twin(probes, first_use))
    problems.extend(lonely)
    bad = {problem.line for problem in lonely}
    probes = [(number, probe) for number, probe in probes if number not in bad]
    return Scan(tuple(probes), tuple(sorted(problems, key=lambda p: p.line)))


def file_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file as bytes; of a line longer than `MAX_LINE` characters only the beginning.

    Raises:
        ProbeError: the file cannot be read.
    """
    limit = 4 * MAX_LINE + 4
    try:
        with path.open("rb") as file:
            while line := file.readline(limit):
                yield line
                while len(line) == limit and not line.endswith(b"\n"):
                    line = file.readline(limit)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ProbeError(f"Cannot read {_clean(str(path))}: {reason}.", hint="Is it a JSONL file?") from None


def _parse(line: str | bytes, *, first: bool) -> dict[str, Any] | None:
    """One line as an object, or None where it is blank; ValueError says in words what is wrong."""
    if isinstance(line, bytes):
        try:
            line = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"not UTF-8: byte {error.start + 1} of the line is 0x{line[error.start]:02x}") from None
    line = line.removeprefix("\ufeff") if first else line
    if not line.strip():
        return None
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE:,} characters")
    try:
        value = json.loads(line, parse_constant=_no_constant, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    if not isinstance(value, dict):
        told = f"not a JSON object but {_kind(value)}; one probe per line is wanted"
        raise ValueError(told)  # noqa: TRY004 - the text is at fault, not a caller's type
    return value


def _check(raw: dict[str, Any]) -> tuple[list[str], Probe | None]:
    """What is wrong with one object, and the probe where its shape allows one."""
    told = list(_bad_text(raw, ""))
    try:
        probe = msgspec.convert(_whole_numbers(raw), Probe)
    except msgspec.ValidationError as error:
        known = {"": Probe, "generation": Generation, "messages": Message}
        return [*told, _say(str(error), "", known), *_bad_expect(raw.get("expect"))], None
    return [*told, *_bad_names(probe), *_bad_input(probe), *_bad_generation(probe), *_bad_expect(raw["expect"])], probe


def _bad_names(probe: Probe) -> Iterator[str]:
    for field, value in (("id", probe.id), ("category", probe.category)):
        if not value.strip():
            yield f"{field} is empty"
        elif len(value) > _NAME_LIMIT:
            yield f"{field} is longer than {_NAME_LIMIT} characters"
        elif re.search(r"[\x00-\x1f\x7f]", value):
            yield f"{field} holds a control character"


def _bad_input(probe: Probe) -> Iterator[str]:
    if probe.messages is None and probe.prompt is None:
        yield "messages or prompt is missing"
    elif probe.messages is not None and probe.prompt is not None:
        yield "has both messages and prompt; one of them is wanted"
    elif probe.prompt == "" and probe.expect.get("type") != "likelihood":  # there, whole texts are weighed
        yield "prompt is empty"
    elif probe.messages == ():
        yield "messages is empty"
    for index, message in enumerate(probe.messages or ()):
        if message.content is None and message.role != "assistant":
            yield f"messages[{index}].content is missing; only an assistant message may leave it to the model"
    if probe.messages:
        last = probe.messages[-1]
        if last.role == "system" or (last.role == "assistant" and last.content is not None):
            yield f"the last message is from {last.role}; a user, a tool or an assistant without content is wanted"


def _bad_generation(probe: Probe) -> Iterator[str]:
    given = probe.generation
    if not 1 <= given.max_tokens <= 1_000_000:
        yield "generation.max_tokens is not between 1 and 1,000,000"
    if "" in given.stop:
        yield "generation.stop holds an empty text"
    if given.temperature is not None and not 0 <= given.temperature <= 100:
        yield "generation.temperature is not between 0 and 100"
    if given.top_p is not None and not 0 < given.top_p <= 1:
        yield "generation.top_p is not above 0 and at most 1"
    if given.seed is not None and not 0 <= given.seed < 2**63:
        yield "generation.seed is not between 0 and 2^63 - 1"


def _bad_expect(expect: Any) -> Iterator[str]:
    if not isinstance(expect, dict):
        return  # the record's own shape says so
    kind = expect.get("type")
    if not isinstance(kind, str):
        yield "expect.type is missing" if kind is None else f"expect.type should be a string, not {_kind(kind)}"
        return
    try:
        scorer = registry.load("scorers", kind)
    except UsageError:
        known = registry.names("scorers")
        yield f"there is no expect.type {kind[:80]!r}{_nearest(kind, known)}; known: {', '.join(known)}"
        return
    except Exception as error:  # noqa: BLE001 - a plugin that cannot be imported is this line's problem, not a crash
        yield f"expect.type {kind!r} cannot be loaded: {type(error).__name__}: {error}"
        return
    try:
        msgspec.convert({key: value for key, value in expect.items() if key != "type"}, scorer)
    except msgspec.ValidationError as error:
        yield _say(str(error), "expect", {"": scorer})


def _bad_text(value: Any, path: str) -> Iterator[str]:
    """Texts that no engine can be given, and numbers beyond what a number can hold."""
    if isinstance(value, str):
        if "\0" in value:
            yield f"{path or 'a key'} holds a NUL character"
        if any("\ud800" <= c <= "\udfff" for c in value):
            yield f"{path or 'a key'} holds half a surrogate pair, which is no text"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{path} is too large a number"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _bad_text(key, "")
            yield from _bad_text(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _bad_text(inner, f"{path}[{index}]")


def _without_twin(probes: Iterable[tuple[int, Probe]], first_use: dict[str, int]) -> Iterator[Problem]:
    for number, probe in probes:
        if probe.expect["type"] == "same_as":
            twin = probe.expect["probe"]
            if twin == probe.id:
                yield Problem(number, probe.id, "expect.probe is this probe itself")
            elif twin not in first_use:
                text = f"expect.probe {twin[:80]!r} is no probe of this file{_nearest(twin, first_use)}"
                yield Problem(number, probe.id, _clean(text))


def _whole_numbers(raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` with 24.0 as 24 under generation: to JSON they are the same number."""
    given = raw.get("generation")
    if not isinstance(given, dict):
        return raw
    whole = {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in given.items()}
    return raw | {"generation": whole}


def _say(message: str, root: str, known: dict[str, Any]) -> str:
    """A sentence of msgspec's, with the path first and types in plain words."""
    text, _, at = message.partition(" - at ")
    path = at.replace("`", "").removeprefix("key in ").removeprefix("$").removeprefix(".")
    where = ".".join(part for part in (root, path) if part)
    if found := re.fullmatch(r"Object missing required field `(.*)`", text, re.DOTALL):
        return f"{where}.{found[1]}".removeprefix(".") + " is missing"
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", text, re.DOTALL):
        fields = getattr(known.get(path.partition("[")[0]), "__struct_fields__", ())
        return f"{where}.{found[1][:80]}".removeprefix(".") + f" is no known field{_nearest(found[1], fields)}"
    if found := re.fullmatch(r"Expected `([^`]*)`, got `([^`]*)`", text):
        wanted = " or ".join(_TYPES.get(name, name) for name in found[1].split(" | "))
        return f"{where or 'the line'} should be {wanted}, not {_TYPES.get(found[2], found[2])}"
    if found := re.fullmatch(r"Expected `([^`]*)` of length >= (\d+)", text):
        return f"{where} is too short: at least {found[2]} wanted"
    if found := re.fullmatch(r"Invalid enum value (.*)", text, re.DOTALL):
        allowed = [name for name in get_args(_ENUMS.get(where.rpartition(".")[2])) if name]
        return f"{where} cannot be {found[1][:80]}" + (f"; one of {', '.join(allowed)} is wanted" if allowed else "")
    return f"{where}: {text[:1].lower()}{text[1:]}" if where else text


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word[:80], list(known)[:1000], n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _kind(value: Any) -> str:
    names = {str: "str", bool: "bool", int: "int", float: "float", list: "array", dict: "object"}
    return _TYPES[names.get(type(value), "null")]


def _no_constant(name: str) -> Any:
    raise ValueError(f"not JSON: {name} is no JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return found


def _clean(text: str) -> str:
    """`text` fit for a terminal: printable, on one line, at most 400 characters."""
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[:400])
    return shown if len(text) <= 400 else shown + "…"
