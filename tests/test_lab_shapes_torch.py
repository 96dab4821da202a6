"""The lab's shapes: matched in size, the same with and without a cache, and what their positions claim."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

from weakspot.errors import UsageError  # noqa: E402 - behind the skip
from weakspot.lab.blocks import FARTHEST, Sizes, Stack, buckets, rotation, turned  # noqa: E402
from weakspot.lab.names import SHAPES  # noqa: E402
from weakspot.lab.nets import net_of  # noqa: E402
from weakspot.lab.shapes import SPREAD, Build, make, parameters, target  # noqa: E402
from weakspot.lab.tasks import END_ID, examples  # noqa: E402

pytestmark = pytest.mark.torch

SMALL = Build(vocabulary=30, width=16, layers=2, heads=2, table=64)


def made(shape: str, seed: int = 0, build: Build = SMALL) -> Any:
    """A net of random weights, large enough that everything hangs on everything."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = make(shape, build).eval()
        for name, weight in model.named_parameters():
            if "norm" not in name and "ln_" not in name:
                torch.nn.init.normal_(weight, std=0.3)
    return net_of(model)


@pytest.mark.parametrize("layers", [2, 3])
def test_parameters_are_matched(layers: int) -> None:
    """At the standard width all shapes are within 5% of one count, whatever their parts."""
    build = Build(vocabulary=30, width=128, layers=layers, heads=4, table=80)
    with torch.device("meta"):
        counts = {shape: parameters(make(shape, build)) for shape in SHAPES}
    assert {shape for shape, count in counts.items() if abs(count / target(build) - 1) > SPREAD} == set()
    assert max(counts.values()) / min(counts.values()) < 1 + SPREAD


def test_own_decoders_differ_in_positions_only() -> None:
    """All weights but those that tell positions have the same names and sizes in every decoder of the lab's."""
    told = ("table", "bias")
    found = {
        tuple((n, tuple(w.shape)) for n, w in made(s).model.named_parameters() if n.split(".")[-2] not in told)
        for s in SHAPES
        if s.startswith("block-")
    }
    assert len(found) == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_decoding_with_a_cache_is_what_training_sees(shape: str) -> None:
    """Fed token by token, the final states are those of one pass over prompt and answer."""
    net = made(shape)
    drawn = examples("copy", 6, 5, "tests")
    with torch.inference_mode():
        whole = net.logits(net.states(net.batch(drawn))).unflatten(0, (5, 7))
        states, kept = net.begin(torch.tensor([example.prompt for example in drawn]))
        for place in range(7):
            torch.testing.assert_close(net.logits(states), whole[:, place], rtol=1e-4, atol=1e-4)
            if place < 6:
                states, kept = net.step(torch.tensor([example.answer[place] for example in drawn]), kept)
    assert whole.std() > 0.1


@pytest.mark.parametrize("shape", SHAPES)
def test_padding_changes_nothing(shape: str) -> None:
    """In a batch of mixed lengths each sequence has the scores that it has alone."""
    net = made(shape)
    drawn = [examples("brackets", length, 1, "tests")[0] for length in (2, 9, 5)]
    with torch.inference_mode():
        together = net.logits(net.states(net.batch(drawn)))
        alone = torch.cat([net.logits(net.states(net.batch([example]))) for example in drawn])
        targets = torch.cat([net.batch([example]).targets for example in drawn])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    assert net.batch(drawn).targets.tolist() == targets.tolist()
    assert targets.tolist().count(END_ID) == 3


def moved(positions: str, by: int) -> Any:
    """Final states of six random tokens behind `by` others that are masked out."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        stack = Stack(Sizes(16, 24, 2, 2, positions, 64), causal=True, cross=False).eval()
        tokens = torch.randn(1, 6, 16)
    seen = torch.tensor([[0] * by + [1] * 6])
    with torch.inference_mode():
        return stack(torch.cat((torch.zeros(1, by, 16), tokens), 1), seen)[:, by:]


@pytest.mark.parametrize("positions", ["rope", "alibi", "t5 bias", "none", "learned"])
def test_padding_in_front_moves_nothing(positions: str) -> None:
    """Behind padding, as `generate` puts it, the states are those without: distances and rows count from the text."""
    torch.testing.assert_close(moved(positions, 0), moved(positions, 4), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("positions", "told"), [("rope", True), ("alibi", True), ("t5 bias", True), ("none", False)])
def test_order_is_told_or_not(positions: str, told: bool) -> None:
    """Two earlier tokens swapped change the last state where positions are told, and in one layer without do not."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        stack = Stack(Sizes(16, 24, 1, 2, positions, 64), causal=True, cross=False).eval()
        if stack.bias is not None:
            torch.nn.init.normal_(stack.bias.weight)
        tokens = torch.randn(1, 5, 16)
    with torch.inference_mode():
        first, second = (stack(tokens[:, order])[:, -1] for order in ([0, 1, 2, 3, 4], [1, 0, 2, 3, 4]))
    assert torch.allclose(first, second, atol=1e-5) is not told


def test_rope_hangs_on_distance_alone() -> None:
    """The product of a turned query and a turned key is the same for equal distances and another for others."""
    query, key = torch.randn(2, 1, 1, 1, 8, dtype=torch.float64)
    cosines, sines = rotation(0, 40, 8, query)

    def product(at: int, other: int) -> float:
        ends = (turned(part, (cosines[i], sines[i])) for part, i in ((query, at), (key, other)))
        first, second = ends
        return float((first * second).sum())

    assert product(9, 4) == pytest.approx(product(35, 30), rel=1e-4)
    assert product(9, 4) != pytest.approx(product(9, 5), rel=1e-2)


@pytest.mark.parametrize("both", [True, False])
def test_buckets_are_those_of_t5(both: bool) -> None:
    """Every distance has the bucket that transformers' T5 gives it."""
    from transformers.models.t5.modeling_t5 import T5Attention

    distance = torch.arange(-300, 300)
    theirs = T5Attention._relative_position_bucket(distance, bidirectional=both, num_buckets=32, max_distance=FARTHEST)
    assert buckets(distance, both=both).tolist() == theirs.tolist()


def test_random_offsets_train_every_row_and_are_off_in_tests() -> None:
    """In training the rows of the table that get a gradient go beyond the sequence; in testing they begin at 0."""
    net = made("block-learned-offset")
    batch = net.batch(examples("copy", 3, 200, "tests"))
    table = net.model.decoder.table.weight
    for training, rows in ((True, 64), (False, 7)):
        net.model.train(training)
        table.grad = None
        net.states(batch).square().sum().backward()
        assert int((table.grad.abs().sum(-1) > 0).sum()) == rows


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"width": 18, "heads": 4}, "can't be shared by 4 heads"),
        ({"width": 18, "heads": 2}, "do not suit"),
        ({"layers": 0}, "layers=0"),
    ],
)
def test_sizes_that_make_no_model_are_refused(changed: dict[str, int], words: str) -> None:
    """A width that the heads do not share, an odd head or no layer at all is an error with the numbers in it."""
    with pytest.raises(UsageError, match=words):
        make("gpt", SMALL._replace(**changed))
