"""The tokenizer inside a GGUF file gives the ids that llama.cpp gives, by the inputs and ids that llama.cpp ships."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from make_gguf import Array, vocabulary, write
from weakspot.errors import CorruptFile, UnknownTokenizer, WeakspotError
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.load_gguf import load_gguf, read_vocabulary
from weakspot.tokens.parts import BPE, Unigram, WordPiece
from weakspot.tokens.probe_texts import PROBE_TEXTS
from weakspot.tracing.explaining import Tracer

BETWEEN = "\n__ggml_vocab_test__\n"
TESTED = {
    "bert-bge": WordPiece,
    "command-r": BPE,
    "deepseek-coder": BPE,
    "deepseek-llm": BPE,
    "falcon": BPE,
    "gemma-4": BPE,
    "gpt-2": BPE,
    "llama-bpe": BPE,
    "llama-spm": BPE,
    "mpt": BPE,
    "phi-3": BPE,
    "qwen2": BPE,
    "qwen35": BPE,
    "refact": BPE,
    "starcoder": BPE,
}
"""Vocabularies with expected ids, and the kind of model in them."""

UNTESTED = {"aquila": BPE, "baichuan": BPE, "gpt-neox": BPE, "nomic-bert-moe": Unigram}
"""Vocabularies that llama.cpp ships without expected ids."""


def file_of(name: str) -> str:
    """The file's name."""
    return f"ggml-vocab-{name}.gguf"


def cases(folder: Path, name: str) -> list[tuple[str, list[int]]]:
    """The inputs that lie beside a vocabulary, and the ids that llama.cpp gives them."""
    path = folder / "llama-cpp-vocabs" / file_of(name)
    inputs = path.with_name(path.name + ".inp").read_bytes().decode().split(BETWEEN)
    expected = path.with_name(path.name + ".out").read_text("utf-8").splitlines()
    if not inputs[-1]:  # most files, not all, have a separator behind the last input too
        inputs.pop()
    return [(text, [int(word) for word in line.split()]) for text, line in zip(inputs, expected, strict=True)]


@pytest.mark.tokenizers
def test_every_vocabulary_of_the_folder_is_named_here(tokenizers_folder: Path) -> None:
    """No vocabulary goes untested in silence: those with expected ids are TESTED, the four without are UNTESTED."""
    found = {path.name: path for path in (tokenizers_folder / "llama-cpp-vocabs").glob("*.gguf")}
    with_cases = {name for name, path in found.items() if path.with_name(name + ".inp").is_file()}
    assert with_cases == {file_of(name) for name in TESTED}
    assert found.keys() - with_cases == {file_of(name) for name in UNTESTED}


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", TESTED)
def test_ids_are_llama_cpps(name: str, tokenizers_folder: Path, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Every shipped input gets the shipped ids, with and without parsing of special text, alone and in a batch."""
    tokenizer = real_tokenizer(file_of(name))
    shipped = cases(tokenizers_folder, name)
    assert len(shipped) >= 45
    for text, expected in shipped:
        assert tokenizer.ids(text, parse_special=False) == expected, text
        assert tokenizer.encode(text, parse_special=False).ids == expected, text
        assert tokenizer.ids(text) == expected, text  # none of the inputs spells a special token
    batch = tokenizer.engine.batch([text for text, _ in shipped])
    assert batch.counts.tolist() == [len(expected) for _, expected in shipped]
    assert batch.ids.tolist() == [token for _, expected in shipped for token in expected]


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", TESTED)
def test_the_trace_gives_llama_cpps_ids(
    name: str, tokenizers_folder: Path, real_tokenizer: Callable[[str], Tokenizer]
) -> None:
    """The step-by-step engine, which calls no library for the model, gives the shipped ids too."""
    tracer = Tracer(real_tokenizer(file_of(name)))
    for text, expected in cases(tokenizers_folder, name):
        assert tracer.ids(text, parse_special=False) == expected, text


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", UNTESTED)
def test_vocabularies_without_expected_ids(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Where llama.cpp ships no expected ids, library and trace agree on every probe text, and text comes back."""
    tokenizer = real_tokenizer(file_of(name))
    tracer = Tracer(tokenizer)
    for text in PROBE_TEXTS:
        ids = tokenizer.ids(text)
        assert tracer.ids(text) == ids, text
        if isinstance(tokenizer.model, BPE):  # Unigram's rules (NFKC) change text on purpose
            space_mark = "\u2581" if tokenizer.engine.library == "sentencepiece" else " "
            assert tokenizer.decode(ids) == text.replace(space_mark, " "), text


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", [*TESTED, *UNTESTED])
def test_kinds_and_model_are_the_files(name: str, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """The model is of the file's kind, every id has a token, and control tokens come in by parsed text only."""
    tokenizer = real_tokenizer(file_of(name))
    assert type(tokenizer.model) is {**TESTED, **UNTESTED}[name]
    assert tokenizer.format == "gguf"
    assert tokenizer.vocabulary.missing == []
    # The library's kinds, where the same token can be asked: control ids come out of no plain text.
    control = [token for token in tokenizer.vocabulary if token.kind == "control"]
    assert all(token.special for token in control)
    assert {token.kind for token in tokenizer.vocabulary} >= {"normal", "control"}
    for token in control[:50]:
        assert token.id in tokenizer.ids(f"a {token.text} b"), token
        assert token.id not in tokenizer.ids(f"a {token.text} b", parse_special=False), token


@pytest.mark.tokenizers
def test_fingerprints_tell_the_files_apart(tokenizers_folder: Path, real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Nineteen tokenizers have nineteen fingerprints, each of 12 + 12 digits, and each is the same when opened again."""
    found = {name: real_tokenizer(file_of(name)).fingerprint for name in [*TESTED, *UNTESTED]}
    assert all(len(half) == 12 for fingerprint in found.values() for half in fingerprint.split("-"))
    assert len(set(found.values())) == len(found)
    for name in ("llama-spm", "bert-bge"):
        path = tokenizers_folder / "llama-cpp-vocabs" / file_of(name)
        assert load_gguf(path, "again").fingerprint == found[name]


def small(**changes: Any) -> bytes:
    """A GGUF file of 260 tokens: three control tokens, every byte and a space; `changes` by key, None to leave out."""
    metadata = {"general.architecture": "llama", **vocabulary(), **changes}
    return write({key: value for key, value in metadata.items() if value is not None})


def opened(folder: Path, **changes: Any) -> Tokenizer:
    """The tokenizer of such a file."""
    path = folder / "made.gguf"
    path.write_bytes(small(**changes))
    return load_gguf(path, "made")


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", ["llama-spm", "bert-bge", "gpt-2"])
def test_the_vocabulary_alone_is_the_same(
    name: str, tokenizers_folder: Path, real_tokenizer: Callable[[str], Tokenizer]
) -> None:
    """The vocabulary that is read without any library is that of the whole tokenizer, token by token."""
    alone = read_vocabulary(tokenizers_folder / "llama-cpp-vocabs" / file_of(name))
    assert list(alone) == list(real_tokenizer(file_of(name)).vocabulary)


def test_kinds_of_a_made_file(tmp_path: Path) -> None:
    """Control, byte and normal tokens have the kinds that the file states, and <unk> is unknown."""
    tokenizer = opened(tmp_path)
    assert [tokenizer.vocabulary[number].kind for number in (0, 1, 2, 3, 258, 259)] == [
        "unknown",
        "control",
        "control",
        "byte",
        "byte",
        "normal",
    ]
    assert tokenizer.vocabulary[3 + 0x0A].data == b"\n"
    # The dummy prefix is the space's own token, and every letter falls into its bytes.
    assert tokenizer.ids("é") == [259, 3 + 0xC3, 3 + 0xA9]
    assert tokenizer.ids("é", add_special=True)[:1] == [1]
    assert tokenizer.ids("<s>") == [1]
    assert 1 not in tokenizer.ids("<s>", parse_special=False)


@pytest.mark.parametrize("kind", ["rwkv", "plamo2", "no_vocab", "", "\x1b[31m" + "x" * 300])
def test_a_kind_that_is_not_read_is_said_so(kind: str, tmp_path: Path) -> None:
    """A vocabulary of a kind that is not read gives an UnknownTokenizer that names it, and what is read."""
    with pytest.raises(UnknownTokenizer, match="which is not read") as caught:
        opened(tmp_path, **{"tokenizer.ggml.model": kind})
    assert repr(kind[:40]) in caught.value.message
    assert "made.gguf" in caught.value.message
    assert "gpt2" in caught.value.hint
    assert "\n" not in caught.value.message


DAMAGE: dict[str, tuple[dict[str, Any], str]] = {
    "no tokens": ({"tokenizer.ggml.tokens": None}, "holds no vocabulary"),
    "no list": ({"tokenizer.ggml.tokens": "abc"}, "holds no vocabulary"),
    "tokens that are numbers": ({"tokenizer.ggml.tokens": [1, 2, 3]}, "holds no vocabulary"),
    "too few scores": ({"tokenizer.ggml.scores": [0.0]}, "1 scores for 260 tokens"),
    "scores that are none": ({"tokenizer.ggml.scores": [float("nan")] * 260}, "scores that are not numbers"),
    "scores that are words": ({"tokenizer.ggml.scores": ["a"] * 260}, "scores that are not numbers"),
    "byte pairs without merges": ({"tokenizer.ggml.model": "gpt2"}, "without merges"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_vocabularies_are_one_clear_sentence(name: str, tmp_path: Path) -> None:
    """What a vocabulary has wrong is said by the file's name in one sentence."""
    changes, says = DAMAGE[name]
    with pytest.raises(CorruptFile, match=says) as caught:
        opened(tmp_path, **changes)
    assert caught.value.message.startswith("made.gguf")
    assert "\n" not in caught.value.message


ODD: dict[str, tuple[dict[str, Any], str]] = {
    "no kinds": ({"tokenizer.ggml.token_type": None}, "states no kinds of tokens"),
    "too few kinds": ({"tokenizer.ggml.token_type": Array(5, [2, 3, 3, *([6] * 256)])}, "259 kinds for 260 tokens"),
    "no scores": ({"tokenizer.ggml.scores": None}, "states no scores"),
    "an id out of range": ({"tokenizer.ggml.bos_token_id": 99_999}, ""),
    "a kind of its own": ({"tokenizer.ggml.token_type": Array(5, [2, 3, 3, *([6] * 256), 77])}, ""),
    "a token twice": (
        {"tokenizer.ggml.tokens": [*vocabulary()["tokenizer.ggml.tokens"][:-1], "<s>"]},
        "text of another",
    ),
    "an empty token": ({"tokenizer.ggml.tokens": [*vocabulary()["tokenizer.ggml.tokens"][:-1], ""]}, "are empty"),
    "a NUL": ({"tokenizer.ggml.tokens": [*vocabulary()["tokenizer.ggml.tokens"][:-1], "a\0b"]}, ""),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_vocabularies_are_opened_and_told(name: str, tmp_path: Path) -> None:
    """What llama.cpp forgives is opened, with a remark where something was assumed, and encodes without a crash."""
    changes, says = ODD[name]
    tokenizer = opened(tmp_path, **changes)
    assert says in " ".join(tokenizer.remarks)
    for text in PROBE_TEXTS:
        encoded = tokenizer.encode(text)
        assert all(0 <= start <= end <= len(text.encode()) for start, end in zip(*encoded[1:], strict=True))


def test_a_merge_that_names_no_token_is_left_out(tmp_path: Path) -> None:
    """Merges that can't be used are counted in a remark; the others merge."""
    letters = [chr(code) for code in range(97, 123)]
    tokenizer = opened(
        tmp_path,
        **{
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": "gpt-2",
            "tokenizer.ggml.tokens": [*letters, "ab", "abc"],
            "tokenizer.ggml.scores": None,
            "tokenizer.ggml.token_type": Array(5, [1] * 28),
            "tokenizer.ggml.merges": ["a b", "ab c", "x q", "nothing", "a b"],
            "tokenizer.ggml.unknown_token_id": None,
        },
    )
    assert tokenizer.ids("abcx", parse_special=False) == [27, 23]
    said = " ".join(tokenizer.remarks)
    assert "1 merges are no two tokens" in said
    assert "1 merges name tokens" in said
    assert "1 merges stand twice" in said


def test_every_cut_and_every_changed_byte_is_refused_or_read(tmp_path: Path) -> None:
    """Cut anywhere or with a byte changed, a file gives one of our errors or a tokenizer that works."""
    whole = small()
    path = tmp_path / "made.gguf"
    changed = [whole[:end] for end in range(0, len(whole), 41)]
    changed += [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(0, len(whole), 23)]
    for data in changed:
        path.write_bytes(data)
        try:
            load_gguf(path, "made").encode("ab é <s>")
        except WeakspotError:
            continue
