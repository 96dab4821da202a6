"""What a tokenizer makes of a text: pieces, findings, and both together as `weakspot tokens show` gives them."""

from typing import Literal

import msgspec

TokenKind = Literal["normal", "byte", "control", "unused", "added", "unknown"]
Stage = Literal[
    "input", "normalizer", "pre-tokenizer", "model", "post-processor", "decoder", "truncation", "vocabulary"
]
"""Where in the pipeline it happened; `model` is where unknown tokens and byte fallback come from."""


class TokenPiece(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One token of a text.

    Attributes:
        id: its number in the vocabulary.
        text: how the vocabulary writes it (`Ġhello`, `▁hello`, `##ing`, `<0x0A>`).
        bytes: the bytes it stands for, as hexadecimal digits; in general not UTF-8 by themselves.
        start: where in the input's UTF-8 its stretch begins, in bytes.
        end: where it ends, in bytes, exclusive; equal to `start` where it stands for nothing (a dummy prefix).
        kind: what sort of token it is.
        special: whether the tokenizer's file flags it special; stands in JSON only where it does.
    """

    id: int
    text: str
    bytes: str
    start: int
    end: int
    kind: TokenKind
    special: bool = False


class TokenFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a user should know about a stretch of a text under a tokenizer.

    Attributes:
        code: which kind of thing, in kebab-case; the codes are listed in docs/findings.md.
        start: where the stretch begins in the input's UTF-8, in bytes.
        end: where it ends, in bytes, exclusive.
        severity: 1 (harmless) to 5 (the model cannot see what was written).
        stage: the step of the pipeline that caused it.
        message: one clear sentence.
        evidence: the values that the sentence stands on.
    """

    code: str
    start: int
    end: int
    severity: int
    stage: Stage
    message: str
    evidence: dict[str, str | int | float | bool | list[str | int] | None] = {}


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """A text under one tokenizer.

    Attributes:
        tokenizer: its name, as the user gave it.
        fingerprint: vocabulary and behaviour, each 12 hexadecimal digits of a SHA-256, joined by a hyphen.
        text: the input; a lone surrogate, which UTF-8 cannot write, stands as U+FFFD.
        ids: the token ids.
        pieces: what stands behind them, in order.
        decoded: the ids turned back into text by the tokenizer's own decoder.
        lossless: whether `decoded` equals the text that was given.
        findings: what to know about it, in the order of the text.
        format: the kind of file that the tokenizer came from.
        engine: the library that encoded, with its version.
        known_as: the published tokenizer that has this vocabulary; empty where it is none that is known.
        pipeline: what each step does, in words: normalizer, pre_tokenizer, model, post_processor, decoder.
        remarks: what was undone or found amiss when the tokenizer was loaded, a sentence each.
    """

    tokenizer: str
    fingerprint: str
    text: str
    ids: tuple[int, ...]
    pieces: tuple[TokenPiece, ...]
    decoded: str
    lossless: bool
    findings: tuple[TokenFinding, ...] = ()
    format: str = ""
    engine: str = ""
    known_as: str = ""
    pipeline: dict[str, str] = {}
    remarks: tuple[str, ...] = ()
