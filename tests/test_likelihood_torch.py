"""Likelihoods of choices by transformers: the numbers of a plain computation, each token computed once."""

import asyncio
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
library = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

import weakspot  # noqa: E402 - behind the skip
from transformers_fixture import CONTEXT, KINDS, ask, byte_tokenizer, edit, opened, space_tokenizer, tiny  # noqa: E402
from weakspot.artifacts.reference import parse  # noqa: E402
from weakspot.errors import ModelError, RequestRejected  # noqa: E402
from weakspot.models.transformers import Transformers  # noqa: E402
from weakspot.models.transformers_likelihood_tree import Fed, lay_out  # noqa: E402
from weakspot.records import Probe, Reply, Request, Response, from_json, to_json  # noqa: E402
from weakspot.runs.execute import Contender, Execution  # noqa: E402
from weakspot.runs.silent import Silent  # noqa: E402
from weakspot.store.run import RunStore  # noqa: E402

pytestmark = pytest.mark.torch

SHOTS = "one two three: four five\n\nthe cat: sat\n\n"
QUESTIONS: list[tuple[str, tuple[str, ...]]] = [
    (SHOTS + "the mat:", (" cat", " the cat sat", " six")),
    (SHOTS + "the cat on the mat: ", ("a", "b", "two three")),
    (SHOTS + "one", (" x", " y")),
    ("the cat", (" sat", " sat on", " sat on the mat", " sat on the mat")),
    ("", ("the cat sat", "the mat sat", "one")),
    ("a " * 400, (" b", " c d e")),
    ("the mat  \n ", ("x", "y")),
]
"""Few-shot prefixes, white space behind a context, no context, one too long, and choices that begin alike."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each kind of model; the Mistral sees 24 tokens back, and the Mamba has no keys at all."""
    found = {}
    for kind in (*KINDS, "mistral", "mamba"):
        folder = tmp_path_factory.mktemp("likelihood") / kind
        tokenizer = space_tokenizer() if kind == "t5" else byte_tokenizer()
        _made(kind, len(tokenizer)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        found[kind] = folder
    return found


def _made(kind: str, vocabulary: int) -> Any:
    if kind in KINDS:
        return tiny(kind, vocabulary)
    torch.manual_seed(7)
    ids = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": None, "vocab_size": vocabulary}
    if kind == "mistral":
        config = library.MistralConfig(
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
            sliding_window=24,
            initializer_range=0.5,
            **ids,
        )
        return library.MistralForCausalLM(config)
    return library.MambaForCausalLM(library.MambaConfig(hidden_size=32, num_hidden_layers=2, state_size=4, **ids))


def reference(folder: Path, context: str, choice: str) -> tuple[float, bool]:
    """The harness's numbers, by its rules written down plainly: one pass for one pair."""
    tokenizer = library.AutoTokenizer.from_pretrained(folder)
    encoder = (library.AutoConfig.from_pretrained(folder)).is_encoder_decoder
    auto = library.AutoModelForSeq2SeqLM if encoder else library.AutoModelForCausalLM
    # float64: threads alone move the plain float32 sums of the T5 by 0.011 nats, ours lie within 0.0012 of these
    model = auto.from_pretrained(folder, dtype=torch.float64)
    limit = 2048 if folder.name in ("t5", "mamba") else CONTEXT
    while context != context.rstrip():
        context, choice = context[:-1], context[-1] + choice
    if not context:
        first, second = [tokenizer.eos_token_id], tokenizer.encode(choice, add_special_tokens=False)
    elif encoder:
        first, second = tokenizer.encode(context), tokenizer.encode(choice, add_special_tokens=False)
    else:
        first = tokenizer.encode(context)
        second = tokenizer.encode(context + choice)[len(first) :]
    with torch.inference_mode():
        if encoder:
            logits = model(input_ids=torch.tensor([first[-limit:]]), labels=torch.tensor([second])).logits[0]
        else:
            fed = (first + second)[-(limit + 1) :][:-1]
            logits = model(input_ids=torch.tensor([fed])).logits[0, -len(second) :]
        rows = torch.log_softmax(logits, -1)
    likeliest = rows.argmax(-1).tolist() == second
    return sum(rows[n, token].item() for n, token in enumerate(second)), likeliest


def requests(questions: Sequence[tuple[str, tuple[str, ...]]] = QUESTIONS) -> list[Request]:
    """A request for each question."""
    return [Request(prompt=context, choices=choices) for context, choices in questions]


@pytest.mark.parametrize("kind", [*KINDS, "mistral", "mamba"])
def test_numbers_are_those_of_a_plain_computation(kind: str, folders: dict[str, Path]) -> None:
    """Every choice has the log-likelihood and the greediness of one pass of its own, for each kind of model."""
    for (context, choices), reply in zip(QUESTIONS, ask(folders[kind], requests()), strict=True):
        assert isinstance(reply, Reply), reply
        expected = [reference(folders[kind], context, choice) for choice in choices]
        found = reply.choice_logprobs
        assert found is not None
        assert [one.logprob for one in found] == pytest.approx([value for value, _ in expected], abs=5e-3)
        assert [one.is_greedy for one in found] == [likeliest for _, likeliest in expected]
        assert reply.text == max(zip(expected, choices, strict=True), key=lambda pair: pair[0][0])[1]


@pytest.mark.parametrize(("kind", "shared"), [("llama", True), ("gpt2", True), ("mistral", False), ("mamba", False)])
def test_what_cannot_be_shared_is_not(kind: str, shared: bool, folders: dict[str, Path]) -> None:
    """Each token goes through a model with a plain cache once; one with a window or without keys is fed whole texts."""
    fed, found = _fed(folders[kind], [requests()])
    distinct = len({prefix for ids in found for prefix in _prefixes(ids)})
    whole = sum(len(ids) for ids in set(found))
    assert fed == [distinct if shared else whole]
    assert distinct * 2 < whole


def test_the_next_request_goes_on_from_the_last(folders: dict[str, Path]) -> None:
    """A second batch with the same few-shot prefix is not charged for it again."""
    one, two = requests(QUESTIONS[:1]), requests(QUESTIONS[1:2])
    (first, second), found = _fed(folders["llama"], [one, two])
    alone = len({prefix for ids in found[len(QUESTIONS[0][1]) :] for prefix in _prefixes(ids)})
    assert first > len(SHOTS) // 4
    assert second < alone - len(SHOTS) // 4
    assert _close(ask(folders["llama"], two)[0], ask(folders["llama"], [*one, *two])[1])


def _close(one: Reply, other: Reply) -> bool:
    pairs = zip(one.choice_logprobs or (), other.choice_logprobs or (), strict=True)
    return all(abs(a.logprob - b.logprob) < 5e-3 for a, b in pairs)


def _prefixes(ids: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [ids[: n + 1] for n in range(len(ids))]


def _fed(folder: Path, batches: Sequence[Sequence[Request]]) -> tuple[list[int], list[tuple[int, ...]]]:
    """Tokens that went through the model for each batch, and what a plain computation would feed, one per choice."""

    async def work(model: Transformers) -> tuple[list[int], list[tuple[int, ...]]]:
        assert model._loaded is not None
        assert model._likelihood is not None
        model._likelihood.shared = model._likelihood._shown_equal()
        seen: list[int] = []
        model._loaded.model.register_forward_pre_hook(
            lambda _module, _args, given: seen.append(given["input_ids"].numel()), with_kwargs=True
        )
        counts = []
        for batch in batches:
            seen.clear()
            await model.generate_batch(batch)
            counts.append(sum(seen))
        pairs = [p for b in batches for r in b for p in model._likelihood.pairs(r.prompt or "", r.choices)]
        return counts, [(p.context + p.continuation)[-(model._likelihood._limit + 1) : -1] for p in pairs]

    found: tuple[list[int], list[tuple[int, ...]]] = opened(folder, work)
    return found


def test_a_request_fails_alone(folders: dict[str, Path]) -> None:
    """A choice that is no text, or alone too long, is told in its place, and its neighbours are answered."""
    bad = [Request(prompt="the", choices=(" cat", "\ud800")), Request(prompt="the", choices=(" a" * 600, " b"))]
    good = Request(prompt="the", choices=(" cat", " mat"))
    answers = ask(folders["llama"], [good, *bad, good])
    assert [type(answer) for answer in answers] == [Reply, RequestRejected, RequestRejected, Reply]
    assert all(answer.hint for answer in answers if isinstance(answer, ModelError))


def test_choices_beside_generated_replies(folders: dict[str, Path]) -> None:
    """A batch of both kinds gets both, in order, and neither changes the other."""
    written = Request(prompt="the cat", max_tokens=5)
    weighed = Request(prompt="the cat", choices=(" sat", " on"))
    together = ask(folders["llama"], [weighed, written, weighed])
    assert together[1].output_ids == ask(folders["llama"], [written])[0].output_ids
    assert _close(together[0], ask(folders["llama"], [weighed])[0])
    assert together[0].usage.completion_tokens == 0


def test_scores_that_are_no_numbers(folders: dict[str, Path], tmp_path: Path) -> None:
    """A model whose scores are no numbers gives an error, not a choice."""
    folder = Path(shutil.copytree(folders["llama"], tmp_path / "llama"))
    model = library.AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    model.save_pretrained(folder)
    [answer] = ask(folder, requests(QUESTIONS[:1]))
    assert isinstance(answer, ModelError)
    assert "no numbers" in answer.message


def test_positions_that_hang_on_the_length_are_not_shared(folders: dict[str, Path], tmp_path: Path) -> None:
    """Where a model scales its positions by how long the input is, every text is computed by itself."""
    folder = Path(shutil.copytree(folders["llama"], tmp_path / "llama"))
    edit(folder / "config.json", rope_parameters={"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0})

    async def work(model: Transformers) -> bool | None:
        await model.score_choices("the cat", [" sat", " on"])
        assert model._likelihood is not None
        return model._likelihood.shared

    assert opened(folder, work) is False
    assert opened(folders["llama"], work) is True


def test_whole_sentences_against_each_other(folders: dict[str, Path]) -> None:
    """`score_choices` without a context gives what a pair of sentences is compared by."""
    found = opened(folders["llama"], lambda model: model.score_choices("", ["the cat sat", "the mat sat"]))
    expected = [reference(folders["llama"], "", text)[0] for text in ("the cat sat", "the mat sat")]
    assert [one.logprob for one in found] == pytest.approx(expected, abs=5e-3)


def test_a_run_passes_and_fails_by_likelihood(folders: dict[str, Path], tmp_path: Path, own_cache: Path) -> None:
    """A whole run: the likeliest choice of each item passes where it is the right one, and fails where it is not."""
    context, choices = QUESTIONS[0]
    values = [reference(folders["llama"], context, choice)[0] for choice in choices]
    best = values.index(max(values))
    suite = tmp_path / "suite.jsonl"
    with suite.open("wb") as file:
        for n in range(len(choices)):
            expect = {"type": "likelihood", "choices": [c.strip() for c in choices], "value": n}
            file.write(to_json(Probe(f"p{n}", "facts", expect, prompt=context)) + b"\n")
    reference_ = f"{folders['llama']}?dtype=float32&name=m"
    run = weakspot.compare([reference_], suite=suite, out=tmp_path / "run", cache=False)
    rate = run.summary.models["m"].pooled
    assert (rate.n, rate.failed, rate.unscored) == (len(choices), len(choices) - 1, 0)
    reasons = (tmp_path / "run" / "items.csv").read_text("utf-8")
    assert reasons.count(f"The likeliest choice is '{choices[best].strip()}'") == len(choices)


def test_a_run_puts_prompts_that_begin_alike_together(
    folders: dict[str, Path], tmp_path: Path, own_cache: Path
) -> None:
    """Items of several few-shot prefixes, mixed in the suite, cost each prefix once and not once for every batch."""
    prefixes = [f"{letter} " * 60 for letter in "abcd"]
    asked = [f"{prefixes[n % 4]}{'xyzuvw'[n // 4] * (1 + n % 5)}" for n in range(24)]
    expect = {"type": "likelihood", "choices": ["one", "two"], "value": 0}
    probes = [Probe(f"p{n}", "facts", expect, prompt=prompt) for n, prompt in enumerate(asked)]
    store = RunStore.create(tmp_path / "run", {}, [(one.id, to_json(one)) for one in probes])
    store.set_meta("sensitivity/m", b'{"asked":0,"changed":0}')
    candidate = parse(f"{folders['llama']}?dtype=float32&name=m&batch=4&threads=1")
    model, seen = Transformers(candidate), []

    async def run() -> None:
        begun = model._load

        def load() -> None:
            begun()
            assert model._likelihood is not None
            model._likelihood.shared = True
            model._loaded.model.register_forward_pre_hook(  # type: ignore[union-attr]
                lambda _module, _args, fed: seen.append(fed["input_ids"].numel()), with_kwargs=True
            )

        model._load = load  # type: ignore[method-assign]
        await Execution(store, Silent()).run([Contender(candidate, model)], probes)

    with store:
        asyncio.run(run())
        replies = [from_json(row, Response).final for row in store.responses("m")]
    assert all(reply is not None and reply.choice_logprobs for reply in replies)
    lengths = sorted({len(reply.prompt_ids or ()) for reply in replies if reply is not None})
    assert sum(seen) < 4 * lengths[-1] + 24 * 40


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=12), st.data())
@settings(max_examples=80, deadline=None)
def test_the_walk_holds_every_sequence_once(ids: list[list[int]], data: st.DataObject) -> None:
    """Each sequence can be read off the tree by its parents, equal beginnings are there once, parents come first."""
    sequences = [Fed(tuple(one), tuple([9] * data.draw(st.integers(1, len(one))))) for one in ids]
    walk = lay_out(sequences)
    assert len(walk.ids) == len({prefix for one in sequences for prefix in _prefixes(one.ids)})
    assert all(parent < place for place, parent in enumerate(walk.parents))
    ends: dict[int, list[int]] = {}
    for place, askers in walk.wanted.items():
        for number, target in askers:
            assert target == 9
            ends.setdefault(number, []).append(place)
    for number, sequence in enumerate(sequences):
        places = sorted(ends[number])
        assert len(places) == len(sequence.targets)
        assert all(walk.parents[later] == earlier for earlier, later in pairwise(places))
        read, place = [], places[-1]
        while place >= 0:
            read.append(walk.ids[place])
            place = walk.parents[place]
        assert tuple(reversed(read)) == sequence.ids
