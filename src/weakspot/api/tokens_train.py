"""`weakspot.tokens.train`: a tokenizer of a domain, and what it gains there and loses elsewhere."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakspot.api.training_texts import Corpus, open_texts
from weakspot.artifacts.cache import write_atomically
from weakspot.artifacts.fetch import Progress, silent
from weakspot.errors import UsageError
from weakspot.records.training import (
    CompressionReport,
    MeasuredChange,
    Part,
    TokenizerRecipe,
    TokenizerTraining,
    Verdict,
)
from weakspot.stats.ratio import ratio_change
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.load_hf import from_json
from weakspot.tokens.loading import load_tokenizer
from weakspot.vocabularies.compression import count
from weakspot.vocabularies.held_back import held_back_part, sample, training_part
from weakspot.vocabularies.training import check_recipe, train_tokenizer

MEASURED = 2_000_000
"""Bytes of each part that are measured at most."""
TOLD_EVERY = 1000
VERDICTS: dict[str, Verdict] = {"less": "better", "more": "worse"}


def train(
    corpus: Corpus,
    recipe: TokenizerRecipe,
    *,
    out: str | Path = "tokenizer.json",
    held_back: float = 0.1,
    general: Corpus = (),
    against: str = "",
    progress: Progress = silent,
) -> TokenizerTraining:
    """Train a tokenizer on a corpus, save it, and measure it on text that it has not seen.

    Args:
        corpus: paths, or a function that gives the documents and can be called again.
        recipe: kind and size (`weakspot.records.training.TokenizerRecipe`).
        out: where the tokenizer.json goes; a file that is there is replaced once the new one is whole.
        held_back: the share of texts, picked by their hash, that is measured on and never trained on.
        general: general text in the same forms, on which the price of specialising is measured.
        against: a tokenizer to compare with; empty for none.
        progress: hears of the documents read.

    Raises:
        UsageError: the corpus is empty, or the vocabulary smaller than its alphabet.
        UnknownTokenizer, FetchFailed: the tokenizer to compare with can't be had.
    """
    target = Path(out)
    check_share(held_back)
    check_recipe(recipe)
    if not target.parent.is_dir():
        raise UsageError(f"There is no folder {target.parent}.", hint="Make it, or name another file with --out.")
    reference = load_tokenizer(against, progress=progress) if against else None
    texts = open_texts(corpus)
    read = _Reading(progress)
    began = time.monotonic()
    made = train_tokenizer(recipe, lambda: training_part(texts, held_back), read.tell)
    if not read.documents:
        raise UsageError("The corpus has no text to train on.", hint="Name files with text, or a smaller --held-back.")
    seconds = time.monotonic() - began
    tokenizer = from_json(made, target.name)
    domain = held_back_part(texts, held_back, MEASURED)
    elsewhere = sample(open_texts(general)(), MEASURED) if general else []
    parts: tuple[tuple[Part, list[str]], ...] = (("domain", domain), ("general", elsewhere))
    reports = [_report(part, found, tokenizer, reference) for part, found in parts if found]
    write_atomically(target, made.encode())
    return TokenizerTraining(
        recipe=recipe,
        file=str(target),
        sha256=hashlib.sha256(made.encode()).hexdigest(),
        fingerprint=tokenizer.fingerprint,
        vocab=len(tokenizer.vocabulary),
        documents=read.documents,
        bytes=read.bytes,
        held_back=held_back,
        reference=against,
        reports=tuple(reports),
        remarks=tuple(_remarks(recipe, tokenizer, domain, bool(general))),
        seconds=round(seconds, 3),
    )


def check_share(share: float) -> None:
    """A share of texts that leaves some on both sides.

    Raises:
        UsageError: it does not.
    """
    if not 0 < share < 1:
        raise UsageError(f"A share of {share:g} can't be held back.", hint="Between 0 and 1; 0.1 is usual.")


def measured_change(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> MeasuredChange:
    """The change of a total from one column to another, each (documents,); less is better."""
    found = ratio_change(before, after)
    return MeasuredChange(
        change=found.change,
        low=found.low,
        high=found.high,
        verdict=VERDICTS.get(found.direction, "no difference shown"),
        documents=found.documents,
        worse_documents=int(np.count_nonzero(after > before)),
    )


class _Reading:
    """Counts documents and bytes of the trainer's own pass over the corpus, and tells of them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.documents = 0
        self.bytes = 0

    def tell(self, size: int) -> None:
        """One more document."""
        self.documents += 1
        self.bytes += size
        if self.documents % TOLD_EVERY == 0:
            self._progress("reading the corpus", self.bytes, self.bytes + 1)


def _report(part: Part, texts: Sequence[str], tokenizer: Tokenizer, reference: Tokenizer | None) -> CompressionReport:
    ours = count(texts, tokenizer)
    theirs = count(texts, reference) if reference else None
    return CompressionReport(
        part=part,
        documents=len(texts),
        bytes=int(ours.bytes.sum()),
        words=int(ours.words.sum()),
        tokens=int(ours.tokens.sum()),
        bytes_per_token=ours.bytes_per_token,
        fertility=ours.fertility,
        lossy_documents=int(ours.lossy.sum()),
        reference_tokens=int(theirs.tokens.sum()) if theirs else None,
        reference_bytes_per_token=theirs.bytes_per_token if theirs else None,
        reference_fertility=theirs.fertility if theirs else None,
        tokens_change=measured_change(theirs.tokens.astype(np.float64), ours.tokens.astype(np.float64))
        if theirs
        else None,
    )


def _remarks(recipe: TokenizerRecipe, tokenizer: Tokenizer, domain: Sequence[str], general: bool) -> list[str]:
    said = []
    if (size := len(tokenizer.vocabulary)) < recipe.vocab:
        said.append(f"The corpus gave only {size:,} tokens of the {recipe.vocab:,} that were asked for.")
    if not domain:
        said.append("No text fell into the held-back part, so nothing was measured on the domain.")
    if not general:
        said.append("No general text was given, so what it loses there is not known.")
    if recipe.kind == "wordpiece":
        said.append("WordPiece drops white space, and unknown letters: its ids do not decode to the text again.")
    if recipe.kind == "unigram":
        said.append("The character U+2581 stands for a space here, so a text that holds it comes back with spaces.")
    return said
