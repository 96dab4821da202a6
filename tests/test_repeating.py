"""Asking a model to repeat tokens: verdicts out of trials, phrasings that count, controls of the same length."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

import make_embeddings as made
from weakspot.artifacts.reference import parse
from weakspot.models.llamacpp import LlamaCpp
from weakspot.models.scripted import Scripted
from weakspot.records.glitch import Repetition, Verdict
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.loading import load_tokenizer
from weakspot.vocabularies.repeating import (
    PHRASINGS,
    USABLE_FROM,
    VERIFIED_BELOW,
    Asked,
    abilities,
    ask_to_repeat,
    outcome,
    pick_controls,
)

NAMES = [phrasing.name for phrasing in PHRASINGS]
USABLE = frozenset(NAMES[:2])


def trial(name: str, *, repeated: bool = False, probability: float | None = None) -> Repetition:
    """What a model did in one phrasing."""
    return Repetition(phrasing=name, repeated=repeated, probability=probability)


@pytest.mark.parametrize(
    ("trials", "verdict", "probability"),
    [
        ([], "not-askable", None),
        ([trial(NAMES[2])], "unmeasurable", None),
        ([trial(NAMES[0], probability=1e-4), trial(NAMES[1], probability=1e-3)], "verified", 1e-3),
        ([trial(NAMES[0], probability=1e-4), trial(NAMES[1], probability=VERIFIED_BELOW)], "doubtful", VERIFIED_BELOW),
        ([trial(NAMES[0], probability=1e-4), trial(NAMES[1], repeated=True, probability=0.9)], "repeated", 0.9),
        ([trial(NAMES[0], probability=1e-4), trial(NAMES[2], repeated=True, probability=0.9)], "verified", 1e-4),
        ([trial(NAMES[0])], "verified", None),
    ],
)
def test_verdicts(trials: list[Repetition], verdict: Verdict, probability: float | None) -> None:
    """A token is verified only where the model fails in every phrasing that counts and gives it less than 1% in each; a
    phrasing that does not count changes nothing.
    """
    assert outcome({one.phrasing: one for one in trials}, USABLE) == (verdict, probability)


@pytest.mark.parametrize("share", [0.0, USABLE_FROM - 0.1, USABLE_FROM, 1.0])
def test_a_phrasing_counts_from_half_of_the_controls(share: float) -> None:
    """A phrasing in which the model repeats fewer than half of the well-trained tokens says nothing of a glitch token."""
    asked = [
        Asked(token, {NAMES[0]: trial(NAMES[0], repeated=token < 10 * share, probability=token / 10)})
        for token in range(10)
    ]
    first, second, _ = abilities(asked)
    assert (first.controls, first.repeated, first.probability) == (10, round(10 * share), 0.45)
    assert first.usable == (share >= USABLE_FROM)
    assert (second.controls, second.usable, second.probability) == (0, False, None)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    """Letters, pairs and triples."""
    return load_tokenizer(str(made.gguf(tmp_path / "m.gguf", made.trained())))


def test_controls_are_as_long_as_what_they_stand_beside(tokenizer: Tokenizer) -> None:
    """Controls have the suspicious tokens' lengths, none is drawn twice or is suspicious, and a seed gives them again."""
    suspicious = [300, 301, 1000, 1001, 1002, 270]
    usual = [*range(268, 290), *range(310, 900), *range(1010, 1900)]
    chosen = pick_controls(tokenizer, suspicious, [t for t in usual if t not in suspicious], 24)
    lengths = [len(tokenizer.vocabulary[token].data) for token in chosen]
    assert lengths == [2, 2, 3, 3, 3, 1]
    assert len(set(chosen)) == len(chosen)
    assert not set(chosen) & set(suspicious)
    assert chosen == pick_controls(tokenizer, suspicious, [t for t in usual if t not in suspicious], 24)
    assert len(pick_controls(tokenizer, list(range(300, 400)), usual, 24)) <= 25
    assert pick_controls(tokenizer, suspicious, [], 24) == []


def scripted(name: str, tokenizer: Tokenizer, tokens: list[int]) -> list[Asked]:
    """Ask a scripted model, which gives text alone."""

    async def ask() -> list[Asked]:
        model = Scripted(parse(f"scripted:{name}"))
        await model.open()
        return await ask_to_repeat(model, tokenizer, tokens)

    return asyncio.run(ask())


def test_what_a_prompt_cannot_hold_is_not_asked(tokenizer: Tokenizer) -> None:
    """Only tokens whose text becomes their id inside the prompt are asked for; the rest have no trial."""
    byte, triple = tokenizer.vocabulary.id_of("<0xC3>"), tokenizer.vocabulary.id_of("aax")
    assert byte is not None
    assert triple is not None
    alone, asked = scripted("abstain", tokenizer, [byte, triple])
    assert alone.trials == {}
    assert outcome(alone.trials, USABLE).verdict == "not-askable"
    assert asked.trials
    assert not any(one.repeated for one in asked.trials.values())


def test_a_backend_without_log_probabilities(tokenizer: Tokenizer, tmp_path: Path) -> None:
    """Where a backend gives text alone, a reply that begins with the token repeats it, and no probability is made up."""
    rules = tmp_path / "rules.jsonl"
    rules.write_text('{"contains": "aax", "reply": "aax and more"}\n')
    texts = ("aax", "aay")
    tokens = [token for text in texts if (token := tokenizer.vocabulary.id_of(text)) is not None]
    said, silent = scripted(str(rules), tokenizer, tokens)
    assert said.trials.keys() == silent.trials.keys()
    assert all(one.repeated for one in said.trials.values())
    assert not any(one.repeated for one in silent.trials.values())
    assert {one.probability for one in (*said.trials.values(), *silent.trials.values())} == {None}


@pytest.mark.models
def test_a_real_model_repeats_what_it_knows(bundled_model: Callable[[str], Path]) -> None:
    """SmolLM2 repeats well-trained words with a probability of its own, and not a token that its training never saw."""
    bundled_model("smollm2")
    tokenizer = load_tokenizer("smollm2")
    words = [
        tokenizer.vocabulary.id_of(text) for text in ("Ġriver", "Ġmountain", "Ġsystem", "ManagementPlaneProtection")
    ]
    tokens = [token for token in words if token is not None]
    assert len(tokens) == 4

    async def ask() -> list[Asked]:
        model = LlamaCpp(parse("smollm2"))
        try:
            await model.open(512)
            return await ask_to_repeat(model, tokenizer, tokens)
        finally:
            await model.close()

    *known, glitch = asyncio.run(ask())
    able = frozenset(one.phrasing for one in abilities(known) if one.usable)
    assert able
    for one in known:
        assert outcome(one.trials, able).verdict == "repeated"
        assert any((t.probability or 0) > 0.1 and not t.bound for t in one.trials.values())
    assert outcome(glitch.trials, able).verdict == "verified"
