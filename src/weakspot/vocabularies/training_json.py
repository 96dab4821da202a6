"""From what a Rust trainer leaves to the `tokenizer.json` that is saved: the same text on every run, and lossless.

It knows the file format and no library.
"""

import json
from collections.abc import Sequence
from typing import Any

BPE_SPECIAL = ("<|endoftext|>",)
UNIGRAM_SPECIAL = ("<unk>", "<s>", "</s>")
WORDPIECE_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))

BYTE_SCORE = -1000.0
"""Bytes cost more than any way through a word, so that a text that spells `<0x0A>` is never cut into the byte."""
DIGITS = 9
STEP = 1e-4


def sealed(text: str, special: Sequence[str]) -> str:
    """The trainer's file with these added tokens only; other tokens given as special were so for their ids alone."""
    data = json.loads(text)
    data["added_tokens"] = [entry for entry in data["added_tokens"] if entry["content"] in special]
    return _written(data)


def unigram_json(text: str) -> str:
    """A Unigram file with byte fallback out of the trainer's: special tokens, bytes, then tokens by score.

    Nothing is put in front of a text and nothing is cut off when decoding, so that every text without U+2581 (which
    stands for a space here, as in every tokenizer of this kind) comes back as it was.
    """
    data = json.loads(text)
    learned = [(token, score) for token, score in data["model"]["vocab"] if token not in (*UNIGRAM_SPECIAL, *BYTES)]
    vocab: list[list[Any]] = [[token, 0.0] for token in UNIGRAM_SPECIAL]
    vocab += [[token, BYTE_SCORE] for token in BYTES]
    vocab += [[token, score] for token, score in _settled(learned)]
    data["model"] = {"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": True}
    data["added_tokens"] = [
        {"id": number, "content": token, "single_word": False, "lstrip": False, "rstrip": False}
        | {"normalized": False, "special": True}
        for number, token in enumerate(UNIGRAM_SPECIAL)
    ]
    space = {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}
    data["decoder"] = {"type": "Sequence", "decoders": [space, {"type": "ByteFallback"}, {"type": "Fuse"}]}
    return _written(data)


def _settled(learned: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Tokens by falling score, ties by code point, with what depends on the order of a hash table settled.

    Letters that the model pruned and the library puts back get a score each, 0.0001 apart, in the order of a hash
    table: here in the order of their code points.
    """
    chain = _put_back(learned)
    fixed = {token: score for token, score in learned if token not in chain}
    scores = sorted((score for token, score in learned if token in chain), reverse=True)
    fixed |= dict(zip(sorted(chain), scores, strict=True))
    rounded = [(token, float(f"{score:.{DIGITS}g}")) for token, score in fixed.items()]
    return sorted(rounded, key=lambda pair: (-pair[1], pair[0]))


def _put_back(learned: Sequence[tuple[str, float]]) -> set[str]:
    """The letters whose scores rise from the lowest in steps of 0.0001."""
    if not learned:
        return set()
    lowest = min(score for _, score in learned)
    found: set[str] = set()
    steps: set[int] = set()
    singles = sorted((score, token) for token, score in learned if len(token) == 1)
    for score, token in singles:
        step = round((score - lowest) / STEP)
        if abs(score - lowest - step * STEP) > 1e-8 or step in steps or step != len(steps):
            continue
        steps.add(step)
        found.add(token)
    return found


def _written(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"
