"""The answers of the generated suites, worked out once more from what the probes ask."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from weakspot import registry
from weakspot.probes.suite import load_suite
from weakspot.records import Probe, Reply
from weakspot.records.score import Score


def asked(probe: Probe) -> str:
    """The last thing that is said before the reply."""
    return (probe.messages or ())[-1].content or "" if probe.messages else probe.prompt or ""


def score(probe: Probe, reply: str) -> Score:
    """The verdict on a reply."""
    scorer = registry.load("scorers", probe.expect["type"])
    expect = {key: value for key, value in probe.expect.items() if key != "type"}
    verdict: Score = msgspec.convert(expect, scorer).score(
        Reply(text=reply, finish_reason="stop"), probe, lambda _: Reply(text=reply, finish_reason="stop")
    )
    return verdict


def of(suite: str, kind: str) -> list[Probe]:
    """The probes of one kind."""
    found = [probe for probe in load_suite(suite) if probe.tags["kind"] == kind]
    assert found
    return found


def solved(kind: str, text: str) -> str:
    """The right reply to a task of the tokenization suite, found in its own words."""
    quoted = re.findall(r'"([^"]*)"', text)
    whole = (quoted[-1] if quoted else "").replace(" ", "")
    ways: dict[str, Callable[[], str]] = {
        "count-letter": lambda: str(whole.lower().count(text.partition("letter ")[2][0])),
        "spell": lambda: "-".join(quoted[0] if quoted else text.rpartition(": ")[2].split()),
        "reverse": lambda: whole[::-1],
        "nth-letter": lambda: whole[{"first": 0, "second": 1, "third": 2, "last": -1}[text.split()[3]]],
        "long-sum": lambda: str(sum(int(n.replace(" ", "")) for n in re.findall(r"\d[\d ]*\d|\d", text)[:2])),
        "last-digits": lambda: re.sub(r"\D", "", text)[-2:],
        "copy-script": lambda: text.partition(": ")[2],
        "emoji": lambda: text.partition(": ")[2],
        "white-space": lambda: text.rsplit(maxsplit=1)[-1],
        "joined": lambda: text.rpartition(" ")[2].replace("-", " "),
        "run": lambda: str(text.partition("row: ")[2].partition("?")[0].replace(" ", "").count(quoted[0])),
    }
    return ways[kind]()


TASKS = [p for p in load_suite("tokenization") if p.tags["kind"] != "joined" or p.arm != "treatment"]


@pytest.mark.parametrize("probe", TASKS, ids=lambda probe: probe.id)
def test_tasks_on_characters(probe: Probe) -> None:
    """The answer that the words of a task give passes, and an answer beside the question fails."""
    right = solved(probe.tags["kind"], asked(probe))
    assert score(probe, right).passed is True
    assert score(probe, "I like cheese").passed is False


def numbers(text: str) -> list[int]:
    """The numbers of a text."""
    return [int(found) for found in re.findall(r"\d+", text)]


def test_sums() -> None:
    """Every sum that is asked for is the sum of its two numbers."""
    probes = [*of("hallucination", "sum"), *(p for p in of("consistency", "sampled-sum") if p.arm == "control")]
    wrong = [p.id for p in probes if p.expect["value"] != sum(numbers(asked(p))[:2])]
    assert wrong == []


def test_own_sums_are_wrong_where_they_say_so() -> None:
    """In the sums that a user is proud of, the wrong ones are wrong and the right ones right."""
    for probe in of("sycophancy", "own-sum"):
        a, b, total = numbers(asked(probe))[-3:]
        assert (probe.expect["value"] == "yes") == (a + b == total), probe.id


def test_languages_agree_on_sums() -> None:
    """All languages of a set of the multilingual suite ask the same sum."""
    for kind in ("sum", "word-sum"):
        for probe in of("multilingual", kind):
            assert sum(numbers(asked(probe))[:2]) == probe.expect["value"], probe.id


@pytest.mark.parametrize("probe", [p for p in load_suite("structured") if p.counted], ids=lambda probe: probe.id)
def test_json_can_be_right(probe: Probe) -> None:
    """The expected value as JSON passes, also in a fence; with a key or an item too many it fails; it fits the limit."""
    value: Any = probe.expect["value"]
    right = json.dumps(value, indent=1)
    assert score(probe, right).passed is True
    assert score(probe, f"```json\n{right}\n```").passed is True
    wrong = value | {"extra": 1} if isinstance(value, dict) else [*value, 1] if isinstance(value, list) else [value]
    assert score(probe, json.dumps(wrong)).passed is False
    assert len(json.dumps(value).encode()) < probe.generation.max_tokens * 2.5


def test_values_of_json_stand_in_the_text() -> None:
    """Each word and number of the expected JSON can be read in the question: nothing has to be known."""

    def leaves(value: Any) -> Iterator[Any]:
        if isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                yield from leaves(inner)
        elif value is not None:
            yield value

    for probe in (p for p in load_suite("structured") if p.counted):
        text = asked(probe).replace(",", "").replace('\\"', '"').replace("\\\\", "\\")
        missing = [v for v in leaves(probe.expect["value"]) if str(v).lstrip("-").replace(",", "") not in text]
        assert missing == [], probe.id


def test_needles_are_there_once() -> None:
    """In every arm the fact stands once, the placebo has no second answer of its kind, and depths are as told."""
    suite = load_suite("long-context")
    for group in {p.group for p in suite}:
        arms = {p.arm: p for p in suite if p.group == group}
        answer = arms["treatment"].expect["values"][0]
        texts = {arm: asked(probe).rpartition("\n\n")[0] for arm, probe in arms.items()}
        facts = texts["positive-control"]
        assert all(len(re.findall(rf"\b{answer}\b", text)) == 1 for text in texts.values()), group
        first = facts.split(". ")[0].rstrip(".") + "."
        depth = int(arms["placebo"].tags["depth"])
        assert abs(100 * texts["placebo"].index(first) / len(texts["placebo"]) - depth) < 12, group
        assert len(texts["treatment"]) > len(texts["placebo"])


def test_canaries_are_planted_once() -> None:
    """A canary stands once in each arm of an injection, and the planted and the harmless text differ in one sentence."""
    for kind in ("planted", "foreign"):
        for probe in of("injection", kind):
            assert asked(probe).count(probe.expect["canary"]) == 1, probe.id


def test_questions_about_secrets_do_not_tell_them() -> None:
    """Only the system prompt holds the secret."""
    for probe in of("injection", "secret"):
        assert probe.expect["canary"] not in asked(probe)
        assert probe.expect["canary"] in ((probe.messages or ())[0].content or "")


def test_counterfactual_pairs_differ_in_the_group_alone() -> None:
    """The two arms of a pair are the same words but for the group that each names."""
    for kind in ("decision", "salary"):
        pairs: dict[str | None, list[Probe]] = {}
        for probe in of("bias", kind):
            pairs.setdefault(probe.group, []).append(probe)
        for first, second in pairs.values():
            masked = {re.sub(r"\b([Aa])n? #", r"\1 #", asked(p).replace(p.tags["shown"], "#")) for p in (first, second)}
            assert len(masked) == 1, first.id


def test_ambiguous_scenes_tell_nothing() -> None:
    """Each scene is told open and in both ways; the stereotyped option and "unknown" are options of all three."""
    for probe in of("bias", "scene"):
        assert {probe.tags["stereotyped"], "unknown"} < set(probe.expect["options"])
        assert (probe.expect["value"] == "unknown") == (probe.tags["context"] == "ambiguous")


def test_occupations_are_no_items() -> None:
    """Openings about occupations are raw prompts in a control arm: they enter no rate and wait for a metric."""
    probes = of("bias", "occupation")
    assert all(p.prompt and not p.counted and p.tags["occupation"] in p.prompt for p in probes)
    assert all(score(p, "she went home").passed is True and score(p, "the day ended").passed is False for p in probes)


def test_repeated_samples_differ_in_the_seed_alone() -> None:
    """Repeated sampling asks the same words with the same temperature and other seeds."""
    groups: dict[str | None, list[Probe]] = {}
    for probe in of("consistency", "sampled"):
        groups.setdefault(probe.group, []).append(probe)
    for probes in groups.values():
        assert len({asked(p) for p in probes}) == 1
        assert len({p.generation.seed for p in probes}) == len(probes) == 4
        assert {p.generation.temperature for p in probes} == {0.8}
