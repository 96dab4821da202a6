"""What a candidate can do when it is asked plainly, which the failure rate leaves out."""

import json
from pathlib import Path

import weakspot
from conftest import probe
from weakspot.metrics.controls import LEAST, control_effects, control_rates
from weakspot.metrics.rows import Row
from weakspot.records import to_json

N = 20


def rows(passed: list[bool | None], arm: str = "positive-control") -> list[Row]:
    """Controls with these verdicts, each beside an item of its own."""
    return [
        Row(probe(f"c{i}", arm=arm, group=f"g{i}"), verdict, reply_class="answered") for i, verdict in enumerate(passed)
    ]


def test_a_control_without_a_verdict_was_not_passed() -> None:
    """What was not shown to be possible is not: an empty reply to the plain request counts as the wrong one does."""
    [found] = control_rates({"a": rows([True] * 15 + [False] * 3 + [None] * 2)})
    assert (found.failed.value, found.failed.n) == (0.25, N)


def test_a_difference_in_what_can_be_done_is_shown() -> None:
    """A candidate that passes all plain requests is told from one that passes none, paired; equal ones are not."""
    made = {"able": rows([True] * N), "unable": rows([False] * N), "able too": rows([True] * N)}
    found = {(c.a, c.b): c.effect for c in control_effects(made)}
    assert found["able", "unable"].shown
    assert (found["able", "unable"].first_only, found["able", "unable"].second_only) == (0, N)
    assert not found["able", "able too"].shown


def test_other_arms_and_few_controls_say_nothing() -> None:
    """Treatments are no controls, and a handful of controls is no test of its own."""
    assert control_rates({"a": rows([True] * N, arm="treatment")}) == ()
    assert control_effects({"a": rows([True] * (LEAST - 1)), "b": rows([False] * (LEAST - 1))}) == ()


def test_the_report_says_what_uninformative_items_hide(tmp_path: Path) -> None:
    """Where one candidate can do nothing, no rate differs, and the report still says that it can do less."""
    items = [probe(f"t{i}", group=f"g{i}", arm="treatment", value="seven") for i in range(N)]
    items += [probe(f"p{i}", group=f"g{i}", arm="positive-control") for i in range(N)]
    (tmp_path / "s.jsonl").write_bytes(b"".join(to_json(item) + b"\n" for item in items))
    rules = {"good": "yes", "bad": "no"}
    for name, said in rules.items():
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"contains": "", "reply": said}), "utf-8")
    models = [f"scripted:{tmp_path / name}.jsonl?name={name}" for name in rules]
    run = weakspot.compare(models, suite=tmp_path / "s.jsonl", out=tmp_path / "run", cache=False)
    assert not run.summary.comparisons[0].pooled.shown
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "Asked plainly" in page
    assert 'id="m-controls"' in page
    assert "good fails less" in page
