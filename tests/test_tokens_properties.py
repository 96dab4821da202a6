"""For any text and any file: ids are the library's, offsets hold, losses are told, and nothing crashes."""

import base64
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor
from tiktoken import Encoding
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Library

from hard_texts import HARD_TEXTS, SURROGATE_TEXTS
from make_gguf import vocabulary, write
from token_checks import check_against, check_losses, check_offsets
from token_references import Reference, reference
from weakspot.errors import WeakspotError
from weakspot.findings.viewing import view_text
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.load_gguf import load_gguf
from weakspot.tokens.load_hf import from_json
from weakspot.tokens.load_sentencepiece import from_proto
from weakspot.tokens.load_tiktoken import load_tiktoken
from weakspot.tokens.loading import load_file
from weakspot.tokens.spm_proto import model_proto
from weakspot.tokens.text import without_surrogates
from weakspot.tokens.tiktoken_encodings import GPT2
from weakspot.tracing.explaining import Tracer

CALM = settings(
    deadline=None,
    max_examples=int(os.environ.get("WEAKSPOT_EXAMPLES", "60")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NEAR = (
    "aAbBxé ıſßΣς▁ĠÅK ﬁ²½１東ก\u0301\u0327\u200b\u200d\ufeff\u00ad\x00\n\t\r\u00a0🤦🏽'.,[{\"<>|/0123\ufffd\ud83d\udce9"
)
SPECIAL = ("<s>", "</s>", "<unk>", "[UNK]", "[MASK]", "<0x0A>", "<m>", "<|endoftext|>", "ab", "lower", "  ", "\r\n")
TEXTS = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=()), max_size=40),
    st.text(alphabet=NEAR, max_size=60),
    st.lists(st.sampled_from((*SPECIAL, *NEAR)), max_size=30).map("".join),
    st.lists(st.sampled_from((*HARD_TEXTS, *SURROGATE_TEXTS)), max_size=3).map("".join),
)
"""Any characters at all, those on which tokenizers differ, spellings of special tokens, and hard texts joined."""

CORPUS = [
    "lower lowest newer wider abab 123 1234",
    "naïve café ﬁle x² — “quoted” don't",
    "東京 タワー ภาษาไทย 🤦🏽‍♂️ é e\u0301",
]


def _trained(model: Any, trainer: Any, **parts: Any) -> Library:
    made = Library(model)
    for name, part in parts.items():
        setattr(made, name, part)
    made.train_from_iterator(CORPUS * 4, trainer)
    made.add_special_tokens([AddedToken("<s>", normalized=False)])
    made.add_tokens([AddedToken("<m>", lstrip=True), AddedToken("Late", normalized=True, single_word=True)])
    return made


def bytelevel() -> Library:
    """Byte-level BPE, trained on three lines."""
    from tokenizers.trainers import BpeTrainer

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(vocab_size=330, initial_alphabet=alphabet, show_progress=False)
    cut = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return _trained(models.BPE(), trainer, pre_tokenizer=cut, decoder=decoders.ByteLevel())


def composing() -> Library:
    """Byte-level BPE behind NFC and lower case."""
    made = bytelevel()
    made.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    return made


def wordpiece() -> Library:
    """WordPiece behind BERT's normalizer."""
    from tokenizers.trainers import WordPieceTrainer

    trainer = WordPieceTrainer(vocab_size=150, special_tokens=["[UNK]", "[MASK]"], show_progress=False)
    return _trained(
        models.WordPiece(unk_token="[UNK]"),
        trainer,
        normalizer=normalizers.BertNormalizer(),
        pre_tokenizer=pre_tokenizers.BertPreTokenizer(),
        decoder=decoders.WordPiece(),
    )


def unigram() -> Library:
    """Unigram behind NFKC, with Metaspace."""
    from tokenizers.trainers import UnigramTrainer

    trainer = UnigramTrainer(vocab_size=90, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False)
    return _trained(
        models.Unigram(),
        trainer,
        normalizer=normalizers.NFKC(),
        pre_tokenizer=pre_tokenizers.Metaspace(),
        decoder=decoders.Metaspace(),
    )


def wordlevel() -> Library:
    """A token a word."""
    from tokenizers.trainers import WordLevelTrainer

    trainer = WordLevelTrainer(special_tokens=["[UNK]"], show_progress=False)
    return _trained(models.WordLevel(unk_token="[UNK]"), trainer, pre_tokenizer=pre_tokenizers.Whitespace())


MADE: dict[str, Callable[[], Library]] = {
    "bytelevel": bytelevel,
    "composing": composing,
    "wordpiece": wordpiece,
    "unigram": unigram,
    "wordlevel": wordlevel,
}
PIECES = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
BYTES = [(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256)]
WORDS = ["▁", "a", "b", "ab", "▁ab", "é", "e", "l", "o", "w", "lo", "low", "▁low", "東", "1", "12", "▁▁", "."]


def pieces(kind: str, *, fallback: bool) -> bytes:
    """A SentencePiece model of a few pieces."""
    words = [(text, -float(number + 1), 1) for number, text in enumerate(WORDS)]
    return model_proto(
        [*PIECES, *(BYTES if fallback else []), *words, ("[MASK]", 0.0, 4)],
        kind="bpe" if kind == "bpe" else "unigram",
        byte_fallback=fallback,
        add_dummy_prefix=True,
        remove_extra_whitespaces=not fallback,
    )


@cache
def made(name: str) -> tuple[Tokenizer, Reference]:
    """A small tokenizer and the library's own way."""
    if name in MADE:
        library = MADE[name]()
        return from_json(library.to_str(), name), Reference(
            lambda text: list(library.encode(text, add_special_tokens=False).ids),
            lambda ids: str(library.decode(ids, skip_special_tokens=False)),
        )
    kind, fallback = name.split("-")[1], name.endswith("bytes")
    proto = pieces(kind, fallback=fallback)
    processor = SentencePieceProcessor(model_proto=proto)
    return from_proto(proto, name, format="sentencepiece"), Reference(processor.encode, processor.decode)


SMALL = (*MADE, "spm-bpe-bytes", "spm-bpe-unknown", "spm-unigram-bytes", "spm-unigram-unknown")


def check(tokenizer: Tokenizer, text: str, library: Reference) -> None:
    """Everything that must be true of any text under any tokenizer."""
    view = view_text(tokenizer, text)
    check_against(view, text, library)
    check_offsets(view)
    check_losses(view, text)
    size = len(view.text.encode())
    assert all(0 <= finding.start <= finding.end <= size for finding in view.findings)
    assert Tracer(tokenizer).ids(text) == list(view.ids)
    batch = tokenizer.engine.batch([without_surrogates(text)])
    assert batch.ids.tolist() == list(view.ids)
    for special in (False, True):
        framed = view_text(tokenizer, text, parse_special=special, add_special=True)
        check_offsets(framed)
    if view.lossless:
        assert not [finding for finding in view.findings if finding.code == "drift"]


@pytest.mark.parametrize("name", SMALL)
@given(text=TEXTS)
@example("")
@example("a\u0301 <s><m> Late\ud83d")
@CALM
def test_any_text_under_small_tokenizers(name: str, text: str) -> None:
    """Any text has the library's ids and decoded text, right offsets, told losses, and a trace that agrees."""
    tokenizer, library = made(name)
    check(tokenizer, text, library)


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", ["gpt2", "llama2", "bert-minilm", "mistral-spm", "cl100k"])
@given(text=TEXTS)
@CALM
def test_any_text_under_real_tokenizers(
    name: str, text: str, real_tokenizer: Callable[[str], Tokenizer], real_reference: Callable[[str], Reference]
) -> None:
    """The same under real tokenizers."""
    check(real_tokenizer(name), text, real_reference(name))


@pytest.fixture(scope="session")
def real_reference(tokenizers_folder: Path) -> Callable[[str], Reference]:
    """The reference libraries' own calls, opened once."""
    return cache(lambda name: reference(name, tokenizers_folder))


@given(text=TEXTS)
@CALM
def test_any_text_under_a_rank_file(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same under a file of ranks that nobody knows, against tiktoken."""
    tokenizer, library = rank_file(tmp_path_factory.getbasetemp())
    check(tokenizer, text, library)


@cache
def rank_file(folder: Path) -> tuple[Tokenizer, Reference]:
    """Ranks of 256 bytes and a few words."""
    words = [*(bytes([byte]) for byte in range(256)), b"ab", b" a", b"  ", "é".encode(), b"12", b"123", "東".encode()]
    path = folder / "mine.tiktoken"
    path.write_bytes(b"".join(base64.b64encode(word) + b" %d\n" % rank for rank, word in enumerate(words)))
    ranks = {word: rank for rank, word in enumerate(words)}
    encoding = Encoding("mine", pat_str=GPT2, mergeable_ranks=ranks, special_tokens={})
    return load_tiktoken(path, "mine"), Reference(encoding.encode_ordinary, encoding.decode)


@given(text=TEXTS)
@CALM
def test_any_text_under_a_gguf(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Under the vocabulary of a GGUF file any text is a view whose bytes come back, since every byte has a token."""
    path = tmp_path_factory.getbasetemp() / "bytes.gguf"
    if not path.exists():
        path.write_bytes(write({"general.architecture": "llama", **vocabulary()}))
    tokenizer = load_gguf(path, "bytes")
    view = view_text(tokenizer, text, parse_special=False)
    check_offsets(view)
    clean = without_surrogates(text)
    assert view.decoded == clean.replace("\u2581", " ")


def seeds() -> list[tuple[str, bytes]]:
    """Whole files of every kind."""
    config = {"pattern": r"\S+|\s+", "default_vocab_size": 258, "default_num_special_tokens": 2}
    rows = [{"rank": b, "token_bytes": base64.b64encode(bytes([b])).decode()} for b in range(256)]
    small = Library(models.BPE({"<unk>": 0, "a": 1, "b": 2, "ab": 3}, [("a", "b")], unk_token="<unk>"))
    return [
        ("tokenizer.json", small.to_str().encode()),
        ("tokenizer.json", wordlevel().to_str().encode()),
        ("tokenizer.model", pieces("unigram", fallback=False)),
        ("x.tiktoken", b"".join(base64.b64encode(bytes([b])) + b" %d\n" % b for b in range(256))),
        ("tekken.json", json.dumps({"config": config, "vocab": rows}).encode()),
        ("vocab.gguf", write({"general.architecture": "llama", **vocabulary()})),
    ]


def opens_or_says(path: Path, data: bytes) -> None:
    """A file is a tokenizer that works on a text, or one of our errors in one line."""
    path.write_bytes(data)
    said = ""
    try:
        tokenizer = load_file(path, path.name)
        check_offsets(view_text(tokenizer, "a b é 🤦\n<s>"))
    except WeakspotError as error:
        said = error.message
    assert "\n" not in said


@given(
    data=st.binary(max_size=300),
    name=st.sampled_from(["t.json", "t.model", "t.tiktoken", "tekken.json", "t.gguf", "t"]),
)
@CALM
def test_any_bytes_are_a_tokenizer_or_an_error(data: bytes, name: str, tmp_path: Path) -> None:
    """Any bytes under any name are one of our errors, or a tokenizer that encodes."""
    opens_or_says(tmp_path / name, data)


@given(data=st.data())
@settings(CALM, max_examples=2 * CALM.max_examples)
def test_any_damage_is_a_tokenizer_or_an_error(data: st.DataObject, tmp_path: Path) -> None:
    """A whole file with bytes changed, cut out, doubled or put in is one of our errors, or a tokenizer that encodes."""
    name, whole = data.draw(st.sampled_from(SEEDS))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole)))
        end = min(len(whole), at + data.draw(st.integers(0, 12)))
        whole = whole[:at] + data.draw(st.one_of(st.binary(max_size=12), st.just(whole[at:end] * 2))) + whole[end:]
    opens_or_says(tmp_path / name, whole)


SEEDS = seeds()


@given(
    path=st.lists(
        st.sampled_from(["added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"]),
        min_size=1,
        max_size=1,
    ),
    value=st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "id", "content", "vocab", "merges", "pattern", "unk_token", "Regex"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    ),
)
@CALM
def test_any_value_in_a_field_is_a_tokenizer_or_an_error(path: list[str], value: object, tmp_path: Path) -> None:
    """A tokenizer.json with any value in any of its fields is one of our errors, or a tokenizer that encodes."""
    document = json.loads(SEEDS[0][1])
    document[path[0]] = value
    opens_or_says(tmp_path / "tokenizer.json", json.dumps(document).encode())
