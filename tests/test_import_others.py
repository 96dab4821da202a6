"""BIG-bench, HELM and plain tables: what comes out, and that the counts are the tool's own."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import weakspot
from weakspot.errors import ImportFailed, UsageError
from weakspot.exchange.importing import Asked, detect, read_foreign
from weakspot.probes.load import read_probes

HELM = Path(__file__).parent / "data" / "helm" / "last_word_model1"


@pytest.mark.parametrize("task", ["causal_judgement", "disambiguation_qa", "web_of_lies"])
def test_bbh_tasks(shared_data: Path, tmp_path: Path, task: str) -> None:
    """Each of the 50 examples of a BBH file is a probe that our reader takes, its canary kept, its target the one right option."""
    source = shared_data / "failure-modes" / "bigbench" / f"{task}.json"
    found = weakspot.import_results(source, out=tmp_path / "suite.jsonl")
    probes = read_probes(tmp_path / "suite.jsonl")
    raw = json.loads(source.read_text("utf-8"))
    assert (found.tool, found.probes, found.run) == ("BIG-bench", 50, False)
    for probe, example in zip(probes, raw["examples"], strict=True):
        assert raw["canary"] == probe.tags["canary"]
        assert probe.expect["type"] == "choice"
        place = probe.expect["options"].index(probe.expect["value"])
        assert example["target"] in (probe.expect["value"], f"({'ABC'[place]})")


BIG = {
    "name": "places",
    "canary": "c",
    "metrics": ["multiple_choice_grade"],
    "task_prefix": "Answer.\n",
    "example_input_prefix": "\nQ: ",
    "example_output_prefix": "\nA: ",
    "examples": [
        {"input": "Capital of Japan?", "target_scores": {"Kyoto": 0, "Tokyo": 1}},
        {"input": "A city of Japan?", "target_scores": {"Kyoto": 1, "Tokyo": 1, "Lima": 0}},
        {"input": "Capital of Peru?", "target": ["Lima", "LIMA"]},
    ],
}


def test_bigbench_options(tmp_path: Path) -> None:
    """target_scores become a choice, several right ones any of them, targets in the plural too; the task's words stand around."""
    (tmp_path / "task.json").write_text(json.dumps(BIG), "utf-8")
    assert detect(tmp_path) == "bigbench"
    one, two, three = read_foreign(tmp_path).probes
    assert one.messages is not None
    assert one.messages[0].content == "Answer.\nQ: Capital of Japan?\nOptions:\n(A) Kyoto\n(B) Tokyo\nA: "
    assert one.expect == {"type": "choice", "options": ["Kyoto", "Tokyo"], "value": "Tokyo", "letters": True}
    assert two.expect["values"] == ["Kyoto", "Tokyo"]
    assert three.expect["values"] == ["Lima", "LIMA"]
    likely = read_foreign(tmp_path, asked=Asked(metric="likelihood")).probes[0]
    assert (likely.expect["type"], likely.expect["value"]) == ("likelihood", 1)


def test_helm_counts(tmp_path: Path) -> None:
    """A run of the real HELM: 4 of 7 pass by exact_match, as its stats.json says, and the prompt is the one it sent."""
    found = weakspot.import_results(HELM, out=tmp_path / "run")
    [model] = found.models
    assert (found.tool, model.name, model.passed, model.failed) == ("helm", "model1", 4, 3)
    [held] = found.reported
    assert (held.metric, held.agrees) == ("share passed in last_word/test: exact_match", True)
    assert held.reported == pytest.approx(4 / 7)
    sent = json.loads((HELM / "scenario_state.json").read_text("utf-8"))["request_states"]
    assert [probe.prompt for probe in read_foreign(HELM).probes] == [state["request"]["prompt"] for state in sent]
    assert "model1" in (tmp_path / "run" / "report.md").read_text("utf-8")


def test_helm_asks_for_a_metric_it_has() -> None:
    """A metric that the run lacks is said with those it has."""
    with pytest.raises(ImportFailed, match="no metric bleu") as told:
        read_foreign(HELM, asked=Asked(metric="bleu"))
    assert "quasi_exact_match" in told.value.hint


def test_a_table_of_questions(tmp_path: Path) -> None:
    """A table without answers is a suite; what was guessed and what was left out is said."""
    (tmp_path / "q.csv").write_text('Question,Answer,Note\n"Two, and two?",4,a\nThree and three?,6,b\n,,\n', "utf-8")
    found = read_foreign(tmp_path / "q.csv")
    assert [probe.expect["value"] for probe in found.probes] == ["4", "6"]
    assert found.notes[0] == "Guessed from the names of columns: prompt = Question, reference = Answer."
    assert found.notes[1] == "Columns left out: Note."


TABLE = "q,a,gold,who,ok\n2+2?,4,4,x,yes\n2+2?,5,4,y,no\n3+3?,6,6,x,yes\n3+3?,6,6,y,\n"


def test_a_table_of_answers_of_two_models(tmp_path: Path) -> None:
    """Named columns, two models on the same questions: one run, paired, the table's verdicts kept, an empty one is none."""
    (tmp_path / "a.csv").write_text(TABLE, "utf-8")
    columns = {"prompt": "q", "response": "a", "reference": "gold", "model": "who", "passed": "ok"}
    found = weakspot.import_results(tmp_path / "a.csv", out=tmp_path / "run", options=Asked(columns=columns))
    assert [(m.name, m.passed, m.failed, m.undecided) for m in found.models] == [("x", 2, 0, 0), ("y", 0, 1, 1)]
    [pair] = weakspot.report(tmp_path / "run").summary.comparisons
    assert (pair.pooled.n, pair.pooled.only_b_failed) == (1, 1)


def test_a_table_without_verdicts_is_scored_here(tmp_path: Path) -> None:
    """Where there is a reference and no verdict, replies are scored by it, and a note says so; with neither, nothing is."""
    (tmp_path / "a.csv").write_text(TABLE.replace("ok", "remark"), "utf-8")
    columns = {"prompt": "q", "response": "a", "reference": "gold", "model": "who"}
    found = read_foreign(tmp_path / "a.csv", asked=Asked(columns=columns))
    assert [[score.passed for score in model.scores] for model in found.models] == [[True, True], [False, True]]
    assert any("scored here" in note for note in found.notes)
    (tmp_path / "b.csv").write_text("q,a\n2+2?,4\n", "utf-8")
    bare = read_foreign(tmp_path / "b.csv", asked=Asked(columns={"prompt": "q", "response": "a"}))
    assert [score.passed for score in bare.models[0].scores] == [None]


def test_graded_scores_need_a_threshold(tmp_path: Path) -> None:
    """A score between 0 and 1 is no verdict by itself; with a threshold it is."""
    lines = [{"prompt": f"q{i}", "response": "r", "score": score} for i, score in enumerate((0, 0.4, 0.8, 1))]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    plain = read_foreign(tmp_path / "a.jsonl").models[0].scores
    assert [score.passed for score in plain] == [False, None, None, True]
    cut = read_foreign(tmp_path / "a.jsonl", asked=Asked(threshold=0.5)).models[0].scores
    assert [score.passed for score in cut] == [False, False, True, True]


def test_ids_of_answers_do_not_part_the_models(shared_data: Path) -> None:
    """XSTest's rows have an id for each answer; its five models are still paired by the question, with the labels' counts."""
    source = shared_data / "failure-modes" / "labelled" / "xstest_refusal.jsonl"
    found = read_foreign(source)
    labels = [json.loads(line)["failure"] for line in source.read_text("utf-8").splitlines()]
    verdicts = [score.passed for model in found.models for score in model.scores]
    assert (len(found.models), len(found.probes)) == (5, 167)
    assert (verdicts.count(True), verdicts.count(False)) == (labels.count(False), labels.count(True))


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    """A name of a column that the table lacks is said with those it has; so is one that we do not know."""
    (tmp_path / "a.csv").write_text("prompt\nq\n", "utf-8")
    with pytest.raises(UsageError, match="no column 'query'"):
        read_foreign(tmp_path / "a.csv", asked=Asked(columns={"prompt": "query"}))
    with pytest.raises(UsageError, match="no column 'colour'"):
        read_foreign(tmp_path / "a.csv", asked=Asked(columns={"colour": "prompt"}))


def test_the_command(weakspot_command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """`weakspot import` says what was made, held against the tool's figures; a refusal is one sentence and exit code 16."""
    done = weakspot_command("import", str(HELM), "--out", str(tmp_path / "run"), "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["probes"], found["models"][0]["passed"], found["run"]) == (0, 7, 4, True)
    said = weakspot_command("import", str(HELM), "--from", "helm", "--out", str(tmp_path / "again"))
    assert "the tool states 0.571429, ours 0.571429\n" in said.stdout
    assert "THEY DIFFER" not in said.stdout
    (tmp_path / "x.csv").write_bytes(b"")
    refused = weakspot_command("import", str(tmp_path / "x.csv"))
    assert refused.returncode == 16
    assert refused.stderr.startswith("weakspot: ")
    assert "is empty" in refused.stderr


def test_an_imported_suite_asks_our_models(tmp_path: Path) -> None:
    """The probe file of an imported task is a suite like any other: a scripted model is put through it."""
    (tmp_path / "task.json").write_text(json.dumps(BIG), "utf-8")
    made = weakspot.import_results(tmp_path, out=tmp_path / "suite.jsonl")
    result = weakspot.compare(["scripted:echo"], suite=made.out, out=tmp_path / "run", cache=False)
    assert result.summary.probes == 3
    with pytest.raises(UsageError, match="exists already"):
        weakspot.import_results(tmp_path, out=tmp_path / "suite.jsonl")
