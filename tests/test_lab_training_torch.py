"""Training and measuring in the lab: fixed by the cell, honest in what is counted, clear in what goes wrong."""

from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

from weakspot.errors import TrainingDiverged, UsageError, WeakspotError  # noqa: E402 - behind the skip
from weakspot.lab.cell import run_cell  # noqa: E402
from weakspot.lab.measuring import answer, counted  # noqa: E402
from weakspot.lab.names import SHAPES, TASKS, cell_name  # noqa: E402
from weakspot.lab.shapes import SPREAD, target  # noqa: E402
from weakspot.lab.structure import StructureHead, token_kind  # noqa: E402
from weakspot.lab.tasks import END_ID, examples, training, vocabulary, words  # noqa: E402
from weakspot.lab.tasks_forms import is_valid  # noqa: E402
from weakspot.lab.training import _step, build_of, in_parts, share, train, weights_sha256  # noqa: E402
from weakspot.records import from_json, to_json  # noqa: E402
from weakspot.records.lab import Cell, CellResult  # noqa: E402

pytestmark = pytest.mark.torch

TINY = Cell("copy", "gpt", 0, steps=6, batch=8, width=16, heads=2, high=3, far=5, tests=12)


def cell(**changes: Any) -> Cell:
    """A cell of a second or less."""
    return msgspec.structs.replace(TINY, **changes)


@pytest.mark.parametrize("shape", ["gpt", "t5", "block-learned-offset"])
def test_a_cell_is_a_pure_function(shape: str, tmp_path: Path) -> None:
    """Run twice, in another state of torch's generator, a cell gives the same weights and the same answers."""
    runs = []
    for number in range(2):
        torch.manual_seed(number)
        runs.append(run_cell(cell(shape=shape), tmp_path))
    first, second = runs
    assert first.weights_sha256 == second.weights_sha256
    assert (first.lengths, first.curve) == (second.lengths, second.curve)
    other = run_cell(cell(shape=shape, seed=1), tmp_path)
    assert other.weights_sha256 != first.weights_sha256


def test_running_a_cell_leaves_torch_as_it_was(tmp_path: Path) -> None:
    """Neither the caller's random numbers nor its number of threads hang on a cell that ran between."""
    torch.manual_seed(4)
    expected = torch.rand(3).tolist()
    torch.manual_seed(4)
    threads = torch.get_num_threads()
    run_cell(cell(), tmp_path)
    assert torch.rand(3).tolist() == expected
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("task", TASKS)
def test_a_result_holds_every_decoding_and_length(task: str, tmp_path: Path) -> None:
    """Each decoding of the task has each length with every sequence counted once; the record survives JSON."""
    found = run_cell(cell(task=task), tmp_path)
    assert tuple(found.lengths) == TASKS[task].decodings
    for results in found.lengths.values():
        assert [result.length for result in results] == [1, 2, 3, 4, 5]
        for result in results:
            assert result.n == len(result.outcomes) == 12
            assert result.exact == result.outcomes.count("1")
            assert sum(result.first_errors) == result.n - result.exact
            assert (result.valid is not None) == (task in ("brackets", "json"))
    assert from_json(to_json(found), CellResult) == found
    assert found.model == f"models/{cell_name(cell(task=task))}"
    assert (tmp_path / found.model / "model.safetensors").is_file()


def test_training_lowers_the_loss_and_tells_each_step(tmp_path: Path) -> None:
    """The curve ends lower than it began, and `on_step` hears every step once."""
    told: list[int] = []
    found = run_cell(cell(steps=60, rate=5e-3), tmp_path, lambda step, loss: told.append(step))
    assert told == list(range(1, 61))
    assert found.curve[-1].loss < found.curve[0].loss - 0.5
    assert found.curve[-1].step == 60
    assert len(found.curve) == 20
    assert found.steps_per_s == pytest.approx(60 / found.train_s)


def test_all_shapes_see_the_same_batches() -> None:
    """The stream of a seed is drawn from task, seed and lengths: nothing of the shape enters it."""
    first = list(islice(training("copy", 5, 4, (1, 3)), 2))
    for shape in ("gpt", "t5"):
        train(cell(shape=shape, steps=1))
        assert list(islice(training("copy", 5, 4, (1, 3)), 2)) == first


def test_memory_is_counted_exactly() -> None:
    """Weights, gradients and two moments are four numbers a parameter; activations grow with the batch."""
    found = train(cell())
    weights = sum(weight.numel() for weight in found.net.model.parameters())
    steps = 4 * sum(1 for _ in found.net.model.parameters())  # AdamW keeps its step count as a number for each
    assert found.state_bytes == 16 * weights + steps
    wide = train(cell(batch=16))
    assert wide.state_bytes == found.state_bytes
    assert wide.activation_bytes == pytest.approx(2 * found.activation_bytes, rel=0.1)


def test_counting_knows_where_answers_went_wrong() -> None:
    """Right, wrong at a place, cut short and too long are told apart, in tenths of the expected answer and its end."""
    drawn = examples("copy", 9, 4, "tests")
    right = [*drawn[0].answer, END_ID]
    wrong = [*drawn[1].answer, END_ID]
    wrong[3] = END_ID + 1
    given = [right, wrong, list(drawn[2].answer[:8]), [*drawn[3].answer, 9, END_ID]]
    found = counted("copy", 9, drawn, given)
    assert (found.outcomes, found.exact, found.n) == ("1000", 1, 4)
    assert found.first_errors == (0, 0, 0, 1, 0, 0, 0, 0, 1, 1)
    assert (found.right, found.tokens) == (9 + 8 + 8 + 9, 36)


def test_constrained_answers_keep_to_the_form() -> None:
    """An untrained model's free answers are malformed; constrained ones that end are well formed without exception."""
    for task in ("brackets", "json"):
        net = train(cell(task=task, steps=1)).net
        net.model.eval()
        drawn = examples(task, 2, 60, "tests")
        rows = {how: answer(task, net, drawn, decoding=how) for how in ("free", "constrained")}
        valid = {
            how: [
                is_valid(task, words(task, example.prompt), words(task, given[:-1]))
                for example, given in zip(drawn, rows[how], strict=True)
                if given[-1] == END_ID
            ]
            for how in rows
        }
        assert not any(valid["free"])
        assert all(valid["constrained"])
        assert rows["free"] != rows["constrained"]


def test_the_structure_head_chooses_the_kind_first() -> None:
    """The token chosen is the likeliest of the head's kind, and the head's loss gives the model no gradient."""
    head = StructureHead("json", 16)
    states, logits = torch.randn(50, 16), torch.randn(50, len(vocabulary("json")))
    chosen = head.choose(states, logits).tolist()
    kinds = [head.names[kind] for kind in head.scores(states).argmax(-1).tolist()]
    tokens = vocabulary("json")
    for row, (token, kind) in enumerate(zip(chosen, kinds, strict=True)):
        assert token_kind(tokens[token]) == kind
        same = [number for number, text in enumerate(tokens) if token_kind(text) == kind]
        assert token == max(same, key=lambda number: float(logits[row, number]))


def test_the_structure_head_leaves_the_model_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head whose loss is a thousand times as large changes its own weights and none of the model's."""
    plain = train(cell(task="json", steps=4))
    own = StructureHead.loss
    monkeypatch.setattr(StructureHead, "loss", lambda self, states, targets: 1000 * own(self, states, targets))
    loud = train(cell(task="json", steps=4))
    assert weights_sha256(loud.net.model) == weights_sha256(plain.net.model)
    assert weights_sha256(loud.head) != weights_sha256(plain.head)


def test_the_table_reaches_beyond_the_trained_lengths() -> None:
    """A learned table has rows for the longest test; those no training sequence reaches keep their first values."""
    small = cell(shape="block-learned", steps=3, far=9)
    with_steps, fresh = train(small).net.model, train(msgspec.structs.replace(small, rate=1e-30)).net.model
    moved = (with_steps.decoder.table.weight != fresh.decoder.table.weight).any(-1)
    assert len(moved) == build_of(small).table >= 2 * 9 + 1
    assert moved.tolist() == [True] * 7 + [False] * (len(moved) - 7)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"task": "chess"}, "no task named 'chess'"),
        ({"shape": "bert"}, "no shape named 'bert'"),
        ({"steps": 0}, "steps=0"),
        ({"tests": -1}, "tests=-1"),
        ({"rate": float("nan")}, "learning rate of nan"),
        ({"width": 15}, "can't be shared"),
        ({"high": 6}, "out of order"),
        ({"task": "sorting", "far": 30}, "no length 30"),
    ],
)
def test_cells_that_make_no_training_are_refused(changes: dict[str, Any], text: str, tmp_path: Path) -> None:
    """Each wrong field is an error that says which, before anything is written."""
    with pytest.raises(UsageError, match=text):
        run_cell(cell(**changes), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_no_number_stops_with_its_step(tmp_path: Path) -> None:
    """A learning rate that blows the weights up is an error with the step, and no model is kept."""
    with pytest.raises(TrainingDiverged, match=r"no number at step \d+") as told:
        run_cell(cell(steps=60, rate=1e30), tmp_path)
    assert isinstance(told.value, WeakspotError)
    assert told.value.exit_code == 17
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is there")
def test_cuda_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Asking for CUDA on a machine without it is an error and no silent run on the CPU."""
    with pytest.raises(UsageError, match="no CUDA device"):
        run_cell(cell(), tmp_path, device="cuda")


def test_the_rate_goes_up_and_down() -> None:
    """The first step's share is small, the end of the warm-up has all of it, the last step a tenth."""
    shares = [share(step, 1000) for step in range(1, 1001)]
    assert shares[0] == pytest.approx(0.01)
    assert max(shares) == shares[99] == pytest.approx(1.0)
    assert shares[-1] == pytest.approx(0.1)
    assert shares[99:] == sorted(shares[99:], reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["gpt", "llama", "t5"])
def test_copying_is_learnt_and_falls_beyond(shape: str, tmp_path: Path) -> None:
    """With the standard settings a shape answers at least 95% of the trained lengths, and fewer far beyond them."""
    found = run_cell(Cell("copy", shape, 0, steps=1500, width=96, high=10, far=20, tests=64), tmp_path)
    assert found.in_length >= 0.95
    assert found.lengths["free"][-1].exact / 64 < found.in_length


def test_standard_shapes_are_matched() -> None:
    """What a cell's result says of parameters is within 5% for the three named shapes at the standard width."""
    for shape in ("gpt", "llama", "t5"):
        standard = Cell("brackets", shape, 0, steps=1, batch=2, tests=1)
        count = sum(weight.numel() for weight in train(standard).net.model.parameters())
        assert abs(count / target(build_of(standard)) - 1) < SPREAD
    assert set(SHAPES) >= {"gpt", "llama", "t5"}


def test_halves_have_the_gradient_of_the_whole() -> None:
    """A decoder's batch in two halves gives the gradient that it gives as one, and less padding."""
    net = train(cell(steps=1)).net
    drawn = next(training("copy", 0, 40, (1, 9)))
    found = []
    for batches in ([net.batch(drawn)], in_parts(net, drawn)):
        optimiser = torch.optim.SGD(net.model.parameters(), lr=0.0)
        _step(net, None, batches, optimiser, [])
        found.append([weight.grad.clone() for weight in net.model.parameters()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)
    assert [len(part.ids) for part in in_parts(net, drawn)] == [20, 20]
    assert sum(part.ids.numel() for part in in_parts(net, drawn)) < net.batch(drawn).ids.numel()
