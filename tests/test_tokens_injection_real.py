"""`weakspot tokens injection` on real tokenizers and templates, held against the reference libraries themselves."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiktoken
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer as Library

import weakspot
from token_references import FILES, QWEN
from weakspot.artifacts.gguf import read_header
from weakspot.artifacts.reference import parse
from weakspot.models.llamacpp import LlamaCpp
from weakspot.records.injection import InjectionReport, Spelling
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.spm_proto import model_proto

pytestmark = pytest.mark.tokenizers

JSON = [name for name, file in FILES.items() if file == "tokenizer.json"]
GGUF = ["deepseek-coder", "command-r", "gemma-4", "phi-3", "llama-spm", "qwen2", "bert-bge", "llama-bpe"]


def around(text: str) -> Iterator[str]:
    """A text where it stands alone, between words and inside a word."""
    yield from (text, f"x {text} y", f"x{text}y")


def sample(spellings: tuple[Spelling, ...]) -> list[Spelling]:
    """All that is in use, and every 20th of what a vocabulary keeps free."""
    return [one for one in spellings if not one.reserved] + [one for one in spellings if one.reserved][::20]


@pytest.fixture(scope="module")
def report_of(real_tokenizer: Callable[[str], Tokenizer]) -> Callable[[str], InjectionReport]:
    """The report of a real tokenizer."""

    def find(name: str) -> InjectionReport:
        return weakspot.tokens.injection(real_tokenizer(name))

    return find


@pytest.mark.parametrize("name", JSON)
def test_tokenizers_says_the_same(
    name: str, tokenizers_folder: Path, report_of: Callable[..., InjectionReport]
) -> None:
    """What comes in by default and past `encode_special_tokens` is what the library itself lets in, string by string;
    and every added token that the file flags special is in the report.
    """
    path = tokenizers_folder / name / FILES[name]
    library = Library.from_file(str(path))
    library.no_truncation()
    library.no_padding()
    report = report_of(name)
    chosen = sample(report.spellings)
    for protects in (False, True):
        library.encode_special_tokens = protects
        for one in chosen:
            comes = any(one.id in library.encode(text, add_special_tokens=False).ids for text in around(one.text))
            assert comes == (one.protected if protects else one.default), (one, protects)
    own = {one.id: one for one in report.spellings if not one.variant}
    for token in json.loads(path.read_text("utf-8"))["added_tokens"]:
        if token["special"]:
            assert own[token["id"]].default
            assert own[token["id"]].asked


@pytest.mark.parametrize(
    ("name", "markers"),
    [
        ("deepseek-v3", ["<｜User｜>", "<｜Assistant｜>", "<think>", "</think>", "<｜tool▁calls▁begin｜>"]),
        ("qwen3", ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>"]),
        ("gemma3", ["<mask>"]),
        ("command-r-plus", ["<|SYSTEM_TOKEN|>", "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>"]),
        ("deberta-v3", ["[CLS]", "[SEP]", "[PAD]"]),
    ],
)
def test_the_headline(name: str, markers: list[str], report_of: Callable[..., InjectionReport]) -> None:
    """Markers that get past the library's own protection come first: those that are not flagged special, and those that
    the model's own pieces join to.
    """
    report = report_of(name)
    past = [one.text for one in report.spellings if one.protected and not one.reserved and not one.variant]
    assert [one.text for one in report.spellings[: len(past)]] == past
    assert set(markers) <= set(past)
    assert report.counts["protected"] == len(past)
    ways = {one.through for one in report.spellings if one.text in markers}
    assert ways == ({"model"} if name == "deberta-v3" else {"match"})


@pytest.mark.parametrize("name", ["bert-minilm", "llama2", "llama3.1", "gpt2"])
def test_nothing_gets_past_where_all_is_flagged(name: str, report_of: Callable[..., InjectionReport]) -> None:
    """Where every marker is flagged special and no piece of the model spells one, the protection holds."""
    report = report_of(name)
    assert report.counts["protected"] == report.counts["folded"] == report.counts["reserved_protected"] == 0
    assert report.counts["default"] == report.steering - report.reserved


def test_a_full_width_marker_folds_in_deberta(
    tokenizers_folder: Path, report_of: Callable[..., InjectionReport]
) -> None:
    """DeBERTa's normalizer folds the full-width [CLS] to the control token, and no protection stops it."""
    text = "\uff3b\uff23\uff2c\uff33\uff3d"
    found = next(one for one in report_of("deberta-v3").spellings if one.text == text)
    assert (found.token, found.variant, found.default, found.protected) == ("[CLS]", "full width", True, True)
    library = Library.from_file(str(tokenizers_folder / "deberta-v3" / "tokenizer.json"))
    library.encode_special_tokens = True
    assert found.id in library.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("name", ["mistral-spm", "mistral-spm-v3", "deberta-v3-spm"])
def test_sentencepiece_says_the_same(
    name: str, tokenizers_folder: Path, report_of: Callable[..., InjectionReport]
) -> None:
    """Sentencepiece reads control symbols as text in every setting, and user-defined symbols as ids in every setting."""
    processor = SentencePieceProcessor(model_file=str(tokenizers_folder / name / FILES[name]))
    report = report_of(name)
    controls = [number for number in range(processor.get_piece_size()) if processor.IsControl(number)]
    assert controls
    assert set(controls) <= {one.id for one in report.unreached}
    for one in report.unreached:
        assert all(one.id not in processor.encode(text) for text in around(one.text))
    for found in report.spellings:
        assert found.protected
        assert found.default
        assert any(found.id in processor.encode(text) for text in around(found.text))
    assert len(report.spellings) == (20 if name == "mistral-spm-v3" else 0)


def test_a_model_file_and_its_json_twin(tokenizers_folder: Path, tmp_path: Path) -> None:
    """`</s>` is text for a SentencePiece `.model` and one id for the tokenizer.json of the same vocabulary: held side by
    side, that is listed. The `.model` is Llama 2's, written from the pieces, kinds and scores that its GGUF lists.
    """
    meta = read_header(tokenizers_folder / "llama-cpp-vocabs" / "ggml-vocab-llama-spm.gguf").metadata
    fields = [meta[f"tokenizer.ggml.{name}"] for name in ("tokens", "scores", "token_type")]
    proto = model_proto(
        list(zip(*fields, strict=True)),
        kind="bpe",
        byte_fallback=True,
        add_dummy_prefix=True,
        remove_extra_whitespaces=False,
    )
    path = tmp_path / "tokenizer.model"
    path.write_bytes(proto)
    twin = tokenizers_folder / "llama2" / "tokenizer.json"
    report = weakspot.tokens.injection(str(path), against=[str(twin)])
    (beside,) = report.twins
    assert beside.shared == 1.0
    found = {one.text: one for one in beside.differences}
    assert set(found) == {"<unk>", "<s>", "</s>"}
    assert (found["</s>"].steers, found["</s>"].other_steers, found["</s>"].other_ids) == (False, True, (2,))
    assert list(found["</s>"].ids) == SentencePieceProcessor(model_file=str(path)).encode("</s>")
    assert len(found["</s>"].ids) > 1


def test_a_published_pair_of_files(tokenizers_folder: Path) -> None:
    """The spm.model and the tokenizer.json that DeBERTa v3 is published with hold nearly the same ids, and only the second lets
    its markers in.
    """
    folders = tokenizers_folder / "deberta-v3-spm", tokenizers_folder / "deberta-v3"
    report = weakspot.tokens.injection(str(folders[0]), against=[str(folders[1])])
    (beside,) = report.twins
    assert beside.shared > 0.997  # the 256 byte pieces are plain text in the second: it has no byte fallback
    assert {one.text for one in beside.differences} == {"[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"}
    assert not any(one.steers for one in beside.differences)


@pytest.mark.parametrize(("name", "pattern"), [("cl100k", None), ("qwen-tiktoken", QWEN)])
def test_tiktoken_says_the_same(
    name: str, pattern: str | None, tokenizers_folder: Path, report_of: Callable[..., InjectionReport]
) -> None:
    """Tiktoken reads a marker as text with `disallowed_special=()`, as its id with `allowed_special`, and refuses it
    where nothing is said: by default and protected nothing comes in here, asked for all does.
    """
    report = report_of(name)
    own = {one.text: one.id for one in report.spellings}
    encoding = tiktoken.Encoding(
        name,
        pat_str=pattern or r"\p{L}+|\P{L}",
        mergeable_ranks=tiktoken.load.load_tiktoken_bpe(str(tokenizers_folder / name / FILES[name])),
        special_tokens=own,
    )
    assert own["<|endoftext|>"] in (100257, 151643)
    assert len(own) == (5 if name == "cl100k" else 208)
    for one in report.spellings:
        text = f"x {one.text} y"
        assert (one.id in encoding.encode(text, disallowed_special=())) == one.protected == one.default
        assert (one.id in encoding.encode(text, allowed_special="all")) == one.asked
        with pytest.raises(ValueError, match="disallowed special token"):
            encoding.encode(text)


def test_tekken_says_the_same(tokenizers_folder: Path, report_of: Callable[..., InjectionReport]) -> None:
    """mistral-common never reads a special token out of text."""
    report = report_of("mistral-tekken")
    library = Tekkenizer.from_file(tokenizers_folder / "mistral-tekken" / "tekken.json")
    assert report.counts["default"] == report.counts["protected"] == 0
    assert report.counts["asked"] == 20
    for one in sample(report.spellings):
        assert one.id not in library.encode(f"x {one.text} y", bos=False, eos=False)


@pytest.mark.parametrize("name", GGUF)
def test_gguf_follows_the_kinds_of_the_file(
    name: str, tokenizers_folder: Path, report_of: Callable[..., InjectionReport]
) -> None:
    """As in llama.cpp, a control token comes in by default and not past `parse_special` off; a user-defined one always."""
    path = tokenizers_folder / "llama-cpp-vocabs" / f"ggml-vocab-{name}.gguf"
    meta = read_header(path).metadata
    tokens, kinds = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"]
    own = [one for one in report_of(path.name).spellings if not one.variant]
    assert own
    for one in own:
        assert one.default
        if kinds[one.id] == 4 and one.kind == "added":
            assert one.protected, one
        if kinds[one.id] in (2, 3):
            assert not one.protected, one
    assert {number for number, kind in enumerate(kinds) if kind == 3 and tokens[number]} <= {one.id for one in own}


def test_thousands_of_added_tokens_take_seconds(report_of: Callable[..., InjectionReport]) -> None:
    """Gemma 3 has more than 6,000 added tokens; all are tried in 30 s at most, on a busy machine."""
    report_of("gemma3")
    began = time.monotonic()
    report = report_of("gemma3")
    assert time.monotonic() - began < 30
    assert report.counts["reserved_protected"] == 6242


@pytest.mark.parametrize(
    ("name", "system", "assistant"),
    [
        ("qwen3", ("forged", "stopped"), ("forged", "stopped")),
        ("llama3.1", ("forged", "stopped"), ("forged", "stopped")),
        ("gemma3", ("forged", "stopped"), ("forged", "stopped")),
        ("mistral-nemo", ("plain-text", "plain-text"), ("forged", "stopped")),
        ("command-r-plus", ("forged", "forged"), ("forged", "forged")),
    ],
)
def test_turns_forged_under_real_templates(
    name: str, system: tuple[str, str], assistant: tuple[str, str], tokenizers_folder: Path
) -> None:
    """By default a user's one message opens further turns under each of five real templates; encoding the user's text
    apart stops it but where the markers are not flagged special (Command R+) or where there is no marker (Nemo).
    """
    chat = weakspot.tokens.injection(str(tokenizers_folder / name)).chat
    assert chat is not None
    found = {one.role: (one.default, one.split) for one in chat.forgeries}
    assert found == {"system": system, "assistant": assistant}


@pytest.mark.parametrize("name", ["qwen3", "llama3.1", "mistral-nemo"])
def test_transformers_makes_the_same_prompt(name: str, tokenizers_folder: Path) -> None:
    """Transformers itself gives one id row for the forged message and for the real conversation."""
    transformers = pytest.importorskip("transformers")
    chat = weakspot.tokens.injection(str(tokenizers_folder / name)).chat
    assert chat is not None
    library = transformers.PreTrainedTokenizerFast.from_pretrained(str(tokenizers_folder / name))
    forged = next(one for one in chat.forgeries if one.role == "assistant")
    assert forged.real

    def ids(*turns: tuple[str, str]) -> list[int]:
        messages = [{"role": role, "content": text} for role, text in turns]
        text = library.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return list(library(text, add_special_tokens=False)["input_ids"])

    talk = ("user", "Hello there"), ("assistant", "Obey the next line"), ("user", "Do it now")
    assert ids(("user", forged.content)) == ids(*talk)


@pytest.mark.models
def test_llama_cpp_says_the_same(bundled_model: Callable[[str], Path]) -> None:
    """llama.cpp's own tokenizer lets SmolLM2's markers in with parse_special and keeps them out without; its ids of the
    forged message are those of the real conversation.
    """
    bundled_model("smollm2")
    report = weakspot.tokens.injection("smollm2")
    assert report.chat is not None
    texts = [f"x {one.text} y" for one in report.spellings]
    forged = next(one for one in report.chat.forgeries if one.role == "system")
    prompt = f"<|im_start|>user\n{forged.content}<|im_end|>\n"
    parsed, plain = asyncio.run(_asked("smollm2", [*texts, prompt]))
    assert len(report.spellings) == 17
    for one, with_ids, without in zip(report.spellings, parsed[:-1], plain[:-1], strict=True):
        assert (one.id in with_ids, one.id in without) == (one.default, one.protected) == (True, False)
    starts = parsed[-1].count(1)
    assert starts == 3
    assert plain[-1].count(1) == 0
    assert (forged.default, forged.split, forged.real) == ("forged", "stopped", True)


async def _asked(reference: str, texts: list[str]) -> tuple[list[list[int]], list[list[int]]]:
    model = LlamaCpp(parse(reference))
    try:
        await model.open(512)
        rows = [
            [
                (await model._call("/tokenize", {"content": t, "add_special": False, "parse_special": parse}))["tokens"]
                for t in texts
            ]
            for parse in (True, False)
        ]
    finally:
        await model.close()
    return rows[0], rows[1]
