"""The reference libraries, called directly as their own documents say: what Weakspot's ids and texts are held against."""

import base64
import hashlib
import os
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import tiktoken
from mistral_common.tokens.tokenizers.base import SpecialTokenPolicy
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from sentencepiece import SentencePieceProcessor
from tiktoken_ext import openai_public
from tokenizers import Tokenizer as Library

FILES = {
    "bert-minilm": "tokenizer.json",
    "cl100k": "cl100k_base.tiktoken",
    "claude-old": "tokenizer.json",
    "command-r-plus": "tokenizer.json",
    "deberta-v3": "tokenizer.json",
    "deberta-v3-spm": "spm.model",
    "deepseek-v3": "tokenizer.json",
    "gemma3": "tokenizer.json",
    "gpt2": "tokenizer.json",
    "llama2": "tokenizer.json",
    "llama3.1": "tokenizer.json",
    "mistral-nemo": "tokenizer.json",
    "mistral-spm": "tokenizer.model",
    "mistral-spm-v3": "tokenizer.model",
    "mistral-tekken": "tekken.json",
    "o200k": "o200k_base.tiktoken",
    "qwen-tiktoken": "qwen.tiktoken",
    "qwen3": "tokenizer.json",
}
"""The real tokenizers, by the name of their folder."""

QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""The pattern that Qwen publishes beside its ranks."""


class Reference(NamedTuple):
    """A library's own way from text to ids and back, with its defaults and without BOS and the like."""

    encode: Callable[[str], list[int]]
    decode: Callable[[list[int]], str]


def reference(name: str, folder: Path) -> Reference:
    """The reference for a real tokenizer; `folder` is the one that holds them all."""
    path = folder / name / FILES[name]
    if path.name == "tokenizer.json":
        return _tokenizers(path)
    if path.suffix == ".model":
        processor = SentencePieceProcessor(model_file=str(path))
        return Reference(processor.encode, processor.decode)
    if path.name == "tekken.json":
        tekken = Tekkenizer.from_file(path)
        return Reference(
            lambda text: tekken.encode(text, bos=False, eos=False),
            lambda ids: tekken.decode(ids, special_token_policy=SpecialTokenPolicy.KEEP),
        )
    if name == "qwen-tiktoken":
        return _qwen(path)
    encoding = _openai(f"{name}_base", path)
    return Reference(encoding.encode_ordinary, encoding.decode)


def _tokenizers(path: Path) -> Reference:
    library = Library.from_file(str(path))
    library.no_padding()
    library.no_truncation()
    return Reference(
        lambda text: list(library.encode(text, add_special_tokens=False).ids),
        lambda ids: str(library.decode(ids, skip_special_tokens=False)),
    )


def _qwen(path: Path) -> Reference:
    """Qwen's own code composes a text before it is cut."""
    lines = (line.split() for line in path.read_bytes().splitlines())
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    encoding = tiktoken.Encoding("qwen", pat_str=QWEN, mergeable_ranks=ranks, special_tokens={})
    return Reference(lambda text: encoding.encode_ordinary(unicodedata.normalize("NFC", text)), encoding.decode)


def _openai(name: str, path: Path) -> tiktoken.Encoding:
    """The encoding as tiktoken itself makes it, out of its own cache, into which the file is put beforehand."""
    constants: tuple[Any, ...] = openai_public.ENCODING_CONSTRUCTORS[name].__code__.co_consts
    address = next(c for c in constants if isinstance(c, str) and c.endswith(f"{name}.tiktoken"))
    with _cache_of(path.read_bytes(), hashlib.sha1(address.encode()).hexdigest(), path):  # noqa: S324 - tiktoken's key
        return tiktoken.get_encoding(name)


@contextmanager
def _cache_of(data: bytes, key: str, path: Path) -> Iterator[None]:
    import tempfile

    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    with tempfile.TemporaryDirectory(prefix=path.stem) as folder:
        (Path(folder) / key).write_bytes(data)
        os.environ["TIKTOKEN_CACHE_DIR"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["TIKTOKEN_CACHE_DIR"]
            else:
                os.environ["TIKTOKEN_CACHE_DIR"] = before
