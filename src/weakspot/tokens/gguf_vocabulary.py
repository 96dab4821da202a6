"""The vocabulary inside a GGUF file: tokens, kinds, scores and merges, checked, and in the words of this house.

It needs no tokenizer library. Where llama.cpp treats a token otherwise than the file says (names that it takes for
control tokens), this does as llama.cpp does, since that is what feeds the model.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weakspot.artifacts.gguf import read_header
from weakspot.errors import CorruptFile
from weakspot.records import TokenKind
from weakspot.tokens.vocabulary import (
    ToBytes,
    Token,
    Vocabulary,
    bytelevel_bytes,
    metaspace_bytes,
    plain_bytes,
    wordpiece_bytes,
)

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
KINDS: dict[int, TokenKind] = {
    NORMAL: "normal",
    UNKNOWN: "unknown",
    CONTROL: "control",
    USER_DEFINED: "added",
    UNUSED: "unused",
    BYTE: "byte",
}
PREFIX = "tokenizer.ggml."
_AGAIN = "Fetch the file again, or convert the model anew with a current llama.cpp."

# Texts that llama.cpp takes for control tokens whatever the file says of them (llama-vocab.cpp, "auto-detect").
_ENDS = frozenset(
    [
        "<|eot_id|>",
        "<|im_end|>",
        "<|end|>",
        "<|return|>",
        "<|call|>",
        "<|flush|>",
        "<|calls|>",
        "<end_of_turn>",
        "<|endoftext|>",
        "</s>",
        "<|eom_id|>",
        "<EOT>",
        "_<EOT>",
        "[EOT]",
        "[EOS]",
        "<|end_of_text|>",
        "<end_of_utterance>",
        "<eos>",
        "<turn|>",
        "<|tool_response>",
        "<｜end▁of▁sentence｜>",
        "[e~[",
    ]
)
_FILLS = {
    "fim_pre": [
        "<|fim_prefix|>",
        "<fim-prefix>",
        "<fim_prefix>",
        "<｜fim▁begin｜>",
        "<PRE>",
        "▁<PRE>",
        "<|code_prefix|>",
        "<|prefix|>",
    ],
    "fim_suf": [
        "<|fim_suffix|>",
        "<fim-suffix>",
        "<fim_suffix>",
        "<｜fim▁hole｜>",
        "<SUF>",
        "▁<SUF>",
        "<|code_suffix|>",
        "<|suffix|>",
    ],
    "fim_mid": [
        "<|fim_middle|>",
        "<fim-middle>",
        "<fim_middle>",
        "<｜fim▁end｜>",
        "<MID>",
        "▁<MID>",
        "<|code_middle|>",
        "<|middle|>",
    ],
    "fim_pad": ["<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"],
    "fim_rep": ["<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"],
    "fim_sep": ["<|file_sep|>"],
}
_OLD_FILLS = {"fim_pre": "prefix", "fim_suf": "suffix", "fim_mid": "middle"}
_ALWAYS_SHOWN = ("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>")


@dataclass(frozen=True)
class GGUFVocabulary:
    """What a GGUF file says of its tokenizer.

    Attributes:
        file: the file's name.
        model: the kind of model: gpt2, llama, bert, t5, gemma4, ...
        tokens: the tokens as the file writes them, WordPiece's joined by ##; a token's place is its id.
        kinds: what sort each is, 1 normal to 6 byte; as long as `tokens`.
        metadata: the file's metadata.
        remarks: what is amiss.
    """

    file: str
    model: str
    tokens: list[str]
    kinds: list[int]
    metadata: dict[str, Any]
    remarks: list[str] = field(default_factory=list)

    @property
    def pre(self) -> str | None:
        """The kind of cutting that the file asks for."""
        found = self.metadata.get(PREFIX + "pre")
        return found if isinstance(found, str) and found else None

    def flag(self, key: str, default: bool) -> bool:
        """A switch, by its key without the prefix."""
        found = self.metadata.get(PREFIX + key)
        return found if isinstance(found, bool) else default

    def token_id(self, key: str, default: int | None = None) -> int | None:
        """The id under `key`_token_id, or the default; None where no token has that id."""
        for wanted in (self.metadata.get(f"{PREFIX}{key}_token_id"), default):
            if isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted < len(self.tokens):
                return wanted
        return None

    def ids_of(self, *kinds: int) -> list[int]:
        """The ids of all tokens of these kinds."""
        return [number for number, kind in enumerate(self.kinds) if kind in kinds]

    def scores(self) -> list[float]:
        """A score for each token; zeros where the file states none.

        Raises:
            CorruptFile: they are too few, or not numbers.
        """
        found = self.metadata.get(PREFIX + "scores")
        if found is None:
            self.remarks.append("The file states no scores; all were taken as 0, as llama.cpp does.")
            return [0.0] * len(self.tokens)
        if not isinstance(found, list) or not all(isinstance(s, float) and math.isfinite(s) for s in found):
            raise CorruptFile(f"{self.file} has scores that are not numbers.", hint=_AGAIN)
        if len(found) < len(self.tokens):
            raise CorruptFile(f"{self.file} has {len(found):,} scores for {len(self.tokens):,} tokens.", hint=_AGAIN)
        return found

    def merges(self) -> list[tuple[str, str]]:
        """The pairs that byte-pair encoding merges, best first; those that can't be used are left out with a remark.

        Raises:
            CorruptFile: there are none.
        """
        found = self.metadata.get(PREFIX + "merges")
        if not isinstance(found, list) or not found:
            raise CorruptFile(f"{self.file} has a byte-pair vocabulary without merges.", hint=_AGAIN)
        known = set(self.tokens)
        merges: dict[tuple[str, str], None] = {}
        malformed = unknown = 0
        for merge in found:
            # A blank in the first place belongs to the token: llama.cpp looks for the one that parts from the second.
            cut = merge.find(" ", 1) if isinstance(merge, str) else -1
            if cut < 0:
                malformed += 1
                continue
            left, right = merge[:cut], merge[cut + 1 :]
            if left in known and right in known and left + right in known:
                merges.setdefault((left, right))  # of a pair that stands twice llama.cpp keeps the first
            else:
                unknown += 1
        double = len(found) - malformed - unknown - len(merges)
        self._count(malformed, "merges are no two tokens with a blank between them and were left out.")
        self._count(unknown, "merges name tokens that the vocabulary does not have and were left out.")
        self._count(double, "merges stand twice; the first place counts.")
        return list(merges)

    def frame(self, *, adds_bos: bool, adds_eos: bool, bos: int | None, eos: int | None) -> tuple[list[int], list[int]]:
        """What llama.cpp puts before and behind a text; the arguments are its defaults where the file is silent."""
        first, last = self.token_id("bos", bos), self.token_id("eos", eos)
        before = [first] if first is not None and self.flag("add_bos_token", adds_bos) else []
        behind = [last] if last is not None and self.flag("add_eos_token", adds_eos) else []
        return before, behind

    def vocabulary(self) -> Vocabulary:
        """What stands behind each id."""
        to_bytes = _byte_scheme(self)
        raw = (CONTROL, USER_DEFINED, UNKNOWN)
        tokens = []
        for number, (text, kind) in enumerate(zip(self.tokens, self.kinds, strict=True)):
            special = kind in (CONTROL, UNKNOWN)
            data = plain_bytes(text) if kind in raw else to_bytes(text)
            tokens.append(Token(number, text, data, KINDS[kind], special))
        return Vocabulary(tokens)

    def _count(self, count: int, what: str) -> None:
        if count:
            self.remarks.append(f"{count:,} {what}")


def read_vocabulary(path: Path) -> Vocabulary:
    """The vocabulary of a GGUF file, without any tokenizer library.

    Raises:
        UnknownModel: nothing is there.
        CorruptFile: the file is damaged or holds no vocabulary.
    """
    return read_gguf_vocabulary(path).vocabulary()


def read_gguf_vocabulary(path: Path) -> GGUFVocabulary:
    """What a GGUF file says of its tokenizer.

    Raises:
        UnknownModel: nothing is there.
        CorruptFile: the file is damaged or holds no vocabulary.
    """
    meta = read_header(path).metadata
    tokens = meta.get(PREFIX + "tokens")
    if not isinstance(tokens, list) or not tokens or not all(isinstance(token, str) for token in tokens):
        raise CorruptFile(f"{path.name} holds no vocabulary.", hint="Some GGUF files carry parts of a model only.")
    model = str(meta.get(PREFIX + "model", ""))
    found = GGUFVocabulary(path.name, model, tokens, _kinds(meta, len(tokens)), meta)
    stated = meta.get(PREFIX + "token_type")
    if not isinstance(stated, list):
        found.remarks.append("The file states no kinds of tokens; they were told by their texts.")
        _guess_kinds(found)
    elif len(stated) < len(tokens):
        found.remarks.append(
            f"The file states {len(stated):,} kinds for {len(tokens):,} tokens; the rest were taken as normal."
        )
    _as_llama_cpp(found)
    if model == "bert":
        _wordpiece_texts(found)
    found._count(len(tokens) - len(set(tokens)), "tokens have the text of another; the last one's id counts.")
    found._count(tokens.count(""), "tokens are empty and can't come out of a text.")
    return found


def _kinds(meta: dict[str, Any], count: int) -> list[int]:
    stated = meta.get(PREFIX + "token_type")
    kinds = [kind if kind in KINDS else NORMAL for kind in stated] if isinstance(stated, list) else []
    return (kinds + [NORMAL] * count)[:count]


def _guess_kinds(found: GGUFVocabulary) -> None:
    """Files of before August 2023 state no kinds: <0xXX> of SentencePiece are bytes, the named ids control tokens."""
    if found.model in ("llama", "t5"):
        for number, text in enumerate(found.tokens):
            if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
                found.kinds[number] = BYTE
    for key in ("bos", "eos", "padding", "seperator", "cls", "mask"):
        if (named := found.token_id(key)) is not None:
            found.kinds[named] = CONTROL
    if (unknown := found.token_id("unknown")) is not None:
        found.kinds[unknown] = UNKNOWN


def _as_llama_cpp(found: GGUFVocabulary) -> None:
    """Give the kinds that llama.cpp gives, whatever the file says."""
    ids = {text: number for number, text in enumerate(found.tokens)}
    wanted = set(_ENDS)
    for key, names in _FILLS.items():
        if not any(f"{PREFIX}{k}_token_id" in found.metadata for k in (key, _OLD_FILLS.get(key, key))):
            wanted.update(names)
    changed = [text for text in sorted(wanted & ids.keys()) if found.kinds[ids[text]] not in (CONTROL, UNKNOWN)]
    for text in changed:
        found.kinds[ids[text]] = CONTROL
    shown = [text for text in _ALWAYS_SHOWN if text in ids]
    if "<|end|>" in ids and _harmony(ids):
        shown.append("<|end|>")
    for text in shown:
        found.kinds[ids[text]] = USER_DEFINED
    if "<|tool_response>" in ids and "</s>" in ids:
        found.kinds[ids["</s>"]] = NORMAL
        changed = [text for text in changed if text != "</s>"]
    if changed:
        some = ", ".join(repr(text) for text in changed[:4]) + (", …" if len(changed) > 4 else "")
        found.remarks.append(f"llama.cpp takes {some} for control tokens, though the file does not call them so.")


def _harmony(ids: dict[str, int]) -> bool:
    """The vocabularies in which <|end|> ends a message and not the answer."""
    calls = "<|call|>" in ids or "<|calls|>" in ids
    return calls and ("<|return|>" in ids or "<|flush|>" in ids)


def _wordpiece_texts(found: GGUFVocabulary) -> None:
    """WordPiece's own spelling: a GGUF file marks the beginning of a word by U+2581, the model its inside by ##."""
    tokens = found.tokens
    if not any(text.startswith("\u2581") for text in tokens):
        return
    for number, text in enumerate(tokens):
        if found.kinds[number] == NORMAL and not (text.startswith("[") and text.endswith("]")):
            tokens[number] = text[1:] if text.startswith("\u2581") else "##" + text


def _byte_scheme(found: GGUFVocabulary) -> ToBytes:
    if found.model == "bert":
        return wordpiece_bytes
    return bytelevel_bytes if bytelevel(found) else metaspace_bytes


def bytelevel(found: GGUFVocabulary) -> bool:
    """Whether tokens are written in letters that stand for bytes."""
    from_gemma = found.pre in ("gemma4", "granite-embed-multi-311m", "sarvam-moe")
    return found.model == "gpt2" and not from_gemma


def without_doubles(tokens: Sequence[str]) -> list[str]:
    """The tokens, with an unreachable text in place of an empty one or one that stands again further on."""
    last = {text: number for number, text in enumerate(tokens)}
    return [text if text and last[text] == number else f"\ufffe[{number}]" for number, text in enumerate(tokens)]
