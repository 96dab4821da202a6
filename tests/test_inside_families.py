"""`weakspot look` on a small random model of every family: its parts are found, and what is done to them is right."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
library = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

from small_families import GENERATING, made  # noqa: E402 - behind the skip
from weakspot.inside.attention import Seen, watch  # noqa: E402
from weakspot.inside.contribution import contribution  # noqa: E402
from weakspot.inside.parts import Parts, take_apart  # noqa: E402
from weakspot.inside.passes import Input, Passes, Row  # noqa: E402
from weakspot.inside.stream import lens, streams  # noqa: E402

pytestmark = pytest.mark.torch
NO_ATTENTION = ("Mamba 130M",)
PROMPT = (5, 9, 31, 7, 22, 40, 9, 31)


def opened(name: str) -> tuple[Parts, Passes, Input]:
    """A family's small model, taken apart, and an input with two answer tokens."""
    model = made(name, library, torch)
    parts = take_apart(model, encoder=bool(model.config.is_encoder_decoder))
    given = Input(PROMPT, (0, 12, 17), 2) if parts.encoder else Input((*PROMPT, 12, 17), answer=2)
    return parts, Passes(torch, parts), given


@pytest.mark.parametrize("name", [n for n in GENERATING if n not in NO_ATTENTION])
def test_every_head_is_found_and_its_result_is_its_own(name: str) -> None:
    """Each family's heads are found; their own results put back change nothing, zeros for all change the answer."""
    parts, passes, given = opened(name)
    assert parts.attentions
    assert parts.without_heads == ()
    results = passes.head_results(given)
    own = {key: results[key[0], key[1]][:, key[2]] for key in parts.heads()}
    none = {key: torch.zeros(results[key[0], key[1]].shape[-1]) for key in parts.heads()}
    base, same, without = passes.answers(given, [Row(), Row(heads=own), Row(heads=none)])
    plain = passes.logits(given).log_softmax(-1)
    wanted = given.written[-2:]
    assert torch.allclose(base, torch.stack([plain[-2, wanted[0]], plain[-1, wanted[1]]]), atol=1e-4)
    assert torch.allclose(base, same, atol=1e-4)
    assert not torch.allclose(base, without, atol=1e-5)


@pytest.mark.parametrize("name", [n for n in GENERATING if n not in NO_ATTENTION])
def test_attention_is_what_the_library_returns(name: str) -> None:
    """The weights that are watched are those that the library gives with `output_attentions`, for every layer."""
    parts, passes, given = opened(name)
    kept: dict[tuple[str, int], Any] = {}
    watch(passes, given, lambda one, weights: kept.update({(one.stack, one.layer): weights.clone()}))
    assert set(kept) == {(one.stack, one.layer) for one in parts.attentions}
    for weights in kept.values():
        assert torch.allclose(weights.sum(-1), torch.ones(weights.shape[:-1]), atol=1e-4)
    with passes.weights_shown(), torch.inference_mode():
        out = passes.model(**passes.fed([given], cut=False), output_attentions=True)
    theirs = {
        "encoder": out.get("encoder_attentions"),
        "decoder": out.get("decoder_attentions") or out.get("attentions"),
        "cross": out.get("cross_attentions"),
    }
    returned = {stack for stack, found in theirs.items() if found and found[0] is not None}
    assert returned == {one.stack for one in parts.attentions}
    for stack, found in theirs.items():
        given_back = [weights[0] for weights in found or () if weights is not None]
        ours = [weights for (of, _), weights in sorted(kept.items()) if of == stack]
        if given_back:
            assert len(ours) == len(given_back)
            assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(ours, given_back, strict=True))


@pytest.mark.parametrize("name", GENERATING)
def test_the_lens_ends_at_the_models_own_answer(name: str) -> None:
    """After the last layer the lens says what the model says, in every family, whatever stands behind that layer."""
    parts, passes, given = opened(name)
    prompt = Input(given.ids, given.target[:1]) if parts.encoder else Input(PROMPT)
    found, logits = streams(passes, prompt)
    main = next(one for one in found if one.stack == "decoder")
    layers, grid, why = lens(passes, main, logits, 12, lambda ids: [str(i) for i in ids])
    assert why is None
    assert len(layers) == len(parts.layers["decoder"]) + 1
    assert layers[-1].probability == pytest.approx(float(logits[-1].softmax(-1)[12]), abs=1e-4)
    assert layers[-1].kl == pytest.approx(0, abs=1e-5)
    assert layers[0].kl > layers[-1].kl
    assert len(grid) == len(layers) * logits.shape[0]


@pytest.mark.parametrize("name", GENERATING)
def test_contributions_reach_every_token_and_only_the_prompt(name: str) -> None:
    """An ablated token is the first use of its embedding alone, and gradient x input has one number a token."""
    _, passes, given = opened(name)
    found = contribution(passes, given, len(PROMPT))
    assert len(found.ablation) == len(PROMPT)
    assert found.gradient is not None
    assert len(found.gradient) == len(PROMPT)
    assert any(abs(value) > 1e-6 for value in found.ablation)
    assert any(abs(value) > 1e-6 for value in found.gradient)


@pytest.mark.parametrize("name", ["GPT-2 small", "T5 small"])
def test_heads_of_every_stack_are_measured(name: str) -> None:
    """Every head of every stack has its measures and its picture."""
    parts, passes, given = opened(name)
    seen = Seen(torch, 32)
    watch(passes, given, seen)
    assert {head.stack for head in seen.heads} == ({"encoder", "decoder", "cross"} if parts.encoder else {"decoder"})
    assert len(seen.heads) == len(seen.maps) == sum(one.heads for one in parts.attentions)
    for head in seen.heads:
        assert 0 <= head.spread <= 1
        assert 0 <= head.sink <= 1
        assert (head.distance is None) == (head.stack == "cross")


def test_a_fused_kernel_tells_the_same_weights() -> None:
    """Where a model knows only torch's fused attention, the weights written out are those of the plain formula."""
    parts, passes, given = opened("Llama 3 8B")
    plain: dict[int, Any] = {}
    watch(passes, given, lambda one, weights: plain.update({one.layer: weights.clone()}))
    passes._switch = lambda _: None  # type: ignore[method-assign]  # as a model that has no other way
    passes.model.set_attn_implementation("sdpa")
    fused: dict[int, Any] = {}
    watch(passes, given, lambda one, weights: fused.update({one.layer: weights.clone()}))
    assert set(fused) == set(plain) == {one.layer for one in parts.attentions}
    assert all(torch.allclose(fused[layer], plain[layer], atol=1e-5) for layer in plain)
