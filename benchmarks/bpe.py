"""Our byte-pair trainer, written to be read, against the Rust trainer: 8,000 merges on 10 MB of text.

    python benchmarks/bpe.py [--rounds 3] [--megabytes 10]

The text is Python's own standard library: its .py files (documentation strings, topics of `help()`, tests), in the
order of a hash of their names, up to 10 MB, the last cut at a line's end. Both trainers get the same documents in
memory, with GPT-2's words, and both times begin before words are counted. Rust counts words on every core; ours runs on
one. Each round runs both, one after the other, and gives one ratio; merges and vocabulary must be equal, or there is
nothing to compare. Aim: at most 20.
"""

import argparse
import hashlib
import json
import statistics
import sys
import sysconfig
import time
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from weakspot.tracing.pair_encoding import PairEncoding
from weakspot.tracing.pair_training import Trainer, count_words

MERGES = 8000
VOCAB = 256 + MERGES
AIM = 20.0


def corpus(most_bytes: int) -> list[str]:
    """Files of the standard library up to a number of bytes."""
    root = Path(sysconfig.get_path("stdlib"))
    files = [path for path in root.rglob("*.py") if "site-packages" not in path.parts]
    files.sort(key=lambda path: hashlib.sha256(path.relative_to(root).as_posix().encode()).digest())
    found: list[str] = []
    room = most_bytes
    for path in files:
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue  # some tests of Python are in other encodings
        if (size := len(text.encode())) >= room:
            return [*found, text.encode()[:room].decode("utf-8", "ignore").rpartition("\n")[0]]
        found.append(text)
        room -= size
    return found


def ours(texts: list[str]) -> tuple[float, float, PairEncoding]:
    """Seconds of counting words, seconds of learning merges, and what was learned."""
    began = time.perf_counter()
    words = count_words(texts)
    counted = time.perf_counter()
    made = Trainer(words, VOCAB).train()
    return counted - began, time.perf_counter() - counted, made


def rust(texts: list[str]) -> tuple[float, Tokenizer]:
    """Seconds of the library's trainer, and what it learned."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    began = time.perf_counter()
    made.train_from_iterator(texts, trainer)
    return time.perf_counter() - began, made


def same(mine: PairEncoding, theirs: Tokenizer) -> bool:
    """Whether merges and vocabulary are equal, entry for entry."""
    one, other = json.loads(mine.to_tokenizer_json())["model"], json.loads(theirs.to_str())["model"]
    return bool(one["merges"] == other["merges"] and one["vocab"] == other["vocab"])


def main() -> int:
    """Print the ratios; the exit code says whether the aim is met."""
    parser = argparse.ArgumentParser(description="byte-pair training")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=float, default=10)
    given = parser.parse_args()
    texts = corpus(int(given.megabytes * 1e6))
    size = sum(len(text.encode()) for text in texts)
    sys.stdout.write(f"{len(texts):,} files, {size:,} bytes, {MERGES:,} merges\n")
    ratios = []
    for _ in range(given.rounds):
        theirs_s, theirs = rust(texts)
        words_s, merges_s, mine = ours(texts)
        if not same(mine, theirs):
            sys.stdout.write("merges differ: there is nothing to compare\n")
            return 1
        ratios.append((words_s + merges_s) / theirs_s)
        told = f"ours {words_s + merges_s:6.2f} s (words {words_s:.2f}, merges {merges_s:.2f}), Rust {theirs_s:5.2f} s"
        sys.stdout.write(f"{told}: {ratios[-1]:.2f} x, {len(mine.merges):,} merges equal\n")
    median = statistics.median(ratios)
    sys.stdout.write(f"aim: at most {AIM:g} x: {median:.2f} x, {'met' if median <= AIM else 'missed'}\n")
    return 0 if median <= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
