"""Domain tokenizers through the Rust trainers of `tokenizers`: byte-level BPE, Unigram, WordPiece.

The corpus is read once or twice, document by document; the trainers hold counts of words, never the text. What the
trainers leave to chance is settled here or in `training_json`:

- BPE gives the same file on every run as it is.
- WordPiece numbers the letters inside words in the order of a hash table, and breaks ties by those numbers: here they
  are numbered beforehand.
- Unigram adds floating-point numbers in an order that differs from run to run, which changes the 13th digit of a
  score: here scores are rounded to 9 digits and tokens sorted anew. A tie in its own pruning could still go either
  way; none was seen.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from weakspot.errors import UsageError, WeakspotError
from weakspot.records.training import TokenizerRecipe
from weakspot.vocabularies.training_json import BPE_SPECIAL, UNIGRAM_SPECIAL, WORDPIECE_SPECIAL, sealed, unigram_json

MODERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
    r"|[^\r\n\p{L}\p{M}\p{N}]?[\p{L}\p{M}]+"
    r"|\p{N}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How words are cut before byte-level BPE. Like the patterns of 2023 and later, with two differences: every digit
stands alone, and combining marks stay with their letters (vowel signs of Indic scripts are marks)."""

MOST_VOCAB = 2_000_000
COVERAGE = 0.9995
MOST_LETTERS = 20_000
ASCII = "".join(map(chr, range(0x20, 0x7F))) + "\n\t"
"""Letters that Unigram always gets: a text that spells `<0x0A>` must have a way that is not the byte's token."""

Tell = Callable[[int], None]
"""Called with the bytes of each document as it is read."""


def check_recipe(recipe: TokenizerRecipe) -> None:
    """Whether a recipe can be followed at all, as far as that is known without the corpus.

    Raises:
        UsageError: it can't.
    """
    if recipe.kind not in ("bpe", "unigram", "wordpiece"):
        raise UsageError(f"There is no tokenizer of the kind {recipe.kind!r}.", hint="bpe, unigram or wordpiece.")
    if recipe.pattern not in ("gpt2", "modern"):
        raise UsageError(f"There is no pattern {recipe.pattern!r}.", hint="gpt2 or modern.")
    if recipe.kind == "bpe":
        _hold(recipe, 256 + len(BPE_SPECIAL), "256 bytes and 1 special token")
    if recipe.vocab > MOST_VOCAB:
        raise UsageError(f"A vocabulary of {recipe.vocab:,} is more than {MOST_VOCAB:,}.", hint="Ask for fewer.")


def _hold(recipe: TokenizerRecipe, least: int, what: str) -> None:
    if recipe.vocab < least:
        raise UsageError(
            f"A vocabulary of {recipe.vocab:,} can't hold its alphabet: {what}.",
            hint=f"Ask for at least {least:,}, and some thousands more to gain anything.",
        )


def train_tokenizer(recipe: TokenizerRecipe, texts: Callable[[], Iterable[str]], tell: Tell = lambda _: None) -> str:
    """Train, and return the text of a `tokenizer.json`; Ctrl-C stops it at once, even inside the Rust trainer.

    Args:
        recipe: what to train.
        texts: gives the training documents, once for BPE and twice for the others; without lone surrogates.
        tell: hears of every document read.

    Raises:
        UsageError: the vocabulary is smaller than the alphabet.
        WeakspotError: the corpus is empty, or the trainer failed.
    """
    check_recipe(recipe)
    if recipe.kind == "bpe":
        return _train_bpe(recipe, texts, tell)
    if recipe.kind == "unigram":
        return _train_unigram(recipe, texts, tell)
    return _train_wordpiece(recipe, texts, tell)


def _train_bpe(recipe: TokenizerRecipe, texts: Callable[[], Iterable[str]], tell: Tell) -> str:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    made: Any = Tokenizer(models.BPE())
    if recipe.pattern == "gpt2":
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        cut = pre_tokenizers.Split(Regex(MODERN), behavior="isolated")
        bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        made.pre_tokenizer = pre_tokenizers.Sequence([cut, bytes_])
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocab,
        min_frequency=2,
        show_progress=False,
        special_tokens=list(BPE_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    _run(made, trainer, _counted(texts(), tell))
    return sealed(made.to_str(), BPE_SPECIAL)


def _train_unigram(recipe: TokenizerRecipe, texts: Callable[[], Iterable[str]], tell: Tell) -> str:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    letters = Counter(dict.fromkeys(ASCII, 1))
    for text in texts():
        letters.update(text)
    kept = _kept(letters, COVERAGE) | set(ASCII)
    fixed = len(UNIGRAM_SPECIAL) + 256
    _hold(recipe, fixed + len(kept) + 1, f"{len(kept):,} letters, 256 bytes and {len(UNIGRAM_SPECIAL)} special tokens")
    rare = dict.fromkeys((ord(letter) for letter in letters if letter not in kept), " ")
    made: Any = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    trainer = trainers.UnigramTrainer(
        vocab_size=recipe.vocab - fixed + 1,
        show_progress=False,
        special_tokens=[UNIGRAM_SPECIAL[0]],
        unk_token=UNIGRAM_SPECIAL[0],
        initial_alphabet=sorted(kept),
    )
    _run(made, trainer, (text.translate(rare) for text in _counted(texts(), tell)))
    return unigram_json(made.to_str())


def _train_wordpiece(recipe: TokenizerRecipe, texts: Callable[[], Iterable[str]], tell: Tell) -> str:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    made: Any = Tokenizer(models.WordPiece(unk_token=WORDPIECE_SPECIAL[1]))
    made.normalizer = normalizers.BertNormalizer(lowercase=recipe.lowercase)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(prefix="##")
    letters: Counter[str] = Counter()
    for text in texts():
        letters.update(made.normalizer.normalize_str(text))
    kept = sorted(letter for letter in _kept(letters, COVERAGE) if not letter.isspace())
    inside = ["##" + letter for letter in kept if len(made.pre_tokenizer.pre_tokenize_str(f"a{letter}a")) == 1]
    _hold(
        recipe,
        len(WORDPIECE_SPECIAL) + len(kept) + len(inside) + 1,
        f"{len(kept):,} letters, {len(inside):,} inside words and {len(WORDPIECE_SPECIAL)} special tokens",
    )
    trainer = trainers.WordPieceTrainer(
        vocab_size=recipe.vocab,
        min_frequency=2,
        show_progress=False,
        special_tokens=[*WORDPIECE_SPECIAL, *inside],
        initial_alphabet=kept,
        limit_alphabet=len(kept),
    )
    _run(made, trainer, _counted(texts(), tell))
    made.post_processor = processors.BertProcessing(
        ("[SEP]", made.token_to_id("[SEP]")), ("[CLS]", made.token_to_id("[CLS]"))
    )
    return sealed(made.to_str(), WORDPIECE_SPECIAL)


def _kept(letters: Counter[str], coverage: float) -> set[str]:
    """The most frequent letters that make up this share of the text; ties by code point, so that runs agree."""
    wanted = coverage * letters.total()
    found: set[str] = set()
    for letter, count in sorted(letters.items(), key=lambda pair: (-pair[1], pair[0])):
        if wanted <= 0 or len(found) == MOST_LETTERS:
            break
        found.add(letter)
        wanted -= count
    return found


def _counted(texts: Iterable[str], tell: Tell) -> Iterator[str]:
    for text in texts:
        tell(len(text.encode()))
        yield text


class _Stopped(Exception):
    """The user stopped the work: the reader ends."""


STOPPING_S = 2.0
"""Seconds that Ctrl-C gives the thread to come to the next document; inside the trainer it would take minutes."""


def _run(made: Any, trainer: Any, texts: Iterable[str]) -> None:
    """Train in another thread: the library hears of Ctrl-C only when it is done, this one at once.

    After Ctrl-C the thread stops at the next document; inside the trainer it goes on until the process ends, and
    nothing that it makes is used.
    """
    stop = threading.Event()
    wrong: list[BaseException] = []

    def stoppable() -> Iterator[str]:
        for text in texts:
            if stop.is_set():
                raise _Stopped
            yield text

    def work() -> None:
        try:
            made.train_from_iterator(stoppable(), trainer)
        except BaseException as error:  # noqa: BLE001 - the Rust library panics with a BaseException of its own
            wrong.append(error)

    thread = threading.Thread(target=work, daemon=True, name="weakspot-train")
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.1)
    except BaseException:
        stop.set()
        thread.join(STOPPING_S)  # a thread that asks for Python while the process ends aborts it
        raise
    if wrong:
        _raise(wrong[0])


def _raise(error: BaseException) -> None:
    cause = error.__cause__ if isinstance(error.__cause__, WeakspotError) else error
    if isinstance(cause, WeakspotError | MemoryError | OSError):
        raise cause
    reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
    raise WeakspotError(
        f"The trainer of the tokenizers library failed: {reason}.",
        hint="The corpus may be too small for this vocabulary; try a smaller --vocab or more text.",
    ) from None
