"""What `weakspot look` measures, on models where the right answer is planted or can be worked out by hand."""

import base64
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
library = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

from weakspot.errors import UsageError  # noqa: E402 - behind the skip
from weakspot.inside.ablation import Target, ablate, others_of  # noqa: E402
from weakspot.inside.attention import measure, picture, side_for  # noqa: E402
from weakspot.inside.contribution import agree, contribution  # noqa: E402
from weakspot.inside.induction import induction, sequences  # noqa: E402
from weakspot.inside.parts import head_of, take_apart  # noqa: E402
from weakspot.inside.passes import Input, Passes, Row  # noqa: E402
from weakspot.inside.patching import Prompt, pair_of, patch  # noqa: E402
from weakspot.inside.stream import Stream, massive_of, residual_of, streams  # noqa: E402

pytestmark = pytest.mark.torch
VOCABULARY = 48


def opened(layers: int = 2, seed: int = 0) -> Passes:
    """A random LLaMA of four heads a layer, with weights large enough that every head matters."""
    torch.manual_seed(seed)
    config = library.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=layers, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=512, initializer_range=0.4, pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    model = library.LlamaForCausalLM(config).eval()
    return Passes(torch, take_apart(model, encoder=False))


def silence(passes: Passes, layer: int, keep: int) -> None:
    """Cut every head of a layer but one off the stream."""
    matrix = passes.parts.attention("decoder", layer).projection.weight.data  # type: ignore[union-attr]
    for head in range(4):
        if head != keep:
            matrix[:, head * 8 : head * 8 + 8] = 0


def test_the_head_that_carries_the_answer_is_told_from_the_others() -> None:
    """Where one head alone reaches the stream, taking it out has an effect and taking the others out has none."""
    passes = opened()
    silence(passes, 1, keep=2)
    given = Input((5, 9, 31, 7, 22, 40), answer=1)
    [found, dead] = ablate(
        passes, Target("the answer", (given,)), [(("decoder", 1, 2),), (("decoder", 1, 0),)], "mean", 0
    )
    assert abs(found.effect) > 0.01
    assert found.others == pytest.approx((0, 0, 0), abs=1e-5)
    assert (found.as_large, found.p) == (0, 0.25)
    assert "more than each of 3 other heads" in found.sentence
    assert dead.effect == pytest.approx(0, abs=1e-5)
    assert "no difference shown" in dead.sentence


def test_zero_ablation_is_the_projection_without_the_heads_columns() -> None:
    """Putting zero in a head's place gives what the model gives with that head's columns of the projection cut out."""
    passes = opened()
    given = Input((5, 9, 31, 7, 22, 40), answer=1)
    [found] = ablate(passes, Target("the answer", (given,)), [(("decoder", 0, 1),)], "zero", 0)
    passes.parts.attentions[0].projection.weight.data[:, 8:16] = 0
    assert float(passes.answers(given, [Row()])[0, 0]) == pytest.approx(found.after, abs=1e-5)


def test_random_sets_match_the_layers_and_leave_the_asked_heads_out() -> None:
    """Several heads are held against sets with as many heads of each layer, none of them among those asked for."""
    passes = opened()
    asked = (("decoder", 0, 1), ("decoder", 1, 0), ("decoder", 1, 3))
    sets = others_of(passes.parts, asked, seed=3)
    assert sets
    for one in sets:
        assert sorted(layer for _, layer, _ in one) == [0, 1, 1]
        assert not set(one) & set(asked)
    whole = tuple(("decoder", 0, head) for head in range(4))
    assert others_of(passes.parts, whole, seed=3) == []  # nothing of the layer is left to hold it against


def test_measures_of_known_attention_are_right() -> None:
    """A head that sees the token before, one that sees the first and one that sees all evenly measure as such."""
    n = 8
    before = torch.zeros(n, n)
    before[0, 0] = 1
    before[range(1, n), range(n - 1)] = 1
    sink = torch.zeros(n, n)
    sink[:, 0] = 1
    even = torch.tril(torch.ones(n, n))
    even = even / even.sum(-1, keepdim=True)
    found = [measure(torch, shares, "decoder", 0, head) for head, shares in enumerate((before, sink, even))]
    assert (found[0].previous, found[0].entropy, found[0].distance) == pytest.approx((1, 0, 1))
    assert (found[1].sink, found[1].spread) == pytest.approx((1, 0))
    assert found[1].distance == pytest.approx(sum(range(1, n)) / (n - 1))
    assert found[2].spread == pytest.approx(1, abs=1e-6)
    assert found[2].entropy == pytest.approx(sum(math.log(k) for k in range(2, n + 1)) / (n - 1), abs=1e-6)


def test_a_tiled_picture_keeps_every_rows_mass() -> None:
    """At any length a picture has at most the side asked for, and its rows sum to 1 as attention does."""
    for queries, keys, side in ((5, 5, 96), (300, 300, 96), (97, 97, 96), (1, 40, 16), (130, 7, 16)):
        shares = torch.rand(queries, keys).softmax(-1)
        made = picture(torch, shares, ("decoder", 0, 0), side)
        values = (np.frombuffer(base64.b64decode(made.data), np.uint8) / 255.0) ** 2
        assert values.size == made.rows * made.columns
        assert max(made.rows, made.columns) <= side
        assert made.rows * made.row_tile >= queries > (made.rows - 1) * made.row_tile
        assert values.reshape(made.rows, made.columns).sum(1) == pytest.approx(np.ones(made.rows), abs=0.05)
    assert side_for(270) == 96
    assert side_for(1024) ** 2 * 1024 <= 3_000_000


def test_gradient_times_input_forecasts_a_small_change() -> None:
    """The first-order forecast is the slope of the answer's log-probability along the ablation: a small step agrees."""
    passes = opened(seed=4)
    given = Input((5, 9, 31, 7, 22, 40), answer=1)
    found = contribution(passes, given, 5)
    mean, step = passes.mean_embedding(), 1e-3
    table = passes.parts.embedding.weight
    for token in (1, 3):
        own = table[given.ids[token]].detach()
        rows = [Row(), Row(embeddings={token: own + step * (mean - own)})]
        base, moved = passes.answers(given, rows).double().sum(-1).tolist()
        assert found.first_order is not None
        assert (base - moved) / step == pytest.approx(found.first_order[token], rel=0.05, abs=0.02)


def test_long_prompts_are_ablated_in_groups() -> None:
    """A prompt of more than 128 tokens is ablated in groups of neighbours, and each token carries its group's effect."""
    passes = opened()
    ids = tuple(2 + n % 40 for n in range(301))
    found = contribution(passes, Input((*ids, 7), answer=1), 301)
    assert len(found.ablation) == len(found.group) == 301
    assert max(found.group) == 100
    assert found.ablation[0] == found.ablation[2] != found.ablation[3]
    assert found.agreement[0].n == 101


def test_agreement_is_a_rank_correlation() -> None:
    """Equal orders agree fully, opposite ones not at all, and constants cannot be told."""
    assert agree("a", [1, 2, 3, 4], "b", [10, 20, 30, 400]).spearman == pytest.approx(1)
    assert agree("a", [1, 2, 3, 4], "b", [4, 3, 2, 1]).spearman == pytest.approx(-1)
    assert agree("a", [1, 1, 1], "b", [1, 2, 3]).spearman is None
    assert agree("a", [1, 2], "b", [1, 2]).spearman is None


def test_the_whole_residual_moves_the_whole_answer() -> None:
    """Put in behind the last layer, the second prompt's last residual gives the second prompt's answer: a share of 1."""
    passes = opened(layers=3, seed=2)
    first, second = _prompts(passes)
    found = patch(passes, pair_of(passes, first, second, [], numbers), [(("decoder", 1, 0),)], numbers)
    last = [one for one in found.residual if one.layer == 2 and one.position == first.length - 1]
    assert [one.share for one in last] == pytest.approx([1.0], abs=1e-3)
    assert found.own > 0 > found.other
    assert len(found.by_head) == 12
    assert abs(found.by_head[0].moved) >= abs(found.by_head[-1].moved)
    assert len(found.heads[0].others) == 3


def test_prompts_of_two_lengths_are_patched_at_the_end_alone() -> None:
    """Where the lengths differ no position can be matched but the last, and that one still moves everything."""
    passes = opened(layers=2, seed=2)
    first, second = _prompts(passes)
    longer = replace(second.given, ids=(11, *second.given.ids))
    if int(passes.logits(longer)[-1].argmax()) == int(passes.logits(first.given)[-1].argmax()):
        pytest.fail("the fixture's prompts must have two answers")
    found = patch(passes, pair_of(passes, first, second._replace(given=longer), [], numbers), [], numbers)
    assert not found.same_length
    assert {one.position for one in found.residual} == {first.length - 1}
    assert found.residual[-1].share == pytest.approx(1, abs=1e-3)


def test_two_prompts_with_one_answer_are_refused() -> None:
    """Where both prompts have one answer nothing can move, and that is said."""
    passes = opened()
    given = Input((5, 9, 31, 0))
    with pytest.raises(UsageError, match="Both prompts are answered"):
        pair_of(passes, Prompt("a", given, "decoder"), Prompt("a", given, "decoder"), [], numbers)


def test_a_given_answer_is_what_patching_measures() -> None:
    """With an answer given, the log-odds are of that answer over the second prompt's, not of the model's own."""
    passes = opened(layers=2, seed=2)
    first, second = _prompts(passes)
    own, other = (passes.logits(one.given)[-1].float() for one in (first, second))
    given = next(n for n in range(VOCABULARY) if n not in (int(own.argmax()), int(other.argmax())))
    found = patch(passes, pair_of(passes, first, second, [], numbers, given), [], numbers)
    assert (found.answer, found.other_answer) == (str(given), str(int(other.argmax())))
    assert found.own == pytest.approx(float(own[given] - own[int(other.argmax())]), abs=1e-4)


def test_random_sets_of_a_patch_hang_on_the_seed() -> None:
    """Heads put in together are held against sets drawn by the seed that is given."""
    passes = opened(layers=2, seed=2)
    pair = pair_of(passes, *_prompts(passes), [], numbers)
    asked = [(("decoder", 0, 1), ("decoder", 1, 0))]
    drawn = [patch(passes, pair, asked, numbers, seed).heads[0].others for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_heads_with_nothing_beside_them_are_not_said_to_differ_or_not() -> None:
    """Where a whole layer is put in, nothing of it is left to hold it against, and the sentence says that alone."""
    passes = opened(layers=2, seed=2)
    whole = [tuple(("decoder", 1, head) for head in range(4))]
    [found] = patch(passes, pair_of(passes, *_prompts(passes), [], numbers), whole, numbers).heads  # type: ignore[arg-type]
    assert found.others == ()
    assert "nothing of the same layers to hold it against" in found.sentence
    assert "no difference" not in found.sentence


def numbers(ids: Sequence[int]) -> list[str]:
    """Ids as words."""
    return [str(i) for i in ids]


def _prompts(passes: Passes) -> tuple[Prompt, Prompt]:
    """Two prompts of one length with different answers."""
    made = [Prompt(str(n), Input((5, 9, 31, 7, n, 3, 0)), "decoder") for n in range(2, VOCABULARY)]
    answers = [int(passes.logits(one.given)[-1].argmax()) for one in made]
    other = next(n for n, answer in enumerate(answers) if answer != answers[0])
    return made[0], made[other]


def test_repeated_text_is_random_seeded_and_repeated() -> None:
    """The strings are drawn anew for each seed, the same for one, and each is the same string several times."""
    first = sequences(range(5, 40), (2,), 10, 4, 3, seed=1)
    assert first == sequences(range(5, 40), (2,), 10, 4, 3, seed=1)
    assert first != sequences(range(5, 40), (2,), 10, 4, 3, seed=2)
    for one in first:
        assert one.ids[0] == 2
        assert one.ids[1:11] * 4 == one.ids[1:]
        assert len(set(one.ids[1:11])) == 10


def test_induction_of_a_random_model_is_low_and_said_to_be() -> None:
    """A model that has learned nothing has no induction heads, and repeating a string helps it little."""
    passes = opened()
    found, scores = induction(passes, sequences(range(5, 40), (), 12, 4, 8, seed=1), 12, "mean", 0)
    assert set(scores) == {(layer, head) for layer in range(2) for head in range(4)}
    assert max(scores.values()) < 0.6
    assert found.heads == ()
    assert found.effects == ()
    assert found.loss_repeated > 1


def test_massive_activations_are_found_where_they_are_planted() -> None:
    """A value of 500 in one dimension at one token is found with its layers; smaller ones are not."""
    norms = torch.ones(4, 6)
    largest, where = torch.full((4, 6), 2.0), torch.zeros(4, 6, dtype=torch.long)
    largest[1:3, 2], where[1:3, 2] = -500.0, 17
    stream = Stream("decoder", norms, largest, where, torch.full((4,), 0.1), torch.zeros(4, 6, 8))
    [found] = massive_of(stream, list("abcdef"))
    assert (found.first_layer, found.last_layer, found.position, found.token) == (0, 1, 2, "c")
    assert (found.dimension, found.value, found.ratio) == (17, -500.0, 5000.0)
    assert residual_of(torch, stream).largest[1][2] == 500.0


def test_a_massive_activation_that_goes_and_comes_back_is_two() -> None:
    """Layers are said to hold a massive activation only where each of them does: a gap makes two of it."""
    largest, where = torch.full((6, 3), 2.0), torch.zeros(6, 3, dtype=torch.long)
    largest[[1, 2, 5], 1] = torch.tensor([500.0, 700.0, 600.0])
    stream = Stream("decoder", torch.ones(6, 3), largest, where, torch.full((6,), 0.1), torch.zeros(6, 3, 8))
    found = massive_of(stream, list("abc"))
    assert [(one.first_layer, one.last_layer, one.value) for one in found] == [(0, 1, 700.0), (4, 4, 600.0)]


def test_the_mean_embedding_is_over_the_whole_vocabulary() -> None:
    """What stands in for a token is the mean of all rows, also where they are too many to be looked up at once."""
    passes = opened()
    table = torch.nn.Embedding(40_001, 4)
    table.weight.data[1::2] += 5
    passes.parts = replace(passes.parts, embedding=table)
    assert torch.allclose(passes.mean_embedding(), table.weight.data.mean(0), atol=1e-4)


def test_the_stream_is_the_librarys_hidden_states() -> None:
    """Norms by layer and position are those of the library's hidden states, the embeddings first."""
    passes = opened()
    given = Input((5, 9, 31, 7))
    [found], _ = streams(passes, given)
    with torch.inference_mode():
        states = passes.model(input_ids=torch.tensor([given.ids]), output_hidden_states=True).hidden_states
    theirs = torch.stack([state[0].norm(dim=-1) for state in states[:-1]])  # its last one has passed the final norm
    assert torch.allclose(found.norms[:-1], theirs, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "said"), [("L9H0", "no head"), ("L0H4", "no head"), ("H3", "names no head"), ("cross:L0H0", "no head")]
)
def test_a_head_that_is_not_there_is_told(name: str, said: str) -> None:
    """A wrong name says what a name looks like, a wrong number what there is."""
    with pytest.raises(UsageError, match=said):
        head_of(name, opened().parts)


def test_nothing_is_left_changed() -> None:
    """After all experiments the model answers as before: no hook stays, and no weight is touched."""
    passes = opened()
    given: Any = Input((5, 9, 31, 7, 22, 40), answer=1)
    before = passes.answers(given, [Row()])
    contribution(passes, given, 5)
    ablate(passes, Target("the answer", (given,)), [(("decoder", 1, 2),)], "mean", 0)
    streams(passes, given)
    with passes.weights_shown():
        pass
    assert torch.equal(before, passes.answers(given, [Row()]))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in passes.model.modules())
