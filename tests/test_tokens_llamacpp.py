"""The tokenizer inside a GGUF file gives the ids that llama.cpp itself gives, asked on the spot.

llama.cpp opens no vocabulary without a model, so each is put into a model of two small layers of zeros.
"""

import json
import secrets
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hard_texts import HARD_TEXTS, LONG_TEXTS
from make_gguf import Array, llama, llama_tensors, write
from test_tokens_gguf import TESTED, UNTESTED, file_of
from weakspot.artifacts.gguf import read_header
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.probe_texts import PROBE_TEXTS

pytestmark = [pytest.mark.tokenizers, pytest.mark.slow]

TEXTS = (*PROBE_TEXTS, *HARD_TEXTS)
INT32, UINT8 = 5, 0
KNOWN = {
    # Words of more than 100 letters are cut up there and unknown here, and a literal U+2581 begins a word: both told in
    # a remark.
    "bert-bge": {"a▁b", "a" * 10_000, "1" * 10_000},
    # Two segmentations have one sum; which wins is decided by rounding, in single precision here and double there.
    "nomic-bert-moe": {"a" * 32},
}
"""Texts in which the ids differ, and why."""

Ask = Callable[[str, bool], list[int]]


def model_with(vocabulary: Path) -> bytes:
    """A small model that has the vocabulary of a file."""
    found = read_header(vocabulary).metadata
    own: dict[str, Any] = {key: value for key, value in found.items() if key.startswith("tokenizer.")}
    for key, kind in (("tokenizer.ggml.token_type", INT32), ("tokenizer.ggml.precompiled_charsmap", UINT8)):
        if key in own:
            own[key] = Array(kind, [value & 0xFF for value in own[key]])
    base = {key: value for key, value in llama().items() if not key.startswith("tokenizer.")}
    size = len(own["tokenizer.ggml.tokens"])
    tensors = [
        (name, (64, size) if name == "token_embd.weight" else shape, kind)
        for name, shape, kind in llama_tensors(tied=True)
    ]
    return write({**base, "general.name": found.get("general.name", "tiny"), **own}, tensors)


@contextmanager
def served(path: Path) -> Iterator[Ask]:
    """llama.cpp's own tokenizer: text and whether special text is parsed, to ids."""
    import xllamacpp

    key = secrets.token_hex(8)
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_gpu_layers = 0
    params.n_parallel = 1
    params.n_ctx = 256
    params.api_keys = [key]
    params.hostnames = ["127.0.0.1"]
    params.ui = False
    params.warmup = False
    params.verbosity = -1
    server = xllamacpp.Server(params)
    base = server.listening_address

    def call(path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{base}{path}", data, {"Authorization": f"Bearer {key}"})  # noqa: S310 - loopback
        with urllib.request.urlopen(asked) as answer:  # noqa: S310 - likewise
            return json.loads(answer.read())

    call("/slots")  # the engine's loop must have answered once before the server may go
    yield lambda text, special: call("/tokenize", {"content": text, "add_special": False, "parse_special": special})[
        "tokens"
    ]
    del server


@pytest.mark.parametrize("name", [*TESTED, *UNTESTED])
def test_ids_are_llama_cpps_own(
    name: str, tokenizers_folder: Path, real_tokenizer: Callable[[str], Tokenizer], tmp_path: Path
) -> None:
    """On every probe, hard and long text but those named above the ids are the engine's, special text parsed or not."""
    path = tmp_path / "model.gguf"
    path.write_bytes(model_with(tokenizers_folder / "llama-cpp-vocabs" / file_of(name)))
    tokenizer = real_tokenizer(file_of(name))
    with served(path) as ask:
        differ = {
            text
            for text in (*TEXTS, *LONG_TEXTS)
            for special in (False, True)
            if tokenizer.ids(text, parse_special=special) != ask(text, special)
        }
    assert differ == KNOWN.get(name, set())
