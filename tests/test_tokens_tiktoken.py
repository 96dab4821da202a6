"""A file of ranks or a tekken.json, opened by Weakspot, is what tiktoken and mistral-common say it is."""

import base64
import json
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import tiktoken
import tiktoken.load
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from tiktoken_ext import openai_public

from hard_texts import HARD_TEXTS, LONG_TEXTS
from weakspot.errors import CorruptFile, UnknownTokenizer, UsageError
from weakspot.tokens.composing import composed_with_origins
from weakspot.tokens.load_tiktoken import FIRST_TEKKEN, load_tekken, load_tiktoken
from weakspot.tokens.parts import BPE
from weakspot.tokens.probe_texts import PROBE_TEXTS
from weakspot.tokens.tiktoken_encodings import known_encodings
from weakspot.tokens.vocabulary import bytelevel_bytes

NAMES = ["cl100k", "o200k", "qwen-tiktoken", "mistral-tekken"]
TEXTS = (*PROBE_TEXTS, *HARD_TEXTS)
BYTES = [bytes((byte,)) for byte in range(256)]


def rank_lines(tokens: list[bytes]) -> bytes:
    """A file of ranks."""
    return b"".join(b"%b %d\n" % (base64.b64encode(token), rank) for rank, token in enumerate(tokens))


def read_ranks(path: Path) -> dict[bytes, int]:
    """The ranks of a file, read as simply as can be."""
    pairs = (line.split() for line in path.read_bytes().splitlines())
    return {base64.b64decode(token): int(rank) for token, rank in pairs}


def tekken(**config: object) -> dict[str, object]:
    """A tekken.json of 256 bytes and three words, with four special tokens."""
    words = [*BYTES, b"ab", b" a", b"abab"]
    return {
        "config": {
            "pattern": r" ?\p{L}+|\s+|[^\s\p{L}]",
            "num_vocab_tokens": 259,
            "default_vocab_size": 263,
            "default_num_special_tokens": 4,
            "version": "v3",
            **config,
        },
        "vocab": [
            {"rank": rank, "token_bytes": base64.b64encode(word).decode(), "token_str": None}
            for rank, word in enumerate(words)
        ],
        "special_tokens": [
            {"rank": rank, "token_str": text, "is_control": True} for rank, text in enumerate(("<unk>", "<s>", "</s>"))
        ],
    }


def reference(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[int]]:
    """The reference library used directly: text to ids."""
    if name == "mistral-tekken":
        library = Tekkenizer.from_file(folder / name / "tekken.json")
        return lambda text: library.encode(text, bos=False, eos=False)
    path = next((folder / name).iterdir())
    if name == "qwen-tiktoken":
        pattern = (
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
            r"|\s*[\r\n]+|\s+(?!\S)|\s+"
        )
        qwen = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=read_ranks(path), special_tokens={})
        return lambda text: qwen.encode_ordinary(unicodedata.normalize("NFC", text))
    # tiktoken's own constructor, given the file where it would fetch one; it checks the hash.
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    monkeypatch.setattr(tiktoken.load, "read_file", lambda _: path.read_bytes())
    encoding = tiktoken.Encoding(**openai_public.ENCODING_CONSTRUCTORS[f"{name}_base"]())
    return encoding.encode_ordinary


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", NAMES)
def test_ids_are_the_librarys(
    name: str, tokenizers_folder: Path, real_tokenizer: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids and batches equal the reference library's on every probe, hard and long text, and decode to the text."""
    encode = reference(name, tokenizers_folder, monkeypatch)
    tokenizer = real_tokenizer(name)
    texts = (*TEXTS, *LONG_TEXTS)
    expected = [encode(text) for text in texts]
    assert [tokenizer.ids(text) for text in texts] == expected
    batch = tokenizer.engine.batch(texts)
    assert batch.counts.tolist() == [len(ids) for ids in expected]
    assert batch.ids.tolist() == [token for ids in expected for token in ids]
    assert [tokenizer.decode(ids) for ids in expected] == [tokenizer.engine.normalize(text) for text in texts]


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", NAMES)
def test_segments_are_the_librarys_cuts(name: str, real_tokenizer: Callable) -> None:
    """Each segment merged on its own by the library gives the ids of the whole: the cuts are the library's."""
    tokenizer = real_tokenizer(name)
    single = tokenizer.engine.fast_source() or tokenizer.engine
    encoding = getattr(single, "encoding", None) or tokenizer.engine._encoding
    for text in (*TEXTS, *LONG_TEXTS):
        segments = tokenizer.engine.segments(text, parse_special=False)
        assert "".join(segment.text for segment in segments) == tokenizer.engine.normalize(text)
        merged = [token for s in segments for token in encoding._encode_single_piece(s.text.encode())]
        assert merged == tokenizer.ids(text)
        if tokenizer.engine.normalize(text) == text:
            assert [text.encode()[s.start : s.end].decode() for s in segments] == [s.text for s in segments]


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", NAMES)
def test_offsets_cover_what_they_say(name: str, real_tokenizer: Callable) -> None:
    """Where nothing changed a text the slices are the tokens' bytes; where NFC did, they stay inside and in order."""
    tokenizer = real_tokenizer(name)
    for text in (*TEXTS, *LONG_TEXTS):
        raw = text.encode()
        encoded = tokenizer.encode(text)
        assert encoded.ids == tokenizer.ids(text)
        assert encoded.starts == sorted(encoded.starts)
        assert all(0 <= a <= b <= len(raw) for a, b in zip(encoded.starts, encoded.ends, strict=True))
        if tokenizer.engine.normalize(text) == text:
            data = [tokenizer.vocabulary[token].data for token in encoded.ids]
            assert [raw[a:b] for a, b in zip(encoded.starts, encoded.ends, strict=True)] == data


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", NAMES)
def test_special_text_is_text_unless_asked(name: str, real_tokenizer: Callable) -> None:
    """A special token in a text is plain by default and its id where asked, and each has the bytes of its name."""
    tokenizer = real_tokenizer(name)
    special = [token for token in tokenizer.vocabulary if token.special]
    assert len(special) >= 2
    for token in special[:40]:
        assert token.id not in tokenizer.ids(f"a{token.text}b")
        encoded = tokenizer.encode(f"a{token.text}b", parse_special=True)
        place = encoded.ids.index(token.id)
        assert (encoded.starts[place], encoded.ends[place]) == (1, 1 + len(token.text))
        segments = tokenizer.engine.segments(f"a{token.text}b", parse_special=True)
        assert [s.token for s in segments] == [None, token.id, None]
        assert tokenizer.decode([token.id]) == token.text


@pytest.mark.tokenizers
@pytest.mark.parametrize(("name", "file"), [("llama3.1", "tokenizer.model"), ("gpt2", "ranks.tiktoken")])
def test_the_json_twin_is_the_same(name: str, file: str, real_tokenizer: Callable, tmp_path: Path) -> None:
    """Llama 3's and GPT-2's ranks are known by their hash, and ids, frame and vocabulary are their tokenizer.json's."""
    twin = real_tokenizer(name)
    plain = (token for token in twin.vocabulary if not token.special)
    path = tmp_path / file
    path.write_bytes(b"".join(b"%b %d\n" % (base64.b64encode(token.data), token.id) for token in plain))
    tokenizer = load_tiktoken(path, name)
    assert tokenizer.vocabulary.hash == twin.vocabulary.hash
    assert not any("assumed" in remark for remark in tokenizer.remarks)
    for parse in (False, True):
        ours = [tokenizer.ids(text, parse_special=parse, add_special=True) for text in TEXTS]
        assert ours == [twin.ids(text, parse_special=parse, add_special=True) for text in TEXTS]


@pytest.mark.tokenizers
def test_qwen_and_nemo_agree_with_their_json_but_for_special_tokens(real_tokenizer: Callable) -> None:
    """Qwen's and Mistral Nemo's two files give plain text the same ids; the names of some special ids differ."""
    for name, twin_name, count in (("qwen-tiktoken", "qwen3", 23), ("mistral-tekken", "mistral-nemo", 10)):
        ours, twin = real_tokenizer(name), real_tokenizer(twin_name)
        # These two are not flagged special in Qwen3's file, so the library can't be told to leave them alone.
        plain = [text for text in TEXTS if "<|fim_prefix|>" not in text and "<think>" not in text]
        assert [ours.ids(text) for text in plain] == [twin.ids(text, parse_special=False) for text in plain]
        differ = [t for t in twin.vocabulary if ours.vocabulary[t.id].data != t.data]
        assert len(differ) == count
        assert ours.ids("a", add_special=True) == twin.ids("a", add_special=True)


@pytest.mark.tokenizers
def test_a_million_spaces_do_not_panic(real_tokenizer: Callable) -> None:
    """White space in a row that makes the library's regular expressions give up is cut here, with the same rule."""
    tokenizer = real_tokenizer("o200k")
    short, long = (" " * count + "x" for count in (99_999, 1_000_001))
    assert tokenizer.decode(tokenizer.ids(long)) == long
    assert tokenizer.ids(long)[-1] == tokenizer.ids(short)[-1]
    assert tokenizer.engine.batch([long]).counts.sum() == len(tokenizer.ids(long))
    at_the_edge = " " * 100_001 + "x"
    assert tokenizer.ids(at_the_edge) == tokenizer.engine.fast_source().encoding.encode_ordinary(at_the_edge)


@pytest.mark.tokenizers
@pytest.mark.slow
@pytest.mark.parametrize("name", ["cl100k", "o200k", "qwen-tiktoken", "mistral-tekken"])
def test_every_character_is_cut_alike(name: str, real_tokenizer: Callable) -> None:
    """Between neighbours of five sorts, every assigned character is cut by our pattern as by the library's."""
    tokenizer = real_tokenizer(name)
    encoding = tokenizer.engine._encoding
    assigned = [chr(p) for p in range(0x110000) if unicodedata.category(chr(p)) not in ("Cn", "Cs", "Co")]
    assigned = [c for c in assigned if not 0x3400 <= ord(c) <= 0x9FFF and not 0xAC00 <= ord(c) <= 0xD7A3]
    assigned = [c for c in assigned if ord(c) < 0x20000]
    for character in assigned:
        text = f"a{character}A {character}\n1{character}1'{character} !{character}{character}"
        normal = tokenizer.engine.normalize(text)
        cuts = tokenizer.engine.segments(normal, parse_special=False)
        merged = [token for s in cuts for token in encoding._encode_single_piece(s.text.encode())]
        assert merged == encoding.encode_ordinary(normal), hex(ord(character))


def test_composing_keeps_its_trail() -> None:
    """The composed text is NFC, and every stretch of the input composes to the stretch that is laid to it."""
    for text in (*TEXTS, "각".join(HARD_TEXTS)):
        composed, at = composed_with_origins(text)
        assert composed == unicodedata.normalize("NFC", text)
        assert len(at) == len(composed) + 1
        edges = sorted({*at, 0})
        for start, end in pairwise(edges):
            laid = "".join(c for c, origin in zip(composed, at, strict=False) if start <= origin < end)
            assert laid == unicodedata.normalize("NFC", text[start:end])


def test_patterns_and_hashes_come_from_the_library() -> None:
    """Each of tiktoken's encodings that comes as one file is known, with a 64-digit hash and its special tokens."""
    names = {encoding.name for encoding in known_encodings()}
    assert names >= {"r50k_base", "p50k_base", "p50k_edit", "cl100k_base", "o200k_base", "o200k_harmony"}
    assert all(len(encoding.digest) == 64 and encoding.special for encoding in known_encodings())


def test_unknown_ranks_are_said_to_be_assumed(tmp_path: Path) -> None:
    """A vocabulary that nobody knows gets a pattern by its file's name, or GPT-2's, and a remark that says so."""
    for file, says in (
        ("mine.tiktoken", "GPT-2's pattern was assumed"),
        ("my_qwen.tiktoken", "by the file name, qwen"),
    ):
        path = tmp_path / file
        path.write_bytes(rank_lines([*BYTES, b"ab", b" ab"]))
        tokenizer = load_tiktoken(path, "mine")
        assert any(says in remark for remark in tokenizer.remarks)
        assert tokenizer.ids("ab ab") == [256, 257]
    assert isinstance(tokenizer.model, BPE)
    assert tokenizer.model.vocab["\xff"] == 255
    with pytest.raises(UsageError, match="no such token"):
        tokenizer.decode([9999])


BROKEN = {
    "empty": (b"", "no ranks"),
    "half a line": (rank_lines(BYTES)[:-5], "line 256"),
    "half base64": (rank_lines(BYTES) + b"YWI 256\n", "line 257"),
    "no number": (rank_lines(BYTES) + b"YWI= x\n", "line 257"),
    "a rank twice": (rank_lines([*BYTES, b"ab"]) + b"YWJi 256\n", "lines 257 and 258 have the rank 256"),
    "a token twice": (rank_lines([*BYTES, b"ab", b"ab"]), "lines 257 and 258 have the same token"),
    "a byte missing": (rank_lines(BYTES[:-1]), "the byte 0xFF has no token"),
    "a huge rank": (rank_lines(BYTES) + b"YWI= 99999999\n", "the rank 99999999"),
    "a number of 5,000 digits": (rank_lines(BYTES) + b"YWI= " + b"9" * 5000 + b"\n", "line 257"),
    "binary": (bytes(range(256)) * 4, "line 1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_damaged_ranks_are_one_clear_sentence(name: str, tmp_path: Path) -> None:
    """What a file of ranks has wrong is said with the line."""
    data, says = BROKEN[name]
    path = tmp_path / "broken.tiktoken"
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match=says) as caught:
        load_tiktoken(path, "x")
    assert caught.value.message.startswith("broken.tiktoken")


def test_a_small_tekken_is_what_mistral_common_says(tmp_path: Path) -> None:
    """Shifted ids, fillers and the cut of the vocabulary are mistral-common's."""
    path = tmp_path / "tekken.json"
    path.write_text(json.dumps(tekken(default_vocab_size=262)))
    ours, library = load_tekken(path, "t"), Tekkenizer.from_file(path)
    assert [ours.ids(text) for text in TEXTS] == [library.encode(text, bos=False, eos=False) for text in TEXTS]
    assert ours.ids("abab", add_special=True) == library.encode("abab", bos=True, eos=False) == [1, 260, 260]
    assert len(ours.vocabulary) == library.n_words == 262
    assert [token.text for token in ours.vocabulary][:4] == ["<unk>", "<s>", "</s>", "<SPECIAL_3>"]
    assert any("1 tokens more" in remark for remark in ours.remarks)


def test_an_old_tekken_has_mistrals_special_tokens() -> None:
    """The names that stand in for a file without any are mistral-common's, in its order."""
    assert [token["token_str"] for token in Tekkenizer.DEPRECATED_SPECIAL_TOKENS] == list(FIRST_TEKKEN)


def changed_tekken(what: str) -> object:
    """A tekken.json with one thing wrong."""
    data: dict = tekken()  # type: ignore[type-arg]
    if what == "no config":
        del data["config"]
    elif what == "ranks":
        data["vocab"][9]["rank"] = 8
    elif what == "base64":
        data["vocab"][9]["token_bytes"] = "A"
    elif what == "twice":
        data["vocab"][258]["token_bytes"] = data["vocab"][257]["token_bytes"]
    elif what == "special":
        data["special_tokens"][2]["rank"] = 7
    elif what == "size":
        data["config"]["default_vocab_size"] = 10**15
    elif what == "shift":
        data["config"]["default_num_special_tokens"] = -5
    elif what == "pattern":
        data["config"]["pattern"] = "(["
    return data


@pytest.mark.parametrize(
    ("what", "error", "says"),
    [
        ("no config", UnknownTokenizer, "no tekken.json"),
        ("ranks", CorruptFile, "token 9 has the rank 8"),
        ("base64", CorruptFile, "token 9 is no base64"),
        ("twice", CorruptFile, "token 258 is that of rank 257"),
        ("special", CorruptFile, "special tokens"),
        ("size", CorruptFile, "contradicts itself"),
        ("shift", CorruptFile, "contradicts itself"),
        ("pattern", CorruptFile, "can't be opened"),
    ],
)
def test_a_damaged_tekken_is_one_clear_sentence(what: str, error: type[Exception], says: str, tmp_path: Path) -> None:
    """What a tekken.json has wrong is said by the file's name."""
    path = tmp_path / "tekken.json"
    path.write_text(json.dumps(changed_tekken(what)))
    with pytest.raises(error, match=says):
        load_tekken(path, "x")
    path.write_text(json.dumps(changed_tekken(what))[:500])
    with pytest.raises(CorruptFile, match="no whole JSON"):
        load_tekken(path, "x")


def test_byte_letters_spell_the_tokens(tmp_path: Path) -> None:
    """Tokens are written as a tokenizer.json would write them, and read back to their bytes."""
    path = tmp_path / "x.tiktoken"
    path.write_bytes(rank_lines([*BYTES, b" ab"]))
    vocabulary = load_tiktoken(path, "x").vocabulary
    assert vocabulary[256].text == "Ġab"
    assert all(bytelevel_bytes(token.text) == token.data for token in vocabulary)
