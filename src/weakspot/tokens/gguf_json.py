"""The text of a `tokenizer.json` that cuts as llama.cpp cuts by the vocabulary of a GGUF file.

Byte-level BPE, BPE over U+2581 (Gemma 4) and WordPiece. Control tokens become added tokens flagged special, since
llama.cpp finds them in a text only where it is told to; user-defined ones added tokens without the flag, since it
always finds those.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from weakspot.errors import CorruptFile
from weakspot.tokens.gguf_pre import PreKind, pre_kind
from weakspot.tokens.gguf_vocabulary import CONTROL, UNKNOWN, USER_DEFINED, GGUFVocabulary, without_doubles
from weakspot.tokens.segmenting import AddedToken

LONGEST_WORD = 100
"""In characters; a longer one is unknown as a whole in BERT's own tokenizer. llama.cpp cuts it up all the same, but the
library's search takes the cube of the length: 0.2 ms for 100 characters, minutes for 10,000."""


def bpe_json(file: GGUFVocabulary) -> bytes:
    """Byte-pair encoding as a `tokenizer.json`; what had to be assumed is added to the file's remarks.

    Raises:
        CorruptFile: the file has no merges.
    """
    kind, assumed = pre_kind("gemma4" if file.model == "gemma4" else file.pre)
    if assumed:
        file.remarks.append(assumed)
    model = {
        "type": "BPE",
        "vocab": _vocab(file),
        "merges": file.merges(),
        "ignore_merges": kind.ignore_merges,
        "byte_fallback": not kind.bytelevel,
        "unk_token": None,
        "fuse_unk": False,
        "dropout": None,
    }
    cuts = [_split(pattern) for pattern in kind.patterns]
    if kind.bytelevel:
        cuts.append({"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False})
    frame = file.frame(adds_bos=kind.adds_bos, adds_eos=False, bos=11, eos=11)
    return _json(file, frame, model=model, pre_tokenizer=_sequence("pretokenizers", cuts), **_spaces(kind))


def wordpiece_json(file: GGUFVocabulary) -> bytes:
    """WordPiece as a `tokenizer.json`.

    Raises:
        CorruptFile: the file has no unknown token.
    """
    unknown = file.token_id("unknown", 100)
    if unknown is None:
        raise CorruptFile(f"{file.file} has a WordPiece vocabulary without an unknown token.")
    if any(len(text) > LONGEST_WORD for text in file.tokens):
        file.remarks.append(f"Some tokens have more than {LONGEST_WORD} characters and can't come out of a text.")
    model = {
        "type": "WordPiece",
        "vocab": _vocab(file),
        "unk_token": file.tokens[unknown],
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": LONGEST_WORD,
    }
    frame: tuple[list[int], list[int]] = ([], [])
    first, last = file.token_id("bos", file.token_id("cls", 101)), file.token_id("seperator", 102)
    if first is not None and last is not None:
        frame = ([first], [last])
    cut, decoder = {"type": "BertPreTokenizer"}, {"type": "WordPiece", "prefix": "##", "cleanup": True}
    return _json(file, frame, model=model, normalizer=_bert_normalizer(file), pre_tokenizer=cut, decoder=decoder)


def _bert_normalizer(file: GGUFVocabulary) -> dict[str, Any]:
    """BERT's normalizer, and what llama.cpp does otherwise.

    It takes U+000B, U+000C and U+0085 for white space, strips spacing marks together with the others, and, because its
    table of decompositions keeps the first character only, leaves of a Hangul syllable nothing but its first letter.
    """
    lowercase = file.flag("normalizer.lowercase", True)
    strips = file.flag("normalizer.strip_accents", lowercase)
    steps = [_replace_all("[\x0b\x0c\x85]", " ")]
    if strips:
        steps += [_replace_all(f"[{first}-{last}]", letter) for first, last, letter in _hangul()]
    steps.append(
        {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": strips,
            "lowercase": lowercase,
        }
    )
    if strips:
        steps.append(_replace_all(r"\p{M}", ""))
    return _sequence("normalizers", steps)


def _hangul() -> list[tuple[str, str, str]]:
    """The syllables that begin with each of the 19 leading letters: first, last, letter (Unicode, chapter 3.12)."""
    first, leading, syllables = 0xAC00, 0x1100, 588
    starts = (first + number * syllables for number in range(19))
    return [(chr(at), chr(at + syllables - 1), chr(leading + number)) for number, at in enumerate(starts)]


def added_tokens(file: GGUFVocabulary) -> list[AddedToken]:
    """The tokens that llama.cpp looks for in the raw text, before everything else."""
    left, right = _strips(file)
    found = []
    for number in file.ids_of(CONTROL, UNKNOWN, USER_DEFINED):
        text = file.tokens[number]
        special = file.kinds[number] != USER_DEFINED
        found.append(AddedToken(number, text, special, lstrip=text in left, rstrip=text in right))
    last = {token.content: token for token in found if token.content}
    return list(last.values())


def _strips(file: GGUFVocabulary) -> tuple[set[str], set[str]]:
    """Tokens that take the white space on their left, and on their right: llama.cpp knows them by the model's name."""
    name = str(file.metadata.get("general.name", "")).lower()
    shape = str(file.metadata.get("general.architecture", ""))
    pre = file.pre or ""
    if any(part in pre for part in ("jina-v2-de", "jina-v2-es", "jina-v2-code")) or any(
        part in shape for part in ("nomic-bert-moe", "jina-bert-v3")
    ):
        return {"<mask>"}, set()
    if "phi-3" in name or "phi3" in name:
        named = {file.tokens[number] for number in file.ids_of(CONTROL, UNKNOWN, USER_DEFINED)}
        return set(), (named | {"</s>"}) - {"<unk>", "<s>", "<|endoftext|>"}
    return ({"[MASK]"} if "modern-bert" in name else set()), set()


def _vocab(file: GGUFVocabulary) -> dict[str, int]:
    return {text: number for number, text in enumerate(without_doubles(file.tokens))}


def _split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def _sequence(field: str, steps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "Sequence", field: steps}


def _spaces(kind: PreKind) -> dict[str, Any]:
    """Normalizer and decoder: how a space is written."""
    if kind.bytelevel:
        back = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
        return {"normalizer": None, "decoder": back}
    back = _sequence("decoders", [_replace("\u2581", " "), {"type": "ByteFallback"}, {"type": "Fuse"}])
    return {"normalizer": _replace(" ", "\u2581"), "decoder": back}


def _replace(old: str, new: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"String": old}, "content": new}


def _replace_all(pattern: str, new: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": new}


def _json(file: GGUFVocabulary, frame: tuple[list[int], list[int]], **parts: Any) -> bytes:
    added = [token._asdict() for token in added_tokens(file)]
    data = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "post_processor": _template(file, *frame),
        **parts,
    }
    return msgspec.json.encode(data)


def _template(file: GGUFVocabulary, before: Sequence[int], behind: Sequence[int]) -> dict[str, Any] | None:
    if not before and not behind:
        return None
    texts = {number: file.tokens[number] for number in (*before, *behind)}

    def special(number: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": texts[number], "type_id": 0}}

    def text(name: str) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": 0}}

    first, last = [special(number) for number in before], [special(number) for number in behind]
    return {
        "type": "TemplateProcessing",
        "single": [*first, text("A"), *last],
        "pair": [*first, text("A"), *last, text("B"), *last],
        "special_tokens": {t: {"id": t, "ids": [number], "tokens": [t]} for number, t in texts.items()},
    }
