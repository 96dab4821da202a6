"""Labelled rows on their way to a scorer: reading, halves, which scorer and why, hostile rows, and what is counted."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import weakspot
from weakspot.errors import ImportFailed, UsageError
from weakspot.validation.labelled import Row, read_labelled
from weakspot.validation.measuring import Agreement
from weakspot.validation.trials import FITTINGS, accepted


def row(number: int, **columns: Any) -> dict[str, Any]:
    """A labelled row about one capital."""
    base = {
        "id": f"r{number}", "task": "qa_correctness", "lang": "en", "prompt": f"capital of country {number}",
        "context": "", "reference": f"City{number}", "response": f"It is City{number}.", "label": "correct",
        "failure": False, "labeller": "human", "detail": None, "group": f"g{number}",
    }  # fmt: skip
    return base | columns


def write(folder: Path, *rows: object, name: str = "set.jsonl") -> Path:
    """A file of these rows; texts are written as they are."""
    lines = [r if isinstance(r, str) else json.dumps(r) for r in rows]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def wrong(number: int, **columns: Any) -> dict[str, Any]:
    """A row whose reply people called wrong."""
    return row(number, response="It is Elsewhere.", label="incorrect", failure=True, **columns)


def only(folder: Path, **options: Any) -> Agreement:
    """The one row of agreement of a folder."""
    (found,) = weakspot.validate_scorers(folder, resamples=200, **options).rows
    return found


def test_agreement_is_counted(tmp_path: Path) -> None:
    """A scorer that agrees with every label has balanced accuracy, F1 and AUC of 1 with their bounds, and names the rows."""
    found = only(write(tmp_path, *[row(i) for i in range(12)], *[wrong(i) for i in range(20, 32)]))
    assert (found.scorer, found.dataset, found.n, found.failing, found.half) == ("answer", "set", 24, 12, "all")
    assert (found.balanced_accuracy, found.low, found.high, found.f1, found.auc) == (1, 1, 1, 1, 1)
    assert (found.floor, found.verdict, found.labeller) == (1, "not told apart", "human")


def test_a_better_scorer_is_above_its_floor(tmp_path: Path) -> None:
    """Where gold substrings miss other forms of a name, the scorer is above the floor, and the difference is paired."""
    forms = [
        row(i, reference="William G. Brownlow", response="It was William Gannaway Brownlow.", prompt=f"governor {i}")
        for i in range(12)
    ]
    found = only(write(tmp_path, *forms, *[wrong(i) for i in range(20, 32)]))
    assert (found.floor, found.balanced_accuracy, found.verdict) == (0.5, 1, "above floor")
    assert found.difference == 0.5
    assert found.lower_bound_above_floor is True


def test_a_worse_scorer_is_told_so(tmp_path: Path) -> None:
    """Where people accept what the scorer does not and the floor does, the verdict is below."""
    lenient = [row(i, reference="City", response="It is not City.", prompt=f"q{i}") for i in range(12)]
    found = only(write(tmp_path, *lenient, *[wrong(i) for i in range(20, 32)]))
    assert (found.verdict, found.floor) == ("below", 1)


def test_halves_come_from_the_group_alone(tmp_path: Path) -> None:
    """A row's half is its group's SHA-256, the two halves share no group, and together they are all rows."""
    assert Row(1, {"group": "g1"}).half == ("held-back" if hashlib.sha256(b"g1").digest()[0] % 2 else "tuned")
    folder = write(tmp_path, *[row(i) for i in range(20)], *[wrong(i) for i in range(20, 40)])
    found = weakspot.validate_scorers(folder, half="each", resamples=200).rows
    assert [r.half for r in found] == ["tuned", "held-back"]
    assert sum(r.n for r in found) == 40 == only(folder).n
    assert sum(r.groups for r in found) == 40


def test_what_no_scorer_fits_is_listed_with_the_reason(tmp_path: Path) -> None:
    """Rows of an unknown task, without what a scorer needs, undecided, and of no schema are each listed, never dropped."""
    rows = [
        row(1, task="poetry", reference=None),
        row(2, reference=None),
        row(3, failure=None),
        row(4, task="truthfulness", reference=None, prompt="unknown"),
        row(5, task="hallucination", reference=None),
        row(6, task="pairwise_preference", response_1="a", response_2="b"),
        {"a": 1},
    ]
    found = weakspot.validate_scorers(write(tmp_path, *rows), resamples=200)
    assert found.rows == ()
    assert sum(lost.n for lost in found.left_out) == 7
    told = " ".join(lost.reason for lost in found.left_out)
    for part in (
        "poetry",
        "no accepted answer",
        "undecided",
        "truthfulqa.csv",
        "no rule",
        "judge",
        "common labelled schema",
    ):
        assert part in told


def test_unknown_tasks_are_taken_by_their_columns(tmp_path: Path) -> None:
    """A file of the schema with a task of another name goes by its reference or its context."""
    source = {"task": "my_rag", "context": "The tower is 330 metres tall.", "reference": None}
    texts = [("The tower is 330 metres tall.", False), ("I met my uncle Henri in Rome.", True)]
    rows = [row(i, **source, response=texts[i % 2][0], failure=texts[i % 2][1]) for i in range(20)]
    found = only(write(tmp_path, *rows, *[row(99, task="my_qa", failure=None)]))
    assert (found.scorer, found.balanced_accuracy) == ("grounded", 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": 1', "line 2: this is no JSON"),
        ("[1, 2]", "line 2: a row is a JSON object, not list"),
        ('{"response": 5}', "line 2: response must be text"),
        ('{"failure": "yes"}', "line 2: failure must be true, false or null"),
        ('{"detail": [1]}', "line 2: detail must be an object"),
        ("[" * 100_000, "line 2: this is no JSON"),
    ],
)
def test_corrupt_rows_are_told_with_their_line(tmp_path: Path, line: str, said: str) -> None:
    """A corrupt row stops with one sentence that names the file and the line."""
    with pytest.raises(ImportFailed, match=said) as caught:
        weakspot.validate_scorers(write(tmp_path, row(1), line))
    assert "set.jsonl" in caught.value.message
    assert caught.value.hint


def test_files_that_are_no_data(tmp_path: Path) -> None:
    """A missing folder, an empty one, bytes that are no UTF-8 and a table of references that is none are told apart."""
    with pytest.raises(UsageError, match=r"no \.jsonl or \.csv"):
        weakspot.validate_scorers(tmp_path / "nowhere")
    (tmp_path / "bad.jsonl").write_bytes(b'{"a": 1}\n\xff\xfe')
    with pytest.raises(ImportFailed, match="line 2: this is no UTF-8"):
        weakspot.validate_scorers(tmp_path)
    (tmp_path / "bad.jsonl").write_text("", encoding="utf-8")
    assert weakspot.validate_scorers(tmp_path).left_out[0].reason == "the file has no rows"
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no table of references"):
        weakspot.validate_scorers(tmp_path, references=tmp_path / "table.csv")


def test_hostile_values_are_rows_like_others(tmp_path: Path) -> None:
    """Lone surrogates, control characters, huge texts, odd references and empty replies get a verdict or a reason."""
    odd = [
        row(1, response="\ud800\x00\x1b[31m"),
        row(2, response="x" * 200_000),
        row(3, reference=["", 5, None, {"a": 1}]),
        row(4, reference={"correct": "one"}),
        row(5, response=""),
        row(6, reference="/////"),
        row(7, prompt="\u202e" * 100),
        row(8, lang="", group=""),
    ]
    found = weakspot.validate_scorers(write(tmp_path, *odd, *[wrong(i) for i in range(20, 32)]), resamples=200)
    (agreement,) = found.rows
    assert agreement.n + agreement.unscored + sum(lost.n for lost in found.left_out) >= len(odd) + 12


def test_csv_rows_are_typed(tmp_path: Path) -> None:
    """CSV cells of failure and reference are read as what they mean."""
    text = 'id,task,prompt,reference,response,failure,group\n1,qa_correctness,q,"[""a"", ""b""]",It is b,false,g\n'
    (tmp_path / "set.csv").write_text(text, encoding="utf-8")
    (found,) = read_labelled(tmp_path / "set.csv").rows
    assert (found.columns["failure"], accepted(found.columns["reference"])) == (False, ("a", "b"))


def test_accepted_answers() -> None:
    """Answers come as a list, an object, a number, or a text with slashes between them."""
    assert accepted("1908/In 1908") == ("1908", "In 1908")
    assert accepted({"correct": ["a", "b"]}) == ("a", "b")
    assert accepted(42) == ("42",)
    assert accepted("AC") == ("AC",)
    assert accepted(None) == accepted({}) == accepted([None]) == ()


def test_every_task_says_why() -> None:
    """Each scorer that a task is put to comes with its floor and its reason in words."""
    assert all(f.why and f.floor and f.target for group in FITTINGS.values() for f in group)
