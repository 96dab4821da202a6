"""What differences could explain: sentences that follow from the cards, and the confounds beside them."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weakspot.anatomy.confounds import confounds
from weakspot.anatomy.explain import CardDifference, differences
from weakspot.anatomy.mechanisms import MECHANISMS
from weakspot.records import Card, CardLayer, ModelInfo, Provenance, from_json, to_json

CATEGORIES = {
    "hallucination", "factual-recall", "bias", "injection", "sycophancy", "structured-output", "long-context",
    "tokenization",
}  # fmt: skip

DEEP = Card(
    name="alpha",
    architecture="llama",
    kind="decoder-only",
    source="test",
    parameters=134_515_008,
    layer_count=30,
    hidden=576,
    feed_forward=1536,
    heads=9,
    kv_heads=3,
    head_size=64,
    attention="GQA",
    position="RoPE (base 100,000)",
    layers=(CardLayer(30, "full", None, 100_000.0),),
    context=8192,
    vocabulary=49_152,
    tokenizer="byte-level BPE (gpt2)",
    tied_embeddings=True,
    quantisation="Q4_1",
    weights_bytes=96_576_768,
    chat_template_sha256="8" * 64,
)
WIDE = Card(
    name="beta",
    architecture="gemma3",
    kind="decoder-only",
    source="test",
    parameters=268_098_176,
    layer_count=18,
    hidden=640,
    feed_forward=2048,
    heads=4,
    kv_heads=1,
    head_size=256,
    attention="MQA",
    position="RoPE (base 1,000,000; 10,000 in sliding layers)",
    layers=(CardLayer(5, "sliding", 512, 10_000.0), CardLayer(1, "full", None, 1_000_000.0)) * 3,
    sliding_window=512,
    context=32_768,
    vocabulary=262_144,
    tokenizer="SentencePiece BPE with byte fallback (llama)",
    tied_embeddings=True,
    quantisation="Q4_K_M",
    weights_bytes=246_587_904,
)


def changed(card: Card, **fields: Any) -> Card:
    """A card with some fields changed."""
    return msgspec.structs.replace(card, **fields)


def by_field(a: Card, b: Card) -> dict[str, CardDifference]:
    """The differences by what differs."""
    return {found.field: found for found in differences(a, b)}


def exchanged(text: str) -> str:
    """A text with the two names exchanged."""
    return re.sub(r"alpha|beta", lambda name: {"alpha": "beta", "beta": "alpha"}[name[0]], text)


def test_every_difference_is_a_hypothesis_with_source_and_experiment() -> None:
    """Each says "could", names a category of the suite, a published source with its year, and an experiment."""
    found = differences(DEEP, WIDE)
    assert len(found) >= 10
    for difference in found:
        assert "could" in difference.hypothesis
        assert difference.categories
        assert set(difference.categories) <= CATEGORIES
        assert re.search(r", (19|20)\d\d($|;)", difference.source)
        assert difference.experiment.endswith(".")
        assert set(difference.card_fields) <= set(Card.__struct_fields__)
        assert from_json(to_json(difference), CardDifference) == difference


def test_every_mechanism_can_speak() -> None:
    """No rule is dead: for each there is a pair of cards that brings it up."""
    pairs = [
        (DEEP, WIDE),
        (DEEP, changed(DEEP, name="beta", kind="encoder-decoder", chat_template_sha256="9" * 64)),
        (DEEP, changed(DEEP, name="beta", tied_embeddings=False)),
    ]
    spoken = {found.field for a, b in pairs for found in differences(a, b)}
    assert spoken == {mechanism.field for mechanism in MECHANISMS}


def test_equal_cards_differ_in_nothing() -> None:
    """A model beside itself has no difference, whatever it is called."""
    assert differences(DEEP, DEEP) == []
    assert differences(WIDE, changed(WIDE, name="other")) == []


def test_swapping_the_models_swaps_the_text() -> None:
    """With the records exchanged between the names, every sentence says of one what it said of the other."""
    before = by_field(DEEP, WIDE)
    after = by_field(changed(WIDE, name="alpha"), changed(DEEP, name="beta"))
    assert before.keys() == after.keys()
    for field, found in before.items():
        swapped = after[field]
        assert (found.value_a, found.value_b) == (swapped.value_b, swapped.value_a)
        assert found.hypothesis != swapped.hypothesis
        if field != "tokenizer":  # names both sides in their order
            assert exchanged(found.hypothesis) == swapped.hypothesis
        assert found.experiment == swapped.experiment


def test_the_order_of_the_cards_changes_no_verdict() -> None:
    """Asked the other way round, the same model is named as the one that a difference could hurt."""
    forward, backward = by_field(DEEP, WIDE), by_field(WIDE, DEEP)
    for field in forward.keys() - {"tokenizer"}:
        assert forward[field].hypothesis == backward[field].hypothesis
        assert forward[field].value_a == backward[field].value_b


def test_what_is_not_stated_is_no_difference() -> None:
    """A field that one card leaves out is compared with nothing."""
    silent = Card(name="beta", architecture="x", kind="not stated", source="test")
    assert {found.field for found in differences(DEEP, silent)} <= {"tuning"}
    assert "context" not in by_field(DEEP, changed(WIDE, context=None))
    assert "parameters" not in by_field(DEEP, changed(WIDE, parameters=None))


def test_small_differences_explain_nothing() -> None:
    """Sizes within a tenth of each other bring up no hypothesis."""
    near = changed(DEEP, name="beta", parameters=140_000_000, vocabulary=50_257, context=8_000, feed_forward=1_600)
    assert differences(DEEP, near) == []


@pytest.mark.parametrize(
    ("field", "of", "change", "blamed"),
    [
        ("parameters", DEEP, {"parameters": 400_000_000, "vocabulary": None}, "alpha"),
        ("parameters", DEEP, {"parameters": 50_000_000, "vocabulary": None}, "beta"),
        ("depth", DEEP, {"layer_count": 12}, "beta"),
        ("feed-forward units", DEEP, {"feed_forward": 4096}, "alpha"),
        ("attention", DEEP, {"kv_heads": 9, "attention": "MHA"}, "alpha"),
        ("attention", DEEP, {"kv_heads": 1, "attention": "MQA"}, "beta"),
        ("head size", DEEP, {"head_size": 32}, "beta"),
        ("sliding window", DEEP, {"layers": (CardLayer(30, "sliding", 1024, 100_000.0),)}, "beta"),
        ("sliding window", WIDE, {"layers": (CardLayer(18, "sliding", 2048, 10_000.0),)}, "alpha"),
        ("position", DEEP, {"position": "RoPE (base 500)", "layers": (CardLayer(30, "full", None, 500.0),)}, "beta"),
        ("context", DEEP, {"context": 1024}, "beta"),
        ("quantisation", DEEP, {"quantisation": "Q2_K", "weights_bytes": 50_000_000}, "beta"),
        ("embeddings", DEEP, {"tied_embeddings": False}, "alpha"),
        ("tuning", DEEP, {"chat_template_sha256": None}, "beta"),
        ("kind", DEEP, {"kind": "encoder-decoder"}, "alpha"),
    ],
)  # fmt: skip
def test_the_right_model_is_named(field: str, of: Card, change: dict[str, Any], blamed: str) -> None:
    """The sentence puts the failures to the model that the mechanism would hurt, by name."""
    a, b = changed(of, name="alpha"), changed(of, name="beta", **change)
    hypothesis = by_field(a, b)[field].hypothesis
    after = re.findall(r"(?:failures|facts|formats|misses|misses on|why)[^.]*?(alpha|beta)", hypothesis)
    assert after
    assert after[0] == blamed


def test_numbers_in_a_sentence_are_the_cards() -> None:
    """The window, the layers and the distances of the experiment are those of the card."""
    found = by_field(DEEP, WIDE)["sliding window"]
    assert found.value_b == "15 of 18 layers see the last 512 tokens"
    assert "15 of 18 layers see only the last 512 tokens" in found.hypothesis
    assert "through the other 3 alone" in found.hypothesis
    assert "just over 512 tokens" in found.experiment
    wider = changed(WIDE, layers=(CardLayer(2, "sliding", 1024), CardLayer(4, "full")))
    assert "2 of 6 layers see only the last 1,024 tokens" in by_field(DEEP, wider)["sliding window"].hypothesis


def test_embeddings_can_speak_against_size() -> None:
    """Where twice the parameters are all embeddings, the sentence says so; where they are not, it gives the numbers."""
    assert "106 million and beta 100 million, which speaks against it" in by_field(DEEP, WIDE)["parameters"].hypothesis
    larger = changed(DEEP, name="beta", parameters=400_000_000)
    hypothesis = by_field(DEEP, larger)["parameters"].hypothesis
    assert "speaks against" not in hypothesis
    assert "106 million and 372 million" in hypothesis


def test_a_window_as_long_as_the_context_is_none() -> None:
    """A window that the context never outgrows is no difference."""
    formal = changed(DEEP, name="beta", layers=(CardLayer(30, "sliding", 8192, 100_000.0),))
    assert "sliding window" not in by_field(DEEP, formal)


def test_models_of_one_name_are_told_apart() -> None:
    """Two cards of one name are called first and second."""
    found = by_field(DEEP, changed(DEEP, context=1024))["context"]
    assert "alpha (second) was made for 1,024 tokens, alpha (first) for 8,192" in found.hypothesis


CARDS = st.builds(
    Card,
    name=st.sampled_from(["alpha", "beta", "<script>", ""]),
    architecture=st.just("x"),
    kind=st.sampled_from(["decoder-only", "encoder-decoder", "encoder-only", "not stated", "hybrid"]),
    source=st.just(""),
    **{
        field: st.one_of(st.none(), st.integers(1, 2**60))
        for field in ("parameters", "layer_count", "hidden", "feed_forward", "heads", "kv_heads", "head_size",
                      "sliding_window", "context", "vocabulary", "weights_bytes")
    },
    attention=st.sampled_from([None, "MHA", "GQA", "MQA", "MLA"]),
    position=st.sampled_from([None, "RoPE (base 10,000)", "ALiBi", "none"]),
    layers=st.lists(
        st.builds(
            CardLayer,
            count=st.integers(1, 9),
            attention=st.just("full"),
            window=st.one_of(st.none(), st.integers(1, 9999)),
            rope_base=st.one_of(st.none(), st.floats(1, 1e9)),
        ),
        max_size=3,
    ).map(tuple),
    tokenizer=st.sampled_from([None, "BPE", "BPE (x)", "WordPiece"]),
    tied_embeddings=st.sampled_from([None, True, False]),
    quantisation=st.sampled_from([None, "Q4_0", "F16"]),
    chat_template_sha256=st.sampled_from([None, "a" * 64, "b" * 64]),
)  # fmt: skip


@given(a=CARDS, b=CARDS)
def test_any_two_cards_can_be_compared(a: Card, b: Card) -> None:
    """However much two cards leave out, their differences are sentences without a "None" in them."""
    for difference in differences(a, b):
        assert "None" not in difference.hypothesis + difference.experiment + difference.value_a + difference.value_b
        assert difference.value_a != difference.value_b


def info(kind: str = "chat", **provenance: Any) -> ModelInfo:
    """What was opened."""
    fields = {"backend": "llamacpp", "engine": "llama.cpp", "engine_version": "1", "weights_sha256": "aa", **provenance}
    return ModelInfo(provenance=Provenance(**fields), kind=kind)  # type: ignore[arg-type]


def test_a_model_against_itself_has_no_confounds() -> None:
    """Same weights, same settings: nothing else differs."""
    same = info(sampler={"temperature": 0.0, "seed": 1}, threads=2, slots=8)
    assert confounds(DEEP, DEEP, same, same) == []
    assert confounds(None, None, same, same) == []


def test_two_makers_models_differ_in_nearly_everything() -> None:
    """Between two published models the list names tuning, makers, architecture, size, tokens and quantisation."""
    found = confounds(DEEP, WIDE, info("chat"), info("base", weights_sha256="bb"))
    assert found[:2] == [
        "tuning: a chat model against a base model",
        "makers and training data: not stated in the files, and to be taken as different",
    ]
    labels = {line.partition(":")[0] for line in found}
    assert {"architecture", "parameters", "vocabulary", "tokenizer", "declared context", "quantisation"} <= labels
    assert "parameters: 134,515,008 against 268,098,176" in found


@pytest.mark.parametrize(
    ("provenance", "line"),
    [
        ({"threads": 4}, "threads: not stated against 4"),
        ({"slots": 8}, "slots: not stated against 8"),
        ({"seed": 7}, "seed: not stated against 7"),
        ({"prefix_cache": True}, "prefix cache: not stated against on"),
        ({"engine_version": "2"}, "engine: llama.cpp 1 against llama.cpp 2"),
        ({"backend": "openai"}, "backend: llamacpp against openai"),
        ({"dtype": "bf16"}, "precision of the engine: not stated against bf16"),
        ({"quantisation": "Q8_0"}, "quantisation: Q4_1 against Q8_0"),
        ({"sampler": {"top_k": 40}}, "sampler, top_k: not stated against 40"),
        ({"sampler": {"temperature": 0.7}}, "sampler, temperature: not stated against 0.7"),
        ({"system": "Be brief. Key: hunter2"}, "system prompt: only the second candidate has one"),
        ({"template": "plain", "template_sha256": "c" * 64}, f"template: not stated against plain ({'c' * 12})"),
        ({"weights_sha256": "bb"}, "makers and training data: not stated in the files, and to be taken as different"),
    ],
)  # fmt: skip
def test_each_setting_is_a_confound(provenance: dict[str, Any], line: str) -> None:
    """Whatever one setting differs in is listed, with both values, and nothing else is; no system prompt is quoted."""
    assert confounds(DEEP, DEEP, info(), info(**provenance)) == [line]


def test_weights_without_a_hash_are_not_called_the_same() -> None:
    """Two endpoints that give no hash may serve anything: their makers and data are a confound."""
    bare = info(weights_sha256="")
    assert confounds(None, None, bare, bare) == [
        "makers and training data: not stated in the files, and to be taken as different"
    ]


def test_long_values_are_clipped() -> None:
    """A value as long as a page takes one line of the list."""
    (line,) = confounds(None, None, info(), info(sampler={"grammar": "x" * 10_000}))
    assert len(line) < 120
