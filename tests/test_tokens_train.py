"""Tokenizers of a domain: the saved file, what is measured, what is kept apart, memory, and bad input."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library

from domain_texts import general, medical, write_lines
from hard_texts import HARD_TEXTS
from weakspot import tokens
from weakspot.api.training_texts import BLOCK, FileTexts, remarks_on
from weakspot.errors import UsageError, WeakspotError
from weakspot.records.training import TokenizerRecipe, TokenizerTraining
from weakspot.tokens.loading import load_tokenizer
from weakspot.vocabularies.held_back import is_held_back, sample, training_part

KINDS = ("bpe", "unigram", "wordpiece")
SHARE = 0.2


def recipe(kind: str, vocab: int = 1200) -> TokenizerRecipe:
    """A recipe of a kind."""
    return TokenizerRecipe(kind=kind, vocab=vocab)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Notes of the domain, and general text."""
    folder = tmp_path_factory.mktemp("corpora")
    return write_lines(folder / "notes.jsonl", medical(600)), write_lines(folder / "general.jsonl", general(600))


@pytest.fixture(scope="module", params=KINDS)
def trained(
    request: pytest.FixtureRequest, corpora: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> TokenizerTraining:
    """A tokenizer of each kind, trained on the notes."""
    out = tmp_path_factory.mktemp("made") / f"{request.param}.json"
    done: TokenizerTraining = tokens.train(
        [corpora[0]], recipe(request.param), out=out, held_back=SHARE, general=[corpora[1]]
    )
    return done


def test_the_saved_file_loads_again_with_equal_ids(trained: TokenizerTraining) -> None:
    """The file opens with the library, with ours and with transformers, and all give one row of ids for every text."""
    transformers = pytest.importorskip("transformers")
    library, ours = Library.from_file(trained.file), load_tokenizer(trained.file)
    third = transformers.PreTrainedTokenizerFast(tokenizer_file=trained.file)
    assert ours.fingerprint == trained.fingerprint
    assert len(ours.vocabulary) == library.get_vocab_size() == trained.vocab <= trained.recipe.vocab
    for text in [*medical(20, seed=9), *general(20), *HARD_TEXTS]:
        plain = text.encode("utf-8", "replace").decode()
        ids = library.encode(plain, add_special_tokens=False).ids
        assert ours.ids(plain) == ids
        assert third(plain, add_special_tokens=False)["input_ids"] == ids


def test_every_text_comes_back(trained: TokenizerTraining) -> None:
    """BPE gives every text back, Unigram every one without U+2581; WordPiece says that it does not."""
    ours = load_tokenizer(trained.file)
    texts = [*medical(20, seed=9), *general(50), *(t.encode("utf-8", "replace").decode() for t in HARD_TEXTS)]
    lost = [text for text in texts if ours.decode(ours.ids(text)) != text]
    if trained.recipe.kind == "wordpiece":
        assert lost
        assert any("do not decode to the text again" in remark for remark in trained.remarks)
    else:
        assert [text for text in lost if "\u2581" not in text or trained.recipe.kind == "bpe"] == []
        assert sum(report.lossy_documents for report in trained.reports) == 0


def test_what_is_measured_equals_a_count_by_hand(trained: TokenizerTraining) -> None:
    """Tokens, bytes and words of the held-back notes are those that the library's own encoder gives."""
    held = [text for text in dict.fromkeys(medical(600)) if is_held_back(text, SHARE)]
    library = Library.from_file(trained.file)
    report = trained.reports[0]
    assert report.part == "domain"
    assert report.documents == len(held)
    assert report.tokens == sum(len(library.encode(text, add_special_tokens=False).ids) for text in held)
    assert report.bytes == sum(len(text.encode()) for text in held)
    assert report.fertility == pytest.approx(report.tokens / sum(len(text.split()) for text in held))


def test_gain_and_loss_have_intervals(trained: TokenizerTraining) -> None:
    """Against the same recipe on general text there are fewer tokens in the domain and more elsewhere, ends included."""
    assert trained.reference == "the same recipe on the general text"
    changes = {report.part: report.tokens_change for report in trained.reports}
    gain, loss = changes["domain"], changes["general"]
    assert gain is not None
    assert loss is not None
    assert gain.verdict == "better"
    assert loss.verdict == "worse"
    assert gain.low is not None
    assert gain.high is not None
    assert gain.low <= gain.change <= gain.high < 0 < (loss.low or 0) <= loss.change


def test_a_second_run_gives_the_same_file(
    trained: TokenizerTraining, corpora: tuple[Path, Path], tmp_path: Path
) -> None:
    """The same corpus and recipe give the same bytes, in another process with other hash seeds."""
    code = (
        "import sys; from weakspot import tokens; from weakspot.records.training import TokenizerRecipe as R\n"
        "print(tokens.train([sys.argv[1]], R(kind=sys.argv[2], vocab=1200), out=sys.argv[3], held_back=0.2).sha256)"
    )
    words = [sys.executable, "-c", code, str(corpora[0]), trained.recipe.kind, str(tmp_path / "again.json")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == trained.sha256


def test_what_is_held_back_is_never_trained_on(tmp_path: Path) -> None:
    """A word that stands in every held-back document, and only there, is no token; one of the others is."""
    texts = [f"{'zqxjkv' if is_held_back(text, 0.5) else 'wvkqzj'} {text}" for text in medical(300)]
    texts = [text for text in texts if is_held_back(text, 0.5) == text.startswith("zqxjkv")]
    done = tokens.train(lambda: texts, recipe("bpe", 800), out=tmp_path / "t.json", held_back=0.5)
    vocab = Library.from_file(done.file).get_vocab()
    assert "wvkqzj" in vocab
    assert not any("zqx" in token for token in vocab)
    assert done.documents == len(list(training_part(lambda: texts, 0.5)))


def test_copies_fall_on_one_side() -> None:
    """Texts that differ in case, white space or numbers are held back together, and measured once."""
    copies = [("Copyright 2019 The Authors", "copyright  1999\nTHE authors")] * 2
    for number in range(200):
        pair = [f"{text} {'x' * number}" for text in copies[0]]
        assert len({is_held_back(text, 0.5) for text in pair}) == 1
    assert sample([text for pair in copies for text in pair], 10_000) == [copies[0][0]]


def test_every_form_of_corpus_is_read(tmp_path: Path) -> None:
    """Text, JSONL with another field, .gz and a folder of them give the same documents; long text is cut, not lost."""
    texts = medical(5)
    write_lines(tmp_path / "a.jsonl", texts, "note")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    assert list(FileTexts([tmp_path], "note")()) == texts * 2
    whole = "\n\n".join(medical(100))
    (tmp_path / "c.txt").write_text(whole)
    cut = list(FileTexts([tmp_path / "c.txt"])())
    assert "".join(cut) == whole
    assert max(map(len, cut)) <= BLOCK


def test_bytes_that_are_no_utf8_are_counted_and_located(tmp_path: Path) -> None:
    """They are read as U+FFFD, and the record names file, number and place."""
    (tmp_path / "bad.txt").write_bytes(b"abc \xff\xfe def\n" + "\n\n".join(medical(60)).encode())
    texts = FileTexts([tmp_path])
    assert next(iter(texts())).startswith("abc \ufffd\ufffd def")
    done = tokens.train([tmp_path], recipe("bpe", 400), out=tmp_path / "t.json")
    assert "2 bytes are no UTF-8, the first at byte 4, and read as U+FFFD." in " ".join(done.remarks)
    assert remarks_on(list) == []


GROW = """
import resource, sys
sys.path.insert(0, {tests!r})
from domain_texts import medical
from weakspot import tokens
from weakspot.records.training import TokenizerRecipe
notes = medical(500)
def texts():
    for number in range(int(sys.argv[1])):
        yield from (f"{{note}} {{number}}" for note in notes)
done = tokens.train(texts, TokenizerRecipe(kind={kind!r}, vocab=1000), out=sys.argv[2])
print(done.bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_memory_does_not_grow_with_the_corpus(kind: str, tmp_path: Path) -> None:
    """Ten times the text, 10 MB instead of 1, takes at most 8 MB more."""
    peaks = []
    for times in (5, 50):
        code = GROW.format(tests=str(Path(__file__).parent), kind=kind)
        words = [sys.executable, "-c", code, str(times), str(tmp_path / "t.json")]
        size, peak = map(int, subprocess.run(words, capture_output=True, text=True, check=True).stdout.split())
        peaks.append(peak * 1024)
    assert size > 9e6
    assert peaks[1] - peaks[0] < 8e6


WRONG: list[tuple[dict[str, object], str]] = [
    ({"corpus": []}, "No corpus is named"),
    ({"corpus": ["no/such/file"]}, "no file or folder"),
    ({"corpus": list}, "no text to train on"),
    ({"corpus": lambda: ["", "  \n"]}, "no text to train on"),
    ({"recipe": recipe("bpe", 256)}, "can't hold its alphabet"),
    ({"recipe": recipe("unigram", 300)}, "can't hold its alphabet"),
    ({"recipe": recipe("wordpiece", 10)}, "can't hold its alphabet"),
    ({"recipe": recipe("bpe", 3_000_000)}, "is more than"),
    ({"recipe": recipe("subword")}, "no tokenizer of the kind"),
    ({"held_back": 0.0}, "can't be held back"),
    ({"held_back": float("nan")}, "can't be held back"),
    ({"out": "no/such/folder/t.json"}, "no folder"),
    ({"out": "."}, "is a folder"),
]


@pytest.mark.parametrize(("what", "said"), WRONG)
def test_bad_input_is_one_sentence(
    what: dict[str, object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mistake is a usage error that says what is wrong, and no file is left."""
    monkeypatch.chdir(tmp_path)
    asked: dict[str, object] = {"corpus": lambda: medical(50), "recipe": recipe("bpe", 400), "out": "t.json", **what}
    with pytest.raises(UsageError, match=said):
        tokens.train(asked.pop("corpus"), asked.pop("recipe"), **asked)
    assert list(tmp_path.iterdir()) == []


def test_a_jsonl_without_the_field_names_its_fields(tmp_path: Path) -> None:
    """A corpus whose text is in another field is refused with the fields there are."""
    path = write_lines(tmp_path / "a.jsonl", medical(3), "note")
    with pytest.raises(UsageError, match="no text in a field 'text'; line 1 has: note"):
        tokens.train([path], recipe("bpe", 400), out=tmp_path / "t.json")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=30), max_size=8), st.sampled_from(KINDS), st.text(max_size=30))
def test_any_corpus_gives_a_tokenizer_or_a_sentence(tmp_path: Path, texts: list[str], kind: str, text: str) -> None:
    """Tiny corpora of any characters train or fail with a sentence; what is trained encodes any text without loss."""
    try:
        done = tokens.train(lambda: texts, recipe(kind, 600), out=tmp_path / "t.json", held_back=0.01)
    except WeakspotError:
        return
    made = load_tokenizer(done.file)
    if kind == "bpe" or (kind == "unigram" and "\u2581" not in text):
        assert made.decode(made.ids(text)) == text


def test_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    """SIGINT in the middle of an endless corpus ends the process within seconds, and no file is left."""
    code = (
        "import os, signal, sys, threading; from weakspot import tokens\n"
        "from weakspot.records.training import TokenizerRecipe\n"
        "def endless() -> object:\n"
        "    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    while True: yield 'one two three'\n"
        "try: tokens.train(endless, TokenizerRecipe(kind='bpe', vocab=1000), out=sys.argv[1])\n"
        "except KeyboardInterrupt: print('stopped')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "t.json")], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "stopped\n"
    assert list(tmp_path.iterdir()) == []


def test_the_command(
    corpora: tuple[Path, Path], tmp_path: Path, weakspot_command: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Text names file, gain and loss with their ends; JSON is the record; a mistake is one sentence and exit code 2."""
    words = ["tokens", "train", str(corpora[0]), "--vocab", "900", "--out", str(tmp_path / "t.json")]
    told = weakspot_command(*words, "--general", str(corpora[1]))
    assert told.returncode == 0
    assert "measured against the same recipe on the general text" in told.stdout
    assert told.stdout.count("%, ") >= 2
    assert "every document comes back as it was" in told.stdout
    data = json.loads(weakspot_command(*words, "--json").stdout)
    assert (data["recipe"]["vocab"], data["reference_vocab"]) == (900, None)
    assert any("what is gained is not known" in remark for remark in data["remarks"])
    failed = weakspot_command(*words[:-4], "--vocab", "9")
    assert failed.returncode == 2
    assert failed.stderr.count("weakspot: ") == 1
