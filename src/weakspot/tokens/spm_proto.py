"""SentencePiece's ModelProto on the wire: reads and writes the few fields that a tokenizer needs, without protobuf.

Field numbers are those of sentencepiece's own `sentencepiece_model.proto`; fields that it does not know are skipped.
Nothing here allocates by a size that the file merely claims: every length is held against the bytes that are there.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from weakspot.errors import CorruptFile

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
MODEL_KINDS = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}
MOST_PIECES = 1 << 21
"""The largest real vocabularies have about a million; each costs some hundred bytes before a check can speak."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Value = int | memoryview


class SpmPiece(NamedTuple):
    """One entry of the vocabulary; `type` as in sentencepiece (NORMAL to BYTE above)."""

    text: str
    score: float
    type: int


class SpmModel(NamedTuple):
    """What a ModelProto says, with sentencepiece's defaults where it is silent.

    Attributes:
        pieces: the vocabulary; a piece's place is its id.
        kind: the `model_type`: unigram, bpe, word or char.
        byte_fallback: whether a character without a piece becomes <0xXX> pieces.
        treat_whitespace_as_suffix: whether the white space goes to the end of a word instead of its beginning.
        unk_id: id of the unknown piece; the others may be -1, for none.
        charsmap: the precompiled normalisation rules; empty where text stays as it is.
        rules: the normalisation's name (nmt_nfkc, identity, ...).
        denormalizes: whether the file has rules that change decoded text.
    """

    pieces: tuple[SpmPiece, ...]
    kind: str = "unigram"
    byte_fallback: bool = False
    treat_whitespace_as_suffix: bool = False
    unk_id: int = 0
    bos_id: int = 1
    eos_id: int = 2
    pad_id: int = -1
    unk_surface: str = " \u2047 "
    rules: str = ""
    charsmap: bytes = b""
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True
    escape_whitespaces: bool = True
    denormalizes: bool = False


def model_proto(  # noqa: PLR0913 - one argument for each of the format's fields
    pieces: Sequence[tuple[str, float, int]],
    *,
    kind: Literal["unigram", "bpe"],
    byte_fallback: bool,
    add_dummy_prefix: bool,
    remove_extra_whitespaces: bool,
    charsmap: bytes = b"",
    unk_id: int = 0,
    bos_id: int = 1,
    eos_id: int = 2,
    pad_id: int = -1,
    escape_whitespaces: bool = True,
    treat_whitespace_as_suffix: bool = False,
) -> bytes:
    """A serialized ModelProto, as `sentencepiece` loads it.

    Args:
        pieces: (text, score, type) in the order of their ids; types 1 normal, 2 unknown, 3 control, 4 user-defined,
            5 unused, 6 byte.
        kind: the model's type.
        byte_fallback: whether a character without a piece becomes <0xXX> pieces, which must then all be there.
        add_dummy_prefix: whether a space is put before the text.
        remove_extra_whitespaces: whether runs of white space shrink and ends are trimmed.
        charsmap: the precompiled normalisation rules.
        unk_id: the unknown piece's id; sentencepiece wants exactly one piece of type 2.
        bos_id: as the file says, -1 for none.
        eos_id: as the file says, -1 for none.
        pad_id: as the file says, -1 for none.
        escape_whitespaces: whether a space is written U+2581.
        treat_whitespace_as_suffix: whether white space ends a word instead of beginning it.
    """
    out = bytearray()
    for text, score, type_ in pieces:
        entry = _sized(1, text.encode("utf-8", "replace")) + _tag(2, FIXED32) + struct.pack("<f", score)
        out += _sized(1, entry + _number(3, type_))
    trainer = _number(3, 2 if kind == "bpe" else 1) + _number(4, len(pieces))
    trainer += _number(24, treat_whitespace_as_suffix) + _number(35, byte_fallback)
    ids = {40: unk_id, 41: bos_id, 42: eos_id, 43: pad_id}
    trainer += b"".join(_number(field, value) for field, value in ids.items())
    for field, value in ids.items():
        # The names (unk_piece, ...) by which the library looks the four up; "" where there is none.
        if 0 <= value < len(pieces):
            trainer += _sized(field + 5, pieces[value][0].encode("utf-8", "replace"))
    normalizer = _sized(1, b"user_defined" if charsmap else b"identity") + _sized(2, charsmap)
    normalizer += _number(3, add_dummy_prefix) + _number(4, remove_extra_whitespaces)
    normalizer += _number(5, escape_whitespaces)
    return bytes(out + _sized(2, trainer) + _sized(3, normalizer))


def read_model(proto: bytes, where: str) -> SpmModel:
    """What a serialized ModelProto says.

    Raises:
        CorruptFile: it is cut short, is no protobuf, or a field holds what it cannot.
    """
    pieces: list[SpmPiece] = []
    trainer: dict[int, Value] = {}
    normalizer: dict[int, Value] = {}
    denormalizer: dict[int, Value] = {}
    try:
        for field, value in _fields(memoryview(proto)):
            if not isinstance(value, memoryview):
                continue
            if field == 1:
                pieces.append(_piece(value, len(pieces)))
            elif field in (2, 3, 5):
                # A message field given twice is merged, the later value winning: protobuf's rule.
                {2: trainer, 3: normalizer, 5: denormalizer}[field].update(_fields(value))
        return _model(tuple(pieces), trainer, normalizer, denormalizer)
    except (ValueError, TypeError, struct.error) as error:
        problem = "is not UTF-8 where it should be" if isinstance(error, UnicodeDecodeError) else str(error)
        raise CorruptFile(
            f"{where} is no intact SentencePiece model: it {problem}.",
            hint="Fetch the file again; a Git LFS pointer or an HTML page in its place looks like this too.",
        ) from None


def _model(
    pieces: tuple[SpmPiece, ...],
    trainer: dict[int, Value],
    normalizer: dict[int, Value],
    denormalizer: dict[int, Value],
) -> SpmModel:
    return SpmModel(
        pieces=pieces,
        kind=MODEL_KINDS.get(_int(trainer, 3, 1), "unknown"),
        byte_fallback=bool(_int(trainer, 35, 0)),
        treat_whitespace_as_suffix=bool(_int(trainer, 24, 0)),
        unk_id=_int(trainer, 40, 0),
        bos_id=_int(trainer, 41, 1),
        eos_id=_int(trainer, 42, 2),
        pad_id=_int(trainer, 43, -1),
        unk_surface=_raw(trainer, 44, " \u2047 ".encode()).decode(),
        rules=_raw(normalizer, 1).decode(),
        charsmap=_raw(normalizer, 2),
        add_dummy_prefix=bool(_int(normalizer, 3, 1)),
        remove_extra_whitespaces=bool(_int(normalizer, 4, 1)),
        escape_whitespaces=bool(_int(normalizer, 5, 1)),
        denormalizes=bool(_raw(denormalizer, 2)),
    )


def _piece(value: memoryview, number: int) -> SpmPiece:
    if number >= MOST_PIECES:
        raise ValueError(f"has more than {MOST_PIECES:,} pieces")
    fields = dict(_fields(value))
    raw = fields.get(2, memoryview(b"\0\0\0\0"))
    if not isinstance(raw, memoryview):
        raise TypeError("writes a piece's score as a whole number")
    (score,) = struct.unpack("<f", raw)
    if not math.isfinite(score):
        raise ValueError(f"gives a piece the score {score}")
    return SpmPiece(_raw(fields, 1).decode(), score, _int(fields, 3, NORMAL))


def _int(fields: dict[int, Value], number: int, default: int) -> int:
    """An int32 field: a varint, negative numbers in 64 bits."""
    value = fields.get(number, default)
    if isinstance(value, memoryview):
        raise TypeError(f"holds bytes where a number is meant (field {number})")
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _raw(fields: dict[int, Value], number: int, default: bytes = b"") -> bytes:
    value = fields.get(number, default)
    if isinstance(value, int):
        raise TypeError(f"holds a number where bytes are meant (field {number})")
    return bytes(value)


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """The fields of a message in order: numbers as int, everything else as the bytes that it stands in."""
    here = 0
    while here < len(data):
        tag, here = _varint(data, here)
        field, wire = tag >> 3, tag & 7
        if not 0 < field < 1 << 29:
            raise ValueError(f"has a field numbered {field}")
        if wire == VARINT:
            value, here = _varint(data, here)
            yield field, value
            continue
        if wire == BYTES:
            length, here = _varint(data, here)
        elif wire in (FIXED32, FIXED64):
            length = 4 if wire == FIXED32 else 8
        else:
            raise ValueError(f"has a field of wire type {wire}, which the format does not use")
        if length > len(data) - here:
            raise ValueError("is cut short")
        yield field, data[here : here + length]
        here += length


def _varint(data: memoryview, here: int) -> tuple[int, int]:
    """A variable-length number (7 bits a byte, lowest first, at most 10 bytes) and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if here >= len(data):
            raise ValueError("is cut short")
        byte = data[here]
        here += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, here
    raise ValueError("has a number of more than 10 bytes")


def _tag(field: int, wire: int) -> bytes:
    return _write_varint(field << 3 | wire)


def _sized(field: int, value: bytes) -> bytes:
    return _tag(field, BYTES) + _write_varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _tag(field, VARINT) + _write_varint(value & 0xFFFFFFFFFFFFFFFF)


def _write_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))
