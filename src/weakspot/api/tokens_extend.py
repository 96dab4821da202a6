"""`weakspot.tokens.extend`: words of a domain become tokens of a pretrained model, measured before and after."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from weakspot.api.extension_report import PARTS, loss_reports, remarks, word_reports
from weakspot.api.tokens_train import check_share
from weakspot.api.training_texts import Corpus, open_texts, remarks_on
from weakspot.artifacts.fetch import Progress, pull, silent
from weakspot.artifacts.reference import parse
from weakspot.artifacts.zoo import ZOO
from weakspot.errors import UsageError
from weakspot.models.transformers_load import Loaded, find, libraries, load
from weakspot.records.training import ExtensionPlan, LossReport, ModelExtension
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.load_hf import from_json
from weakspot.tokens.loading import load_tokenizer
from weakspot.vocabularies.byte_loss import PASSAGE, Losses, measure, passages
from weakspot.vocabularies.embedding_init import Mixture, focus_mixture, mean_mixture
from weakspot.vocabularies.extended_files import Bearings, check_target, save_folder
from weakspot.vocabularies.extension import Grown, grow, opened, unfired
from weakspot.vocabularies.held_back import Texts, held_back_part, sample, training_part
from weakspot.vocabularies.new_rows import fill_rows, make_room, tune_rows
from weakspot.vocabularies.word_choice import NewWord, Words, choose_words

MOST_ADDED = 100_000
SEEN_FOR_ROWS = 4_000_000
"""Bytes of the training part that the FOCUS-like way and the tuning look at."""


@dataclass(frozen=True)
class _Vocabulary:
    """The tokenizer before and after, and what was put into it."""

    old: Tokenizer
    new: Tokenizer
    words: list[NewWord]
    grown: Grown


@dataclass(frozen=True)
class _Texts:
    """The corpus, the share of it that is not learned from, and what is measured on."""

    corpus: Texts
    share: float
    domain: list[str]
    general: list[str]

    def training(self) -> Iterator[str]:
        """What is learned from."""
        return training_part(self.corpus, self.share)

    def seen(self) -> list[str]:
        """As much of the training part as the rows are made from."""
        return sample(self.training(), SEEN_FOR_ROWS)


@dataclass(frozen=True)
class _Bench:
    """A loaded model and the passages that it is measured on."""

    loaded: Loaded
    cuts: dict[str, tuple[list[str], list[int]]]
    start: int
    limit: int
    progress: Progress

    def losses(self, tokenizer: Tokenizer, when: str) -> dict[str, Losses]:
        """What each part costs under a tokenizer."""
        found = {}
        for part, cut in self.cuts.items():
            telling = _Told(self.progress, f"measuring {part} text {when}", sum(len(t.encode()) for t in cut[0]))
            found[part] = measure(self.loaded.model, tokenizer, cut, self.start, telling)
        return found


class _Told:
    """Adds up what is done and hands it on."""

    def __init__(self, progress: Progress, what: str, total: int) -> None:
        self._progress, self._what, self._total, self._done = progress, what, total, 0

    def __call__(self, more: int) -> None:
        self._done += more
        self._progress(self._what, self._done, self._total)


def extend(
    model: str,
    corpus: Corpus,
    plan: ExtensionPlan,
    *,
    out: str | Path,
    domain_held: Corpus = (),
    general: Corpus = (),
    accept_licence: bool = False,
    progress: Progress = silent,
) -> ModelExtension:
    """Add the words of a domain to a model's tokenizer, fill their rows, save both, and measure what it brought.

    Args:
        model: a model reference: a bundled name, a GGUF file, a Hugging Face folder or a hub id; a causal model.
        corpus: text of the domain: paths, or a function that gives the documents and can be called again.
        plan: how many words, and how.
        out: the folder to write, in Hugging Face form; it must not be there yet.
        domain_held: text of the domain to measure on; empty: a share of the corpus is held back.
        general: general text to measure on.
        accept_licence: accept a bundled model's own terms.
        progress: hears of the work.

    Raises:
        MissingExtra: torch and transformers are not installed.
        UsageError: the model reads only (T5, BERT), the corpus has no words to add, or `out` is there already.
        UnknownModel, CorruptFile, FetchFailed, LicenceNotAccepted: the model can't be had.
        DiskFull: there is no room for the folder; nothing is left behind.
    """
    folder = Path(out)
    _check(plan, bool(domain_held))
    check_target(folder)
    libraries()
    texts = _texts(corpus, domain_held, general, plan)
    if parse(model).location in ZOO:
        pull(parse(model).location, accept_licence=accept_licence, progress=progress)
    vocabulary = _vocabulary(model, texts, plan)
    bench = _bench(model, texts, vocabulary.old, progress)
    before = bench.losses(vocabulary.old, "before")
    rows = make_room(bench.loaded.model, vocabulary.grown.size)
    fill_rows(bench.loaded.model, _mixture(vocabulary, texts, plan))
    after = bench.losses(vocabulary.new, "after")
    reports = loss_reports(before, after, vocabulary.grown.ids, "extended")
    if plan.tune:
        _tune(bench, vocabulary, texts, plan.tune)
        after = bench.losses(vocabulary.new, "after tuning")
        reports += loss_reports(before, after, vocabulary.grown.ids, "tuned")
    _save(folder, bench, vocabulary, texts)
    made = _record(model, folder, plan, vocabulary, rows, (before, after), reports)
    return msgspec.structs.replace(made, remarks=(*made.remarks, *remarks_on(texts.corpus)))


def _check(plan: ExtensionPlan, given_held: bool) -> None:
    if not given_held:
        check_share(plan.held_back)
    if not 1 <= plan.add <= MOST_ADDED:
        raise UsageError(f"{plan.add:,} new tokens can't be added.", hint=f"1 to {MOST_ADDED:,}.")
    if plan.init not in ("mean", "focus"):
        raise UsageError(f"There is no way {plan.init!r} to begin a row.", hint="mean or focus.")
    if plan.tune < 0 or plan.measured < 1:
        raise UsageError("Steps can't be negative, and at least a byte has to be measured.")


def _texts(corpus: Corpus, domain_held: Corpus, general: Corpus, plan: ExtensionPlan) -> _Texts:
    everything = open_texts(corpus, plan.field)
    share = 0.0 if domain_held else plan.held_back
    if domain_held:
        domain = sample(open_texts(domain_held, plan.field)(), plan.measured)
    else:
        domain = held_back_part(everything, share, plan.measured)
    elsewhere = sample(open_texts(general, plan.field)(), plan.measured) if general else []
    if not domain:
        raise UsageError(
            "There is no held-back text of the domain to measure on.",
            hint="The corpus may be too small: name more of it, a larger --held-back, or --domain-held PATH.",
        )
    return _Texts(everything, share, domain, elsewhere)


def _vocabulary(model: str, texts: _Texts, plan: ExtensionPlan) -> _Vocabulary:
    old = load_tokenizer(model)
    source = old.engine.fast_source()
    if source is None or (source.json is None and (source.path is None or source.path.suffix != ".json")):
        raise UsageError(
            f"The tokenizer of {model!r} is no tokenizer.json and can't be written as one here.",
            hint="Name a Hugging Face folder that holds a tokenizer.json.",
        )
    text = source.json if source.json is not None else Path(str(source.path)).read_text("utf-8")
    words = choose_words(texts.training(), Words(opened(text)), plan.add, _unknown(old))
    if not words:
        raise UsageError(
            "The corpus has no words to add: none occurs three times and takes more than one token.",
            hint="Name more text of the domain.",
        )
    grown = grow(text, words)
    return _Vocabulary(old, from_json(grown.json, f"{model} extended"), words, grown)


def _unknown(tokenizer: Tokenizer) -> int | None:
    return getattr(tokenizer.model, "unknown", None)


def _bench(model: str, texts: _Texts, old: Tokenizer, progress: Progress) -> _Bench:
    loaded = load(find(parse(model)), "float32", "cpu")
    if loaded.encoder:
        raise UsageError(
            f"{model!r} is an encoder-decoder (T5's kind), which gives no probability to a text by itself.",
            hint="Name a causal language model.",
        )
    if old.vocabulary.size > loaded.vocabulary:
        raise UsageError(
            f"The tokenizer of {model!r} has {old.vocabulary.size:,} ids and the model {loaded.vocabulary:,} rows.",
            hint="They belong to two models, or tokens were added without rows: nothing can be measured.",
        )
    limit = min(PASSAGE, (loaded.limit or PASSAGE + 2) - 2)
    parts = zip(PARTS, (texts.domain, texts.general), strict=True)
    cuts = {str(part): passages(found, limit) for part, found in parts if found}
    return _Bench(loaded, cuts, _start(loaded, old), limit, progress)


def _start(loaded: Loaded, tokenizer: Tokenizer) -> int:
    """What stands in front of a text: what the tokenizer itself puts there, else BOS, else what ends a document."""
    framed = tokenizer.engine.frame([])
    named = *framed[:1], loaded.model.config.bos_token_id, *sorted(loaded.ends)
    return next((token for token in named if isinstance(token, int) and 0 <= token < loaded.vocabulary), 0)


def _mixture(vocabulary: _Vocabulary, texts: _Texts, plan: ExtensionPlan) -> Mixture:
    pieces = vocabulary.grown.pieces
    if plan.init == "mean":
        return mean_mixture(pieces)
    rows = [vocabulary.new.ids(text) for text in texts.seen()]
    names = {token.id: token.data.decode("utf-8", "replace") for token in vocabulary.new.vocabulary}
    return focus_mixture(pieces, rows, names, vocabulary.old.vocabulary.size)


def _tune(bench: _Bench, vocabulary: _Vocabulary, texts: _Texts, steps: int) -> None:
    cut, _ = passages(texts.seen(), bench.limit)
    rows = [vocabulary.new.ids(text, parse_special=False) for text in cut]
    telling = _Told(bench.progress, "training the new rows", steps)
    tune_rows(
        bench.loaded.model,
        rows,
        sorted(vocabulary.grown.pieces),
        steps,
        start=bench.start,
        tell=lambda _: telling(1),
    )


def _save(folder: Path, bench: _Bench, vocabulary: _Vocabulary, texts: _Texts) -> None:
    bench.progress("saving the model", 0, 1)
    probes: Sequence[str] = [*(word.plain for word in vocabulary.words[:200]), *texts.domain[:20], *texts.general[:20]]
    bearings = Bearings(bench.loaded.text.special, bench.loaded.source.chat_template)
    save_folder(folder, bench.loaded.model, vocabulary.grown.json, bearings, probes)
    bench.progress("saving the model", 1, 1)


def _record(
    model: str,
    folder: Path,
    plan: ExtensionPlan,
    vocabulary: _Vocabulary,
    rows: tuple[int, int],
    losses: tuple[dict[str, Losses], dict[str, Losses]],
    reports: list[LossReport],
) -> ModelExtension:
    grown, words = vocabulary.grown, vocabulary.words
    never = unfired(grown, words)
    return ModelExtension(
        model=model,
        folder=str(folder),
        way=grown.way,
        plan=plan,
        vocab_before=len(vocabulary.old.vocabulary),
        vocab_after=len(vocabulary.new.vocabulary),
        rows_before=rows[0],
        rows_after=rows[1],
        helpers=len(set(grown.pieces) - set(grown.ids)),
        unfired=len(never),
        added=tuple(word_reports(words, grown.ids, losses[0]["domain"], losses[1]["domain"])),
        reports=tuple(reports),
        remarks=tuple(remarks(plan, grown, len(words), len(never), reports)),
    )
