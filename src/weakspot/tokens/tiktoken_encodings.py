"""Which pattern and special tokens go with a file of ranks: the file itself holds neither.

OpenAI's come out of the tiktoken package; Qwen's and Llama 3's are those that their makers publish. A file is known by
the SHA-256 over its ranks in order, which is that of the published file, whatever its line ends.
"""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from types import FunctionType
from typing import Any, NamedTuple

WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN_DIGITS, LLAMA_DIGITS = "", "{1,3}"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


class RankEncoding(NamedTuple):
    """An encoding, but for its ranks.

    Attributes:
        name: as its makers call it.
        pattern: the regular expression that cuts a text.
        special: special tokens and their ids.
        digest: the SHA-256 over its ranks; empty where none is published.
        size: how many ranks it has; 0 where that is not said.
        composes: whether its makers' tokenizer brings text to NFC first.
        bos: the id that begins a text, as the same encoding's tokenizer.json adds it; None where there is none.
        remark: what to tell the user about it.
    """

    name: str
    pattern: str
    special: Mapping[str, int]
    digest: str = ""
    size: int = 0
    composes: bool = False
    bos: int | None = None
    remark: str = ""


def recognise(ranks: Mapping[bytes, int], file_name: str) -> tuple[RankEncoding, str]:
    """The encoding that ranks belong to, and a sentence where that is assumed and not known ("" where it is).

    Args:
        ranks: token bytes to rank.
        file_name: decides between encodings that share their ranks, and where the ranks are of no known encoding.
    """
    name = file_name.lower()
    digest = ranks_digest(ranks)
    known, taken = known_encodings(), set(ranks.values())
    same = [encoding for encoding in known if encoding.digest == digest]
    if same:
        return next((encoding for encoding in same if encoding.name in name), same[0]), ""
    for encoding, how in [
        *((encoding, "file name") for encoding in known if _stem(encoding.name) in name),
        *((encoding, "number of tokens") for encoding in known if encoding.size == len(ranks)),
    ]:
        said = f"The ranks are of no known encoding: by the {how}, {encoding.name}'s pattern was assumed."
        free = {text: number for text, number in encoding.special.items() if number not in taken}
        return encoding._replace(special=free, remark=""), said
    said = "The ranks are of no known encoding: GPT-2's pattern was assumed, and no special tokens."
    return RankEncoding("unknown", GPT2, {}), said


def ranks_digest(ranks: Mapping[bytes, int]) -> str:
    """SHA-256 of a file of ranks as tiktoken writes it: in the order of the ranks, a line feed behind each line."""
    digest = hashlib.sha256()
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        digest.update(b"%b %d\n" % (base64.b64encode(token), rank))
    return digest.hexdigest()


@cache
def known_encodings() -> tuple[RankEncoding, ...]:
    """Every encoding that can be recognised; the first of several with the same ranks is the usual one."""
    return (*_openai(), _qwen(), _llama3())


def _stem(name: str) -> str:
    return name.removesuffix("_base")


def _openai() -> list[RankEncoding]:
    """The encodings of the tiktoken package, without the ranks.

    The package's functions fetch the ranks from the network before they say anything. They run here with another
    loader in their names, one that fetches nothing and notes which hash they would have held the file against.
    """
    from tiktoken_ext import openai_public  # type: ignore[import-untyped]

    hashes: list[str] = []

    def no_ranks(*_: Any, expected_hash: str = "", **__: Any) -> dict[bytes, int]:
        hashes.append(expected_hash)
        return {}

    names: dict[str, Any] = dict(vars(openai_public))
    names["load_tiktoken_bpe"] = names["data_gym_to_mergeable_bpe_ranks"] = no_ranks
    makers = openai_public.ENCODING_CONSTRUCTORS
    names |= {name: FunctionType(make.__code__, names, name) for name, make in makers.items()}
    found = []
    for name in makers:
        made = names[name]()
        # The ranks of gpt2 come as two other files; its pattern and special token are those of r50k_base.
        if digest := hashes[-1]:
            found.append(RankEncoding(name, made["pat_str"], made["special_tokens"], digest))
    return found


def _qwen() -> RankEncoding:
    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *(f"<|extra_{number}|>" for number in range(205))]
    return RankEncoding(
        "qwen",
        WORDS % QWEN_DIGITS,
        {name: 151643 + number for number, name in enumerate(names)},
        "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186",
        151643,
        composes=True,
    )


def _llama3() -> RankEncoding:
    reserved = [f"<|reserved_special_token_{number}|>" for number in range(251)]
    begin = ["<|begin_of_text|>", "<|end_of_text|>", *reserved[:4], "<|start_header_id|>", "<|end_header_id|>"]
    names = [*begin, reserved[4], "<|eot_id|>", *reserved[5:]]
    return RankEncoding(
        "llama3",
        WORDS % LLAMA_DIGITS,
        {name: 128000 + number for number, name in enumerate(names)},
        "82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55",
        128000,
        bos=128000,
        remark="Special tokens are named as in Llama 3; Llama 3.1 and later name some of the reserved ones.",
    )
