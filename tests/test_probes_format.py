"""The probe format: the published schema, the reader and the checker say the same."""

import copy
import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from weakspot import registry
from weakspot.errors import ProbeError
from weakspot.probes.check import LONG_REPLY, check_file, check_lines
from weakspot.probes.load import MAX_LINE, Problem, parse_lines, read_probes, scan
from weakspot.records import ChoiceLogprob, Probe, Reply, to_json
from weakspot.scorers import score_reply

SCHEMA: dict[str, Any] = json.loads(resources.files("weakspot.probes").joinpath("schema.json").read_text("utf-8"))
CASES: list[dict[str, Any]] = [case for part in SCHEMA["$defs"].values() for case in part.get("x-cases", [])]
TWIN: dict[str, Any] = {"id": "twin", "category": "c", "prompt": "p", "expect": {"type": "abstains"}}
GOOD: list[dict[str, Any]] = [
    *SCHEMA["examples"],
    *({"id": f"case-{i}", "category": "c", "prompt": "p", "expect": case["expect"]} for i, case in enumerate(CASES)),
    {
        "id": "full",
        "category": "injection",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": ""},
            {"role": "assistant", "content": None},
            {"role": "tool", "content": "{}"},
            {"role": "assistant"},
        ],
        "prompt": None,
        "expect": {"type": "same_as", "probe": "twin", "by": None, "options": []},
        "generation": {
            "max_tokens": 24.0,
            "stop": ["\n"],
            "multiline": True,
            "temperature": 0,
            "top_p": 1,
            "seed": 0,
            "json_schema": {},
        },
        "tags": {"control": "twin"},
        "group": "g",
        "arm": "positive-control",
        "source": "own",
        "licence": "CC0-1.0",
        "reviewed": False,
    },
]
# What `$comment` in the schema lists as held by the reader alone.
BEYOND = (
    "the last message is from",
    "no regular expression",
    "no JSON Schema",
    "none of the options",
    "two options are the same",
    "value is no index",
    "expect.value should be an integer or an array, not a number",
    "no probe of this file",
    "this probe itself",
    "was used on line",
)
VALUES: list[Any] = [
    None,
    True,
    0,
    1,
    -1,
    24.0,
    0.5,
    10**30,
    1e300,
    "",
    " ",
    "x",
    "a\tb",
    "x" * 201,
    [],
    ["x"],
    {},
    {"x": "y"},
]


def line(**changes: Any) -> str:
    """One good line, changed."""
    probe = {"id": "a", "category": "c", "prompt": "p", "expect": {"type": "contains", "value": "x"}} | changes
    return json.dumps({key: value for key, value in probe.items() if value != "DROP"})


def errors(*lines: str | bytes) -> list[str]:
    """What the reader says is wrong with these lines."""
    return [str(problem) for problem in scan(lines).problems]


def test_schema_is_a_json_schema() -> None:
    """The published schema is a valid JSON Schema of draft 2020-12, and names every built-in expect.type."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$defs"]["expect"]["properties"]["type"]["enum"] == list(registry.BUILT_IN["scorers"])
    assert set(SCHEMA["properties"]) == set(Probe.__struct_fields__)
    assert {case["expect"]["type"] for case in CASES} == set(registry.BUILT_IN["scorers"])


@pytest.mark.parametrize("name", [n for n, _ in SCHEMA["$defs"].items()])
def test_schema_names_the_fields_of_the_scorers(name: str) -> None:
    """Each expect.type has exactly its scorer's fields, with the same ones required and the same defaults."""
    kinds = {"canary": ("canary_absent", "canary_present"), "stance": ("refuses", "complies")}.get(name, (name,))
    for kind in set(kinds) & set(registry.BUILT_IN["scorers"]):
        part, scorer = SCHEMA["$defs"][name], registry.load("scorers", kind)
        fields = scorer.__struct_fields__
        assert set(part["properties"]) == {"type", *fields}
        optional = len(scorer.__struct_defaults__)
        assert part.get("required", []) == list(fields[: len(fields) - optional])
        for field, default in zip(fields[len(fields) - optional :], scorer.__struct_defaults__, strict=True):
            told = part["properties"][field]
            told = SCHEMA["$defs"][told["$ref"].rpartition("/")[2]] if told is not True and "$ref" in told else told
            if told is not True:
                assert told["default"] == (list(default) if isinstance(default, tuple) else default)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['expect']['type']}-{c['reply'][:20]!r}")
def test_examples_in_the_schema_hold(case: dict[str, Any]) -> None:
    """Every example that the schema gives of what passes and what fails is true."""
    probe = Probe("p", "c", case["expect"], prompt="x")
    twin = Reply(case["twin"], "stop") if "twin" in case else None
    given = tuple(map(ChoiceLogprob, case["logprobs"])) if "logprobs" in case else None
    reply = Reply(case["reply"], "stop", choice_logprobs=given)
    assert score_reply(probe, "m", reply, lambda _: twin).passed is case["passed"]


@pytest.mark.parametrize("probe", GOOD, ids=lambda p: p["id"])
def test_good_probes(probe: dict[str, Any]) -> None:
    """A good probe fits the schema, is read, and is the same when it is written and read again."""
    assert Draft202012Validator(SCHEMA).is_valid(probe)
    first, second = parse_lines([json.dumps(TWIN), json.dumps(probe)], "test")
    assert first.id == "twin"
    assert parse_lines([json.dumps(TWIN), to_json(second)], "test")[1] == second


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(inner for key, part in pairs for inner in _paths(part, (*path, key)))]


def _mutate(probe: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """`probe` with one part dropped, replaced, or added to."""
    probe = copy.deepcopy(probe)
    path = data.draw(st.sampled_from(_paths(probe)[1:]))
    holder: Any = probe
    for key in path[:-1]:
        holder = holder[key]
    action = data.draw(st.sampled_from(["drop", "replace", "add", "borrow"]))
    if action == "drop":
        del holder[path[-1]]
    elif action == "replace":
        holder[path[-1]] = data.draw(st.sampled_from(VALUES))
    elif isinstance(holder, dict):
        other = data.draw(st.sampled_from(GOOD))
        pool = {"surprise": 1} if action == "add" else other | other["expect"]
        key = data.draw(st.sampled_from(sorted(pool)))
        holder[key] = copy.deepcopy(pool[key])
    else:
        holder.append(data.draw(st.sampled_from(VALUES)))
    return probe


@given(st.data())
@settings(max_examples=1000, deadline=None)
def test_reader_and_schema_agree(data: st.DataObject) -> None:
    """On mutated probes the reader and the schema agree, but for the rules that the schema says it cannot hold."""
    probe = _mutate(data.draw(st.sampled_from(GOOD)), data)
    if data.draw(st.booleans()):
        probe = _mutate(probe, data)
    told = errors(json.dumps(TWIN | {"id": "twin"}), json.dumps(probe))
    if Draft202012Validator(SCHEMA).is_valid(probe):
        assert [text for text in told if not any(rule in text for rule in BEYOND)] == []
    else:
        assert told != []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"id": "b",}', "not JSON: "),
        ("[1]", "not a JSON object but an array"),
        ('"x"', "not a JSON object but a string"),
        ('{"id": NaN}', "NaN is no JSON number"),
        ('{"id": "a", "id": "b"}', "the key 'id' stands twice"),
        (b"\xff\xfe{", "not UTF-8: byte 1 of the line is 0xff"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 2000 + "1" + "}" * 2000, "nested too deeply"),
        (" " * 10 + "x" * (MAX_LINE + 1), "longer than 4,000,000 characters"),
        (line(id="DROP"), "id is missing"),
        (line(id=7), "id should be a string, not an integer"),
        (line(id=" "), "id is empty"),
        (line(id="a\nb"), "id holds a control character"),
        (line(category="x" * 201), "category is longer than 200"),
        (line(catgory="c", category="DROP"), "catgory is no known field (did you mean 'category'?)"),
        (line(prompt="DROP"), "messages or prompt is missing"),
        (line(messages=[{"role": "user", "content": "x"}]), "has both messages and prompt"),
        (line(prompt=""), "prompt is empty"),
        (line(prompt="DROP", messages=[]), "messages is empty"),
        (line(prompt="DROP", messages=[{"role": "bot"}]), "messages[0].role cannot be 'bot'; one of system, user"),
        (line(prompt="DROP", messages=[{"role": "user"}]), "messages[0].content is missing"),
        (line(prompt="DROP", messages=[{"role": "system", "content": "x"}]), "the last message is from system"),
        (line(prompt="DROP", messages=[{"role": "assistant", "content": "x"}]), "the last message is from assistant"),
        (line(prompt="a\0b"), "prompt holds a NUL character"),
        (line(prompt="a\ud800b"), "prompt holds half a surrogate pair"),
        (line(tags={"a\ud800": "b"}), "a key holds half a surrogate pair"),
        (line(expect="DROP"), "expect is missing"),
        (line(expect={}), "expect.type is missing"),
        (line(expect={"type": 1}), "expect.type should be a string, not an integer"),
        (line(expect={"type": "contain"}), "no expect.type 'contain' (did you mean 'contains'?)"),
        (line(expect={"type": "contains"}), "expect.value is missing"),
        (line(expect={"type": "contains", "value": 1}), "expect.value should be a string, not an integer"),
        (line(expect={"type": "contains", "valeu": "x", "value": "x"}), "expect.valeu is no known field (did you mean"),
        (line(expect={"type": "choice", "options": ["a", "b"], "value": "c"}), "none of the options"),
        (line(expect={"type": "regex", "pattern": "("}), "no regular expression"),
        (line(expect={"type": "same_as", "probe": "a"}), "expect.probe is this probe itself"),
        (line(expect={"type": "same_as", "probe": "b"}), "expect.probe 'b' is no probe of this file"),
        (
            '{"id": "a", "category": "c", "prompt": "p", "expect": {"type": "number", "value": 1e999}}',
            "too large a number",
        ),
        (line(generation={"max_tokens": 0}), "generation.max_tokens is not between"),
        (line(generation={"max_token": 5}), "generation.max_token is no known field (did you mean 'max_tokens'?)"),
        (line(arm="controls"), "arm cannot be 'controls'; one of treatment, control"),
        (line(tags={"a": 1}), "tags[...] should be a string, not an integer"),
    ],
)
def test_bad_line_is_named(text: str | bytes, told: str) -> None:
    """Each kind of bad line is told in words, with its number, and the good lines around it are read."""
    found = scan([line(id="good-1"), text, line(id="good-2")])
    assert [probe.id for _, probe in found.probes] == ["good-1", "good-2"]
    assert {problem.line for problem in found.problems} == {2}
    assert told in str(found.problems[0])


def test_all_bad_lines_are_named_at_once() -> None:
    """One error names every bad line, also an id that was used before."""
    with pytest.raises(ProbeError) as caught:
        parse_lines([line(), "", "{", line(), line(id="b", expect={"type": "exact"})], "mine.jsonl")
    assert caught.value.message.startswith("mine.jsonl: 3 lines are wrong; the first: line 3: not JSON")
    assert [text.partition(":")[0] for text in caught.value.problems] == ["line 3", "line 4", "line 5"]
    assert caught.value.problems[1] == "line 4: id 'a' was used on line 1"
    assert caught.value.problems[2] == "line 5: expect.value is missing"


def test_twin_on_a_bad_line_is_no_second_error() -> None:
    """A twin whose own line is wrong is not called missing on top."""
    told = errors(line(id="twin", arm="x"), line(expect={"type": "same_as", "probe": "twin"}))
    assert [text.partition(":")[0] for text in told] == ["line 1"]


def test_file_with_windows_habits(tmp_path: Path) -> None:
    """A byte order mark, Windows line ends, blank lines and a missing last line end are tolerated."""
    path = tmp_path / "p.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + f"{line()}\r\n\r\n  \r\n{line(id='b', prompt='ü')}".encode())
    assert [(p.id, p.prompt) for p in read_probes(path)] == [("a", "p"), ("b", "ü")]


def test_unreadable_files(tmp_path: Path) -> None:
    """A missing file, a folder and a path with a NUL give one sentence each, from the reader and the checker."""
    for path in (tmp_path / "none.jsonl", tmp_path, Path("a\0b")):
        with pytest.raises(ProbeError, match="Cannot read"):
            read_probes(path)
        assert [(p.line, p.severity) for p in check_file(path)] == [(0, "error")]


def test_problem_text_is_fit_for_a_terminal() -> None:
    """Escape sequences of a hostile file do not reach the terminal, and no message is long."""
    told = errors('{"\\u001b[31m' + "x" * 10_000 + '": 1}', line(id="\x1b[2J"), line(expect={"type": "\x1b]0;" * 500}))
    assert len(told) == 3
    assert all(text.isprintable() and len(text) < 600 for text in told)


def test_plugin_type_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registered third-party type is accepted, and one that cannot be imported is told, not raised."""
    monkeypatch.setitem(registry.BUILT_IN["scorers"], "mine", "weakspot.scorers.exact:Exact")
    monkeypatch.setitem(registry.BUILT_IN["scorers"], "gone", "weakspot_no_such_plugin:Gone")
    assert errors(line(expect={"type": "mine", "value": "x"})) == []
    assert "cannot be loaded: ModuleNotFoundError" in errors(line(expect={"type": "gone"}))[0]


FINE = {"source": "own", "reviewed": True}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([line(**FINE)], []),
        ([line(source="own")], ["not reviewed"]),
        ([line(reviewed=True)], ["no source"]),
        ([line(**FINE, generation={"max_tokens": LONG_REPLY + 1})], ["generation.max_tokens is 1,025"]),
        ([line(**FINE, prompt="DROP", messages=[{"role": "user", "content": " "}])], ["messages[0].content is blank"]),
        ([line(**FINE), line(**FINE, id="b")], ["asks and expects the same as line 1"]),
        ([line(**FINE, arm="treatment", group="g")], ["its group has no control"]),
        ([line(**FINE, arm="treatment", group="g"), line(**FINE, id="b", prompt="q", group="g", arm="control")], []),
        ([line(**FINE, expect={"type": "canary_absent", "canary": "z"})], ["no positive control"]),
        (
            [
                line(**FINE, expect={"type": "canary_absent", "canary": "z"}, tags={"control": "b"}),
                line(**FINE, id="b", expect={"type": "canary_present", "canary": "z"}, arm="positive-control"),
            ],
            [],
        ),
        ([line(**FINE, tags={"control": "b"})], ["tags.control 'b' is no positive control"]),
    ],
)
def test_warnings(lines: list[str], told: list[str]) -> None:
    """What can be run but is doubtful is a warning, one for each doubt."""
    found = check_lines(lines)
    assert {p.severity for p in found} <= {"warning"}
    assert len(found) == len(told)
    assert all(text in p.message for text, p in zip(told, found, strict=True))


def test_empty_file_is_an_error(tmp_path: Path) -> None:
    """A file without probes is an error of the whole file; errors come before warnings, in the order of lines."""
    assert check_lines(["", " "]) == [Problem(0, "", "The file holds no probes.")]
    path = tmp_path / "p.jsonl"
    path.write_text(f"{line()}\n{{\n", encoding="utf-8")
    assert [(p.line, p.severity) for p in check_file(path)] == [(1, "warning"), (1, "warning"), (2, "error")]


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=[])) | st.binary(), max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_lines_are_scanned(lines: list[str | bytes]) -> None:
    """No lines whatever make the scan raise, and every line that is not blank is a probe or a problem."""
    found = scan(lines)
    named = {number for number, _ in found.probes} | {problem.line for problem in found.problems}
    assert named <= set(range(1, len(lines) + 1))
