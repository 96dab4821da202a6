"""Opens a SentencePiece `.model`, BPE or Unigram.

What the step-by-step engines need to know of the library, measured on sentencepiece 0.2.3: control, unknown and byte
pieces never match in a text, unused ones neither; a user-defined symbol of a Unigram model scores 0.1 * (its bytes - 1)
whatever the file says; neighbouring unknown characters share one id.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from weakspot.errors import CorruptFile, UnknownTokenizer
from weakspot.records import TokenKind
from weakspot.tokens.engine_sentencepiece import SentencePieceEngine
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.parts import BPE, ModelData, Pipeline, Unigram
from weakspot.tokens.segmenting import AddedToken
from weakspot.tokens.spm_proto import (
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    SpmModel,
    SpmPiece,
    read_model,
)
from weakspot.tokens.vocabulary import BYTE_TOKEN, Token, Vocabulary, metaspace_bytes, plain_bytes

MOST_BYTES = 256 << 20
LONGEST_PIECE = 4096
KINDS: dict[int, TokenKind] = {
    NORMAL: "normal",
    UNKNOWN: "unknown",
    CONTROL: "control",
    USER_DEFINED: "added",
    UNUSED: "unused",
    BYTE: "byte",
}
AGAIN = "Fetch the file again."


def load_sentencepiece(path: Path, name: str) -> Tokenizer:
    """A tokenizer out of a SentencePiece `.model`.

    Args:
        path: the file.
        name: as the user named it.

    Raises:
        CorruptFile: it is damaged, or contradicts itself.
        UnknownTokenizer: it is another kind of file, or a model of words or characters.
    """
    if path.stat().st_size > MOST_BYTES:
        raise UnknownTokenizer(f"{path.name} has more than {MOST_BYTES >> 20} MiB: that is no SentencePiece model.")
    return from_proto(path.read_bytes(), name, format="sentencepiece", where=path.name)


def from_proto(  # noqa: PLR0913 - the last four are what a GGUF states beside the model
    proto: bytes,
    name: str,
    *,
    format: str,  # noqa: A002 - the field's word for it
    added: Sequence[AddedToken] = (),
    remarks: Sequence[str] = (),
    where: str = "",
    prefix: Sequence[int] | None = None,
    suffix: Sequence[int] | None = None,
    parses_special: bool = False,
) -> Tokenizer:
    """A tokenizer out of a serialized ModelProto.

    Args:
        proto: the bytes.
        name: as the user named it.
        format: the kind of file it came from.
        added: tokens to be cut out of a text before the library sees it: those flagged special only where special text
            is parsed, the others always.
        remarks: what the caller has to say about the file.
        where: what to call the file in an error; empty: its name.
        prefix: the ids before a text with special tokens; None: the file's BOS, as sentencepiece's `add_bos` would.
        suffix: the ids behind it; None: the file's EOS, as `add_eos` would.
        parses_special: whether text that spells one of `added` becomes its id unless the caller says.

    Raises:
        CorruptFile, UnknownTokenizer: see `load_sentencepiece`.
    """
    where = where or name
    spm = read_model(proto, where)
    _check(spm, where)
    engine = SentencePieceEngine(
        _opened(proto, where), spm, added=added, prefix=prefix, suffix=suffix, parses_special=parses_special
    )
    vocabulary = Vocabulary([_token(number, piece) for number, piece in enumerate(spm.pieces)])
    return Tokenizer(
        name=name,
        format=format,
        engine=engine,
        vocabulary=vocabulary,
        model=_model_data(spm),
        pipeline=_pipeline(spm, framed=bool(engine.frame(()))),
        remarks=[*remarks, *_remarks(spm)],
    )


def _check(spm: SpmModel, where: str) -> None:
    """What the library would fail at, or only notice when a text comes."""
    if not spm.pieces:
        raise UnknownTokenizer(f"{where} is no SentencePiece model: it has no pieces.", hint=AGAIN)
    if spm.kind not in ("bpe", "unigram"):
        raise UnknownTokenizer(
            f"{where} is a SentencePiece model of the kind {spm.kind!r}.", hint="BPE and Unigram can be taken apart."
        )
    seen: dict[str, int] = {}
    for number, piece in enumerate(spm.pieces):
        problem = ""
        if piece.type not in KINDS:
            problem = f"is of type {piece.type}, which does not exist"
        elif not piece.text or "\0" in piece.text:
            problem = "is empty" if not piece.text else "holds a NUL character"
        elif len(piece.text.encode()) > LONGEST_PIECE:
            problem = f"has more than {LONGEST_PIECE} bytes"
        elif piece.text in seen:
            problem = f"is {piece.text!r}, which piece {seen[piece.text]} is too"
        elif piece.type == BYTE and not BYTE_TOKEN.fullmatch(piece.text):
            problem = f"is called a byte and is {piece.text!r}"
        if problem:
            raise CorruptFile(f"{where} is damaged: piece {number} {problem}.", hint=AGAIN)
        seen[piece.text] = number
    unknown = [number for number, piece in enumerate(spm.pieces) if piece.type == UNKNOWN]
    if len(unknown) != 1:
        raise CorruptFile(f"{where} is damaged: it has {len(unknown)} unknown pieces, and needs one.", hint=AGAIN)
    bytes_there = sum(piece.type == BYTE for piece in spm.pieces)
    if bytes_there != (256 if spm.byte_fallback else 0):
        says = "with" if spm.byte_fallback else "without"
        raise CorruptFile(f"{where} contradicts itself: {says} byte fallback, it has {bytes_there} byte pieces.")


def _opened(proto: bytes, where: str) -> Any:
    from sentencepiece import SentencePieceProcessor

    processor = SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(proto)
    except (RuntimeError, ValueError, IndexError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].removeprefix("INTERNAL: ")[:200]
        raise CorruptFile(
            f"{where} can't be opened by the sentencepiece library: {reason.rstrip('.')}.",
            hint="The file may be damaged, or newer than the installed sentencepiece.",
        ) from None
    return processor


def _token(number: int, piece: SpmPiece) -> Token:
    kind = KINDS[piece.type]
    # Only a byte piece is a byte: a normal one that is spelt <0x0A> stands for its six characters.
    plain = piece.type != BYTE
    data = plain_bytes(piece.text.replace("\u2581", " ")) if plain else metaspace_bytes(piece.text)
    return Token(number, piece.text, data, kind, piece.type in (CONTROL, UNKNOWN), piece.score)


def _model_data(spm: SpmModel) -> ModelData:
    unknown = next(number for number, piece in enumerate(spm.pieces) if piece.type == UNKNOWN)
    pieces = [(number, piece) for number, piece in enumerate(spm.pieces) if piece.type in (NORMAL, USER_DEFINED, BYTE)]
    if spm.kind == "bpe":
        return BPE(
            vocab={piece.text: number for number, piece in pieces},
            scores={piece.text: piece.score for _, piece in pieces if piece.type != BYTE},
            byte_fallback=spm.byte_fallback,
            unknown=unknown,
            fuse_unknown=True,
        )
    return Unigram(
        vocab={piece.text: (number, _unigram_score(piece)) for number, piece in pieces},
        unknown=unknown,
        byte_fallback=spm.byte_fallback,
        user_defined=frozenset(piece.text for _, piece in pieces if piece.type == USER_DEFINED),
    )


def _unigram_score(piece: SpmPiece) -> float:
    """A byte piece has minus infinity: no text matches it, it only stands in for a character without a piece."""
    if piece.type == BYTE:
        return float("-inf")
    return 0.1 * (len(piece.text.encode()) - 1) if piece.type == USER_DEFINED else piece.score


def _pipeline(spm: SpmModel, *, framed: bool) -> Pipeline:
    steps = [f"the rules {spm.rules or 'without a name'}"] if spm.charsmap else []
    steps += ["shrinks and trims white space"] if spm.remove_extra_whitespaces else []
    place = "behind" if spm.treat_whitespace_as_suffix else "before"
    steps += [f"puts a space {place} the text"] if spm.add_dummy_prefix else []
    steps += ["writes a space as U+2581"] if spm.escape_whitespaces else []
    traits = [f"{len(spm.pieces):,} tokens"] + (["byte fallback"] if spm.byte_fallback else [])
    traits += ["best score first"] if spm.kind == "bpe" else []
    decoder = "U+2581 is a space" + ("; takes the space before the text off" if spm.add_dummy_prefix else "")
    return Pipeline(
        normalizer="; ".join(steps) or "none",
        pre_tokenizer="none: the model gets the whole text",
        model=f"{'BPE' if spm.kind == 'bpe' else 'Unigram'}, {', '.join(traits)}",
        post_processor="BOS before and EOS behind, where asked for" if framed else "none",
        decoder=decoder + ("; the file's own rules for decoded text" if spm.denormalizes else ""),
    )


def _remarks(spm: SpmModel) -> list[str]:
    said = []
    if spm.denormalizes:
        said.append("The file has rules that change decoded text: what comes back need not be what went in.")
    if unused := sum(piece.type == UNUSED for piece in spm.pieces):
        said.append(f"{unused} of the pieces are marked unused: no text becomes them.")
    return said
