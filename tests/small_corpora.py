"""A small byte-level tokenizer and small corpora, made here, so that audits need nothing that is fetched."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

WORDS = (
    "the",
    "of",
    "and",
    "to",
    "in",
    "that",
    "was",
    "his",
    "he",
    "it",
    "with",
    "is",
    "for",
    "as",
    "had",
    "you",
    "not",
)
MIXED = (
    "def f(x):\n    return {\"a\": [1, 2.5, None], 'b': x ** 2}\n",
    "naïve ﬁle x² H₂O café",
    "cafe\u0301 is not in NFC",
    "Привет, мир! Київ and p\u0430ypal",
    "ภาษาไทยไม่เว้นวรรค",
    "zero\u200bwidth \u202ebidi\u202c soft\u00adhyphen",
    "1234567 12345 0.12345 1,000,000 9999",
    "text with <|end|> inside",
    "tag \U000e0041\U000e0042 characters",
    "\x00\x01\x1b[0m",
    "pembrolizumab qwxzkvj electroencephalography",
    "🤦🏽‍♂️ 👨‍👩‍👧‍👦",
    "ends in a space ",
    "",
    "   ",
    "東京タワー 가漢あ",
    "Ġ literal letters <0x0A>",
    "क्षत्रिय नमस्ते",
)


@cache
def tokenizer_json() -> str:
    """A byte-level BPE of 600 tokens, with a special one."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [" ".join(WORDS[n % len(WORDS) :] + WORDS[: n % 7]) for n in range(200)]
    made.train_from_iterator([*texts, *[MIXED[0]] * 20, '{"name": "x", "items": [{"id": 1}]}' * 20], trainer)
    return str(made.to_str())


def tokenizer_file(folder: Path, name: str = "tokenizer.json") -> Path:
    """The tokenizer, written to a folder."""
    path = folder / name
    path.write_text(tokenizer_json(), "utf-8")
    return path


def jsonl(path: Path, rows: Iterable[dict[str, object]]) -> Path:
    """A JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def mixed_corpus(path: Path, times: int = 1) -> Path:
    """The mixed texts, over and over, a line each."""
    return jsonl(path, ({"text": text + f" {n}" if n else text} for n in range(times) for text in MIXED))
