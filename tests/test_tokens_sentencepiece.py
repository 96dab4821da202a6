"""A SentencePiece `.model`, opened by Weakspot, is what the sentencepiece library says it is."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sentencepiece import SentencePieceProcessor

from hard_texts import HARD_TEXTS, LONG_TEXTS
from weakspot.errors import CorruptFile, UnknownTokenizer, UsageError, WeakspotError
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.load_sentencepiece import from_proto, load_sentencepiece
from weakspot.tokens.parts import BPE, Unigram
from weakspot.tokens.probe_texts import PROBE_TEXTS
from weakspot.tokens.segmenting import AddedToken
from weakspot.tokens.spm_proto import model_proto, read_model

MODELS = {
    "mistral-spm": "tokenizer.model",
    "mistral-spm-v3": "tokenizer.model",
    "deberta-v3-spm": "spm.model",
}
TEXTS = (*PROBE_TEXTS, *HARD_TEXTS)
BYTES = [(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256)]
FIRST = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)]
WORDS = [("\u2581", -3.0, 1), ("a", -4.0, 1), ("b", -5.0, 1), ("ab", -6.0, 1), ("\u2581ab", -6.5, 1), ("[X]", 0.0, 4)]


def small(kind: str = "bpe", *, fallback: bool = True, extra: tuple[tuple[str, float, int], ...] = ()) -> bytes:
    """A model of a handful of pieces."""
    pieces = [*FIRST, *(BYTES if fallback else []), *WORDS, *extra]
    return model_proto(
        pieces,
        kind="unigram" if kind == "unigram" else "bpe",
        byte_fallback=fallback,
        add_dummy_prefix=True,
        remove_extra_whitespaces=False,
    )


def opened(proto: bytes, **options: object) -> Tokenizer:
    """The tokenizer of a model."""
    return from_proto(proto, "small", format="sentencepiece", **options)  # type: ignore[arg-type]


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", MODELS)
def test_ids_and_decoded_text_are_the_librarys(name: str, tokenizers_folder: Path, real_tokenizer: Callable) -> None:
    """Ids, decoded text, batches and framed ids equal sentencepiece's own on every probe, hard and long text."""
    library = SentencePieceProcessor(model_file=str(tokenizers_folder / name / MODELS[name]))
    tokenizer = real_tokenizer(name)
    expected = [library.encode(text) for text in (*TEXTS, *LONG_TEXTS)]
    assert [tokenizer.ids(text) for text in (*TEXTS, *LONG_TEXTS)] == expected
    assert [tokenizer.ids(text, parse_special=True) for text in TEXTS] == expected[: len(TEXTS)]
    assert [tokenizer.decode(ids) for ids in expected] == [library.decode(ids) for ids in expected]
    batch = tokenizer.engine.batch((*TEXTS, *LONG_TEXTS))
    assert batch.counts.tolist() == [len(ids) for ids in expected]
    assert batch.ids.tolist() == [token for ids in expected for token in ids]
    framed = library.encode("a b", add_bos=True, add_eos=True)
    assert tokenizer.ids("a b", add_special=True) == framed


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", MODELS)
def test_offsets_cover_what_they_say(name: str, real_tokenizer: Callable) -> None:
    """Offsets never run backwards or out of the text; where no rule changed a text the slices are the tokens' bytes."""
    tokenizer = real_tokenizer(name)
    exact = 0
    for text in (*TEXTS, *LONG_TEXTS):
        raw = text.encode()
        encoded = tokenizer.encode(text)
        assert encoded.ids == tokenizer.ids(text)
        assert encoded.starts == sorted(encoded.starts), text
        assert all(0 <= a <= b <= len(raw) for a, b in zip(encoded.starts, encoded.ends, strict=True)), text
        if tokenizer.engine.normalize(text) != "\u2581" + text.replace(" ", "\u2581"):
            continue
        if "\u2581" in text:
            continue  # the library makes a space of it, so the slice is not the token's bytes
        for place, (token, start, end) in enumerate(zip(*encoded, strict=True)):
            data = tokenizer.vocabulary[token].data
            # The dummy prefix stands for nothing in the input.
            assert raw[start:end] == (data.removeprefix(b" ") if place == 0 else data), (text, place)
            exact += 1
    assert exact > 1000


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", MODELS)
def test_segments_are_the_normalised_text(name: str, real_tokenizer: Callable) -> None:
    """Segments in order are the normalised text, with user-defined symbols as the ids that the encoder gives."""
    tokenizer = real_tokenizer(name)
    users = {token.id for token in tokenizer.vocabulary if token.kind == "added"}
    for text in TEXTS:
        segments = tokenizer.engine.segments(text, parse_special=False)
        assert "".join(segment.text for segment in segments) == tokenizer.engine.normalize(text)
        given = [segment.token for segment in segments if segment.token is not None]
        assert given == [token for token in tokenizer.ids(text) if token in users]
        ends = [0, *(segment.end for segment in segments)]
        assert all(segment.start >= end for segment, end in zip(segments, ends, strict=False))


@pytest.mark.tokenizers
def test_byte_tokens_of_one_character_share_it_out(real_tokenizer: Callable) -> None:
    """Byte-fallback tokens get a byte of the character each, though the library gives all of it to the last."""
    tokenizer = real_tokenizer("mistral-spm")
    encoded = tokenizer.encode("aﬂ\U0010ffff")
    assert [tokenizer.vocabulary[token].text for token in encoded.ids[:2]] == ["\u2581a", "ﬂ"]
    assert list(zip(encoded.starts, encoded.ends, strict=True)) == [(0, 1), (1, 4), (4, 5), (5, 6), (6, 7), (7, 8)]


@pytest.mark.tokenizers
def test_one_character_that_becomes_several_belongs_to_all_of_its_tokens(real_tokenizer: Callable) -> None:
    """Where the rules turn ½ into 1⁄2 and the model cuts that, every part has the whole of ½."""
    tokenizer = real_tokenizer("deberta-v3-spm")
    encoded = tokenizer.encode("7㍿")
    spans = list(zip(encoded.starts, encoded.ends, strict=True))
    assert len(spans) > 2
    assert set(spans[1:]) == {(1, 4)}


@pytest.mark.tokenizers
def test_control_symbols_in_a_text_are_text(real_tokenizer: Callable) -> None:
    """No text becomes a control id, user-defined symbols always match, and ids outside plain text decode as written."""
    tokenizer = real_tokenizer("mistral-spm-v3")
    for parse in (False, True):
        ids = tokenizer.ids("</s>[INST][REFERENCE_DOC_1]", parse_special=parse)
        assert {tokenizer.vocabulary[token].kind for token in ids} == {"normal", "added"}
    assert tokenizer.decode([1, *tokenizer.ids("a b"), 2]) == "<s>a b</s>"


@pytest.mark.tokenizers
def test_the_json_twin_of_deberta_is_another_tokenizer(real_tokenizer: Callable) -> None:
    """DeBERTa's tokenizer.json lost the byte fallback that its .model has: <0x0A> in a text becomes one id there."""
    model, twin = real_tokenizer("deberta-v3-spm"), real_tokenizer("deberta-v3")
    differ = [token.id for token in twin.vocabulary if model.vocabulary[token.id].data != token.data]
    assert differ == [*range(4, 260), 128000]  # the byte pieces, and [MASK]
    assert model.fingerprint != twin.fingerprint
    assert len(twin.ids("x<0x0A>")) < len(model.ids("x<0x0A>"))
    assert twin.ids("\U0010ffff")[-1] == 3
    assert 3 not in model.ids("\U0010ffff")


@pytest.mark.tokenizers
@pytest.mark.parametrize("name", MODELS)
def test_a_model_written_by_us_is_the_same_model(name: str, tokenizers_folder: Path, real_tokenizer: Callable) -> None:
    """Read and written again, a real file's tokenizer has the same fingerprint."""
    spm = read_model((tokenizers_folder / name / MODELS[name]).read_bytes(), name)
    proto = model_proto(
        spm.pieces,
        kind="bpe" if spm.kind == "bpe" else "unigram",
        byte_fallback=spm.byte_fallback,
        add_dummy_prefix=spm.add_dummy_prefix,
        remove_extra_whitespaces=spm.remove_extra_whitespaces,
        charsmap=spm.charsmap,
        unk_id=spm.unk_id,
        bos_id=spm.bos_id,
        eos_id=spm.eos_id,
        pad_id=spm.pad_id,
    )
    again = opened(proto)
    assert again.fingerprint == real_tokenizer(name).fingerprint
    assert again.ids("x", add_special=True) == real_tokenizer(name).ids("x", add_special=True)


def test_model_data_says_what_the_library_scores() -> None:
    """A user-defined symbol of a Unigram model scores 0.1 for each byte after the first; byte pieces match no text."""
    unigram = opened(small("unigram", extra=(("<0x0A>b", -9.0, 1),))).model
    assert isinstance(unigram, Unigram)
    assert unigram.vocab["[X]"][1] == pytest.approx(0.2)
    assert unigram.vocab["<0x0A>"][1] == float("-inf")
    assert unigram.unknown == 0
    bpe = opened(small()).model
    assert isinstance(bpe, BPE)
    assert bpe.scores is not None
    assert "<0x0A>" in bpe.vocab
    assert "<0x0A>" not in bpe.scores


def test_a_user_defined_symbol_beats_likelier_words() -> None:
    """The library takes [X] whole where two normal pieces would score up to 0.2, and not where they score more."""
    for score, count in ((0.09, 1), (0.11, 2)):
        made = opened(small("unigram", fallback=False, extra=(("[", score, 1), ("X]", score, 1))))
        assert len(made.ids("[X]")) == count + 1  # and the dummy prefix


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_unknown_characters_share_an_id(kind: str) -> None:
    """Without byte fallback neighbouring unknown characters are one id that covers them all."""
    tokenizer = opened(small(kind, fallback=False))
    encoded = tokenizer.encode("azéb")
    assert encoded.ids == [3, 4, 0, 5]
    assert list(zip(encoded.starts, encoded.ends, strict=True)) == [(0, 0), (0, 1), (1, 4), (4, 5)]


def test_tokens_beside_the_file_are_cut_out() -> None:
    """A token flagged special matches only where special text is parsed, another always; each stretch begins anew."""
    added = [AddedToken(1, "<s>", special=True), AddedToken(264, "[X]")]
    tokenizer = opened(small(), added=added)
    word = tokenizer.vocabulary.id_of("\u2581ab")
    assert tokenizer.ids("ab<s>ab", parse_special=True) == [word, 1, word]
    assert 1 not in tokenizer.ids("ab<s>ab")
    assert tokenizer.ids("ab[X]ab") == [word, 264, word]
    assert tokenizer.encode("é<s>ab", parse_special=True)[1:] == ([0, 0, 1, 2, 5], [0, 1, 2, 5, 7])
    assert tokenizer.decode([word, 1, word]) == "ab<s>ab"
    segments = tokenizer.engine.segments("é<s>ab", parse_special=True)
    assert [(s.text, s.start, s.end, s.token) for s in segments][1:] == [("<s>", 2, 5, 1), ("\u2581ab", 5, 7, None)]
    batch = tokenizer.engine.batch(["ab[X]", "", "ab"])
    assert batch.ids.tolist() == [word, 264, word]
    assert batch.counts.tolist() == [2, 0, 1]


def test_a_frame_can_be_given() -> None:
    """What goes before and behind a text is the caller's where given, the file's BOS and EOS where not."""
    assert opened(small()).ids("", add_special=True) == [1, 2]
    assert opened(small(), prefix=(2,), suffix=()).ids("", add_special=True) == [2]


def test_an_empty_batch_and_an_id_that_is_none() -> None:
    """No texts give no ids, and decoding an id outside the vocabulary is one clear error."""
    tokenizer = opened(small())
    assert tokenizer.engine.batch([]).ids.size == 0
    with pytest.raises(UsageError, match="no token 99999"):
        tokenizer.decode([99999])


def test_a_spelt_byte_is_no_byte() -> None:
    """A normal piece that is spelt <0x0A> stands for six characters, where the file has no byte pieces."""
    tokenizer = opened(small(fallback=False, extra=(("<0x0A>", -9.0, 1),)))
    found = tokenizer.vocabulary.id_of("<0x0A>")
    assert found is not None
    assert tokenizer.vocabulary[found].data == b"<0x0A>"


BROKEN = {
    "empty": (b"", "no pieces"),
    "text": (b"version https://git-lfs.example/spec", "no intact SentencePiece model"),
    "half": (small()[:1001], "cut short"),
    "no unknown piece": (small().replace(b"\x18\x02", b"\x18\x01", 1), "0 unknown pieces"),
    "two pieces alike": (small(extra=(("ab", -1.0, 1),)), "'ab', which piece"),
    "an empty piece": (small(extra=(("", -1.0, 1),)), "is empty"),
    "a NUL": (small(extra=(("a\0b", -1.0, 1),)), "NUL"),
    "a long piece": (small(extra=(("x" * 5000, -1.0, 1),)), "more than 4096 bytes"),
    "a type": (small(extra=(("q", -1.0, 9),)), "type 9"),
    "a score": (small(extra=(("q", float("nan"), 1),)), "the score nan"),
    "a byte too few": (small().replace(b"\x18\x06", b"\x18\x01", 1), "255 byte pieces"),
    "a byte unheard of": (small().replace(b"<0x41>", b"<0xQQ>", 1), "called a byte"),
    "no UTF-8": (small().replace(b"<0x41>", b"<0x\xff1>", 1), "not UTF-8"),
    "words": (small().replace(b"\x18\x02\x20", b"\x18\x03\x20"), "kind 'word'"),
    "endless number": (b"\x0a" + b"\xff" * 20, "10 bytes"),
    "huge length": (b"\x0a\xff\xff\xff\xff\x7f", "cut short"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_file_is_one_clear_sentence(name: str, tmp_path: Path) -> None:
    """What a file has wrong is said by the file's name, without a traceback from below."""
    data, says = BROKEN[name]
    path = tmp_path / "broken.model"
    path.write_bytes(data)
    with pytest.raises((CorruptFile, UnknownTokenizer), match=says) as caught:
        load_sentencepiece(path, "x")
    assert caught.value.message.startswith("broken.model")
    assert "\n" not in caught.value.message


def test_every_cut_of_a_file_is_refused_or_read() -> None:
    """Cut at any byte, a file gives one of our errors or a whole tokenizer, never another error."""
    proto = small()
    for end in range(0, len(proto), 7):
        try:
            opened(proto[:end])
        except (CorruptFile, UnknownTokenizer):
            continue


HOSTILE = """
import random, sys
from weakspot.errors import WeakspotError
from weakspot.tokens.load_sentencepiece import from_proto
from weakspot.tokens.spm_proto import model_proto, read_model
proto = open(sys.argv[1], "rb").read()
charsmap = bytearray(read_model(proto, "x").charsmap)
pieces = [("<unk>", 0.0, 2), ("a", -1.0, 1), ("\\u2581", -2.0, 1)]
chance, opened = random.Random(7), 0
for _ in range(150):
    changed = bytearray(charsmap)
    for _ in range(chance.choice((1, 5, 200))):
        changed[chance.randrange(chance.choice((8, 4000, len(changed))))] = chance.randrange(256)
    made = model_proto(pieces, kind="unigram", byte_fallback=False, add_dummy_prefix=True,
                       remove_extra_whitespaces=True, charsmap=bytes(changed))
    try:
        tokenizer = from_proto(made, "x", format="sentencepiece")
        opened += 1
        for text in ("\\u00bd \\ufb01 \\uff21\\u0301 \\u3300 a\\u200bb\\x01", "".join(map(chr, range(0xA0, 0x3000, 7)))):
            tokenizer.encode(text)
    except WeakspotError:
        pass
print(opened)
"""


@pytest.mark.tokenizers
def test_damaged_rules_do_not_crash_the_interpreter(tokenizers_folder: Path) -> None:
    """With bytes of its rules overwritten, a file is refused or works: the process neither dies nor raises."""
    path = tokenizers_folder / "deberta-v3-spm" / "spm.model"
    done = subprocess.run([sys.executable, "-c", HOSTILE, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert int(done.stdout) > 0


def test_reading_never_raises_anything_else() -> None:
    """Any single byte of a small file changed gives one of our errors or a tokenizer."""
    proto = small("unigram", fallback=False)
    for place in range(len(proto)):
        for value in (0, 0x7F, 0xFF):
            changed = proto[:place] + bytes((value,)) + proto[place + 1 :]
            try:
                opened(changed).encode("ab [X] zé")
            except WeakspotError:
                continue
