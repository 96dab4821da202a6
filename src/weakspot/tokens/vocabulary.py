"""What stands behind a token id: bytes and kind, out of the vocabulary inside a GGUF file.

Byte-level BPE (`gpt2`) writes bytes as printable letters (the table of GPT-2's encoder); SentencePiece (`llama`, `t5`)
writes a space as U+2581 and lone bytes as <0xXX>; WordPiece (`bert`) joins by ##.
"""

import re
from pathlib import Path
from typing import NamedTuple

from weakspot.artifacts.bytelevel import byte_letters
from weakspot.artifacts.gguf import read_header
from weakspot.errors import CorruptFile

KINDS = {1: "normal", 2: "unknown", 3: "control", 4: "added", 5: "unused", 6: "byte"}
BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Piece(NamedTuple):
    """The bytes behind an id and its kind: normal, byte, control, unused, added or unknown."""

    data: bytes
    kind: str


class Vocabulary:
    """Ids to pieces."""

    def __init__(self, model: str, tokens: list[str], kinds: list[int]) -> None:
        self._model = model
        self._tokens = tokens
        self._kinds = kinds
        self._letters = byte_letters()

    def __len__(self) -> int:
        return len(self._tokens)

    def piece(self, token: int) -> Piece:
        """What stands behind an id; an id outside the vocabulary is unknown and empty."""
        if not 0 <= token < len(self._tokens):
            return Piece(b"", "unknown")
        text = self._tokens[token]
        kind = KINDS.get(self._kinds[token] if token < len(self._kinds) else 1, "normal")
        return Piece(self._bytes(text, kind), kind)

    def _bytes(self, text: str, kind: str) -> bytes:
        if kind in ("control", "added"):
            return text.encode("utf-8", "replace")
        if self._model == "gpt2":
            if all(letter in self._letters for letter in text):
                return bytes(self._letters[letter] for letter in text)
            return text.encode("utf-8", "replace")
        if (match := BYTE_TOKEN.fullmatch(text)) is not None:
            return bytes([int(match[1], 16)])
        if self._model == "bert":
            return text.removeprefix("##").encode("utf-8", "replace")
        return text.replace("\u2581", " ").encode("utf-8", "replace")


def read_vocabulary(path: Path) -> Vocabulary:
    """The vocabulary of a GGUF file.

    Raises:
        CorruptFile: the file is damaged or holds no vocabulary.
    """
    meta = read_header(path).metadata
    tokens = meta.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise CorruptFile(f"{path.name} holds no vocabulary.", hint="Some GGUF files carry parts of a model only.")
    kinds = meta.get("tokenizer.ggml.token_type")
    model = str(meta.get("tokenizer.ggml.model", ""))
    return Vocabulary(model, tokens, kinds if isinstance(kinds, list) else [])
