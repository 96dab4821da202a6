"""The lab's sequences: seeded, split, paired, and of the form they claim."""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from weakspot.cli.main import main
from weakspot.errors import UsageError
from weakspot.lab.names import SHAPES, TASKS, cell_name, crossings, known_shape
from weakspot.lab.probing import probes, write_suite
from weakspot.lab.tasks import (
    END,
    SEPARATOR,
    Source,
    examples,
    held_apart,
    longest,
    training,
    vocabulary,
    words,
)
from weakspot.lab.tasks_forms import FORMS, form_behind, is_valid
from weakspot.lab.tasks_making import MATCH
from weakspot.probes.load import read_probes
from weakspot.records.lab import Cell

LENGTHS = (1, 2, 3, 5, 9, 14)


def asked(task: str, length: int = 4, n: int = 40) -> Iterator[tuple[list[str], list[str]]]:
    """Prompts, without the separator, and answers of a task's tests."""
    for example in examples(task, length, n, "tests"):
        prompt = words(task, example.prompt)
        assert prompt.pop() == SEPARATOR
        yield prompt, words(task, example.answer)


def test_copy_reverse_and_sorting_answer_as_python_does() -> None:
    """The answers are the prompt, the prompt backwards and the prompt in order."""
    for task, answer in {"copy": list, "reverse": lambda text: text[::-1], "sorting": sorted}.items():
        for prompt, given in asked(task, 9):
            assert given == answer(prompt)
            assert len(prompt) == 9


def test_recall_asks_for_pairs_of_the_prompt() -> None:
    """Every key is asked once, and the answer is each with the token that stands behind it in the pairs."""
    for prompt, given in asked("recall"):
        cut = prompt.index("?")
        pairs = dict(zip(prompt[0:cut:2], prompt[1:cut:2], strict=True))
        assert len(pairs) == 4
        assert sorted(prompt[cut + 1 :]) == sorted(pairs)
        assert given == [token for key in prompt[cut + 1 :] for token in (key, pairs[key])]


def test_brackets_close_what_is_open() -> None:
    """Prompt and answer are balanced, and the answer has as many tokens as the length says."""
    closed = 0
    for prompt, given in asked("brackets", 5, 100):
        assert is_valid("brackets", prompt, given)
        assert len(given) == 5
        assert set(given) <= set(MATCH.values())
        closed += len(prompt) > 5
    assert 20 < closed < 90


def test_json_is_completed_to_a_document_of_the_depth() -> None:
    """Prompt and answer parse, as deep as the length says; what closes a level repeats what opened it."""
    for prompt, given in asked("json", 6):
        value = json.loads(" ".join((*prompt, *given)))
        for _ in range(6):
            if isinstance(value, list):
                first, inner, last = value
                assert first == last
                value = inner
            else:
                [(key, inner), (end, last)] = value.items()
                assert (end, last) == ("end", key)
                value = inner
        assert not isinstance(value, list | dict)


@pytest.mark.parametrize("task", ["addition", "addition-triples"])
def test_additions_add(task: str) -> None:
    """The answer is the sum, in the tokens of the task: single digits, or groups of three from the right."""
    for prompt, given in asked(task, 7):
        cut = prompt.index("+")
        parts = [prompt[:cut], prompt[cut + 1 :], given]
        first, second, total = (int("".join(part)) for part in parts)
        assert first + second == total
        assert len(str(first)) == len(str(second)) == 7
        assert all({len(token) for token in part[1:]} == {1 if task == "addition" else 3} for part in parts)


def test_additions_differ_in_tokens_only() -> None:
    """Both tokenizations of addition have the same numbers in the same order, in tests and in training."""
    for first, second in zip(asked("addition", 5), asked("addition-triples", 5), strict=True):
        assert ["".join(part) for part in first] == ["".join(part) for part in second]
    one, other = (next(training(task, 3, 20, (1, 6))) for task in ("addition", "addition-triples"))
    for left, right in zip(one, other, strict=True):
        assert "".join(words("addition", left.prompt)) == "".join(words("addition-triples", right.prompt))


@pytest.mark.parametrize("task", TASKS)
def test_no_test_is_trained_on(task: str) -> None:
    """Where a length has prompts enough, tests and training share none, no test is asked twice; elsewhere they do."""
    for length in LENGTHS:
        tested = [example.prompt for example in examples(task, length, 200, "tests")]
        source = Source(task, "training", 0, held_out=False)
        trained = {source.draw(length).prompt for _ in range(2000)}
        if held_apart(task, length):
            assert not trained & set(tested)
            assert len(set(tested)) == 200
        else:
            assert trained & set(tested)
    assert held_apart(task, 9)


@pytest.mark.parametrize("task", TASKS)
def test_sequences_hang_on_the_seed_alone(task: str) -> None:
    """Another seed trains on other sequences; the tests are the same, and a longer set begins with the shorter."""
    drawn = [list(islice(training(task, seed, 8, (1, 6)), 3)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert examples(task, 5, 30, "tests") == examples(task, 5, 60, "tests")[:30]
    assert examples(task, 5, 30, "tests") != examples(task, 5, 30, "watched")


def test_sequences_are_those_of_any_process() -> None:
    """No hash of this process decides: another one draws the same."""
    code = "from weakspot.lab.tasks import examples; print(examples('brackets', 6, 5, 'tests'))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == str(examples("brackets", 6, 5, "tests"))


@pytest.mark.parametrize("task", TASKS)
def test_longest_is_an_upper_bound(task: str) -> None:
    """No prompt and no answer is longer than what tables of positions are made for, and one comes near."""
    for length in LENGTHS:
        most = longest(task, length)
        drawn = examples(task, length, 150, "tests")
        found = max(len(e.prompt) for e in drawn), max(len(e.answer) for e in drawn) + 1
        assert all(one <= bound for one, bound in zip(found, most, strict=True))
        assert sum(found) >= 0.7 * sum(most)


@pytest.mark.parametrize("task", FORMS)
def test_a_form_allows_every_right_answer_and_nothing_malformed(task: str) -> None:
    """The expected answers pass token by token, and any random way through the form ends well formed."""
    random = Random(5)
    for prompt, given in asked(task):
        form = form_behind(task, prompt)
        for token in (*given, END):
            assert token in form.allowed()
            form.take(token)
        form, written = form_behind(task, prompt), []
        while (allowed := form.allowed()) != (END,) and len(written) < 400:
            ends = [token for token in allowed if token in ("}", "]", END, *MATCH.values())]
            token = random.choice(ends if ends and random.random() < 0.8 else allowed)
            if token == END:
                break
            form.take(token)
            written.append(token)
        assert is_valid(task, prompt, written)
        assert not is_valid(task, prompt, given[:-1])


def test_wrong_names_and_lengths_are_refused() -> None:
    """An unknown task or shape names the known ones; a length that a task does not have says so."""
    with pytest.raises(UsageError, match="no task named 'copying'") as told:
        examples("copying", 3, 1, "tests")
    assert "copy, reverse" in told.value.hint
    with pytest.raises(UsageError, match="no shape named"):
        known_shape("bert")
    for length in (0, 27):
        with pytest.raises(UsageError, match=f"no length {length}"):
            longest("sorting", length)


def test_crossings_differ_in_one_part() -> None:
    """The pairs found differ in just the part named; GPT and LLaMA differ in several and are no crossing."""
    found = crossings(list(SHAPES))
    assert ("positions", "block-learned", "block-rope") in found
    assert ("kind", "block-t5", "encdec-t5") in found
    assert not [pair for pair in found if set(pair[1:]) == {"gpt", "llama"}]
    for part, first, second in found:
        one, other = SHAPES[first].parts(), SHAPES[second].parts()
        assert [name for name in one if one[name] != other[name]] == [part]


def test_a_cells_name_tells_cells_apart() -> None:
    """Any changed field gives another name, and the name is a plain file name."""
    cell = Cell(task="copy", shape="block-t5", seed=1, steps=10)
    others = [Cell(task="copy", shape="block-t5", seed=1, steps=11), Cell("copy", "block-t5", 1, 10, far=21)]
    assert len({cell_name(one) for one in (cell, *others)}) == 3
    assert cell_name(cell) == cell_name(Cell("copy", "block-t5", 1, 10))
    assert cell_name(cell).replace("-", "").isalnum()


@pytest.mark.parametrize("length", ["1" * 5000, "1234567890", "-1", "x", ""])
def test_a_length_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], length: str) -> None:
    """What is no length, or one with more digits than any has, is refused in one sentence."""
    assert main(["lab", "probes", "copy", "--lengths", length, "--out", str(tmp_path / "x.jsonl")]) == 2
    assert "is no length" in capsys.readouterr().err


def test_probes_are_a_suite(tmp_path: Path) -> None:
    """The file that is written reads back as the probes that were made, the lab's own test sequences."""
    made = probes("json", (1, 3), 4)
    assert read_probes(write_suite("json", (1, 3), 4, tmp_path / "suite.jsonl")) == made
    assert [probe.tags["length"] for probe in made] == ["1"] * 4 + ["3"] * 4
    first = examples("json", 3, 1, "tests")[0]
    assert made[4].prompt == " ".join(words("json", first.prompt))
    assert made[4].expect == {"type": "exact", "value": " ".join(words("json", first.answer))}


def test_tokens_have_no_spaces_and_are_told_apart() -> None:
    """A tokenizer that cuts at spaces gives each task's tokens back."""
    for task in TASKS:
        tokens = vocabulary(task)
        assert len(set(tokens)) == len(tokens)
        assert not any(set(token) & set(" \n") for token in tokens)
