"""A tokenizer.json, opened by Weakspot, is what the tokenizers library says it is."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from weakspot.errors import CorruptFile, UnknownTokenizer, UsageError, WeakspotError
from weakspot.tokens import face
from weakspot.tokens.load_hf import from_json, load_tokenizer_json
from weakspot.tokens.loading import load_tokenizer
from weakspot.tokens.probe_texts import PROBE_TEXTS

NAMES = [
    "gpt2",
    "llama3.1",
    "qwen3",
    "gemma3",
    "mistral-nemo",
    "command-r-plus",
    "llama2",
    "bert-minilm",
    "claude-old",
    "deepseek-v3",
    "deberta-v3",
]


def small_bpe() -> Tokenizer:
    """A byte-level BPE of eight tokens with a special and an added one."""
    vocab = {token: number for number, token in enumerate(["<unk>", "<s>", "a", "b", "ab", "Ġ", "Ġa", "<t>"])}
    made = Tokenizer(models.BPE(vocab, [("a", "b"), ("Ġ", "a")], unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    made.add_special_tokens(["<s>"])
    made.add_tokens(["<t>"])
    return made


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", NAMES)
def test_ids_offsets_and_text_of_real_files(
    name: str, real_tokenizer: Callable[[str], face.Tokenizer], tokenizers_folder: Path
) -> None:
    """On every probe text a real file gives the library's ids and text, with offsets that name the tokens' own bytes."""
    ours = real_tokenizer(name)
    theirs = Tokenizer.from_file(str(tokenizers_folder / name / "tokenizer.json"))
    theirs.no_padding()
    theirs.no_truncation()
    for text in PROBE_TEXTS:
        encoded = ours.encode(text)
        reference = theirs.encode(text, add_special_tokens=False)
        assert reference.ids == encoded.ids, text
        assert theirs.encode(text).ids == ours.ids(text, add_special=True), text
        assert theirs.decode(reference.ids, skip_special_tokens=False) == ours.decode(encoded.ids), text
        raw = text.encode()
        spans = [raw[start:end] for start, end in zip(encoded.starts, encoded.ends, strict=True)]
        if ours.engine.normalize(text) == text and ours.format != "wordpiece" and b"".join(spans) == raw:
            pieces = [ours.vocabulary[token].data for token in encoded.ids]
            assert b"".join(pieces) != raw or pieces == spans, text


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("parse_special", [True, False])
def test_segments_of_real_files(
    name: str, parse_special: bool, real_tokenizer: Callable[[str], face.Tokenizer]
) -> None:
    """Encoding a text's segments one by one, added tokens apart, gives the ids of the text."""
    ours = real_tokenizer(name)
    model = ours.engine._tokenizer.model  # type: ignore[attr-defined]
    for text in PROBE_TEXTS:
        found: list[int] = []
        for segment in ours.engine.segments(text, parse_special=parse_special):
            found += [segment.token] if segment.token is not None else [t.id for t in model.tokenize(segment.text)]
        assert ours.ids(text, parse_special=parse_special) == found, text


@pytest.mark.tokenizers
def test_baked_in_truncation_is_undone_and_told(real_tokenizer: Callable[[str], face.Tokenizer]) -> None:
    """A file that cuts every text to 128 ids does not do so here, and the remark says 128."""
    bert = real_tokenizer("bert-minilm")
    assert len(bert.ids("word " * 1000)) == 1000
    assert any("128" in remark for remark in bert.remarks)
    assert any("pads" in remark for remark in bert.remarks)


def test_kinds_and_special_flags() -> None:
    """Control, added, unknown and normal tokens are told apart, with the file's special flag."""
    ours = from_json(small_bpe().to_str(), "small")
    kinds = {token.text: (token.kind, token.special) for token in ours.vocabulary}
    assert kinds["<s>"] == ("control", True)
    assert kinds["<t>"] == ("added", False)
    assert kinds["<unk>"] == ("unknown", False)
    assert kinds["Ġa"] == ("normal", False)
    assert ours.vocabulary[6].data == b" a"


def test_protection_covers_special_tokens_only() -> None:
    """The library's own protection keeps plain text from a special token, and not from an added one."""
    ours = from_json(small_bpe().to_str(), "small")
    assert ours.ids("<s>a<t>") == [1, 2, 7]
    assert 7 in ours.ids("<s>a<t>", parse_special=False)
    assert 1 not in ours.ids("<s>a<t>", parse_special=False)


def test_frame_is_what_the_post_processor_adds() -> None:
    """`add_special` adds what the file's template adds."""
    ours = from_json(small_bpe().to_str(), "small")
    assert ours.ids("ab", add_special=True) == [1, 4]


def test_added_tokens_that_are_matched_after_normalising() -> None:
    """An added token that is matched in the normalised text is found in its other spellings, at the right bytes."""
    made = Tokenizer(models.WordLevel({"[UNK]": 0, "x": 1, "tok": 2}, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.add_tokens([AddedToken("<Mark>", normalized=True)])
    ours = from_json(made.to_str(), "late")
    text = "é x <MARK> x"
    encoded = ours.encode(text)
    assert made.encode(text).ids == encoded.ids
    segments = ours.engine.segments(text, parse_special=True)
    assert [segment.token for segment in segments] == [None, None, 3, None]
    assert text.encode()[segments[2].start : segments[2].end] == b"<MARK>"


def test_dropout_is_undone() -> None:
    """A file that drops merges at random gives the same ids each time, and the remark says so."""
    data = json.loads(small_bpe().to_str())
    data["model"]["dropout"] = 0.5
    ours = from_json(json.dumps(data), "dropping")
    assert {tuple(ours.ids("abababab")) for _ in range(20)} == {(4, 4, 4, 4)}
    assert any("dropout" in remark for remark in ours.remarks)


def test_lone_surrogates_have_one_outcome() -> None:
    """A lone surrogate is read as U+FFFD, three bytes, so that offsets stay right."""
    ours = from_json(small_bpe().to_str(), "small")
    assert ours.ids("a\ud83db") == ours.ids("a\ufffdb")
    assert ours.encode("a\ud83db") == ours.encode("a\ufffdb")


def test_an_unknown_token_that_is_none_is_told() -> None:
    """A file whose unknown token is no token says so, encodes what needs none, and refuses the rest in a sentence."""
    ours = from_json(Tokenizer(models.BPE({"a": 0}, [], unk_token="<unk>")).to_str(), "lacking")
    assert any("'<unk>' is no token of the model" in remark for remark in ours.remarks)
    assert ours.ids("aa") == [0, 0]
    with pytest.raises(CorruptFile, match="can't take this text"):
        ours.ids("ab")
    with pytest.raises(CorruptFile, match="can't take this text"):
        ours.engine.batch(["ab"])


def test_ids_that_can_not_be() -> None:
    """Decoding an id below zero is one clear error."""
    with pytest.raises(UsageError, match="no such token"):
        from_json(small_bpe().to_str(), "small").decode([-1])


def test_missing_ids_are_told() -> None:
    """Ids without a token are counted in a remark, and a look at one gives an empty unknown token."""
    data = json.loads(small_bpe().to_str())
    data["model"]["vocab"]["b"] = 40
    ours = from_json(json.dumps(data), "holes")
    assert any("33 of the ids have no token" in remark for remark in ours.remarks)
    assert ours.vocabulary[20].kind == "unknown"


def test_one_id_for_two_tokens_is_refused() -> None:
    """A file that gives one id to two tokens is told apart from a whole one, by the tokens' names."""
    data = json.loads(small_bpe().to_str())
    data["model"]["vocab"]["b"] = data["model"]["vocab"]["a"]
    with pytest.raises(CorruptFile, match="one id to two tokens: 'a' and 'b'"):
        from_json(json.dumps(data), "twice")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b'{"model": {"vocab": {"a": 0', CorruptFile),
        (b"", CorruptFile),
        (b"\xff\xfe{}", UnknownTokenizer),
        (b"[]", UnknownTokenizer),
        (b"{}", UnknownTokenizer),
        (b'{"model": 3}', UnknownTokenizer),
        (b'{"model": {"type": "BPE", "vocab": 3}}', CorruptFile),
        (b'{"model": {"type": "BPE", "vocab": {"a": "x"}, "merges": []}}', CorruptFile),
        (b'{"model": {"type": "BPE", "vocab": {"a": -5}, "merges": []}}', CorruptFile),
        (b'{"model": {"type": "BPE", "vocab": {"a": 99999999999}, "merges": []}}', CorruptFile),
        (b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}}', CorruptFile),
        (b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["ab"]}}', CorruptFile),
        (b'{"model": {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "[UNK]"}}', CorruptFile),
        (b'{"model": {"type": "Unigram", "vocab": [["a"]], "unk_id": 0}}', CorruptFile),
        (b'{"model": {"type": "Unigram", "vocab": [["a", 1.0]], "unk_id": 7}}', CorruptFile),
        (b'{"model": {"type": "Rhyme", "vocab": {"a": 0}}}', UnknownTokenizer),
        (
            b'{"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}, "added_tokens": [{"id": 1}]}',
            CorruptFile,
        ),
        (b'{"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}, "added_tokens": 5}', CorruptFile),
        (
            b'{"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}, "normalizer": {"type": "X"}}',
            CorruptFile,
        ),
        (b'{"a":' * 5000, CorruptFile),
        (b"hello world\n", UnknownTokenizer),
    ],
)
def test_damaged_files_are_told_in_one_sentence(content: bytes, error: type[WeakspotError], tmp_path: Path) -> None:
    """What is no tokenizer, or half of one, gives one sentence of its own kind, and never a traceback of a library."""
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(error) as raised:
        load_tokenizer(str(path))
    assert "\n" not in raised.value.message


def test_two_files_that_disagree_in_one_folder_are_told(tmp_path: Path) -> None:
    """A folder whose two files are two vocabularies is opened by the first, and the remark names the other."""
    (tmp_path / "tokenizer.json").write_text(small_bpe().to_str(), "utf-8")
    (tmp_path / "tekken.json").write_text(small_bpe().to_str(), "utf-8")
    assert load_tokenizer(str(tmp_path / "tokenizer.json")).remarks == ()
    assert any("tekken.json" in remark for remark in load_tokenizer(str(tmp_path)).remarks)


@pytest.mark.parametrize(
    "reference", ["", "no-such-thing", "scripted:echo", "http://127.0.0.1:9/v1#m", "x\0y", "a" * 9999]
)
def test_references_that_name_no_tokenizer(reference: str) -> None:
    """A reference without a tokenizer is told, with what could be named instead."""
    with pytest.raises(WeakspotError) as raised:
        load_tokenizer(reference)
    assert raised.value.exit_code in (2, 15)


def test_fingerprints_tell_vocabulary_and_behaviour_apart() -> None:
    """Another merge order changes the second half only; another token changes the first."""
    data = json.loads(small_bpe().to_str())
    plain = from_json(json.dumps(data), "a").fingerprint.split("-")
    data["model"]["merges"] = []
    unmerged = from_json(json.dumps(data), "b").fingerprint.split("-")
    data["model"]["vocab"]["new"] = 8
    larger = from_json(json.dumps(data), "c").fingerprint.split("-")
    assert plain[0] == unmerged[0]
    assert plain[1] != unmerged[1]
    assert larger[0] != plain[0]


def test_a_file_opens_as_its_text_does(tmp_path: Path) -> None:
    """A path and the text in it are the same tokenizer."""
    path = tmp_path / "t.json"
    path.write_text(small_bpe().to_str(), "utf-8")
    assert load_tokenizer_json(path, "x").fingerprint == from_json(path.read_text("utf-8"), "x").fingerprint
