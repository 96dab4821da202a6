import json
from pathlib import Path

import pytest

from weakspot.errors import ImportFailed
from weakspot.exchange.importing import Asked, detect, read_foreign
from weakspot.exchange.promptfoo_assert import expectation
from weakspot.records import Probe, Reply
from weakspot.scorers import score_reply

DATA = Path(__file__).parent / "data" / "promptfoo"


def counts(model) -> tuple[int, int, int]:
    """Passed, failed and undecided."""
    found = [score.passed for score in model.scores]
    return found.count(True), found.count(False), found.count(None)


def test_counts_equal_promptfoos() -> None:
    """The real run's two providers have promptfoo's own counts, together 16 passed, 16 failed and 4 errors."""
    found = read_foreign(DATA / "output.json")
    assert detect(DATA / "output.json") == "promptfoo"
    assert found.version == "0.121.20"
    for model in found.models:
        stated = model.reported
        assert counts(model) == tuple(
            stated[key] for key in ("passed: testPassCount", "failed: testFailCount", "errors: testErrorCount")
        )
    stats = json.loads((DATA / "output.json").read_text(encoding="utf-8"))["results"]["stats"]
    totals = [sum(column) for column in zip(*(counts(model) for model in found.models), strict=True)]
    assert totals == [stats["successes"], stats["failures"], stats["errors"]] == [16, 16, 4]


def test_lines_give_the_same_verdicts() -> None:
    """The same run as JSON lines has the same items and verdicts."""
    whole, lines = read_foreign(DATA / "output.json"), read_foreign(DATA / "output.jsonl")
    assert [probe.id for probe in whole.probes] == [probe.id for probe in lines.probes]
    for one, other in zip(whole.models, lines.models, strict=True):
        assert {s.probe: s.passed for s in one.scores} == {s.probe: s.passed for s in other.scores}


def test_our_scorers_agree_with_promptfoo() -> None:
    """Where its assertions become a rule of ours, that rule gives promptfoo's verdict on every saved answer."""
    found = read_foreign(DATA / "output.json")
    probes = {probe.id: probe for probe in found.probes}
    held = 0
    for model in found.models:
        for response, score in zip(model.responses, model.scores, strict=True):
            probe = probes[response.probe]
            if response.final is not None and probe.expect["type"] != "rubric":
                assert score_reply(probe, "x", response.final, lambda _: None).passed is score.passed, probe
                held += 1
    assert held == 20


def test_one_provider() -> None:
    """`model` takes one provider; another name is refused with the names there are."""
    assert len(read_foreign(DATA / "output.json", asked=Asked(model="loud one")).models) == 1
    with pytest.raises(ImportFailed, match="no provider 'nobody'"):
        read_foreign(DATA / "output.json", asked=Asked(model="nobody"))


def test_configuration_asks_what_promptfoo_asked() -> None:
    """The configuration alone gives the same items with the same messages as the run that promptfoo made of it."""
    assert detect(DATA / "promptfooconfig.yaml") == "promptfoo-config"
    config, output = read_foreign(DATA / "promptfooconfig.yaml"), read_foreign(DATA / "output.json")
    asked = {probe.id: probe.messages[-1].content for probe in output.probes}
    mine = {probe.id: probe.messages[-1].content for probe in config.probes}
    different = {name for name in asked if asked[name] != mine[name]}
    assert different == {"test-6/prompt-2"}  # a template inside a variable: promptfoo keeps it in chat prompts
    assert any("Line 41: the assertion 'javascript' runs code" in note for note in config.notes)
    assert {p.category for p in config.probes} == {"trial", "structured"}


def judged(assertions: list, text: str, **values: str) -> bool | None:
    """The verdict of our rule for these assertions."""

    def render(template: str) -> str:
        for name, value in values.items():
            template = template.replace("{{" + name + "}}", value)
        return template

    probe = Probe("p", "c", expectation(assertions, render))
    return score_reply(probe, "x", Reply(text), lambda _: None).passed


@pytest.mark.parametrize(
    ("assertions", "good", "bad"),
    [
        ([{"type": "equals", "value": "yes"}], "yes", "yes!"),
        ([{"type": "contains", "value": "{{w}}"}], "a word", "a thing"),
        ([{"type": "icontains", "value": "WORD"}], "a word", "a thing"),
        ([{"type": "not-contains", "value": "word"}], "a thing", "a\nword"),
        ([{"type": "not-icontains", "value": "word"}], "a thing", "a WORD"),
        ([{"type": "contains-any", "value": ["a", "b"]}], "xb", "xc"),
        ([{"type": "contains-all", "value": ["a", "b"]}], "b a", "a"),
        ([{"type": "not-contains-all", "value": ["a", "b"]}], "a", "b a"),
        ([{"type": "regex", "value": "^\\d+$"}], "12", "12a"),
        ([{"type": "not-regex", "value": "\\d"}], "a", "a1"),
        ([{"type": "starts-with", "value": "a.b"}], "a.bc", "acb"),
        ([{"type": "is-json", "value": {"type": "object"}}], "{}", "[]"),
        ([{"type": "contains-json"}], "so: {}", "so"),
        ([{"type": "contains", "value": "a"}, {"type": "not-contains", "value": "b"}], "a", "ab"),
        ([{"type": "assert-set", "assert": [{"type": "contains", "value": "a"}]}], "a", "b"),
        ([{"type": "contains", "value": "a"}, {"type": "javascript", "value": "x", "weight": 0}], "a", "b"),
    ],
)
def test_assertions(assertions: list, good: str, bad: str) -> None:
    """Each kind of assertion that maps passes and fails as promptfoo's documentation says."""
    assert judged(assertions, good, w="word") is True
    assert judged(assertions, bad, w="word") is False


@pytest.mark.parametrize("kind", ["javascript", "python", "llm-rubric", "similar", "factuality"])
def test_code_and_models_are_left_to_a_judge(kind: str) -> None:
    """Assertions that run code or ask a model become a rubric, and take the others of their test with them."""
    found = expectation([{"type": kind, "value": "x > 1"}, {"type": "contains", "value": "a"}], str)
    assert found["type"] == "rubric"
    assert kind in found["rubric"]
    assert "contains: a" in found["rubric"]


def config(folder: Path, text: str) -> Path:
    """A configuration file."""
    path = folder / "promptfooconfig.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prompts: [file://../secret.txt]\ntests: []\n", "leads out of"),
        ("prompts: [file:///etc/hostname]\ntests: []\n", "leads out of"),
        ("prompts:\n  - file://make.py:build\ntests: []\n", "line 2, asks for code"),
        ("prompts: [a]\ntests: https://example.org/t.csv\n", "takes something from the network"),
        ("prompts: ['{{ x.__class__.mro() }}']\ntests: [{vars: {x: a}}]\n", "uses call"),
        ("prompts: ['{% for i in x %}{% endfor %}']\ntests: [{vars: {x: a}}]\n", "uses for"),
        ("prompts: ['{{ 9 * 9 }}']\ntests: [{}]\n", "uses mul"),
        ("prompts: ['{{ x']\ntests: [{}]\n", "no template that can be read"),
        ("prompts: [!!python/object:os.system a]\ntests: []\n", "tag"),
        ("prompts: [1]\ntests: []\n", "a prompt without a text"),
        ("prompts: [a]\ntests: [x.py]\n", "asks for code"),
        (
            "prompts: [a]\ntests: [{vars: {" + ", ".join(f"v{n}: [1,2,3,4,5,6,7,8,9]" for n in range(6)) + "}}]\n",
            "100,000 items",
        ),
    ],
)
def test_hostile_configurations(tmp_path: Path, text: str, words: str) -> None:
    """Files elsewhere, code, networks, templates that compute, tags and multiplied tests are one sentence each."""
    with pytest.raises(ImportFailed, match=words):
        read_foreign(config(tmp_path, text), "promptfoo-config")


def test_tests_from_csv(tmp_path: Path) -> None:
    """A CSV beside the configuration gives tests: columns are variables, `__expected` an assertion."""
    (tmp_path / "t.csv").write_text("q,__expected,__metadata:category\n1+1,contains: 2,sums\nhi,hello,talk\n")
    found = read_foreign(config(tmp_path, "prompts: ['Say {{q}}']\ntests: file://t.csv\n"))
    assert [probe.messages[0].content for probe in found.probes] == ["Say 1+1", "Say hi"]
    assert [probe.expect for probe in found.probes] == [
        {"type": "contains", "value": "2"},
        {"type": "exact", "value": "hello"},
    ]
    assert [probe.category for probe in found.probes] == ["sums", "talk"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"results": {"version": 9, "results": []}}, "version '9'"),
        ({"evalId": "x", "results": []}, "no 'results.results'"),
        ({"results": {"version": 3, "results": [{}]}}, "no 'success'"),
        ({"results": {"version": 3, "results": []}}, "no provider"),
    ],
)
def test_bad_output(tmp_path: Path, document: dict, words: str) -> None:
    """Another version and wrong shapes are one sentence each."""
    path = tmp_path / "output.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ImportFailed, match=words):
        read_foreign(path, "promptfoo")
