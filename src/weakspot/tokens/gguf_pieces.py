"""The SentencePiece model that cuts as llama.cpp cuts by the vocabulary of a GGUF file.

Differences between the two, and what is done about them:

- llama.cpp normalises nothing for its kind `llama`: the model gets the rule "identity", with spaces kept as they are.
- It finds user-defined tokens in the raw text, before a space is put in front, and puts one in front of every stretch
  that follows such a token: they are cut out before the library sees the text, and are control pieces for it.
- It merges to unused tokens too, and to control tokens whose letters happen to merge to them: such pieces are normal
  ones for the library.
- Its kind `t5` never falls back to bytes. It adds scores in double precision, the library in single: where two
  segmentations have one sum (32 times "a" in nomic-bert-moe), another one may win. That is left as it is.
"""

from collections.abc import Sequence

from weakspot.errors import CorruptFile
from weakspot.tokens.gguf_vocabulary import (
    BYTE,
    CONTROL,
    NORMAL,
    PREFIX,
    UNKNOWN,
    UNUSED,
    GGUFVocabulary,
    without_doubles,
)
from weakspot.tokens.load_sentencepiece import LONGEST_PIECE
from weakspot.tokens.spm_proto import model_proto
from weakspot.tokens.vocabulary import BYTE_TOKEN

ALL_BYTES = 256
LEAST_CHARSMAP = 4
"""A character map begins with the size of its trie, in four bytes."""


def pair_proto(file: GGUFVocabulary) -> bytes:
    """The kind `llama` as a SentencePiece model: pairs merged by score.

    Raises:
        CorruptFile: the scores are wanting.
    """
    texts, kinds = _texts(file), list(file.kinds)
    scores = file.scores()
    byte_ids = {texts[number].upper(): number for number in file.ids_of(BYTE) if BYTE_TOKEN.fullmatch(texts[number])}
    fallback = len(byte_ids) == ALL_BYTES
    if not fallback:
        file.remarks.append("The file lacks some of the 256 byte tokens; a character without a token is unknown.")
    known, taken = set(file.tokens), set(byte_ids.values())
    for number, kind in enumerate(file.kinds):
        merges = kind in (CONTROL, UNKNOWN) and _can_merge(file.tokens[number], known)
        if kind == UNUSED or merges:
            kinds[number] = NORMAL
        elif kind not in (NORMAL, BYTE) or (kind == BYTE and not (fallback and number in taken)):
            kinds[number] = CONTROL
    unknown = _one_unknown(file, kinds)
    return model_proto(
        _pieces(texts, scores, kinds, unknown),
        kind="bpe",
        byte_fallback=fallback,
        add_dummy_prefix=file.flag("add_space_prefix", True),
        remove_extra_whitespaces=False,
        unk_id=unknown,
        bos_id=-1,
        eos_id=-1,
    )


def unigram_proto(file: GGUFVocabulary) -> bytes:
    """The kind `t5` as a SentencePiece model: the segmentation with the best sum of scores.

    Raises:
        CorruptFile: the scores or the character map are damaged.
    """
    kinds = [kind if kind in (NORMAL, UNUSED) else CONTROL for kind in file.kinds]
    unknown = _one_unknown(file, kinds, default=2)
    return model_proto(
        _pieces(_texts(file), file.scores(), kinds, unknown),
        kind="unigram",
        byte_fallback=False,
        add_dummy_prefix=file.flag("add_space_prefix", False),
        remove_extra_whitespaces=file.flag("remove_extra_whitespaces", False),
        charsmap=_charsmap(file),
        unk_id=unknown,
        bos_id=-1,
        eos_id=-1,
        escape_whitespaces=file.flag("escape_whitespaces", True),
        treat_whitespace_as_suffix=file.flag("treat_whitespace_as_suffix", False),
    )


def _texts(file: GGUFVocabulary) -> list[str]:
    """The tokens as the library takes them: each once, none empty or overlong, none with a NUL."""
    texts = without_doubles(file.tokens)
    return [
        f"\ufffe[{number}]" if "\0" in text or len(text.encode()) > LONGEST_PIECE else text
        for number, text in enumerate(texts)
    ]


def _can_merge(text: str, known: set[str]) -> bool:
    """Whether a last merge to this text is possible: both sides of some cut are tokens or single characters."""
    cuts = ((text[:at], text[at:]) for at in range(1, len(text)))
    return any(all(len(side) == 1 or side in known for side in cut) for cut in cuts)


def _one_unknown(file: GGUFVocabulary, kinds: Sequence[int], default: int = 0) -> int:
    """The unknown token's id, of which the library wants exactly one; the first id that is free where there is none."""
    stated = file.token_id("unknown", default)
    if stated is not None and (kinds[stated] != NORMAL or file.kinds[stated] == UNKNOWN):
        return stated
    return next(iter(file.ids_of(UNKNOWN)), len(kinds))


def _pieces(
    texts: Sequence[str], scores: Sequence[float], kinds: Sequence[int], unknown: int
) -> list[tuple[str, float, int]]:
    pieces = list(zip(texts, scores[: len(texts)], kinds, strict=True))
    if unknown == len(pieces):
        pieces.append(("\ufffe[unknown]", 0.0, UNKNOWN))
    else:
        pieces[unknown] = (*pieces[unknown][:2], UNKNOWN)
    return pieces


def _charsmap(file: GGUFVocabulary) -> bytes:
    found = file.metadata.get(PREFIX + "precompiled_charsmap")
    if found is None:
        return b""
    if not isinstance(found, list) or not all(isinstance(byte, int) for byte in found):
        raise CorruptFile(f"{file.file} has a character map that is no row of bytes.")
    raw = bytes(byte & 0xFF for byte in found)
    if raw and (len(raw) < LEAST_CHARSMAP or int.from_bytes(raw[:4], "little") + 4 >= len(raw)):
        raise CorruptFile(f"{file.file} has a character map that is cut short.", hint="Fetch the file again.")
    return raw
