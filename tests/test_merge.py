"""Runs compared with runs, and candidates held against a baseline."""

import json
from pathlib import Path

import pytest

import weakspot
from conftest import probe
from weakspot.errors import NotARun, UsageError
from weakspot.exchange.importing import Asked
from weakspot.records import Generation, Probe, from_json, to_json
from weakspot.store.run import RunStore


def suite(path: Path, *names: str, **more: object) -> Path:
    """A probe file of small probes."""
    probes: list[Probe] = [probe(name, **more) for name in names]
    path.write_bytes(b"".join(to_json(item) + b"\n" for item in probes))
    return path


def rules(path: Path, *yes: str) -> str:
    """A scripted model that says yes to these probes and no to the others, as a reference named after the file."""
    rows = [{"contains": f"Question {name}:", "reply": "yes"} for name in yes] + [{"contains": "", "reply": "no"}]
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return f"scripted:{path}?name={path.stem}"


NAMES = [f"p{number:02}" for number in range(12)]


def test_two_runs_are_compared_on_the_items_they_share(tmp_path: Path) -> None:
    """Candidates asked on different days are paired item by item, as if they had been asked together."""
    items = suite(tmp_path / "s.jsonl", *NAMES)
    good, bad = rules(tmp_path / "good.jsonl", *NAMES), rules(tmp_path / "bad.jsonl")
    for name, model in (("one", good), ("two", bad)):
        weakspot.compare([model], suite=items, out=tmp_path / name, cache=False)
    together = weakspot.compare([good, bad], suite=items, out=tmp_path / "both", cache=False).summary
    merged = weakspot.compare([tmp_path / "one", tmp_path / "two"], out=tmp_path / "merged").summary
    assert merged.comparisons[0].pooled == together.comparisons[0].pooled
    assert merged.comparisons[0].pooled.shown
    assert merged.origin == "Weakspot"
    assert (tmp_path / "merged" / "report.html").is_file()


def test_items_that_only_one_run_holds_are_left_out(tmp_path: Path) -> None:
    """An item that is missing, or asks something else under the same id, enters no pair, and the report says so."""
    model = rules(tmp_path / "m.jsonl", *NAMES)
    weakspot.compare([model], suite=suite(tmp_path / "a.jsonl", *NAMES), out=tmp_path / "one", cache=False)
    other = [probe(NAMES[0], value="maybe"), *(probe(name) for name in NAMES[1:9])]
    (tmp_path / "b.jsonl").write_bytes(b"".join(to_json(item) + b"\n" for item in other))
    weakspot.compare([model], suite=tmp_path / "b.jsonl", out=tmp_path / "two", cache=False)
    merged = weakspot.compare([tmp_path / "one", tmp_path / "two"], out=tmp_path / "merged")
    assert merged.summary.comparisons[0].pooled.n == 8
    assert list(merged.summary.models) == ["m (one)", "m (two)"]
    assert "1 items have the same id but another question" in (tmp_path / "merged" / "report.md").read_text("utf-8")


def test_runs_without_a_common_item_are_told(tmp_path: Path) -> None:
    """Two runs over different suites are refused in words, and nothing is written."""
    model = rules(tmp_path / "m.jsonl", "p00")
    weakspot.compare([model], suite=suite(tmp_path / "a.jsonl", "p00"), out=tmp_path / "one", cache=False)
    weakspot.compare([model], suite=suite(tmp_path / "b.jsonl", "p01"), out=tmp_path / "two", cache=False)
    with pytest.raises(UsageError, match="no item in common"):
        weakspot.compare([tmp_path / "one", tmp_path / "two"], out=tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_a_model_and_a_run_are_not_mixed(tmp_path: Path) -> None:
    """A run folder beside a model reference is a mistake that is told at once."""
    model = rules(tmp_path / "m.jsonl", "p00")
    weakspot.compare([model], suite=suite(tmp_path / "a.jsonl", "p00"), out=tmp_path / "one", cache=False)
    with pytest.raises(UsageError, match="is no run folder"):
        weakspot.compare([tmp_path / "one", model], out=tmp_path / "merged")


def test_a_merged_run_is_not_resumed(tmp_path: Path) -> None:
    """There is nothing to go on with in a run that was put together from others."""
    items = suite(tmp_path / "s.jsonl", *NAMES)
    for name in ("one", "two"):
        weakspot.compare([rules(tmp_path / f"{name}.jsonl")], suite=items, out=tmp_path / f"r-{name}", cache=False)
    weakspot.compare([tmp_path / "r-one", tmp_path / "r-two"], out=tmp_path / "merged")
    with pytest.raises(UsageError, match="nothing to go on with") as caught:
        weakspot.resume(tmp_path / "merged")
    assert "weakspot resume" not in caught.value.hint


def test_what_an_import_had_to_say_goes_along(tmp_path: Path) -> None:
    """The notes of imported runs, and of runs that were merged before, stand in the run that is made of them."""
    for name, right in (("x", "yes"), ("y", "no")):
        rows = "".join(f"Is {n} odd?,{right},{'yes' if n % 2 else 'no'}\n" for n in range(1, 9))
        (tmp_path / name).mkdir()
        (tmp_path / name / "answers.csv").write_text("q,a,gold\n" + rows, "utf-8")
        columns = {"prompt": "q", "response": "a", "reference": "gold"}
        asked = Asked(columns=columns, model=name)
        weakspot.import_results(tmp_path / name / "answers.csv", out=tmp_path / f"run-{name}", options=asked)
    weakspot.compare([tmp_path / "run-x", tmp_path / "run-y"], out=tmp_path / "merged")
    page = (tmp_path / "merged" / "report.md").read_text("utf-8")
    for name in ("run-x", "run-y"):
        with RunStore.open(tmp_path / name) as store:
            said = from_json(store.meta("import-notes") or b"[]", list[str])
        assert said
        assert all(f"{name}: {note}" in page for note in said)


def test_an_unfinished_run_is_told(tmp_path: Path) -> None:
    """A folder without a finished run is named, with what to do."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "run.sqlite").write_bytes(b"")
    with pytest.raises(NotARun):
        weakspot.compare([tmp_path / "empty", tmp_path / "empty"], out=tmp_path / "merged")


def test_a_baseline_is_held_against_each_of_the_others(tmp_path: Path) -> None:
    """With a baseline only the pairs with it are tested, so each keeps a larger part of the level."""
    items = suite(tmp_path / "s.jsonl", *NAMES)
    a, b, c = (rules(tmp_path / f"{n}.jsonl", *NAMES[:k]) for n, k in (("a", 12), ("b", 6), ("c", 0)))
    every = weakspot.compare([a, b, c], suite=items, out=tmp_path / "every", cache=False).summary
    held = weakspot.compare([a, c], baseline=b, suite=items, out=tmp_path / "held", cache=False).summary
    assert [(pair.a, pair.b) for pair in held.comparisons] == [("b", "a"), ("b", "c")]
    assert (held.baseline, held.ranking) == ("b", ())
    assert [(s.name, s.failed, s.groups) for s in every.ranking] == [("a", 0, "a"), ("b", 6, "ab"), ("c", 12, "b")]
    level = {frozenset((p.a, p.b)): p.pooled.p_adjusted for p in every.comparisons}[frozenset("ab")]
    assert (held.comparisons[0].pooled.p_adjusted or 1) <= (level or 0)


def test_a_baseline_named_among_the_candidates_is_not_asked_twice(tmp_path: Path) -> None:
    """A baseline that is one of the candidates, by name or reference, joins no second time."""
    items = suite(tmp_path / "s.jsonl", *NAMES)
    a, b = rules(tmp_path / "a.jsonl", *NAMES), rules(tmp_path / "b.jsonl")
    for number, name in enumerate(("b", b)):
        run = weakspot.compare([a, b], baseline=name, suite=items, out=tmp_path / f"r{number}", cache=False).summary
        assert list(run.models) == ["a", "b"]
        assert (run.comparisons[0].a, run.comparisons[0].b) == ("b", "a")


def test_a_report_says_how_many_failures_were_cut(tmp_path: Path) -> None:
    """Failures that end at the token limit are counted in a note with what to try; with room there is none."""
    items = suite(tmp_path / "s.jsonl", *NAMES, value="seven", generation=Generation(max_tokens=2))
    (tmp_path / "m.jsonl").write_text(json.dumps({"contains": "", "reply": "one two three four"}), "utf-8")
    model = f"scripted:{tmp_path / 'm.jsonl'}"
    weakspot.compare(
        [f"{model}?name=m", f"{model}?max_tokens=9&name=roomy"], suite=items, out=tmp_path / "run", cache=False
    )
    page = (tmp_path / "run" / "report.md").read_text("utf-8")
    assert page.count("were cut at their item's token limit") == 1
    assert "12 of 12 failed replies of m" in page.replace("\\", "")
