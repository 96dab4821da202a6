"""What training a tokenizer, and extending a model's, brought and cost."""

from typing import Literal

import msgspec

Verdict = Literal["better", "worse", "no difference shown"]
Part = Literal["domain", "general"]


class TokenizerRecipe(msgspec.Struct, frozen=True, kw_only=True):
    """What to train.

    Attributes:
        kind: bpe, unigram or wordpiece.
        vocab: tokens that it shall have, special ones included.
        pattern: how byte-level BPE cuts words: GPT-2's pattern, or one that splits digits.
        lowercase: whether WordPiece folds case and strips accents, as BERT's uncased models do.
    """

    kind: Literal["bpe", "unigram", "wordpiece"]
    vocab: int
    pattern: Literal["gpt2", "modern"] = "modern"
    lowercase: bool = True


class ExtensionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How to extend a model's vocabulary.

    Attributes:
        add: how many words become tokens.
        init: what their rows begin with: the mean of their pieces, or a mean of tokens used alike.
        held_back: the share of texts that is measured on and never chosen or trained from.
        tune: steps for which the new rows, and nothing else, are trained.
        measured: bytes of each part that are measured at most.
        field: the field of JSONL, or the column of Parquet, that holds the text.
    """

    add: int
    init: Literal["mean", "focus"] = "mean"
    held_back: float = 0.1
    tune: int = 0
    measured: int = 40_000
    field: str = "text"


class MeasuredChange(msgspec.Struct, frozen=True, kw_only=True):
    """A total before and after, paired by document.

    Attributes:
        change: after / before - 1.
        low: the lower end of its 95 % interval (documents drawn again); None with fewer than 8 documents.
        high: the upper end.
        verdict: by the interval alone; less is better.
        documents: how many documents stand behind it.
        worse_documents: in how many of them the total went up.
    """

    change: float
    low: float | None
    high: float | None
    verdict: Verdict
    documents: int
    worse_documents: int


class CompressionReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a trained tokenizer does on one part, beside a reference.

    Attributes:
        part: held-back text of the domain, or general text.
        documents: how many documents.
        bytes: how many bytes of UTF-8.
        words: how many stretches between white space.
        tokens: how many tokens the trained one needs.
        bytes_per_token: bytes a token.
        fertility: tokens a word.
        lossy_documents: documents whose ids do not decode to the text again.
        reference_tokens: how many tokens the reference needs; None without one, like the two below.
        reference_bytes_per_token: bytes a token of the reference.
        reference_fertility: tokens a word of the reference.
        tokens_change: the change in tokens from the reference to the trained one.
    """

    part: Part
    documents: int
    bytes: int
    words: int
    tokens: int
    bytes_per_token: float
    fertility: float
    lossy_documents: int
    reference_tokens: int | None = None
    reference_bytes_per_token: float | None = None
    reference_fertility: float | None = None
    tokens_change: MeasuredChange | None = None


class TokenizerTraining(msgspec.Struct, frozen=True, kw_only=True):
    """A tokenizer trained on a domain.

    Attributes:
        recipe: what was asked for.
        file: where it was saved.
        sha256: of the file's bytes.
        fingerprint: its vocabulary and its behaviour.
        vocab: tokens that it has.
        documents: documents of the training part, copies included.
        bytes: their bytes.
        held_back: the share of texts that was kept out of the training.
        reference: what it is measured against; empty where nothing is.
        reference_vocab: tokens that the reference has; None without one.
        reports: one a part.
        remarks: what to know about it, a sentence each.
        seconds: how long the trainer ran.
    """

    recipe: TokenizerRecipe
    file: str
    sha256: str
    fingerprint: str
    vocab: int
    documents: int
    bytes: int
    held_back: float
    reference: str
    reference_vocab: int | None
    reports: tuple[CompressionReport, ...]
    remarks: tuple[str, ...]
    seconds: float


class NewTokenReport(msgspec.Struct, frozen=True, kw_only=True):
    """One word that became a token.

    Attributes:
        id: its id in the new vocabulary.
        text: the word, as it stands in text.
        pieces: the ids it took before.
        count: how often it occurs in the training part.
        saved: tokens that it saves there: count x (pieces - 1).
        fired: how often it fired in the measured text of the domain.
        bits_before: bits that its occurrences there cost before, in all; None where it did not occur.
        bits_after: bits that they cost now.
    """

    id: int
    text: str
    pieces: tuple[int, ...]
    count: int
    saved: int
    fired: int = 0
    bits_before: float | None = None
    bits_after: float | None = None


class LossReport(msgspec.Struct, frozen=True, kw_only=True):
    """A model on one part, before and after its vocabulary grew (and again after tuning the new rows).

    Attributes:
        part: held-back text of the domain, or general text.
        state: extended, or tuned.
        documents: how many documents.
        bytes: how many bytes of UTF-8 were predicted.
        tokens_before: how many tokens they were.
        tokens_after: how many they are.
        tokens: the change in tokens.
        bits_per_byte_before: the model's loss, in bits a byte of UTF-8.
        bits_per_byte_after: the same now.
        perplexity_per_byte_before: 2 to the power of it.
        perplexity_per_byte_after: the same now.
        bits: the change in bits.
        changed_documents: documents whose ids are others now.
        changed_without_words: those of them in which none of the new words stands; 0 is what is wanted.
    """

    part: Part
    state: Literal["extended", "tuned"]
    documents: int
    bytes: int
    tokens_before: int
    tokens_after: int
    tokens: MeasuredChange
    bits_per_byte_before: float
    bits_per_byte_after: float
    perplexity_per_byte_before: float
    perplexity_per_byte_after: float
    bits: MeasuredChange
    changed_documents: int
    changed_without_words: int


class ModelExtension(msgspec.Struct, frozen=True, kw_only=True):
    """A model whose tokenizer got the words of a domain.

    Attributes:
        model: the reference as the user gave it.
        folder: where model and tokenizer were saved.
        way: how the words were added: whole-word (taken before any merge), merges, or scores.
        plan: what was asked for.
        vocab_before: tokens of the old tokenizer.
        vocab_after: tokens of the new one.
        rows_before: rows of the embedding matrix before.
        rows_after: rows of it now.
        helpers: tokens that only lead to a new word (steps between merges).
        unfired: new words that do not become one token even when they stand alone.
        added: the words, the most saving ones first.
        reports: one a part and state.
        remarks: what to know about it, a sentence each.
    """

    model: str
    folder: str
    way: Literal["whole-word", "merges", "scores"]
    plan: ExtensionPlan
    vocab_before: int
    vocab_after: int
    rows_before: int
    rows_after: int
    helpers: int
    unfired: int
    added: tuple[NewTokenReport, ...]
    reports: tuple[LossReport, ...]
    remarks: tuple[str, ...]
