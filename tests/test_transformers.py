"""The transformers backend, on tiny random models made here, and on a bundled GGUF file."""

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
library = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

from transformers_fixture import (  # noqa: E402 - behind the skip
    CHAT,
    CONTEXT,
    KINDS,
    PROMPTS,
    ask,
    byte_tokenizer,
    edit,
    its_info,
    made_folders,
    opened,
    raw,
)
from weakspot.artifacts.reference import parse  # noqa: E402
from weakspot.contracts import BatchModel, Model, Tokenizes  # noqa: E402
from weakspot.errors import (  # noqa: E402
    ContextExceeded,
    CorruptFile,
    ModelError,
    RequestRejected,
)
from weakspot.models.transformers import Transformers  # noqa: E402
from weakspot.models.transformers_rows import Batch, Wish  # noqa: E402
from weakspot.records import Message, ModelInfo, Reply, Request  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each kind of model."""
    return made_folders(tmp_path_factory.mktemp("hf"))


@pytest.fixture
def llama(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the small LLaMA that a test may change."""
    return Path(shutil.copytree(folders["llama"], tmp_path / "llama"))


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_is_plain_generate(kind: str, folders: dict[str, Path]) -> None:
    """At temperature 0 the ids are those of the library's own greedy search, for each kind of model."""
    auto = library.AutoModelForSeq2SeqLM if kind == "t5" else library.AutoModelForCausalLM
    plain = auto.from_pretrained(folders[kind])
    replies = ask(folders[kind], [raw(prompt) for prompt in PROMPTS], "dtype=float32&threads=1&batch=1")
    for reply in replies:
        ids = torch.tensor([reply.prompt_ids])
        whole = plain.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)[0].tolist()
        expected = whole[1:] if kind == "t5" else whole[len(reply.prompt_ids) :]
        assert list(reply.output_ids) == expected
        assert reply.finish_reason == ("stop" if expected[-1] == 1 else "length")
        assert reply.usage.completion_tokens == len(expected)
    assert len({reply.output_ids for reply in replies}) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_batch_gives_what_each_request_gives_alone(kind: str, folders: dict[str, Path]) -> None:
    """Prompts of several lengths in one batch get the replies that they get alone, so the padding is masked rightly."""
    requests = [raw(prompt, logprobs=1) for prompt in PROMPTS]
    together = ask(folders[kind], requests)
    alone = ask(folders[kind], requests, "dtype=float32&threads=1&batch=1")
    assert [reply.output_ids for reply in together] == [reply.output_ids for reply in alone]
    for one, other in zip(together, alone, strict=True):
        # float32 adds up in another order in another shape (in float64 they agree to 1e-12); a wrong mask costs nats
        assert [t.logprob for t in one.logprobs] == pytest.approx([t.logprob for t in other.logprobs], abs=5e-3)
    assert len({len(reply.prompt_ids) for reply in together}) == len(PROMPTS)


def test_neighbours_with_other_wishes_change_nothing(folders: dict[str, Path]) -> None:
    """Length, temperature, seed and stop strings hold for a request's own row only."""
    requests = [
        raw("the cat", max_tokens=3),
        raw("the cat", max_tokens=20, temperature=0.8, seed=5),
        raw("a", temperature=1.2, seed=6, top_p=0.7),
        raw("one two three", max_tokens=9, stop=("e",)),
        raw("one two three", max_tokens=9),
    ]
    together = ask(folders["llama"], requests)
    alone = ask(folders["llama"], requests, "dtype=float32&threads=1&batch=1")
    assert [reply.output_ids for reply in together] == [reply.output_ids for reply in alone]
    assert [len(reply.output_ids) for reply in together[:1]] == [3]


def test_stop_string_cuts_the_text(folders: dict[str, Path]) -> None:
    """Generation ends at the first of the stop strings and the text ends before it; an empty one stops nothing."""
    free = ask(folders["llama"], [raw("the cat", max_tokens=20)])[0]
    later, sooner = free.text[8:10], free.text[3:5]
    cut = ask(folders["llama"], [raw("the cat", max_tokens=20, stop=(later, "", sooner))])[0]
    assert cut.text == free.text[: free.text.find(sooner)]
    assert cut.finish_reason == "stop"
    assert cut.output_ids == free.output_ids[: len(cut.output_ids)]
    assert len(cut.output_ids) < len(free.output_ids)


def test_base_model_stops_at_the_line(folders: dict[str, Path]) -> None:
    """Without a chat template a question goes through the plain template and the reply ends with the line."""
    question = (Message("user", "why"),)
    wide = [Request(messages=question, max_tokens=60, multiline=True, temperature=2, seed=n) for n in range(16)]
    several = ask(folders["llama"], wide)
    seed, first = next((n, r.text) for n, r in enumerate(several) if "\n" in r.text.strip("\n")[:-1])
    line = ask(folders["llama"], [Request(messages=question, max_tokens=60, temperature=2, seed=seed)])[0]
    assert line.prompt_text == "Question: why\nAnswer:"
    assert line.text == first.partition("\n")[0]
    assert line.finish_reason == "stop"


def test_end_ids_of_the_model_end_a_reply(llama: Path) -> None:
    """Every end that generation_config.json lists ends a reply and stays out of its text, but not out of its ids."""
    free = ask(llama, [raw("the cat")])[0]
    edit(llama / "generation_config.json", eos_token_id=[1, free.output_ids[4]])
    ended = ask(llama, [raw("the cat")])[0]
    assert ended.output_ids == free.output_ids[: free.output_ids.index(free.output_ids[4]) + 1]
    assert ended.finish_reason == "stop"


def test_settings_in_the_folder_never_act(llama: Path) -> None:
    """Samplers that the model's makers left in generation_config.json change no reply."""
    before = ask(llama, [raw("the cat", max_tokens=24)])[0]
    edit(
        llama / "generation_config.json",
        do_sample=True,
        temperature=5.0,
        top_k=2,
        repetition_penalty=9.0,
        no_repeat_ngram_size=1,
        max_new_tokens=2,
        min_new_tokens=24,
        suppress_tokens=list(before.output_ids[:3]),
    )
    assert ask(llama, [raw("the cat", max_tokens=24)])[0].output_ids == before.output_ids


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_logprobs_are_those_of_the_model(kind: str, folders: dict[str, Path]) -> None:
    """A reply's log-probabilities equal log_softmax of the model's logits, with the likeliest tokens beside them."""
    reply = ask(folders[kind], [raw("the cat", logprobs=3, temperature=0.9, seed=3)])[0]
    ids = list(reply.output_ids)
    with torch.inference_mode():
        if kind == "t5":
            plain = library.AutoModelForSeq2SeqLM.from_pretrained(folders[kind])
            begun = torch.tensor([[0, *ids[:-1]]])
            logits = plain(input_ids=torch.tensor([reply.prompt_ids]), decoder_input_ids=begun).logits[0]
        else:
            plain = library.AutoModelForCausalLM.from_pretrained(folders[kind])
            logits = plain(torch.tensor([[*reply.prompt_ids, *ids]])).logits[0, len(reply.prompt_ids) - 1 : -1]
    expected = logits.log_softmax(-1)
    assert [entry.id for entry in reply.logprobs] == ids
    for row, entry in zip(expected, reply.logprobs, strict=True):
        assert entry.logprob == pytest.approx(float(row[entry.id]), abs=1e-4)
        assert [value for _, value in entry.top] == pytest.approx(row.topk(3).values.tolist(), abs=1e-4)


def test_prompt_logprobs(folders: dict[str, Path]) -> None:
    """Each token of a text but the first gets its log-probability after those before it; an encoder refuses."""
    text = "the cat sat on the mat"
    found = opened(folders["gpt2"], lambda model: model.prompt_logprobs(text))
    plain = library.AutoModelForCausalLM.from_pretrained(folders["gpt2"])
    ids = byte_tokenizer()(text)["input_ids"]
    with torch.inference_mode():
        rows = plain(torch.tensor([ids])).logits[0].log_softmax(-1)
    assert [entry.id for entry in found] == ids[1:]
    expected = [float(rows[at, token]) for at, token in enumerate(ids[1:])]
    assert [entry.logprob for entry in found] == pytest.approx(expected, abs=1e-4)
    assert text.endswith("".join(entry.token for entry in found))
    with pytest.raises(RequestRejected):
        opened(folders["t5"], lambda model: model.prompt_logprobs(text))


def test_a_seed_decides_what_a_temperature_draws(folders: dict[str, Path]) -> None:
    """The same seed gives the same reply, as option or in the request; another one gives another."""
    first, again, other = ask(folders["llama"], [raw("the cat", temperature=0.8, seed=seed) for seed in (1, 1, 2)])
    option = ask(folders["llama"], [raw("the cat")], "dtype=float32&threads=1&temperature=0.8&seed=1")[0]
    assert first.output_ids == again.output_ids == option.output_ids
    assert first.output_ids != other.output_ids


def test_draws_follow_the_distribution() -> None:
    """Frequencies are those of top-p on the model's distribution and then the temperature, worked out by hand."""
    shares = torch.tensor([0.5, 0.3, 0.15, 0.05])
    batch = Batch(
        [Wish("", (0,), 9, (), 2.0, 0.8, seed, None) for seed in range(4000)],
        frozenset(),
        lambda ids: "",
        threading.Event(),
    )
    drawn = batch.choose(shares.log().expand(4000, 4)).argmax(-1)
    found = [float((drawn == token).float().mean()) for token in range(4)]
    # 0.5 + 0.3 reach 0.8: two are left, and the temperature 2 takes square roots
    total = 0.5**0.5 + 0.3**0.5
    assert found == pytest.approx([0.5**0.5 / total, 0.3**0.5 / total, 0, 0], abs=0.03)


def test_chat_template_of_the_tokenizer(llama: Path) -> None:
    """The tokenizer's own template makes the prompt, with the candidate's system prompt, and its hash is recorded."""
    (llama / "chat_template.jinja").write_text(CHAT, "utf-8")
    question = Request(messages=(Message("user", "hi"),), max_tokens=2)

    async def work(model: Transformers) -> tuple[ModelInfo, Reply]:
        return model.info, await model.generate(question)

    info, reply = opened(llama, work, "dtype=float32&threads=1&system=be%20brief")
    assert info.kind == "chat"
    assert (info.provenance.template, info.template_text) == ("tokenizer", CHAT)
    assert reply.prompt_text == "<|system|>be brief\n<|user|>hi\n<|assistant|>"
    plain, named = opened(llama, work, "dtype=float32&threads=1&template=plain")
    assert plain.provenance.template == "plain"
    assert named.prompt_text == "Question: hi\nAnswer:"


def test_hostile_template_is_held_in_the_sandbox(llama: Path) -> None:
    """A template that reaches for Python's inside is refused, request by request."""
    (llama / "chat_template.jinja").write_text("{{ ''.__class__.__mro__[1].__subclasses__() }}", "utf-8")
    answer = ask(llama, [Request(messages=(Message("user", "hi"),))])[0]
    assert isinstance(answer, RequestRejected)


def test_what_is_recorded(folders: dict[str, Path]) -> None:
    """Engine, dtype, threads, batch, every sampler and the context are recorded, and the contracts are kept."""
    model = Transformers(parse(f"{folders['llama']}?dtype=bf16&threads=1&batch=4&temperature=0.5"))
    kept: tuple[Model, BatchModel, Tokenizes] = (model, model, model)
    assert isinstance(model, BatchModel)
    assert isinstance(model, Tokenizes)
    info: ModelInfo = opened(folders["llama"], its_info, "dtype=bf16&threads=1&batch=4&temperature=0.5")
    made = info.provenance
    assert (made.backend, made.dtype, made.threads, made.slots) == ("transformers", "bfloat16", 1, 4)
    assert library.__version__ in made.engine_version
    assert torch.__version__ in made.engine_version
    assert (made.sampler["temperature"], made.sampler["top_k"], made.sampler["repeat_penalty"]) == (0.5, 0, 1.0)
    assert (info.kind, info.context, info.concurrency) == ("base", CONTEXT, 4)
    assert opened(folders["t5"], its_info).kind == "unknown"
    assert len(kept) == 3


def test_hash_covers_all_that_decides_a_reply(llama: Path) -> None:
    """Another tokenizer or end id beside the same weights is another model: the hash of the weights changes."""
    before = opened(llama, its_info).provenance.weights_sha256
    assert opened(llama, its_info).provenance.weights_sha256 == before
    edit(llama / "generation_config.json", eos_token_id=[1, 5])
    assert opened(llama, its_info).provenance.weights_sha256 != before


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_spell_the_text(kind: str, folders: dict[str, Path]) -> None:
    """The bytes behind a text's ids spell it, whichever way the tokenizer writes bytes."""
    text = "the cat\nsat" if kind != "t5" else "the catœ"

    async def work(model: Transformers) -> tuple[list[int], list[bytes], list[bytes]]:
        ids = await model.tokenize(text)
        return ids, await model.pieces(ids), await model.pieces([10**9, -1])

    ids, pieces, outside = opened(folders[kind], work)
    assert len(ids) == len(pieces)
    assert b"".join(pieces).decode().strip() == (text + "</s>" if kind == "t5" else text)
    assert outside == [b"", b""]


def test_requests_fail_alone(folders: dict[str, Path]) -> None:
    """What is wrong with a request is told in its place, and its neighbours are answered."""
    requests = [
        raw("the cat"),
        raw("a " * 400),
        raw("a " * 100, max_tokens=200),
        raw("x", grammar='root ::= "a"'),
        raw("x", json_schema={"type": "object"}),
        raw("\ud800"),
        raw(""),
        raw("x", max_tokens=0),
        raw("x", temperature=float("nan")),
        raw("\x00\u202ea", seed=2**70),
        raw("x", temperature=1e-300, top_p=0.0, seed=-1),
        raw("the cat"),
    ]
    answers = ask(folders["llama"], requests)
    kinds = [type(answer) for answer in answers]
    rejected = [RequestRejected] * 6
    assert kinds == [Reply, ContextExceeded, ContextExceeded, *rejected, Reply, Reply, Reply]
    assert answers[0].output_ids == answers[-1].output_ids
    assert all(answer.hint for answer in answers if isinstance(answer, ModelError))
    assert answers[-2].output_ids == ask(folders["llama"], [raw("x")])[0].output_ids


def test_generate_raises_what_a_batch_returns(folders: dict[str, Path]) -> None:
    """A single request raises its error."""
    with pytest.raises(ContextExceeded):
        opened(folders["llama"], lambda model: model.generate(raw("a " * 400)))


def test_a_tokenizer_larger_than_its_model(llama: Path) -> None:
    """An id beyond the embeddings is told and never reaches the weights; an added token is spelled as it stands."""
    tokenizer = library.AutoTokenizer.from_pretrained(llama)
    tokenizer.add_tokens(["<<fár>>"])
    tokenizer.save_pretrained(llama)
    far, near = ask(llama, [raw("the <<fár>>"), raw("the")])
    assert isinstance(far, RequestRejected)
    assert isinstance(near, Reply)
    assert opened(llama, lambda model: model.pieces([len(tokenizer) - 1])) == ["<<fár>>".encode()]


def test_a_pad_token_beyond_the_embeddings(llama: Path) -> None:
    """A pad token that only the tokenizer knows - usual for finetuned models - pads a batch without harm."""
    before = ask(llama, [raw(prompt) for prompt in PROMPTS])
    tokenizer = library.AutoTokenizer.from_pretrained(llama)
    tokenizer.add_special_tokens({"pad_token": "<new pad>"})
    tokenizer.save_pretrained(llama)
    after = ask(llama, [raw(prompt) for prompt in PROMPTS])
    assert [reply.output_ids for reply in after] == [reply.output_ids for reply in before]


def test_a_tokenizer_that_panics(llama: Path) -> None:
    """A panic inside the tokenizer's Rust code, which is no Exception in Python, is told as a damaged file."""
    written = json.loads((llama / "tokenizer.json").read_text("utf-8"))
    written["model"]["continuing_subword_prefix"] = "longer than any merge"
    (llama / "tokenizer.json").write_text(json.dumps(written), "utf-8")
    with pytest.raises(CorruptFile):
        opened(llama, its_info)


def test_scores_that_are_no_numbers(llama: Path) -> None:
    """A model whose scores are no numbers gives an error, not a reply of its first token."""
    model = library.AutoModelForCausalLM.from_pretrained(llama)
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    model.save_pretrained(llama)
    answer = ask(llama, [raw("the cat")])[0]
    assert isinstance(answer, ModelError)
    assert "no numbers" in answer.message


def test_a_batch_too_large_is_halved(folders: dict[str, Path]) -> None:
    """Where memory is too short for a batch, smaller ones are tried, and no reply is lost or changed."""
    requests = [raw(prompt) for prompt in PROMPTS]

    async def work(model: Transformers) -> list[Any]:
        assert model._loaded is not None

        def short_of_memory(_module: Any, _args: Any, given: dict[str, Any]) -> None:
            if given["input_ids"].shape[0] > 1:
                raise RuntimeError("out of memory")

        model._loaded.model.register_forward_pre_hook(short_of_memory, with_kwargs=True)
        return await model.generate_batch(requests)

    halved = opened(folders["llama"], work)
    assert [reply.output_ids for reply in halved] == [r.output_ids for r in ask(folders["llama"], requests)]


def test_the_loop_lives_and_a_cancelled_request_ends(folders: dict[str, Path]) -> None:
    """The event loop goes on during generation, and a cancelled request frees the model at the next token."""
    long = raw("a", max_tokens=200, stop=("never seen",))

    async def work(model: Transformers) -> tuple[int, float, Any]:
        began = time.perf_counter()
        await model.generate(long)
        whole = time.perf_counter() - began
        ticks = 0
        task = asyncio.create_task(model.generate_batch([long] * 64))
        while ticks < 5:
            await asyncio.sleep(whole / 20)
            ticks += 1
        assert not task.done()
        task.cancel()
        began = time.perf_counter()
        reply = await model.generate(raw("a", max_tokens=1))
        return ticks, (time.perf_counter() - began) / whole, reply

    ticks, share, reply = opened(folders["llama"], work, "dtype=float32&threads=1&batch=64")
    assert ticks == 5
    assert share < 0.9
    assert isinstance(reply, Reply)


@pytest.mark.models
@pytest.mark.slow
def test_bundled_gguf_answers(bundled_model: Callable[[str], Path]) -> None:
    """A bundled GGUF file answers through transformers, with its own template and the llama.cpp backend's prompt."""
    pytest.importorskip("accelerate", reason="transformers needs accelerate to read GGUF files")
    path = bundled_model("smollm2")
    question = Request(messages=(Message("user", "What is the capital of Japan?"),))

    async def work(model: Transformers) -> tuple[ModelInfo, Reply]:
        return model.info, await model.generate(question)

    info, reply = opened(path, work, "backend=hf")
    assert "Tokyo" in reply.text
    assert reply.finish_reason == "stop"
    assert (info.kind, info.provenance.quantisation) == ("chat", "Q4_1")
    assert reply.prompt_text is not None
    assert reply.prompt_text.endswith("<|im_start|>assistant\n")
