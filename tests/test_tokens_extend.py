"""Words of a domain become tokens of a pretrained model: rows, files, losses, what stays the same, and bad input."""

import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer as Library
from tokenizers import decoders, models, pre_tokenizers, trainers

from domain_texts import general, medical, write_lines

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
transformers = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

import weakspot  # noqa: E402 - behind the skip
from weakspot import tokens  # noqa: E402
from weakspot.errors import UnknownModel, UsageError  # noqa: E402
from weakspot.records.training import ExtensionPlan, ModelExtension  # noqa: E402
from weakspot.tokens.loading import load_tokenizer  # noqa: E402
from weakspot.vocabularies.byte_loss import passages  # noqa: E402
from weakspot.vocabularies.held_back import is_held_back  # noqa: E402

pytestmark = pytest.mark.torch

torch.set_num_threads(1)  # tiny matrices: threads would only wait for each other where tests share the cores
CONTEXT = 512
SPECIAL = ["<|endoftext|>", "<unk>"]
WORDS = "the patient was started on and of to is a in for with no that it function value object class method"


def make_tokenizer(kind: str) -> Library:
    """A small tokenizer of general text: byte-level, with a marked space and merges, or Unigram."""
    made: Any = Library(
        models.Unigram() if kind == "unigram" else models.BPE(unk_token="<unk>" if kind == "spm" else None)
    )
    made.pre_tokenizer = (
        pre_tokenizers.ByteLevel(add_prefix_space=False) if kind == "bpe" else pre_tokenizers.Metaspace()
    )
    made.decoder = decoders.ByteLevel() if kind == "bpe" else decoders.Metaspace()
    texts = [WORDS, *general(200), *medical(2)]
    if kind == "unigram":
        trainer: Any = trainers.UnigramTrainer(
            vocab_size=500, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
        )
    else:
        letters = pre_tokenizers.ByteLevel.alphabet() if kind == "bpe" else []
        trainer = trainers.BpeTrainer(
            vocab_size=500, special_tokens=SPECIAL, initial_alphabet=letters, show_progress=False
        )
    made.train_from_iterator(texts, trainer)
    return made


def make_model(folder: Path, kind: str = "bpe", *, shape: str = "llama", tied: bool = True) -> Path:
    """A random model and its tokenizer, as `save_pretrained` writes them; a few rows more than tokens."""
    torch.manual_seed(7)
    made = make_tokenizer(kind)
    sizes = {"vocab_size": made.get_vocab_size() + 3, "eos_token_id": 0, "bos_token_id": None, "pad_token_id": None}
    if shape == "llama":
        config = transformers.LlamaConfig(
            hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=CONTEXT, initializer_range=0.2, tie_word_embeddings=tied, **sizes,
        )  # fmt: skip
        model: Any = transformers.LlamaForCausalLM(config)
    else:
        config = transformers.T5Config(
            d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0, vocab_size=600
        )
        model = transformers.T5ForConditionalGeneration(config)
    model.save_pretrained(folder)
    saved = transformers.PreTrainedTokenizerFast(tokenizer_object=made, eos_token=SPECIAL[0], unk_token="<unk>")
    saved.chat_template = "{% for m in messages %}{{ m.content }}{% endfor %}"
    saved.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Notes of the domain, and general text."""
    folder = tmp_path_factory.mktemp("corpora")
    return write_lines(folder / "notes.jsonl", medical(150)), write_lines(folder / "general.jsonl", general(40))


CASES = {
    "whole-word": ("bpe", True, "mean", 0),
    "untied, focus, tuned": ("bpe", False, "focus", 5),
    "merges, tuned": ("spm", True, "mean", 5),
    "scores": ("unigram", True, "mean", 0),
}


class Case:
    """An extension that was made, with the model it came from."""

    def __init__(self, before: Path, done: ModelExtension) -> None:
        self.before, self.done = before, done
        self.after = Path(done.folder)

    def rows(self, folder: Path, side: str = "input") -> Any:
        """The embeddings of a folder's model, shape (rows, width)."""
        model = transformers.AutoModelForCausalLM.from_pretrained(folder)
        return getattr(model, f"get_{side}_embeddings")().weight.detach().numpy()


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, corpora: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A tiny model of each kind, extended by 20 words."""
    kind, tied, init, tune = CASES[request.param]
    folder = tmp_path_factory.mktemp("models")
    before = make_model(folder / "before", kind, tied=tied)
    plan = ExtensionPlan(add=20, init=init, tune=tune, held_back=0.3, measured=6000)  # type: ignore[arg-type]
    done = tokens.extend(str(before), [corpora[0]], plan, out=folder / "after", general=[corpora[1]])
    return Case(before, done)


def test_the_folder_opens_everywhere_with_equal_ids(case: Case) -> None:
    """Transformers opens model and tokenizer, weakspot both as a reference, and all give one row of ids."""
    model = transformers.AutoModelForCausalLM.from_pretrained(case.after)
    theirs = transformers.AutoTokenizer.from_pretrained(case.after)
    ours, library = load_tokenizer(str(case.after)), Library.from_file(str(case.after / "tokenizer.json"))
    assert model.config.vocab_size == case.done.rows_after >= case.done.vocab_after
    assert theirs.chat_template == "{% for m in messages %}{{ m.content }}{% endfor %}"
    assert theirs.eos_token == SPECIAL[0]
    for text in [*medical(20, seed=5), *general(20), " ", "x\n\n y", "thrombocytopenia's"]:
        ids = library.encode(text, add_special_tokens=False).ids
        assert ours.ids(text) == ids == theirs(text, add_special_tokens=False)["input_ids"]
        assert max(ids, default=0) < case.done.rows_after
    with torch.inference_mode():
        assert torch.isfinite(model(torch.tensor([theirs(medical(1)[0])["input_ids"]])).logits).all()


def test_new_words_fire_and_old_ids_stay(case: Case) -> None:
    """Every old id keeps its token, every new word becomes one token in text, and it is fewer tokens in the domain."""
    before, after = (Library.from_file(str(folder / "tokenizer.json")) for folder in (case.before, case.after))
    assert all(after.token_to_id(token) == number for token, number in before.get_vocab().items())
    assert len(case.done.added) == 20
    assert case.done.unfired == 0
    for word in case.done.added:
        assert len(word.pieces) > 1
        assert word.id in after.encode(f"x{word.text} y" if word.text[0] == " " else word.text).ids
        assert before.decode(list(word.pieces)).strip() == word.text.strip()
    report = case.done.reports[0]
    assert report.tokens.verdict == "better"
    assert report.tokens_after < report.tokens_before


def test_text_without_new_words_is_cut_as_before(case: Case) -> None:
    """In general text nothing changes; where the way can't promise that (merges), it is said and counted."""
    before, after = load_tokenizer(str(case.before)), load_tokenizer(str(case.after))
    old = len(before.vocabulary)
    changed = [text for text in general(300) if before.ids(text) != after.ids(text)]
    assert [text for text in changed if max(after.ids(text)) < old] == []
    assert (case.done.way == "merges") == any("Steps between merges" in remark for remark in case.done.remarks)
    if case.done.way != "merges":
        assert all(report.changed_without_words == 0 for report in case.done.reports)


def test_old_rows_are_untouched_and_new_ones_are_what_is_said(case: Case) -> None:
    """Old rows are bit-equal, tuned or not; an untuned row of the mean is the mean of its pieces' rows."""
    before, after = case.rows(case.before), case.rows(case.after)
    old = case.done.vocab_before
    assert np.array_equal(before[:old], after[:old])
    assert np.isfinite(after).all()
    for word in case.done.added:
        mean = before[list(word.pieces)].mean(0)
        if case.done.plan.tune == 0:
            assert after[word.id] == pytest.approx(mean, abs=1e-6)
        else:
            assert np.linalg.norm(after[word.id] - mean) > 1e-4
    heads = case.rows(case.before, "output"), case.rows(case.after, "output")
    assert np.array_equal(heads[0][:old], heads[1][:old])


def loss(folder: Path, texts: list[str]) -> tuple[float, int]:
    """Bits a byte and tokens, by transformers alone: each passage behind the end of a document."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    theirs = Library.from_file(str(folder / "tokenizer.json"))
    bits, many = 0.0, 0
    for text in passages(texts, CONTEXT - 2)[0]:
        ids = theirs.encode(text, add_special_tokens=False).ids
        many += len(ids)
        with torch.inference_mode():
            chances = model(torch.tensor([[0, *ids]])).logits[0, :-1].double().log_softmax(-1)
        bits -= float(chances[range(len(ids)), ids].sum()) / math.log(2)
    return bits / sum(len(text.encode()) for text in texts), many


def test_losses_equal_those_of_transformers_alone(case: Case, corpora: tuple[Path, Path]) -> None:
    """Bits a byte and tokens, before and after, in both parts, equal those that the saved folders give by hand."""
    lines = [json.loads(line)["text"] for line in corpora[0].read_text().splitlines()]
    held = [text for text in lines if is_held_back(text, 0.3)]
    final = [report for report in case.done.reports if report.state == ("tuned" if case.done.plan.tune else "extended")]
    assert [report.part for report in final] == ["domain", "general"]
    domain = final[0]
    measured = _measured(held, domain.bytes)
    for folder, bits, many in (
        (case.before, domain.bits_per_byte_before, domain.tokens_before),
        (case.after, domain.bits_per_byte_after, domain.tokens_after),
    ):
        by_hand, counted = loss(folder, measured)
        assert bits == pytest.approx(by_hand, rel=1e-4)
        assert many == counted
    assert domain.perplexity_per_byte_after == pytest.approx(2**domain.bits_per_byte_after)


def _measured(held: list[str], size: int) -> list[str]:
    from weakspot.vocabularies.held_back import sample

    found = sample(held, 6000)
    assert sum(len(text.encode()) for text in found) == size
    return found


def test_what_is_held_back_chooses_no_word(tmp_path: Path) -> None:
    """A word that only held-back texts hold is not added, however often it stands there."""
    texts = [f"{text} {'Quuxozimab ' * 9 if is_held_back(text, 0.3) else ''}" for text in medical(150)]
    texts = [text for text in texts if is_held_back(text, 0.3) == ("Quux" in text)]
    plan = ExtensionPlan(add=1000, held_back=0.3, measured=500)
    done = tokens.extend(str(make_model(tmp_path / "m")), lambda: texts, plan, out=tmp_path / "out")
    assert 0 < len(done.added) < 1000
    assert not any("Quux" in word.text for word in done.added)
    assert any("words that qualify, of the 1,000 that were asked for" in remark for remark in done.remarks)
    assert any("No general text" in remark for remark in done.remarks)


def test_tuning_lowers_the_loss_on_the_domain(corpora: tuple[Path, Path], tmp_path: Path) -> None:
    """Sixty steps on the new rows alone make held-back text cheaper than the rows' first guess."""
    plan = ExtensionPlan(add=20, tune=60, held_back=0.3, measured=6000)
    done = tokens.extend(str(make_model(tmp_path / "m", tied=False)), [corpora[0]], plan, out=tmp_path / "out")
    first, tuned = (report.bits_per_byte_after for report in done.reports)
    assert tuned < first


def test_the_model_reference_runs(case: Case, tmp_path: Path, own_cache: Path) -> None:
    """The saved folder is a candidate of a comparison: it answers, and its features count the new tokens."""
    line = {
        "id": "p",
        "category": "c",
        "messages": [{"role": "user", "content": case.done.added[0].text.strip()}],
        "expect": {"type": "contains", "value": "ok"},
        "generation": {"max_tokens": 4},
    }
    (tmp_path / "s.jsonl").write_text(json.dumps(line))
    weakspot.compare([f"{case.after}?name=grown"], suite=tmp_path / "s.jsonl", out=tmp_path / "run")
    (found,) = tokens.features(tmp_path / "run")
    assert found.missing == ""
    assert found.fingerprint == load_tokenizer(str(case.after)).fingerprint


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"plan": ExtensionPlan(add=0)}, "can't be added"),
    ({"plan": ExtensionPlan(add=5, init="zero")}, "no way 'zero'"),  # type: ignore[arg-type]
    ({"plan": ExtensionPlan(add=5, tune=-1)}, "can't be negative"),
    ({"plan": ExtensionPlan(add=5, held_back=1.0)}, "can't be held back"),
    ({"corpus": ["no/such/file"]}, "no file or folder"),
    ({"corpus": lambda: ["one text"]}, "no held-back text"),
    ({"corpus": lambda: [" the of" * number for number in range(1, 99)]}, "no words to add"),
    ({"out": "taken"}, "is there already"),
    ({"model": "t5"}, "encoder-decoder"),
]


@pytest.mark.parametrize(("what", "said"), WRONG)
def test_bad_input_is_one_sentence(
    what: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mistake is a usage error that says what is wrong; no folder is left, and none is overwritten."""
    monkeypatch.chdir(tmp_path)
    make_model(tmp_path / "m")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    if what.get("model") == "t5":
        make_model(tmp_path / "t5", shape="t5")
    asked = {"model": "./m", "corpus": lambda: medical(60), "plan": ExtensionPlan(add=5), "out": "out", **what}
    if asked["model"] == "t5":
        asked["model"] = "./t5"
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match=said):
        tokens.extend(asked.pop("model"), asked.pop("corpus"), asked.pop("plan"), **asked)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "taken" / "mine.txt").read_text() == "mine"


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    """A model that is nowhere is an error with its name, before any work."""
    with pytest.raises(UnknownModel):
        tokens.extend("no-such-model-x", lambda: medical(60), ExtensionPlan(add=5), out=tmp_path / "out")


def test_the_command(
    corpora: tuple[Path, Path], tmp_path: Path, weakspot_command: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Text gives tokens and perplexity per byte before and after, and the caution; a mistake is one sentence."""
    make_model(tmp_path / "m")
    words = ["tokens", "extend", str(tmp_path / "m"), str(corpora[0]), "--add", "8", "--measured", "4000"]
    told = weakspot_command(
        *words, "--out", str(tmp_path / "out"), "--general", str(corpora[1]), timeout=280, OMP_NUM_THREADS="1"
    )
    assert told.returncode == 0, told.stderr
    for part in ("8 new tokens (whole-word, mean)", "perplexity per byte", "general text:", "an upper bound"):
        assert part in told.stdout
    failed = weakspot_command(*words, "--out", str(tmp_path / "out"))
    assert failed.returncode == 2
    assert failed.stderr.count("weakspot: ") == 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.models
def test_smollm2_learns_drugs(bundled_model: Callable[[str], Path], tmp_path: Path) -> None:
    """On the real SmolLM2, notes need fewer tokens, tuning makes them cheaper than the first guess, and ids are equal."""
    bundled_model("smollm2")
    plan = ExtensionPlan(add=60, tune=12, measured=6000)
    done = tokens.extend("smollm2", lambda: medical(400), plan, out=tmp_path / "out", general=lambda: general(12))
    assert done.way == "whole-word"
    assert done.reports[0].tokens.verdict == "better"
    assert all(report.changed_without_words == 0 for report in done.reports)
    states = {report.state: report.bits_per_byte_after for report in done.reports if report.part == "domain"}
    assert states["tuned"] < states["extended"]
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    ours = load_tokenizer(str(tmp_path / "out"))
    for text in [*medical(30, seed=4), *general(30)]:
        assert theirs(text, add_special_tokens=False)["input_ids"] == ours.ids(text)
