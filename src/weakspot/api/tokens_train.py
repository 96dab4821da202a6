"""`weakspot.tokens.train`: a tokenizer of a domain, and what it gains there and loses elsewhere."""

import errno
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from weakspot.api.training_texts import Corpus, open_texts, remarks_on
from weakspot.artifacts.cache import write_atomically
from weakspot.artifacts.fetch import Progress, silent
from weakspot.errors import DiskFull, UsageError
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
from weakspot.vocabularies.held_back import Texts, held_back_part, sample, training_part
from weakspot.vocabularies.training import check_recipe, train_tokenizer

MEASURED = 2_000_000
"""Bytes of each part that are measured at most."""
TOLD_EVERY = 1000
GENERAL = "the same recipe on the general text"
VERDICTS: dict[str, Verdict] = {"less": "better", "more": "worse"}


def train(
    corpus: Corpus,
    recipe: TokenizerRecipe,
    *,
    out: str | Path = "tokenizer.json",
    held_back: float = 0.1,
    general: Corpus = (),
    against: str = "",
    field: str = "text",
    progress: Progress = silent,
) -> TokenizerTraining:
    """Train a tokenizer on a corpus, save it, and measure it on text that it has not seen.

    Args:
        corpus: paths, or a function that gives the documents and can be called again.
        recipe: kind and size (`weakspot.records.training.TokenizerRecipe`).
        out: where the tokenizer.json goes; a file that is there is replaced once the new one is whole.
        held_back: the share of texts, picked by their hash, that is measured on and never trained on.
        general: general text in the same forms, on which the price of specialising is measured.
        against: a tokenizer to compare with; empty: one of the same recipe trained on the general text, where there is
            some, so that nothing differs but what was read.
        field: the field of JSONL, or the column of Parquet, that holds the text.
        progress: hears of the documents read.

    Raises:
        UsageError: the corpus is empty, or the vocabulary smaller than its alphabet.
        UnknownTokenizer, FetchFailed: the tokenizer to compare with can't be had.
        DiskFull: there is no room for the file.
    """
    target = Path(out)
    check_share(held_back)
    check_recipe(recipe)
    check_file(target)
    texts = open_texts(corpus, field)
    elsewhere = open_texts(general, field) if general else None
    named = load_tokenizer(against, progress=progress) if against else None
    read = _Reading(progress)
    began = time.monotonic()
    made = _trained(recipe, texts, held_back, read)
    seconds = time.monotonic() - began
    tokenizer = from_json(made, target.name)
    reference = _Reference(against, named) if named else _from_general(recipe, elsewhere, held_back, progress)
    parts = _parts(texts, elsewhere, held_back, apart=named is None)
    reports = [_report(part, found, tokenizer, reference.tokenizer) for part, found in parts.items() if found]
    save_text(target, made)
    return TokenizerTraining(
        recipe=recipe,
        file=str(target),
        sha256=hashlib.sha256(made.encode()).hexdigest(),
        fingerprint=tokenizer.fingerprint,
        vocab=len(tokenizer.vocabulary),
        documents=read.documents,
        bytes=read.bytes,
        held_back=held_back,
        reference=reference.name if reference.tokenizer else "",
        reference_vocab=len(reference.tokenizer.vocabulary) if reference.tokenizer else None,
        reports=tuple(reports),
        remarks=(*_remarks(recipe, tokenizer, reference, parts), *remarks_on(texts)),
        seconds=round(seconds, 3),
    )


class _Reference(NamedTuple):
    """What the new tokenizer is measured against; without one `why` is a sentence."""

    name: str
    tokenizer: Tokenizer | None = None
    why: str = ""


def _trained(recipe: TokenizerRecipe, texts: Texts, share: float, read: "_Reading") -> str:
    if next(training_part(texts, share), None) is None:
        raise UsageError("The corpus has no text to train on.", hint="Name files with text, or a smaller --held-back.")
    return train_tokenizer(recipe, lambda: training_part(texts, share), read.tell)


def _from_general(recipe: TokenizerRecipe, texts: Texts | None, share: float, progress: Progress) -> _Reference:
    """A tokenizer of the same recipe, trained on the general text."""
    if texts is None:
        return _Reference("", why="No tokenizer was named to compare with (--against), so what is gained is not known.")
    try:
        made = _trained(recipe, texts, share, _Reading(progress))
    except UsageError as error:
        return _Reference("", why=f"No tokenizer of this recipe can be trained on the general text: {error.message}")
    return _Reference(GENERAL, from_json(made, GENERAL))


def _parts(texts: Texts, elsewhere: Texts | None, share: float, *, apart: bool) -> dict[Part, list[str]]:
    """What is measured on; `apart`: a tokenizer was trained on the rest of the general text."""
    domain = held_back_part(texts, share, MEASURED)
    if elsewhere is None:
        return {"domain": domain, "general": []}
    general = held_back_part(elsewhere, share, MEASURED) if apart else sample(elsewhere(), MEASURED)
    return {"domain": domain, "general": general}


def check_share(share: float) -> None:
    """A share of texts that leaves some on both sides.

    Raises:
        UsageError: it does not.
    """
    if not 0 < share < 1:
        raise UsageError(f"A share of {share:g} can't be held back.", hint="Between 0 and 1; 0.1 is usual.")


def check_file(path: Path) -> None:
    """A place for a file, before the work is done and not after it.

    Raises:
        UsageError: there is none.
    """
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", hint="Make it, or name another file with --out.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", hint="Name a file with --out.")


def save_text(path: Path, text: str) -> None:
    """Write a file, whole or not at all.

    Raises:
        DiskFull: there is no room for it.
        UsageError: it can't be written.
    """
    try:
        write_atomically(path, text.encode())
        path.chmod(0o644)  # a temporary file is its owner's alone
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"There is no room for {path}.", hint="Free some, or name another place.") from error
        raise UsageError(f"{path} can't be written: {error.strerror}.", hint="Name another place with --out.") from None


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


def _remarks(
    recipe: TokenizerRecipe, tokenizer: Tokenizer, reference: _Reference, parts: Mapping[Part, Sequence[str]]
) -> Iterator[str]:
    size = len(tokenizer.vocabulary)
    if size < recipe.vocab:
        yield f"The corpus gave only {size:,} tokens of the {recipe.vocab:,} that were asked for."
    if not parts["domain"]:
        yield "No text fell into the held-back part, so nothing was measured on the domain."
    if not parts["general"]:
        yield "No general text was measured on, so what it loses there is not known."
    if reference.tokenizer is None:
        yield reference.why
    elif not 2 / 3 < (other := len(reference.tokenizer.vocabulary)) / size < 3 / 2:
        more = "more tokens need fewer of them for a text, whatever they were trained on"
        yield f"{reference.name} has {other:,} tokens and the new one {size:,}: {more}."
    if recipe.kind == "wordpiece":
        yield "WordPiece drops white space, and unknown letters: its ids do not decode to the text again."
    if recipe.kind == "unigram":
        yield "The character U+2581 stands for a space here, so a text that holds it comes back with spaces."
