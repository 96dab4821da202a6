"""Coverage-guided fuzzing of the tokenizer loaders and of `tokens show`, by atheris (libFuzzer).

    python scripts/fuzz.py loaders --seconds 60
    python scripts/fuzz.py show --seconds 60

Every outcome but a `WeakspotError` counts as a crash; so does a hang of ten seconds. What it finds it writes into the
working folder as `crash-*`, `timeout-*` or `oom-*`; `python scripts/fuzz.py loaders crash-...` runs one again.
"""

import argparse
import base64
import contextlib
import json
import struct
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["weakspot"]):
    from weakspot.errors import WeakspotError
    from weakspot.findings.viewing import view_text
    from weakspot.tokens.face import Tokenizer
    from weakspot.tokens.load_hf import from_json
    from weakspot.tokens.loading import load_file
    from weakspot.tokens.spm_proto import model_proto

NAMES = ("tokenizer.json", "tokenizer.model", "x.tiktoken", "tekken.json", "vocab.gguf", "file")
LETTERS = {"<unk>": 0, "▁": 1, "a": 2, "b": 3, "ab": 4, "é": 5, "<s>": 6}
FLAGS = ("single_word", "lstrip", "rstrip", "normalized")
SECONDS_A_RUN = 10
TEXTS = ("", "a b", "naïve ﬁle x² 🤦🏽‍♂️ </s><s>\n\n", "a\ud83db")


def bpe_json(**model: object) -> str:
    """A small `tokenizer.json`, whole."""
    data = {
        "version": "1.0",
        "added_tokens": [{"id": 6, "content": "<s>", "special": True, **dict.fromkeys(FLAGS, False)}],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "BPE", "vocab": LETTERS, "merges": ["a b"], "unk_token": "<unk>", **model},
    }
    return json.dumps(data, ensure_ascii=False)


def unigram_proto() -> bytes:
    """A small SentencePiece model, whole."""
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("▁", -1.0, 1), ("a", -2.0, 1), ("ab", -2.5, 1)]
    return model_proto(
        pieces, kind="unigram", byte_fallback=False, add_dummy_prefix=True, remove_extra_whitespaces=True
    )


def rank_lines() -> bytes:
    """A small file of ranks, whole: every byte, and a word."""
    lines = [f"{_base64(bytes([byte]))} {byte}" for byte in range(256)]
    return "\n".join([*lines, f"{_base64(b'ab')} 256"]).encode() + b"\n"


def tekken_json() -> bytes:
    """A small `tekken.json`, whole."""
    config = {"pattern": "\\w+|\\W", "default_vocab_size": 258, "default_num_special_tokens": 2}
    vocab = [{"rank": byte, "token_bytes": _base64(bytes([byte])), "token_str": None} for byte in range(256)]
    return json.dumps({"config": config, "vocab": vocab}).encode()


def gguf() -> bytes:
    """A small GGUF file, whole: a vocabulary of byte-pair encoding and nothing else."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def array(kind: int, items: list[bytes]) -> bytes:
        return struct.pack("<IIQ", 9, kind, len(items)) + b"".join(items)

    tokens, merges = [text(t) for t in ("<unk>", "a", "b", "ab")], [text("a b")]
    fields = {
        "general.architecture": struct.pack("<I", 8) + text("llama"),
        "tokenizer.ggml.model": struct.pack("<I", 8) + text("gpt2"),
        "tokenizer.ggml.tokens": array(8, tokens),
        "tokenizer.ggml.merges": array(8, merges),
        "tokenizer.ggml.token_type": array(5, [struct.pack("<i", kind) for kind in (2, 1, 1, 1)]),
    }
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(fields)) + b"".join(text(key) + v for key, v in fields.items())


def seeds() -> list[bytes]:
    """Whole files of every kind, that the fuzzer begins with; the first byte chooses the file's name."""
    piece = {"type": "WordPiece", "vocab": {"[UNK]": 0, "a": 1, "##b": 2}, "continuing_subword_prefix": "##"}
    word_piece = {"version": "1.0", "model": {**piece, "unk_token": "[UNK]", "max_input_chars_per_word": 100}}
    return [
        b"\0" + bpe_json().encode(),
        b"\0" + bpe_json(byte_fallback=True, ignore_merges=True).encode(),
        b"\0" + json.dumps(word_piece).encode(),
        b"\1" + unigram_proto(),
        b"\2" + rank_lines(),
        b"\3" + tekken_json(),
        b"\4" + gguf(),
    ]


def look(tokenizer: Tokenizer, text: str) -> None:
    """Everything that `show` promises of a text."""
    view = view_text(tokenizer, text)
    size = len(view.text.encode())
    assert [piece.id for piece in view.pieces] == list(view.ids)  # noqa: S101 - a fuzzer asserts
    for span in (*view.pieces, *view.findings):
        assert 0 <= span.start <= span.end <= size, (text, span)  # noqa: S101 - likewise


def loaders(folder: Path) -> Callable[[bytes], None]:
    """A file of any contents is opened, or told in one sentence."""
    for seed in seeds():  # a seed that is no tokenizer would leave all that comes behind loading in the dark
        path = folder / NAMES[seed[0]]
        path.write_bytes(seed[1:])
        look(load_file(path, path.name), TEXTS[1])

    def run(data: bytes) -> None:
        if not data:
            return
        path = folder / NAMES[data[0] % len(NAMES)]
        path.write_bytes(data[1:])
        with contextlib.suppress(WeakspotError):
            tokenizer = load_file(path, path.name)
            for text in TEXTS:
                look(tokenizer, text)

    return run


def show(folder: Path) -> Callable[[bytes], None]:
    """Any text, lone surrogates and all, has a view under every kind of tokenizer."""
    path = folder / "tokenizer.model"
    path.write_bytes(unigram_proto())
    ranks = folder / "x.tiktoken"
    ranks.write_bytes(rank_lines())
    under = [from_json(bpe_json(), "bpe"), load_file(path, "unigram"), load_file(ranks, "tiktoken")]

    def run(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        for tokenizer in under:
            look(tokenizer, text)

    return run


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def main() -> None:
    """Fuzz until the time is over, or run one found file again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=("loaders", "show"))
    parser.add_argument("found", nargs="?", help="a file that an earlier run wrote")
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="weakspot-fuzz-") as name:
        folder = Path(name)
        run = (loaders if given.target == "loaders" else show)(folder)
        corpus = folder / "corpus"
        corpus.mkdir()
        texts = [text.encode("utf-8", "surrogatepass") for text in TEXTS]
        for number, seed in enumerate(seeds() if given.target == "loaders" else texts):
            (corpus / str(number)).write_bytes(seed)
        words = [sys.argv[0], f"-max_total_time={given.seconds}", f"-timeout={SECONDS_A_RUN}", "-rss_limit_mb=4096"]
        atheris.Setup([*words, given.found or str(corpus)], run)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
