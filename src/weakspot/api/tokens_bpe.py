"""`weakspot.tokens.bpe`: byte-pair encoding from scratch, every step to be seen."""

from collections.abc import Callable, Sequence
from pathlib import Path

from weakspot.api.tokens_train import check_file, save_text
from weakspot.errors import UsageError
from weakspot.tracing.pair_encoding import Encoding, PairEncoding
from weakspot.tracing.pair_training import Trainer, TrainingStep, count_words

__all__ = ["Encoding", "PairEncoding", "TrainingStep", "bpe", "open_bpe"]


def bpe(
    files: Sequence[str | Path],
    *,
    vocab: int = 1000,
    out: str | Path | None = None,
    min_frequency: int = 0,
    whole_alphabet: bool = True,
    special: Sequence[str] = (),
    on_step: Callable[[TrainingStep], None] | None = None,
) -> PairEncoding:
    """Train a byte-pair encoding on files, and save it.

    Args:
        files: text files; bytes that are no UTF-8 are learned like any others.
        vocab: how many tokens there shall be, special ones and the alphabet included.
        out: where to save it as `tokenizer.json`; None: nowhere.
        min_frequency: a pair that stands together less often is not merged.
        whole_alphabet: all 256 bytes; otherwise those that were seen.
        special: tokens that no text becomes; they take the first ids.
        on_step: told every merge as it is learned.

    Raises:
        UsageError: no files, one that can't be read, no folder to save in, or a size that can't hold the alphabet.
        DiskFull: there is no room to save it.
    """
    _check(files, vocab, min_frequency, special)
    if out is not None:
        check_file(Path(out))
    trainer = Trainer(
        count_words(_read(Path(file)) for file in files),
        vocab,
        min_frequency=min_frequency,
        whole_alphabet=whole_alphabet,
        special=special,
    )
    if (alphabet := len(trainer.tokens)) > vocab:
        raise UsageError(
            f"A vocabulary of {vocab:,} can't hold its alphabet of {alphabet:,}, special tokens included.",
            hint=f"Ask for more than {alphabet:,}.",
        )
    for step in trainer.steps():
        if on_step is not None:
            on_step(step)
    encoding = trainer.result()
    if out is not None:
        save_text(Path(out), encoding.to_tokenizer_json())
    return encoding


def open_bpe(file: str | Path) -> PairEncoding:
    """A byte-pair encoding that was saved.

    Raises:
        UnknownTokenizer: it is another kind of file.
        UsageError: it can't be read.
    """
    return PairEncoding.from_tokenizer_json(_read(Path(file)).decode("utf-8", "replace"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{path} can't be read: {reason}.") from None


def _check(files: Sequence[str | Path], vocab: int, min_frequency: int, special: Sequence[str]) -> None:
    if not files:
        raise UsageError("There is nothing to train on.", hint="Name at least one text file.")
    if vocab < 1 or min_frequency < 0:
        raise UsageError("A vocabulary has at least one token, and a frequency is not negative.")
    if not all(special):
        raise UsageError("A special token can't be empty.")
