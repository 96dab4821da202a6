"""lm-evaluation-harness: its tasks ask the same here, its results count the same. The truth is in tests/data/lm_eval."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import weakspot
from lm_eval_local import LOCAL, localised
from weakspot.errors import ImportFailed, WeakspotError
from weakspot.exchange.importing import Asked, detect, read_foreign
from weakspot.records import Imported, Reply
from weakspot.scorers import score_reply
from weakspot.store.run import RunStore

DATA = Path(__file__).parent / "data" / "lm_eval"
TRUTH: dict[str, Any] = json.loads((DATA / "prompts.json").read_text("utf-8"))["tasks"]
OWN = sorted(path.name for path in (DATA / "tasks").glob("*.yaml"))


def check(name: str, found: Imported) -> None:
    """Every request of the real lm-eval is ours too: the context, the continuations, and no more."""
    truth = TRUTH[name]
    assert truth["first"][0] == found.probes[0].prompt
    asked: dict[int, list[Any]] = {}
    for doc, digest, continuation in truth["requests"]:
        asked.setdefault(doc, []).append((digest, continuation))
    assert len(asked) == len(found.probes)
    for doc, probe in enumerate(found.probes):
        digest = hashlib.sha256((probe.prompt or "").encode()).hexdigest()[:16]
        assert {one for one, _ in asked[doc]} == {digest}, probe.id
        if probe.expect["type"] == "likelihood":
            ours = [probe.expect["delimiter"] + choice for choice in probe.expect["choices"]]
            assert [continuation for _, continuation in asked[doc]] == ours
        elif truth["kind"] == "generate_until":
            told = asked[doc][0][1]
            assert (told.get("max_gen_toks", 256), tuple(told["until"])) == (
                probe.generation.max_tokens,
                probe.generation.stop,
            )


@pytest.mark.parametrize("name", OWN)
def test_the_prompt_is_lm_evals_own(name: str) -> None:
    """Each context and continuation of our task files is letter for letter the one that lm_eval 0.4.13 builds."""
    check(name, read_foreign(DATA / "tasks" / name))


def test_tasks_of_the_harness_ask_the_same(shared_data: Path, tmp_path: Path) -> None:
    """So are those of four of the harness's own task files, on local rows: boolq, gsm8k, MMLU anatomy, TruthfulQA."""
    paths = localised(shared_data / "failure-modes/formats/lm_eval", tmp_path, DATA / "tasks")
    assert set(LOCAL) == set(paths)
    for name, path in paths.items():
        check(name, read_foreign(path))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("ifeval/ifeval.yaml", 14),
        ("toxigen/toxigen.yaml", 8),
        ("bbq/bbq_multiple_choice.yaml", 8),
        ("crows_pairs/crows_pairs_english.yaml", 10),
        ("crows_pairs/crows_pairs_english_age.yaml", 10),
        ("truthfulqa/truthfulqa_gen.yaml", 28),
        ("truthfulqa/truthfulqa_mc2.yaml", 5),
    ],
)
def test_code_is_refused_with_its_line(shared_data: Path, name: str, line: int) -> None:
    """A task that needs Python is refused by the name of the function, its file and its line."""
    with pytest.raises(ImportFailed, match=rf"line {line}: .*!function utils\.\w+, which is code and is not run"):
        read_foreign(shared_data / "failure-modes/formats/lm_eval" / name)


def test_a_hub_that_is_not_there(shared_data: Path) -> None:
    """A task whose rows lie on a hub says how to name a local file, and takes one."""
    task = shared_data / "failure-modes/formats/lm_eval/super_glue/boolq/default.yaml"
    with pytest.raises(WeakspotError, match=r"hub|can't be loaded") as told:
        read_foreign(task)
    assert "--data" in told.value.hint
    found = read_foreign(task, asked=Asked(data=str(DATA / "tasks" / "boolq_val.jsonl")))
    assert len(found.probes) == 16


def test_choices_and_what_is_right() -> None:
    """multiple_choice becomes a choice by likelihood, with the delimiter, the index, and acc_norm where it is asked for."""
    found = read_foreign(DATA / "tasks" / "words_drawn.yaml", asked=Asked(metric="acc_norm"))
    expect = found.probes[0].expect
    assert (expect["type"], expect["delimiter"], expect["normalise"]) == ("likelihood", " => ", True)
    row = json.loads((DATA / "tasks/mmlu_test.jsonl").read_text("utf-8").splitlines()[0])
    assert (row["choices"], row["answer"]) == (expect["choices"], expect["value"])


def test_the_number_of_examples_can_be_changed() -> None:
    """`few_shot` is lm_eval's --num_fewshot: with 0 the prompt is the bare item; a task's own 0 stays, with a word."""
    bare = read_foreign(DATA / "tasks" / "sums.yaml", asked=Asked(few_shot=0)).probes[0].prompt or ""
    assert bare.startswith("Question:")
    assert bare.count("Question:") == 1
    fixed = read_foreign(DATA / "tasks" / "bigger.yaml", asked=Asked(few_shot=3))
    assert any("num_fewshot: 0" in note for note in fixed.notes)


@pytest.mark.parametrize("pipeline", ["strict-match", "flexible-extract"])
def test_filters_score_as_lm_eval_did(pipeline: str) -> None:
    """The task's filters and exact_match give every reply of the real run the verdict that lm_eval gave it."""
    found = read_foreign(DATA / "tasks" / "sums.yaml", asked=Asked(metric=f"exact_match,{pipeline}"))
    by_id = {probe.id: probe for probe in found.probes}
    verdicts = []
    for line in next((DATA / "results/adder-1").glob("samples_*.jsonl")).read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["filter"] == pipeline:
            score = score_reply(by_id[f"sums/{row['doc_id']}"], "it", Reply(text=row["resps"][0][0]), lambda _: None)
            verdicts.append(score.passed is (row["exact_match"] == 1))
    assert verdicts == [True] * 16


@pytest.mark.parametrize(
    ("folder", "metric", "passed", "failed"),
    [
        ("tiny-a", "", 12, 12),
        ("tiny-a", "acc", 12, 12),
        ("adder-1", "", 6, 10),
        ("adder-1", "exact_match,flexible-extract", 7, 9),
    ],
)
def test_counts_are_what_lm_eval_reports(folder: str, metric: str, passed: int, failed: int, tmp_path: Path) -> None:
    """A folder of samples becomes a run whose counts agree with every figure of the results file that can be held."""
    found = weakspot.import_results(DATA / "results" / folder, out=tmp_path / "run", options=Asked(metric=metric))
    [model] = found.models
    assert (folder, passed, failed, 0) == (model.name, model.passed, model.failed, model.undecided)
    assert (found.tool, found.version) == ("lm-eval", "0.4.13")
    held = [one.agrees for one in found.reported if one.ours is not None]
    assert held
    assert all(held)


def test_a_wrong_figure_is_told(tmp_path: Path) -> None:
    """Where the results file states another figure than its samples give, the import says that they differ."""
    for file in (DATA / "results/adder-1").iterdir():
        text = file.read_text("utf-8").replace('"exact_match,strict-match": 0.375', '"exact_match,strict-match": 0.5')
        (tmp_path / file.name).write_text(text, "utf-8")
    found = weakspot.import_results(tmp_path, out=tmp_path / "run")
    assert [(h.reported, h.ours, h.agrees) for h in found.reported if h.ours is not None] == [(0.5, 0.375, False)]


def test_two_models_are_compared(tmp_path: Path) -> None:
    """A folder of two models' folders is one run: the same items, paired, with the verdict in words and a report."""
    for name in ("tiny-a", "tiny-b"):
        (tmp_path / "out" / name).mkdir(parents=True)
        for file in (DATA / "results" / name).iterdir():
            (tmp_path / "out" / name / file.name).write_bytes(file.read_bytes())
    found = weakspot.import_results(tmp_path / "out", out=tmp_path / "run", options=Asked(task="passage"))
    assert {model.name: model.answers for model in found.models} == {"tiny-a": 16, "tiny-b": 16}
    [pair] = weakspot.report(tmp_path / "run").summary.comparisons
    assert pair.pooled.n == 16
    assert "no difference shown" in pair.pooled.verdict.lower() or pair.pooled.shown
    assert "tiny-b" in (tmp_path / "run" / "report.html").read_text("utf-8")


def test_the_run_says_where_it_came_from(tmp_path: Path) -> None:
    """The plan names the tool and its version, the candidate is imported, and the choices' likelihoods are kept."""
    weakspot.import_results(DATA / "results/tiny-b", out=tmp_path / "run")
    with RunStore.open(tmp_path / "run") as store:
        plan = json.loads(store.meta("plan") or b"{}")
        [first, *_] = [json.loads(row) for row in store.responses("tiny-b")]
    assert plan["origin"] == "lm-eval 0.4.13"
    assert plan["candidates"][0]["kind"] == "imported"
    assert len(first["replies"][0]["choice_logprobs"]) == 2


def test_older_layouts_are_read(tmp_path: Path) -> None:
    """Samples of 0.4.0 (lists for arguments, numbers for log-likelihoods, no names of metrics) count the same."""
    [file] = (DATA / "results/tiny-b").glob("samples_*.jsonl")
    lines = []
    for line in file.read_text("utf-8").splitlines():
        row = json.loads(line)
        row["arguments"] = [list(one.values()) for one in row["arguments"].values()]
        row["resps"] = [[[float(value), greedy == "True"]] for [[value, greedy]] in row["resps"]]
        lines.append(json.dumps({key: value for key, value in row.items() if key not in ("metrics", "filter")}))
    (tmp_path / "old.jsonl").write_text("\n".join(lines), "utf-8")
    assert detect(tmp_path / "old.jsonl") == "lm-eval"
    old = read_foreign(tmp_path / "old.jsonl")
    new = read_foreign(file)
    assert [score.passed for score in new.models[0].scores] == [score.passed for score in old.models[0].scores]


def test_an_empty_choice_is_left_out(tmp_path: Path) -> None:
    """An item with an empty choice has nothing whose likelihood could be asked: it is left out, and counted in a note."""
    rows = [json.loads(line) for line in (DATA / "tasks/tqa_val.jsonl").read_text("utf-8").splitlines()]
    rows[3]["mc1_targets"]["choices"][1] = ""
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    found = read_foreign(DATA / "tasks" / "bigger.yaml", asked=Asked(data=str(tmp_path / "rows.jsonl")))
    assert [probe.id for probe in found.probes[2:4]] == ["bigger/2", "bigger/4"]
    assert any(note.startswith("1 of 12 items") for note in found.notes)
