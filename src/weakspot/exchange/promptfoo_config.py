"""promptfoo's configuration (`promptfooconfig.yaml`): prompts x tests become probes; nothing is run.

Providers are left out: a suite is put to any model. Prompts and variables from files are read where they lie in the
configuration's folder; code (`.js`, `.py`, functions) is refused with its line. A variable with several values gives a
test for each, as in promptfoo.
"""

import csv
import io
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from weakspot.errors import ImportFailed
from weakspot.exchange import making, turns
from weakspot.exchange.importing import Asked, Importer, Sighting
from weakspot.exchange.promptfoo_assert import expectation, needs_code
from weakspot.exchange.promptfoo_render import Renderer
from weakspot.exchange.reading import beside, json_lines, read_text, shown
from weakspot.exchange.safe_yaml import parse_yaml
from weakspot.records import Imported, Message, Probe

TOOL = "promptfoo"
CODE = (".js", ".cjs", ".mjs", ".ts", ".py", ".rb", ".go", ".sh", ".exe")
MOST = 100_000
"""Probes of one configuration: variables with several values multiply."""
MAX_YAML = 16 << 20
LONGEST_FILE = 4 << 20


def _matches(seen: Sighting) -> bool:
    if seen.suffix not in (".yaml", ".yml"):
        return False
    top = set(re.findall(r"^([A-Za-z]+):", seen.text, flags=re.MULTILINE))
    return "prompts" in top and bool(top & {"tests", "providers", "targets", "defaultTest", "scenarios"})


def read_config(path: Path, asked: Asked) -> Imported:  # noqa: ARG001 - every importer gets what the user said
    """A configuration as a suite."""
    text = read_text(path, MAX_YAML)
    config = parse_yaml(text, str(path))
    if not isinstance(config, dict) or "prompts" not in config:
        raise ImportFailed(f"{shown(path)} has no prompts.", hint="promptfoo's configuration is wanted.")
    return _Config(config, text, path).imported()


class _Config:
    """A configuration on its way to probes."""

    def __init__(self, config: Mapping[str, Any], text: str, path: Path) -> None:
        self._config, self._text, self._path = config, text, path
        self._suite = making.name(config.get("description") or path.parent.resolve().name or path.stem)
        self._notes: dict[str, None] = {}
        default = config.get("defaultTest")
        self._default: Mapping[str, Any] = default if isinstance(default, dict) else {}
        if isinstance(default, str):
            raise self._refused(default, "takes its defaultTest from another file")

    def imported(self) -> Imported:
        prompts = list(self._prompts(self._config["prompts"]))
        tests = list(self._tests(self._config.get("tests") or [{}]))
        if self._config.get("providers") or self._config.get("targets"):
            self._notes["Its providers are left out: a suite can be put to any model."] = None
        if self._config.get("scenarios"):
            self._notes["Its scenarios are not taken over."] = None
        probes = []
        for number, test in enumerate(itertools.chain.from_iterable(map(self._spread, tests)), start=1):
            for place, prompt in enumerate(prompts, start=1):
                probes.append(self._probe(prompt, test, f"test-{number}/prompt-{place}"))
                if len(probes) > MOST:
                    raise ImportFailed(f"{shown(self._path)} becomes more than {MOST:,} items.", hint="Split it.")
        return Imported(TOOL, "", self._suite, tuple(probes), (), tuple(self._notes))

    def _probe(self, prompt: str, test: Mapping[str, Any], name: str) -> Probe:
        render = Renderer(test["vars"], self._line)
        assertions = test["assert"]
        for kind in needs_code(assertions):
            line = self._line(kind)
            self._notes[
                f"Line {line}: the assertion {kind!r} runs code, which is not run; its tests need a judge or a hand."
            ] = None
        metadata = test.get("metadata")
        category = (metadata.get("category") if isinstance(metadata, dict) else None) or self._suite
        described = test.get("description")
        return Probe(
            id=name,
            category=making.name(category),
            expect=expectation(assertions, render, test.get("threshold")),
            messages=_messages(prompt, render),
            tags={"description": making.name(described)} if described else {},
            source=TOOL,
        )

    def _spread(self, test: Any) -> Iterator[dict[str, Any]]:
        """A test with the defaults, once for each choice of values of its variables."""
        if not isinstance(test, dict):
            raise ImportFailed(f"{shown(self._path)} has a test that is no mapping.", hint="Mend the file.")
        options = test.get("options") or {}
        if isinstance(options, dict) and any(key in options for key in ("transform", "transformVars", "postprocess")):
            self._notes["Transforms are code and are not run; tests with one may mean another text."] = None
        given = {**(self._default.get("vars") or {}), **self._mapping(test.get("vars") or {})}
        values = {key: [self._value(one) for one in _several(value)] for key, value in given.items()}
        skip = isinstance(options, dict) and options.get("disableDefaultAsserts") is True
        standing = [] if skip else list(self._default.get("assert") or [])
        made = {**test, "assert": [*standing, *(test.get("assert") or [])]}
        if math.prod(len(some) for some in values.values()) > MOST:
            raise ImportFailed(f"{shown(self._path)} becomes more than {MOST:,} items.", hint="Split it.")
        for chosen in itertools.product(*values.values()):
            yield made | {"vars": dict(zip(values, chosen, strict=True))}

    def _mapping(self, given: Any) -> Mapping[str, Any]:
        if isinstance(given, dict):
            return given
        raise self._refused(str(given), "takes a test's vars from another file")

    def _value(self, value: Any) -> Any:
        return self._file(value) if isinstance(value, str) and value.startswith("file://") else value

    def _tests(self, given: Any) -> Iterator[Any]:
        for one in given if isinstance(given, list) else [given]:
            if not isinstance(one, str):
                yield one
            elif one.removeprefix("file://").lower().endswith(".jsonl"):
                yield from (row for _, row in json_lines(self._place(one)))
            elif one.removeprefix("file://").lower().endswith(".csv"):
                yield from _table(self._file(one))
            else:
                found = parse_yaml(self._file(one), one)
                yield from found if isinstance(found, list) else [found]

    def _prompts(self, given: Any) -> Iterator[str]:
        for one in given if isinstance(given, list) else [given]:
            raw = one if isinstance(one, str) else (one.get("raw") or one.get("id")) if isinstance(one, dict) else None
            if not isinstance(raw, str) or not raw:
                raise ImportFailed(f"{shown(self._path)} has a prompt without a text.", hint="Mend the file.")
            if not _names_file(raw):
                yield raw
            elif raw.lower().endswith(".txt"):
                yield from (
                    part.strip() for part in re.split(r"^---\s*$", self._file(raw), flags=re.MULTILINE) if part.strip()
                )
            elif raw.lower().endswith((".yaml", ".yml")):
                yield json.dumps(parse_yaml(self._file(raw), raw), ensure_ascii=False)
            else:
                yield self._file(raw)

    def _place(self, name: str) -> Path:
        if name.partition(":")[0] in ("http", "https", "huggingface", "az", "s3") or "docs.google.com" in name:
            raise self._refused(name, "takes something from the network")
        plain = name.removeprefix("file://")
        if plain.lower().rpartition(":")[0].endswith(CODE) or plain.lower().endswith(CODE):
            raise self._refused(name, "asks for code, which is not run")
        if "*" in plain:
            raise self._refused(name, "names files by a pattern")
        return beside(self._path.parent, plain)

    def _file(self, name: str) -> str:
        return read_text(self._place(name), LONGEST_FILE)

    def _line(self, text: str) -> int:
        """Where a text stands in the file, from 1; 1 where it is written in another way."""
        first = text.strip().partition("\n")[0][:60]
        return self._text[: max(0, self._text.find(first))].count("\n") + 1

    def _refused(self, value: str, what: str) -> ImportFailed:
        return ImportFailed(
            f"{shown(self._path)}, line {self._line(value)}, {what}: {shown(value)[:80]}.",
            hint="Write it into the configuration, or into a text, JSON or CSV file beside it.",
        )


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) and value else [value]


def _names_file(raw: str) -> bool:
    one_line = "\n" not in raw and "{{" not in raw
    suffixes = (".txt", ".json", ".yaml", ".yml", ".md", ".j2", *CODE)
    return raw.startswith("file://") or (one_line and " " not in raw and raw.lower().endswith(suffixes))


def _messages(prompt: str, render: Renderer) -> tuple[Message, ...]:
    """A prompt as messages: chat in JSON is rendered part by part, so that a quote in a variable can't break it."""
    if prompt.lstrip().startswith("["):
        try:
            given = json.loads(prompt)
        except (ValueError, RecursionError):
            given = None
        if isinstance(given, list) and given and all(isinstance(one, dict) and "role" in one for one in given):
            said = [{**one, "content": render(turns.text(one.get("content"))[0])} for one in given]
            return turns.messages(said)[0]
    return (Message("user", render(prompt)),)


def _table(text: str) -> Iterator[dict[str, Any]]:
    """Tests of a CSV: a column for each variable, `__expected`, `__description`, `__metadata:NAME`."""
    for row in csv.DictReader(io.StringIO(text, newline="")):
        test: dict[str, Any] = {"vars": {}, "assert": [], "metadata": {}}
        for key, value in row.items():
            if not isinstance(key, str) or value is None:
                continue
            if re.fullmatch(r"__expected\d*", key):
                test["assert"] += [_stated(value)] if value.strip() else []
            elif key == "__description":
                test["description"] = value
            elif key.startswith("__metadata:"):
                test["metadata"][key.partition(":")[2]] = value
            elif not key.startswith("__"):
                test["vars"][key] = value
        yield test


def _stated(cell: str) -> dict[str, Any]:
    """An assertion in a cell: `contains: x`, `contains-any: a, b`; without a type it must be equal."""
    found = re.match(r"(not-)?([a-z]+(?:-[a-z]+)*)(?:\([\d.]+\))?:\s*", cell)
    if found is None:
        return {"type": "equals", "value": cell}
    kind, value = (
        (found[1] or "") + {"grade": "llm-rubric", "fn": "javascript"}.get(found[2], found[2]),
        cell[found.end() :],
    )
    listed = kind.endswith(("-any", "-all"))
    return {"type": kind, "value": [part.strip() for part in value.split(",")] if listed else value or None}


IMPORTER = Importer(title="promptfoo's configuration", matches=_matches, read=read_config)
