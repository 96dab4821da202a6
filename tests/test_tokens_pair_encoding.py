"""Our byte-pair encoding against the library's trainer and encoder, and against itself."""

import json
import sysconfig
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from weakspot import tokens as calls
from weakspot.errors import UnknownTokenizer, UsageError
from weakspot.tokens.loading import load_tokenizer
from weakspot.tracing.merging import merge_word
from weakspot.tracing.pair_encoding import PairEncoding, split_words
from weakspot.tracing.pair_training import Trainer, count_words

PROSE = "low lower lowest newer wider new low low. Naïve café — 東京都 🤦🏽‍♂️ don't we've 3.14 \t\n  x = y ** 2\n" * 3
ties = st.lists(st.text("abc ", max_size=14), max_size=12)


def reference(
    texts: list[str], vocab: int, *, min_frequency: int = 0, whole: bool = True, special: tuple[str, ...] = ()
) -> Tokenizer:
    """What the library's trainer makes of the same texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        min_frequency=min_frequency,
        show_progress=False,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if whole else [],
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def assert_same(ours: PairEncoding, theirs: Tokenizer) -> None:
    """Vocabulary, ids and merges in their order."""
    document = json.loads(theirs.to_str())
    mine = json.loads(ours.to_tokenizer_json())
    assert mine["model"]["vocab"] == document["model"]["vocab"]
    assert mine["model"]["merges"] == document["model"]["merges"]


class TestTraining:
    @settings(max_examples=300, deadline=None)
    @given(ties, st.sampled_from([0, 2, 3]), st.integers(0, 60), st.booleans())
    def test_ties_are_broken_as_the_library_does(self, texts: list[str], least: int, more: int, whole: bool) -> None:
        """On small alphabets, where nearly every choice is a tie, merges and ids are the library's."""
        words = count_words(texts)
        size = (256 if whole else len(set("".join(words)))) + more
        ours = Trainer(words, size, min_frequency=least, whole_alphabet=whole).train()
        assert_same(ours, reference(texts, size, min_frequency=least, whole=whole))

    @settings(max_examples=100, deadline=None)
    @given(st.text("aé東🙂 '\n1", max_size=60), st.integers(257, 330))
    def test_any_script(self, text: str, size: int) -> None:
        """Letters of several bytes, contractions, digits and white space give the library's merges."""
        assert_same(Trainer(count_words([text]), size).train(), reference([text], size))

    def test_special_tokens_come_first(self) -> None:
        """Special tokens take the first ids, twice the same only once, and none is made of plain text."""
        special = ("<|end|>", "a", "<|end|>")
        ours = Trainer(count_words([PROSE]), 300, special=special).train()
        assert_same(ours, reference([PROSE], 300, special=("<|end|>", "a")))
        assert 0 not in ours.encode("<|end|>")

    def test_real_code(self) -> None:
        """2,000 merges on 300 KB of the standard library's own text, and the ids of each file, are the library's."""
        files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[:20]
        texts = [file.read_text("utf-8") for file in files]
        ours, theirs = Trainer(count_words(texts), 2256).train(), reference(texts, 2256)
        assert_same(ours, theirs)
        assert len(ours.merges) == 2000
        for text in texts:
            assert ours.encode(text) == theirs.encode(text).ids

    def test_counts_stay_true(self) -> None:
        """The count that a step tells is the number of times the pair stands in the words as merged so far."""
        words = count_words([PROSE])
        trainer = Trainer(words, 300)
        for step in trainer.steps():
            state = trainer.result()
            before = PairEncoding(state.tokens, dict(list(state.merges.items())[:-1]))
            seen = 0
            for word, times in words.items():
                symbols = [state.tokens.index(letter) for letter in word]
                merged = [before.tokens[number] for number in merge_word(symbols, before._rule).symbols]
                pairs = list(pairwise(merged))
                seen += times * pairs.count((step.left, step.right))
            assert step.times == seen

    def test_nothing_to_learn_from(self) -> None:
        """No words give the alphabet alone, and no error."""
        assert len(Trainer(Counter(), 1000).train().tokens) == 256


class TestEncoding:
    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=80), st.booleans())
    def test_any_bytes_come_back(self, data: bytes, trained: bool) -> None:
        """Any bytes, UTF-8 or not, come back from their ids."""
        encoding = Trainer(count_words([PROSE] if trained else []), 320).train()
        assert encoding.decode_bytes(encoding.encode(data)) == data

    @settings(max_examples=200, deadline=None)
    @given(st.text(st.characters(codec="utf-8"), max_size=60))
    def test_words_are_the_libraries(self, text: str) -> None:
        """A text of characters that both know falls into the same words as with the library."""
        known = "".join(c for c in text if ord(c) < 0x10000 or c in "🙂🤦")
        theirs = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(known)
        assert split_words(known) == [word for word, _ in theirs]

    @settings(max_examples=200, deadline=None)
    @given(ties, st.text("abc ", max_size=40))
    def test_ids_are_the_libraries(self, texts: list[str], text: str) -> None:
        """Ids of texts that were not trained on are the library's, ties and unseen letters included."""
        words = count_words(texts)
        size = len(set("".join(words))) + 40
        ours = Trainer(words, size, whole_alphabet=False).train()
        assert ours.encode(text) == reference(texts, size, whole=False).encode(text).ids

    def test_a_lone_surrogate_is_one_replacement_character(self) -> None:
        """A lone surrogate is read as U+FFFD instead of failing."""
        encoding = Trainer(count_words([PROSE]), 300).train()
        assert encoding.decode(encoding.encode("a\ud800b")) == "a\ufffdb"

    def test_an_id_out_of_range_is_refused(self) -> None:
        """An id that has no token is a usage error with the range, not a crash."""
        with pytest.raises(UsageError, match="no token 256"):
            Trainer(Counter(), 256).train().decode([256])

    def test_a_long_word_takes_no_time(self) -> None:
        """A word of 100,000 letters is merged like any other (a quadratic way would take hours)."""
        encoding = Trainer(count_words(["a" * 64, "ab" * 32]), 290).train()
        text = "a" * 100_000
        theirs = Tokenizer.from_str(encoding.to_tokenizer_json())
        assert encoding.encode(text) == theirs.encode(text).ids


class TestFile:
    def test_the_library_reads_it(self) -> None:
        """What is saved gives the library the same ids, and comes back as the same encoding."""
        ours = Trainer(count_words([PROSE]), 330, special=("<|end|>",)).train()
        saved = ours.to_tokenizer_json()
        again = PairEncoding.from_tokenizer_json(saved)
        assert Tokenizer.from_str(saved).encode(PROSE).ids == ours.encode(PROSE) == again.encode(PROSE)
        assert again.to_tokenizer_json() == saved

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            "null",
            '{"model": 3}',
            '{"model": {"vocab": {}}}',
            "[" * 100_000,
            '{"model": {"vocab": "ab"}}',
        ],
    )
    def test_other_files_are_refused(self, text: str) -> None:
        """A file of another kind is refused with a sentence, whatever is wrong with it."""
        with pytest.raises(UnknownTokenizer):
            PairEncoding.from_tokenizer_json(text)

    @pytest.mark.parametrize("damage", ["hole", "float", "letter", "normalizer", "merge"])
    def test_damaged_files_are_refused(self, damage: str) -> None:
        """A hole in the ids, an id that is no whole number, a foreign letter, a normalizer, a merge of nothing: refused."""
        document = json.loads(Trainer(count_words([PROSE]), 300).train().to_tokenizer_json())
        vocab = document["model"]["vocab"]
        if damage == "hole":
            del vocab["z"]
        elif damage == "float":
            vocab["z"] = float(vocab["z"])
        elif damage == "letter":
            vocab["東"] = len(vocab)
        elif damage == "normalizer":
            document["normalizer"] = {"type": "NFC"}
        else:
            document["model"]["merges"].append(["x", "東"])
        with pytest.raises(UnknownTokenizer):
            PairEncoding.from_tokenizer_json(json.dumps(document))


class TestCall:
    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({"files": []}, "nothing to train on"),
            ({"files": ["no-such-file"]}, "can't be read"),
            ({"files": ["."]}, "can't be read"),
            ({"vocab": 255}, "can't hold its alphabet of 256"),
            ({"vocab": 256, "special": ["<s>"]}, "can't hold its alphabet of 257"),
            ({"vocab": 3, "whole_alphabet": False}, "can't hold its alphabet"),
            ({"vocab": 0}, "at least one token"),
            ({"min_frequency": -1}, "not negative"),
            ({"special": [""]}, "can't be empty"),
            ({"out": "no-such-folder/t.json"}, "no folder"),
            ({"out": "."}, "is a folder"),
        ],
    )
    def test_bad_input_is_one_sentence(
        self, asked: dict[str, object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each mistake is a usage error that says what is wrong, and nothing is written."""
        monkeypatch.chdir(tmp_path)
        Path("book.txt").write_text(PROSE, "utf-8")
        given: dict[str, object] = {"files": ["book.txt"], "vocab": 300, **asked}
        with pytest.raises(UsageError, match=said):
            calls.bpe(given.pop("files"), **given)
        assert [path.name for path in tmp_path.iterdir()] == ["book.txt"]

    def test_the_saved_file_is_a_tokenizer_like_any_other(self, tmp_path: Path) -> None:
        """`load_tokenizer` opens what `bpe` saved, with the ids of `open_bpe`."""
        (tmp_path / "book.txt").write_text(PROSE, "utf-8")
        made = calls.bpe([tmp_path / "book.txt"], vocab=320, out=tmp_path / "t.json")
        assert load_tokenizer(str(tmp_path / "t.json")).ids(PROSE) == made.encode(PROSE)
        assert calls.open_bpe(tmp_path / "t.json").encode(PROSE) == made.encode(PROSE)


def test_the_command(tmp_path: Path, weakspot_command: Callable[..., CompletedProcess[str]]) -> None:
    """Train, encode and decode, with every step in text and JSON; the text comes back; a mistake is one sentence."""
    book, made = tmp_path / "book.txt", str(tmp_path / "t.json")
    book.write_text(PROSE, "utf-8")
    told = weakspot_command("tokens", "bpe", "train", str(book), "--vocab", "300", "--out", made, "--steps")
    assert told.stdout.splitlines()[-1] == f"300 tokens, 44 merges, written to {made}"
    assert len(told.stdout.splitlines()) == 45
    again = weakspot_command("tokens", "bpe", "train", str(book), "--vocab", "300", "--steps", "--json")
    steps = json.loads(again.stdout)["steps"]
    assert [step["rank"] for step in steps] == list(range(44))
    encoded = json.loads(
        weakspot_command("tokens", "bpe", "encode", "low 東\x1b", "--model", made, "--steps", "--json").stdout
    )
    assert len(encoded["words"][0]["pieces"]) < len("low")
    ids = " ".join(map(str, encoded["ids"]))
    assert json.loads(weakspot_command("tokens", "bpe", "decode", ids, "--model", made, "--json").stdout) == {
        "text": "low 東\x1b",
        "bytes": "low 東\x1b".encode().hex(),
    }
    assert "\x1b" not in weakspot_command("tokens", "bpe", "decode", ids, "--model", made).stdout
    failed = weakspot_command("tokens", "bpe", "encode", "x")
    assert (failed.returncode, failed.stderr.count("weakspot: ")) == (2, 1)
