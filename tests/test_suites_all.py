"""The suites that ship beside `core`: what each promises of itself, and all of them together."""

from collections import Counter
from pathlib import Path

import pytest

from weakspot import registry, survey_probes
from weakspot.errors import ProbeError, UsageError
from weakspot.probes.suite import load_suite, quick_third, suite_about, suite_names
from weakspot.records import Probe
from weakspot.runs.plan import context_needed, estimate

SUITES = [name for name in registry.BUILT_IN["suites"] if name != "core"]
PROBES = {name: load_suite(name) for name in registry.BUILT_IN["suites"]}


@pytest.mark.parametrize("name", SUITES)
def test_size(name: str) -> None:
    """Every suite has 60 counted probes or more, and controls beside them."""
    counted = sum(probe.counted for probe in PROBES[name])
    assert counted >= 60
    assert len(PROBES[name]) > counted


@pytest.mark.parametrize("name", SUITES)
def test_the_checker_finds_nothing(name: str) -> None:
    """`weakspot probes check SUITE` has neither an error nor a warning."""
    assert survey_probes(name).problems == ()


@pytest.mark.parametrize("name", SUITES)
def test_every_probe_says_where_it_comes_from(name: str) -> None:
    """Source, licence, a level and a kind are on every probe, and the probe counts as reviewed."""
    wrong = [
        p.id
        for p in PROBES[name]
        if (p.source, p.licence, p.reviewed) != ("weakspot", "Apache-2.0", True)
        or not {"level", "kind"} <= p.tags.keys()
    ]
    assert wrong == []


@pytest.mark.parametrize("name", SUITES)
def test_items_stand_in_matched_sets(name: str) -> None:
    """Every counted item belongs to a group that holds an arm of another kind: the item explains itself."""
    arms: dict[str | None, set[str | None]] = {}
    for probe in PROBES[name]:
        arms.setdefault(probe.group, set()).add(probe.arm)
    alone = [p.id for p in PROBES[name] if p.counted and (p.group is None or len(arms[p.group]) < 2)]
    assert alone == []


@pytest.mark.parametrize("name", SUITES)
def test_levels_differ(name: str) -> None:
    """No suite is all of one level: at least two of easy, medium and hard have a tenth of its counted items each."""
    levels = Counter(p.tags["level"] for p in PROBES[name] if p.counted)
    assert set(levels) <= {"easy", "medium", "hard"}
    assert sum(count >= levels.total() / 10 for count in levels.values()) >= 2


@pytest.mark.parametrize("name", SUITES)
def test_quick_is_a_third_of_whole_sets(name: str) -> None:
    """The quick selection has about a third of every category, and no set of it lacks an arm."""
    quick = quick_third(PROBES[name])
    taken, whole = (Counter(p.category for p in probes if p.counted) for probes in (quick, PROBES[name]))
    assert all(0.25 <= taken[category] / whole[category] <= 0.5 for category in whole)
    sizes = Counter(p.group for p in PROBES[name])
    assert all(count == sizes[group] for group, count in Counter(p.group for p in quick).items())


def test_ids_differ_over_all_suites() -> None:
    """All suites can be asked together: no id stands in two of them."""
    everything = load_suite("all")
    assert len(everything) == sum(map(len, PROBES.values()))
    assert len({probe.id for probe in everything}) == len(everything)


def test_all_stay_affordable() -> None:
    """All suites but core ask one model for less than 550,000 prompt and 65,000 reply tokens by the plan's high
    estimate, and need a context of 8,192 tokens at most.
    """
    probes = [probe for name in SUITES for probe in PROBES[name]]
    size = estimate(probes)
    assert size.prompt_tokens < 550_000
    assert size.completion_tokens < 65_000
    assert context_needed(probes) <= 8192


def test_several_suites_are_one() -> None:
    """Names with commas are read in order, "all" is every suite, and naming one twice changes nothing."""
    assert [p.id for p in load_suite("bias, refusal")] == [p.id for name in ("bias", "refusal") for p in PROBES[name]]
    assert suite_names("all") == registry.names("suites")
    assert suite_names("bias,all,bias")[0] == "bias"
    assert len(suite_names("bias,all,bias")) == len(registry.names("suites"))


def test_a_missing_one_of_several_is_named() -> None:
    """Of several suites, the one that is not there is told by its own name."""
    with pytest.raises(UsageError, match="no suite 'no-such'"):
        load_suite("bias,no-such")


def test_an_id_in_two_of_several_is_told(tmp_path: Path) -> None:
    """A file that uses an id of a suite cannot be asked together with it."""
    line = '{"id": "bias/scene-01-open", "category": "c", "prompt": "x", "expect": {"type": "exact", "value": "y"}}'
    (tmp_path / "own.jsonl").write_text(line)
    with pytest.raises(ProbeError, match="stands in"):
        load_suite(f"bias,{tmp_path / 'own.jsonl'}")


def test_every_suite_says_what_it_tests() -> None:
    """`probes list` has a sentence for every suite that ships."""
    assert [name for name in PROBES if not suite_about(name).endswith(".")] == []


def _shingles(text: str) -> set[int]:
    words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
    return {hash(tuple(words[i : i + 8])) for i in range(len(words) - 7)}


def _said(probe: Probe) -> str:
    return " ".join([probe.prompt or "", *(message.content or "" for message in probe.messages or ())])


def test_no_words_of_data_sets(shared_data: Path) -> None:
    """No run of eight words of any probe stands in the data sets that failure modes are usually taken from."""
    suffixes = {".json", ".jsonl", ".csv", ".txt"}
    files = [file for file in (shared_data / "failure-modes").rglob("*") if file.suffix in suffixes]
    assert files
    theirs = set[int]().union(*(_shingles(file.read_text("utf-8", "replace").replace("\\n", " ")) for file in files))
    ours = {probe.id: _shingles(_said(probe)) for name in SUITES for probe in PROBES[name]}
    assert [name for name, runs in ours.items() if runs & theirs] == []
