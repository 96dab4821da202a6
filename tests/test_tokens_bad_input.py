"""What is no tokenizer, or half of one, is told in one clear sentence; what a file bakes in is undone and reported."""

import base64
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from tokenizers import Tokenizer as Library
from tokenizers import models, pre_tokenizers

from make_gguf import vocabulary, write
from weakspot import tokens
from weakspot.errors import CorruptFile, UnknownTokenizer, UsageError, WeakspotError
from weakspot.findings.viewing import view_text
from weakspot.tokens.loading import load_tokenizer
from weakspot.tokens.spm_proto import model_proto

VOCAB = {token: number for number, token in enumerate(["<unk>", "a", "b", "ab", "c"])}
NOISE = random.Random(1).randbytes(5000)


def bpe(**changes: Any) -> bytes:
    """A whole small `tokenizer.json`; `changes` are set in its model."""
    data = json.loads(Library(models.BPE(VOCAB, [("a", "b")], unk_token="<unk>")).to_str())
    data["model"].update(changes)
    return json.dumps(data).encode()


def ranks() -> bytes:
    """A whole file of 256 ranks."""
    return b"".join(base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256))


def pieces() -> bytes:
    """A whole SentencePiece model."""
    rows = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("\u2581", -1.0, 1), ("a", -2.0, 1), ("b", -2.5, 1)]
    return model_proto(rows, kind="unigram", byte_fallback=False, add_dummy_prefix=True, remove_extra_whitespaces=True)


def tekken() -> bytes:
    """A whole small tekken.json."""
    rows = [
        {"rank": byte, "token_bytes": base64.b64encode(bytes([byte])).decode(), "token_str": None}
        for byte in range(256)
    ]
    config = {"pattern": r"\S+|\s+", "default_vocab_size": 258, "default_num_special_tokens": 2, "version": "v3"}
    return json.dumps({"config": config, "vocab": rows}).encode()


WHOLE: dict[str, tuple[str, bytes]] = {
    "tokenizer.json": ("tokenizer.json", bpe()),
    "sentencepiece": ("tokenizer.model", pieces()),
    "tiktoken": ("x.tiktoken", ranks()),
    "tekken": ("tekken.json", tekken()),
    "gguf": ("vocab.gguf", write({"general.architecture": "llama", **vocabulary()})),
}

NOT_ONE: dict[str, tuple[str, bytes, type[WeakspotError]]] = {
    "empty": ("tokenizer.json", b"", CorruptFile),
    "white space": ("tokenizer.json", b" \n\n ", UnknownTokenizer),
    "a text": ("tokenizer.json", b"Once upon a time there was a tokenizer.\n", UnknownTokenizer),
    "a page": ("tokenizer.json", b"<!doctype html><title>404</title>", UnknownTokenizer),
    "a pointer of Git LFS": (
        "tokenizer.model",
        b"version https://git-lfs.example/spec/v1\noid sha256:1\n",
        CorruptFile,
    ),
    "other JSON": ("tokenizer.json", b'{"architectures": ["LlamaForCausalLM"]}', UnknownTokenizer),
    "a list": ("tokenizer.json", b'["a", "b"]', UnknownTokenizer),
    "half a JSON": ("tokenizer.json", bpe()[: len(bpe()) // 2], CorruptFile),
    "half a tekken": ("tekken.json", tekken()[:4000], CorruptFile),
    "half a model": ("tokenizer.model", pieces()[:-9], CorruptFile),
    "half a line": ("x.tiktoken", ranks()[:-3], CorruptFile),
    "half a GGUF": ("vocab.gguf", WHOLE["gguf"][1][:2000], CorruptFile),
    "JSON in UTF-16": ("tokenizer.json", bpe().decode().encode("utf-16"), UnknownTokenizer),
    "JSON that is not UTF-8": ("tokenizer.json", bpe().replace(b'"c"', b'"\xff"'), CorruptFile),
    "NaN for an id": ("tokenizer.json", bpe().replace(b'"c": 4', b'"c": NaN'), CorruptFile),
    "a fraction for an id": ("tokenizer.json", bpe().replace(b'"c": 4', b'"c": 4.5'), CorruptFile),
    "a negative id": ("tokenizer.json", bpe().replace(b'"c": 4', b'"c": -4'), CorruptFile),
    "a huge id": ("tokenizer.json", bpe().replace(b'"c": 4', b'"c": 4000000000'), CorruptFile),
    "a huge number": ("tokenizer.json", bpe().replace(b'"c": 4', b'"c": ' + b"9" * 5000), CorruptFile),
    "deep": ("tokenizer.json", b'{"model":' * 100_000, CorruptFile),
    "noise": ("file", NOISE, UnknownTokenizer),
    "noise called a model": ("tokenizer.model", NOISE, CorruptFile),
    "noise called JSON": ("tokenizer.json", b"{" + NOISE, CorruptFile),
    "noise after GGUF": ("vocab.gguf", b"GGUF" + NOISE, CorruptFile),
    "zeros": ("tokenizer.json", bytes(4096), UnknownTokenizer),
    "one id for two": ("tokenizer.json", bpe(vocab={**VOCAB, "c": 3}), CorruptFile),
    "a merge of nothing": ("tokenizer.json", bpe(merges=["a b", "x y"]), CorruptFile),
    "no unknown token": ("tokenizer.json", bpe(type="WordPiece", unk_token="[GONE]"), CorruptFile),
    "vocab.json alone": ("vocab.json", json.dumps(VOCAB).encode(), UnknownTokenizer),
    "a pickle": ("tokenizer.model", b"\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00}", CorruptFile),
    "a zip": ("tokenizer.json", b"PK\x03\x04" + bytes(100), UnknownTokenizer),
}
"""Files that are no tokenizer: name, contents, error."""


@pytest.mark.parametrize("name", NOT_ONE)
def test_what_is_no_tokenizer_is_one_clear_sentence(name: str, tmp_path: Path) -> None:
    """Each of these files raises its error, whose message is one short sentence that names the file."""
    file, data, error = NOT_ONE[name]
    path = tmp_path / file
    path.write_bytes(data)
    with pytest.raises(error) as caught:
        load_tokenizer(str(path))
    message = caught.value.message
    assert type(caught.value) is error
    assert "\n" not in message
    assert len(message) < 500
    assert message.endswith(".")
    assert file in message or str(path) in message


def said(done: CompletedProcess[str]) -> str:
    """What the command said on its error stream, which must be a message and at most a hint, and no traceback."""
    lines = done.stderr.splitlines()
    assert 1 <= len(lines) <= 2, done.stderr
    assert lines[0].startswith("weakspot: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("name", ["empty", "half a JSON", "noise called a model", "one id for two", "a text"])
@pytest.mark.parametrize("action", ["show", "explain"])
def test_the_command_says_it_and_fails(
    action: str, name: str, tmp_path: Path, weakspot_command: Callable[..., CompletedProcess[str]]
) -> None:
    """At the command line the same is one message and one hint, and the exit code is the error's."""
    file, data, error = NOT_ONE[name]
    path = tmp_path / file
    path.write_bytes(data)
    done = weakspot_command("tokens", action, "text", "-t", str(path))
    assert done.returncode == error.exit_code
    assert file in said(done)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "text"), 2),
        (("show", "-t", "x"), 2),
        (("show", "text", "-t", "no-such-tokenizer"), 15),
        (("show", "text", "-t", ""), 15),
        (("show", "--file", "/no/such/file", "-t", "gpt2"), 2),
        (("explain", "text", "-t", "no-such-tokenizer"), 15),
        (("explain", "text", "-t", "x", "--rows", "0"), 2),
    ],
)
def test_wrong_words(words: tuple[str, ...], code: int, weakspot_command: Callable[..., CompletedProcess[str]]) -> None:
    """What can't be asked is told without a traceback, with the code of its kind."""
    done = weakspot_command("tokens", *words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


@pytest.mark.parametrize("kind", WHOLE)
def test_a_wrong_name_does_no_harm(kind: str, tmp_path: Path) -> None:
    """A file is told by what is in it: under another kind's name it is the same tokenizer."""
    own, data = WHOLE[kind]
    path = tmp_path / own
    path.write_bytes(data)
    expected = load_tokenizer(str(path))
    for other in ("file", "x.bin", "model.safetensors", "UPPER.JSON", "ä b.txt"):
        renamed = tmp_path / other
        renamed.write_bytes(data)
        assert load_tokenizer(str(renamed)).fingerprint == expected.fingerprint, other


def test_padding_and_truncation_are_undone_and_reported(tmp_path: Path) -> None:
    """A file that pads to 32 and cuts to 8 ids gives every text its own ids, and says both."""
    made = Library(models.BPE(VOCAB, [("a", "b")], unk_token="<unk>"))
    made.enable_truncation(8)
    made.enable_padding(length=32)
    path = tmp_path / "tokenizer.json"
    made.save(str(path))
    tokenizer = load_tokenizer(str(path))
    assert tokenizer.ids("ab" * 20) == [3] * 20
    assert tokenizer.ids("a") == [1]
    assert tokenizer.engine.batch(["a", "abc"]).counts.tolist() == [1, 2]
    assert any("cuts every text to 8 ids" in remark for remark in tokenizer.remarks)
    assert any("pads every text" in remark for remark in tokenizer.remarks)
    assert [f.code for f in view_text(tokenizer, "ab" * 9).findings if f.stage == "truncation"] == ["truncation"]


def test_missing_ids_are_reported(tmp_path: Path) -> None:
    """Ids without a token are counted in a remark, for every kind of file that can have them."""
    path = tmp_path / "t"
    path.write_bytes(bpe(vocab={**VOCAB, "c": 99}))
    assert any("95 of the ids have no token" in remark for remark in load_tokenizer(str(path)).remarks)
    path.write_bytes(ranks() + b"YWI= 300\n")
    assert any("44 of the ids have no token" in remark for remark in load_tokenizer(str(path)).remarks)


def test_duplicate_ids_name_both_tokens(tmp_path: Path) -> None:
    """One id for two tokens is refused with both tokens' names; two ids of a rank file with both lines."""
    path = tmp_path / "t"
    path.write_bytes(bpe(vocab={**VOCAB, "c": 3}))
    with pytest.raises(CorruptFile, match="'ab' and 'c' are both 3"):
        load_tokenizer(str(path))
    path.write_bytes(ranks() + b"YWI= 7\n")
    with pytest.raises(CorruptFile, match="lines 8 and 257"):
        load_tokenizer(str(path))


def test_two_files_in_one_folder_that_disagree(tmp_path: Path) -> None:
    """A folder with two tokenizers is opened by the first; the remark says what differs: vocabulary, or only cuts."""
    (tmp_path / "tokenizer.json").write_bytes(bpe())
    (tmp_path / "tokenizer.model").write_bytes(pieces())
    (remark,) = load_tokenizer(str(tmp_path)).remarks
    assert "tokenizer.model lies beside tokenizer.json and has another vocabulary" in remark
    (tmp_path / "tokenizer.model").write_bytes(bpe(merges=[]))
    (remark,) = load_tokenizer(str(tmp_path)).remarks
    assert "same vocabulary and cuts some texts otherwise" in remark
    (tmp_path / "tokenizer.model").write_bytes(bpe())
    assert load_tokenizer(str(tmp_path)).remarks == ()
    (tmp_path / "tokenizer.model").write_bytes(NOISE)
    (remark,) = load_tokenizer(str(tmp_path)).remarks
    assert "can't be read" in remark


def test_an_empty_folder_and_one_without_a_tokenizer(tmp_path: Path) -> None:
    """A folder that holds no tokenizer says so."""
    for file in (None, "config.json"):
        if file:
            (tmp_path / file).write_text("{}", "utf-8")
        with pytest.raises(UnknownTokenizer, match="holds no tokenizer"):
            load_tokenizer(str(tmp_path))


def test_a_file_that_may_not_be_read_and_a_folder_in_its_place(tmp_path: Path) -> None:
    """A folder called tokenizer.json, a link to itself and a pipe that nobody writes to are told, not waited for."""
    (tmp_path / "tokenizer.json").mkdir()
    with pytest.raises(UnknownTokenizer):
        load_tokenizer(str(tmp_path / "tokenizer.json"))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    for name in ("loop", "pipe"):
        with pytest.raises(UnknownTokenizer):
            load_tokenizer(str(tmp_path / name))


def test_texts_that_can_not_be_shown(tmp_path: Path) -> None:
    """No tokenizer, no text, both a text and a file, and a text without end are told in a sentence."""
    path = tmp_path / "t"
    path.write_bytes(bpe())
    for call in (
        lambda: tokens.show("a", []),
        lambda: tokens.show(None, str(path)),
        lambda: tokens.show("a", str(path), file=path),
        lambda: tokens.show("a" * ((16 << 20) + 1), str(path)),
        lambda: tokens.show(None, str(path), file=tmp_path),
    ):
        with pytest.raises(UsageError):
            call()


def test_bytes_that_are_no_utf8_are_located(tmp_path: Path) -> None:
    """Bytes of a text that are no UTF-8 are counted and located, not dropped."""
    path = tmp_path / "t"
    path.write_bytes(bpe())
    (view,) = tokens.show(b"ab\xff\xfec\xe9", str(path))
    told = [(f.start, f.end, f.evidence["count"]) for f in view.findings if f.code == "invalid-utf8"]
    assert told == [(2, 8, 2), (9, 12, 1)]
    assert not view.lossless


def test_hostile_tokens_do_not_reach_the_terminal_or_the_page(
    tmp_path: Path, weakspot_command: Callable[..., CompletedProcess[str]]
) -> None:
    """Escape sequences and markup in a vocabulary and in a file's name are shown, never obeyed."""
    bad = "\x1b[2J<script>alert(1)</script>\u202e"
    made = Library(models.WordLevel({bad: 0, "[UNK]": 1}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split("|", "removed")
    path = tmp_path / "evil\x1b[31m<b>.json"
    made.save(str(path))
    page = tmp_path / "page.html"
    shown = weakspot_command("tokens", "show", bad, "-t", str(path))
    assert shown.returncode == 0, shown.stderr
    assert "\x1b[2J" not in shown.stdout
    assert "\u202e" not in shown.stdout
    done = weakspot_command("tokens", "show", bad, "-t", str(path), "--html", str(page))
    assert done.returncode == 0, done.stderr
    text = page.read_text("utf-8")
    assert "<script" not in text
    assert "\x1b" not in text
    assert "<b>.json" not in text
