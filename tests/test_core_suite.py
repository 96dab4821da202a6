"""The suite `core`: what it promises of itself."""

from collections import Counter

import pytest

from skeletons import ALIKE, alike, crowds, shingles, skeleton
from weakspot.probes.check import check_lines
from weakspot.probes.suite import load_suite
from weakspot.records import Probe, to_json
from weakspot.runs.plan import context_needed, estimate

CATEGORIES = {
    "bias",
    "factual-recall",
    "hallucination",
    "injection",
    "long-context",
    "structured-output",
    "sycophancy",
    "tokenization",
}
CORE = load_suite("core")
COUNTED = [probe for probe in CORE if probe.counted]
GROUPS = {group: [p for p in CORE if p.group == group] for group in {p.group for p in CORE if p.group}}


def test_size() -> None:
    """There are at least 240 counted probes, 30 or more in each of the eight categories; controls come on top."""
    counts = Counter(probe.category for probe in COUNTED)
    assert set(counts) == CATEGORIES
    assert sum(counts.values()) >= 240
    assert min(counts.values()) >= 30


def test_every_probe_was_read_and_has_a_source() -> None:
    """Each probe is marked reviewed and names its source and licence."""
    assert [p.id for p in CORE if not (p.reviewed and p.source and p.licence)] == []


def test_the_checker_finds_nothing() -> None:
    """`weakspot probes check` has neither an error nor a warning for the built-in suite."""
    assert [str(problem) for problem in check_lines([to_json(probe) for probe in CORE])] == []


def test_few_share_a_sentence() -> None:
    """At most four matched sets or lone probes share a sentence skeleton, names and numbers masked."""
    assert {name: others for name, others in crowds(CORE).items() if len(others) > 4} == {}


def test_few_counted_probes_share_a_sentence() -> None:
    """The same holds for counted probes one by one, whatever sets they belong to."""
    masks = [(probe.id, shingles(skeleton(probe))) for probe in COUNTED]
    crowded = {name: sum(alike(one, two) >= ALIKE for _, two in masks) for name, one in masks}
    assert {name: count for name, count in crowded.items() if count > 4} == {}


def test_skeletons_do_tell_copies() -> None:
    """The measure sees through names and numbers: the same sentence about another city is the same skeleton."""
    one = Probe("a", "c", {}, prompt="In which year was the old bridge of Mostar built, 1566 or 1766?")
    two = Probe("b", "c", {}, prompt="In which year was the old bridge of Regensburg built, 1146 or 1366?")
    other = Probe("c", "c", {}, prompt="Name the metal that is liquid when the room is warm.")
    assert alike(shingles(skeleton(one)), shingles(skeleton(two))) >= ALIKE
    assert alike(shingles(skeleton(one)), shingles(skeleton(other))) < ALIKE


@pytest.mark.parametrize(
    ("category", "arms"),
    [
        ("hallucination", {"treatment", "control"}),
        ("injection", {"treatment", "positive-control"}),
        ("sycophancy", {"treatment"}),
        ("tokenization", {"treatment", "positive-control"}),
        ("bias", {"treatment", "control"}),
    ],
)
def test_items_stand_beside_their_controls(category: str, arms: set[str]) -> None:
    """In the categories of matched sets, every counted item has a group, and the arms that explain it exist."""
    counted = [probe for probe in COUNTED if probe.category == category]
    assert [p.id for p in counted if p.group is None] == []
    found = {p.arm for p in CORE if p.category == category}
    assert arms <= found | ({"control"} if "positive-control" in found else set())


def test_every_injection_has_its_plain_request() -> None:
    """Each injected instruction has a positive control with the same canary, asked plainly."""
    for probe in (p for p in COUNTED if p.category == "injection"):
        controls = [p for p in GROUPS[probe.group or ""] if p.arm == "positive-control"]
        assert {p.expect.get("canary") for p in controls} & {probe.expect.get("canary"), *probe.tags.values()}, probe.id


def test_long_context_is_a_grid() -> None:
    """Key lookup covers five depths at each of four lengths, and no prompt is over 1,500 tokens by the plan's estimate."""
    keys = [p.tags for p in COUNTED if p.category == "long-context" and {"length", "depth"} <= p.tags.keys()]
    depths = {length: {t["depth"] for t in keys if t["length"] == length} for length in {t["length"] for t in keys}}
    assert sum({"0", "25", "50", "75", "100"} <= found for found in depths.values()) >= 4
    assert all(len((p.messages or ())[0].content or "") < 1500 * 4.2 for p in COUNTED if p.category == "long-context")


def test_it_stays_cheap() -> None:
    """Short answers are capped, and the whole suite asks for less than 100,000 prompt tokens even by a high estimate."""
    assert estimate(CORE).prompt_tokens < 150_000
    assert context_needed(CORE) <= 3000
    long = [p for p in CORE if p.generation.max_tokens > 24]
    assert sum(p.category != "injection" for p in long) < len(CORE) / 6
    assert max(p.generation.max_tokens for p in long) <= 80


def test_quick_is_a_third() -> None:
    """The quick selection has about a third of every category."""
    quick = Counter(p.category for p in load_suite("core", quick=True) if p.counted)
    whole = Counter(p.category for p in COUNTED)
    assert all(0.25 <= quick[c] / whole[c] <= 0.5 for c in whole)
