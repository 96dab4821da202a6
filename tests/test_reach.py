"""What a comparison could show, before it is made."""

from pathlib import Path

import pytest

import weakspot
from conftest import probe
from test_merge import NAMES, rules, suite
from weakspot.errors import NotARun, UsageError
from weakspot.records import Assumption
from weakspot.runs.reach import learned, power
from weakspot.stats.compare import Item
from weakspot.stats.power import smallest_detectable


def test_more_pairs_can_show_less() -> None:
    """With every pair that is tested together the smallest difference that can be shown grows."""
    probes = [probe(f"p{number}") for number in range(200)]
    found = [power(probes, pairs).rows[0].smallest[1] for pairs in (1, 3, 10)]
    assert found == sorted(found, key=lambda value: value or 0)
    assert found[0] == pytest.approx(smallest_detectable(200, 0.25, alpha=0.05))


def test_controls_show_nothing() -> None:
    """Controls are no items: they make nothing easier to show."""
    probes = [probe(f"p{n}") for n in range(50)]
    controls = [probe(f"c{n}", arm="control") for n in range(50)]
    assert power(probes + controls, 1).rows == power(probes, 1).rows


def test_items_needed_show_the_difference_asked_for() -> None:
    """A suite of as many items as are needed could show the difference, and one of ten fewer could not."""
    needed = power([probe("p")], 1, 0.1, Assumption(0.3)).rows[0].needed[0]
    assert needed is not None
    for count, enough in ((needed, True), (needed - 10, False)):
        smallest = power([probe(f"p{n}") for n in range(count)], 1, like=Assumption(0.3)).rows[0].smallest[0]
        assert smallest is not None
        assert (smallest <= 0.1 + 1e-9) == enough


def test_an_earlier_run_tells_how_often_candidates_differ() -> None:
    """Discordance is the mean over the pairs of what was seen; where nothing was seen there is nothing to learn."""
    half = [Item("x", None, n % 2 == 0, False) for n in range(20)]
    never = [Item("x", None, False, False)] * 20
    assert learned({("a", "b"): half, ("a", "c"): never}) == Assumption(0.25, 1.0)
    assert learned({("a", "b"): []}) is None


def test_plan_learns_from_a_run_folder(tmp_path: Path) -> None:
    """`plan` with `like` uses the discordance of that run, and says which run it was."""
    items = suite(tmp_path / "s.jsonl", *NAMES)
    a, b = rules(tmp_path / "a.jsonl", *NAMES), rules(tmp_path / "b.jsonl", *NAMES[:9])
    weakspot.compare([a, b], suite=items, out=tmp_path / "run", cache=False)
    found = weakspot.plan([a, b], suite=str(items), difference=0.2, like=tmp_path / "run").power
    assert found is not None
    assert (found.assumptions, found.learned_from, found.pairs) == ((Assumption(0.25, 1.0),), "run", 1)


def test_one_candidate_has_nothing_to_show(tmp_path: Path) -> None:
    """Without a pair there is no power; a run of one candidate teaches nothing; a difference is a rate."""
    items = suite(tmp_path / "s.jsonl", *NAMES)
    a, b = rules(tmp_path / "a.jsonl", *NAMES), rules(tmp_path / "b.jsonl")
    weakspot.compare([a], suite=items, out=tmp_path / "run", cache=False)
    assert weakspot.plan([a], suite=str(items)).power is None
    with pytest.raises(NotARun, match="two candidates"):
        weakspot.plan([a, b], suite=str(items), like=tmp_path / "run")
    with pytest.raises(UsageError, match="between 0 and 1"):
        weakspot.plan([a, b], suite=str(items), difference=10)


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`weakspot plan` says what could be shown under each assumption, and how many items a difference needs."""
    from weakspot.cli.plan import run

    items = suite(tmp_path / "s.jsonl", *NAMES)
    a, b = rules(tmp_path / "a.jsonl", *NAMES), rules(tmp_path / "b.jsonl")
    assert run([a, b, "--suite", str(items), "--difference", "10"]) == 0
    said = capsys.readouterr().out
    assert "10% differ" in said
    assert "items for 10 points" in said
