import json
import math
from pathlib import Path

import pytest
from scipy import stats

from conftest import probe
from weakspot import gate
from weakspot.api.conclude import count_up
from weakspot.cli.main import main
from weakspot.errors import NotARun, UsageError
from weakspot.exchange.making import info
from weakspot.records import Candidate, Probe, Rating, Score, to_json
from weakspot.rendering.gate import annotations, summary_markdown
from weakspot.runs.plan import Plan, probes_hash
from weakspot.stats.exceeding import failures, incomplete_beta, lower_bound, p_above, upper_bound
from weakspot.store.run import RunStore

Verdicts = dict[str, list[bool | None]]


def made(folder: Path, verdicts: Verdicts, *, groups: int = 0, name: str = "bot") -> Path:
    """A finished run with these verdicts by category; `groups` items each share a group where it is not 0."""
    probes: list[Probe] = []
    scores = []
    for category, passed in verdicts.items():
        for number, verdict in enumerate(passed):
            group = f"{category}-{number // groups}" if groups else None
            probes.append(probe(f"{category}-{number}", category, group=group))
            scores.append(Score(probes[-1].id, name, "contains", "answered", verdict, "said so"))
    candidate = Candidate(name, "scripted:x", "scripted", "x")
    plan = Plan("suite", False, (candidate,), len(probes), probes_hash(probes), False, "2026-01-01T00:00:00+00:00")
    rows = [(one.id, to_json(one)) for one in probes]
    with RunStore.create(folder, {"plan": to_json(plan), "id": b"1"}, rows) as store:
        store.set_meta(f"info/{name}", to_json(info("test", "1")))
        store.set_scores([(score.probe, name, to_json(score)) for score in scores])
        count_up(store, plan, probes)
    return folder


def some(failed: int, n: int, unscored: int = 0) -> list[bool | None]:
    """So many failures among so many items, and items without a verdict."""
    return [False] * failed + [True] * (n - failed) + [None] * unscored


def test_the_beta_function_is_scipys() -> None:
    """The incomplete beta function equals scipy's over small, large and fractional arguments."""
    for a in (0.5, 1, 3.7, 50, 4000):
        for b in (0.5, 1, 12.2, 900):
            for x in (1e-6, 0.01, 0.3, 0.5, 0.9, 0.999):
                assert math.isclose(incomplete_beta(a, b, x), stats.beta.cdf(x, a, b), rel_tol=1e-8, abs_tol=1e-12)


@pytest.mark.parametrize(("failed", "n"), [(0, 5), (1, 5), (5, 5), (7, 60), (30, 200)])
def test_bounds_are_clopper_and_pearsons(failed: int, n: int) -> None:
    """Without groups test and bounds are scipy's exact binomial ones."""
    counts = failures([True] * failed + [False] * (n - failed), [None] * n)
    expected = stats.binomtest(failed, n, 0.1, alternative="greater")
    assert math.isclose(p_above(counts, 0.1), expected.pvalue, rel_tol=1e-9)
    assert math.isclose(lower_bound(counts), expected.proportion_ci(0.95).low, abs_tol=1e-9)
    less = stats.binomtest(failed, n, 0.1, alternative="less").proportion_ci(0.95)
    assert math.isclose(upper_bound(counts), less.high, abs_tol=1e-9)


def test_groups_count_for_less() -> None:
    """Items that go one way in groups of four say as much as a quarter of them; mixed groups lose nothing."""
    alike = [number // 4 % 2 == 0 for number in range(80)]
    groups = [str(number // 4) for number in range(80)]
    assert failures(alike, groups).effective == pytest.approx(20, rel=0.06)
    mixed = [number % 2 == 0 for number in range(80)]
    assert failures(mixed, groups).effective == 80


def test_a_rate_shown_above_its_limit_closes(tmp_path: Path) -> None:
    """20 of 50 against a limit of 10% closes the gate; the bound in the result lies above the limit."""
    result = gate(made(tmp_path / "r", {"injection": some(20, 50)}), max_rate={"injection": 0.1})
    assert not result.passed
    assert result.checks[0].shown
    assert result.checks[0].low > 0.1


def test_a_rate_above_by_chance_does_not(tmp_path: Path) -> None:
    """4 of 20 against 10% is above, but not shown: the gate is open unless it is strict."""
    run = made(tmp_path / "r", {"injection": some(4, 20)})
    result = gate(run, max_rate={"injection": 0.1})
    assert result.passed
    assert "not shown" in result.checks[0].words
    assert not gate(run, max_rate={"injection": 0.1}, strict=True).passed


def test_a_limit_of_nought(tmp_path: Path) -> None:
    """A limit of 0 allows no failure at all: one shows that the rate is above it."""
    assert not gate(made(tmp_path / "a", {"c": some(1, 100)}), max_rate={"c": 0}).passed
    assert gate(made(tmp_path / "b", {"c": some(0, 3)}), max_rate={"c": 0}).passed


def test_many_limits_are_corrected_together(tmp_path: Path) -> None:
    """What one limit alone would show (p = 0.03) is not shown among ten."""
    verdicts = {"c0": some(5, 20)} | {f"c{n}": some(0, 20) for n in range(1, 10)}
    run = made(tmp_path / "r", verdicts)
    assert not gate(run, max_rate={"c0": 0.1}).passed
    assert gate(run, max_rate=dict.fromkeys(verdicts, 0.1)).passed


def test_the_gate_of_an_equal_model_is_closed_rarely() -> None:
    """A model whose true rate is the limit itself closes the gate in at most 5% of all outcomes (exact sum)."""
    closing = sum(
        stats.binom.pmf(failed, 40, 0.1)
        for failed in range(41)
        if p_above(failures([True] * failed + [False] * (40 - failed), [None] * 40), 0.1) <= 0.05
    )
    assert 0 < closing <= 0.05


def test_unscored_items_are_said_and_bounded(tmp_path: Path) -> None:
    """Items without a verdict are counted apart, with the rates that they could make; strict takes them as failures."""
    run = made(tmp_path / "r", {"c": some(1, 20, unscored=10)})
    check = gate(run, max_rate={"c": 0.2}).checks[0]
    assert (check.n, check.unscored, check.lowest, check.highest) == (20, 10, 1 / 30, 11 / 30)
    assert "only if most items without a verdict would have passed" in check.words
    assert not gate(run, max_rate={"c": 0.2}, strict=True).passed


def test_a_shown_worsening_closes(tmp_path: Path) -> None:
    """20 items that passed and now fail close the gate; the same run, and a better one, do not."""
    old = made(tmp_path / "old", {"a": some(2, 40), "b": some(5, 40)})
    new = made(tmp_path / "new", {"a": some(22, 40), "b": some(5, 40)})
    result = gate(new, baseline=old)
    assert [check.category for check in result.checks if check.closes] == ["", "a"]
    worse = next(check for check in result.checks if check.category == "a")
    assert (worse.failed, worse.before, worse.difference) == (22, 2, 0.5)
    assert gate(old, baseline=new).passed
    assert gate(old, baseline=old).passed


def test_a_small_worsening_is_not_shown(tmp_path: Path) -> None:
    """Two items more are no shown worsening; strict counts them."""
    old, new = made(tmp_path / "old", {"a": some(2, 40)}), made(tmp_path / "new", {"a": some(4, 40)})
    assert gate(new, baseline=old).passed
    assert "no worsening shown" in gate(new, baseline=old).checks[0].words
    assert not gate(new, baseline=old, strict=True).passed


def test_grouped_worsening_needs_more(tmp_path: Path) -> None:
    """Ten items that got worse in two groups are two observations and not shown; alone they are."""
    old = made(tmp_path / "o1", {"a": some(0, 40)}, groups=5)
    new = made(tmp_path / "n1", {"a": some(10, 40)}, groups=5)
    assert gate(new, baseline=old).passed
    alone = made(tmp_path / "o2", {"a": some(0, 40)}), made(tmp_path / "n2", {"a": some(10, 40)})
    assert not gate(alone[1], baseline=alone[0]).passed


def test_candidates_are_matched(tmp_path: Path) -> None:
    """Only candidates of both runs are compared by what they are called; changed items are left out and said."""
    old = made(tmp_path / "old", {"a": some(0, 20)}, name="v1")
    new = made(tmp_path / "new", {"a": some(0, 25)}, name="v2")
    result = gate(new, baseline=old)
    assert result.notes == (
        "v2 is held against v1, the only candidate of the baseline.",
        "5 items are not in the baseline; they are left out of the comparison.",
    )
    assert result.checks[0].n == 20


def test_lost_verdicts_are_said(tmp_path: Path) -> None:
    """Verdicts that the baseline had and this run has not are a note; without any verdict nothing can be compared."""
    old = made(tmp_path / "old", {"a": some(0, 20)})
    half = made(tmp_path / "half", {"a": some(0, 10, unscored=10)})
    assert "bot: 10 items had a verdict in the baseline and have none now." in gate(half, baseline=old).notes
    with pytest.raises(UsageError, match="No item has a verdict on both"):
        gate(made(tmp_path / "none", {"a": some(0, 0, unscored=20)}), baseline=old)


def test_what_can_not_be_asked(tmp_path: Path) -> None:
    """Wrong categories, rates, candidates and runs are sentences with an exit code other than 1."""
    run = made(tmp_path / "r", {"a": some(1, 4), "b": some(0, 0, unscored=3)})
    for words, match in (
        ({}, "Nothing is asked"),
        ({"max_rate": {"nope": 0.1}}, "no category 'nope'"),
        ({"max_rate": {"a": 1.5}}, "is 1.5"),
        ({"max_overall": float("nan")}, "is nan"),
        ({"max_rate": {"b": 0.1}}, "No item of 'b' has a verdict"),
        ({"max_overall": 0.1, "candidate": "x"}, "no candidate 'x'"),
        ({"baseline": made(tmp_path / "o", {"z": some(0, 3)})}, "no item in common"),
    ):
        with pytest.raises(UsageError, match=match) as told:
            gate(run, **words)
        assert told.value.exit_code == 2
    with pytest.raises(NotARun):
        gate(tmp_path, max_overall=0.1)


def test_a_hand_opens_the_gate(tmp_path: Path) -> None:
    """With effective scores what people said counts, here and in the baseline; the rules' verdicts count without."""
    run = made(tmp_path / "run", {"injection": some(8, 20)})
    with RunStore.open(run, write=True) as store:
        hands = [Rating(f"injection-{i}", "bot", "ann", "hand", True) for i in range(8)]
        store.add_ratings([(hand.rater, hand.probe, "bot", to_json(hand)) for hand in hands])
    limit = {"injection": 0.1}
    assert not gate(run, max_rate=limit).passed
    assert gate(run, max_rate=limit, scores="effective").passed


def test_exit_codes(tmp_path: Path, weakspot_command, capsys: pytest.CaptureFixture[str]) -> None:
    """The command exits 0 where nothing is shown, 1 on a shown regression and on nothing else."""
    run = made(tmp_path / "r", {"a": some(20, 40), "b": some(1, 40)})
    closed = weakspot_command("gate", str(run), "--max-rate", "a=0.1", "b=0.2", "--json")
    assert closed.returncode == 1
    found = json.loads(closed.stdout)
    assert (found["passed"], [check["closes"] for check in found["checks"]]) == (False, [True, False])
    assert main(["gate", str(run), "--max-rate", "b=0.2"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "The gate is open: none of 1 check shows a regression."
    for words in (["--max-rate", "a"], ["--max-rate", "a=x"], ["--max-rate", "q=0.1"]):
        assert main(["gate", str(run), *words]) == 2
    assert main(["gate", str(tmp_path), "--max-overall", "0.1"]) == 10


def test_github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`--github` prints an error for what closes the gate and appends a table to the job's summary."""
    run = made(tmp_path / "r", {"a|b": some(20, 40)})
    page = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    assert main(["gate", str(run), "--max-overall", "0.1", "--github"]) == 1
    assert capsys.readouterr().err.startswith(
        "::error title=Weakspot gate%3A bot%2C overall (limit)::20 of 40 failed, 50.0%25"
    )
    assert "| ❌ bot, overall (limit) |" in page.read_text(encoding="utf-8")


def test_hostile_names_stay_text() -> None:
    """A category's name can neither break the summary's table nor begin a workflow command."""
    check = {
        "kind": "limit", "candidate": "x", "category": "a|b\n::error::<img>", "n": 1, "failed": 1, "rate": 1.0, "low": 0.1,
        "high": 1.0, "unscored": 0, "uninformative": 0, "closes": True, "words": "w",
    }  # fmt: skip
    result = {"checks": [check], "passed": False, "strict": False, "notes": []}
    assert all(line.startswith(("::error title=", "::notice title=")) for line in annotations(result))
    assert all("\n" not in line for line in annotations(result))
    assert r"a\|b" in summary_markdown(result)
