"""How fast `weakspot tokens audit` is: against the bare engine, against the naive loop, and two processes against one.

    python benchmarks/tokens.py [-t TOKENIZER] [--megabytes 10] [--rounds 3]

The corpus is the standard library's sources and the text files of the installed packages, in the order of their names.
One-process figures are CPU seconds, which other work on the machine disturbs least, and the medians of rounds taken in
turns; two processes against one is wall time, so it needs two free cores. Tokenizer and engine are loaded before; the
engine's caches are cold in every round. "naive" is what one would write with `tokenizers`: encode, decode and offsets,
document by document, on a tenth of the corpus. Before anything is timed, ids and offsets of every document are compared
with the library's.
"""

import argparse
import json
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from weakspot.corpora.auditing import Auditor, LogPlan
from weakspot.corpora.keeping import Folder
from weakspot.corpora.laying import Layer
from weakspot.corpora.reading import BLOCK, Corpus
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.fast import Encoder
from weakspot.tokens.loading import load_tokenizer

AIM_ENCODE, AIM_NAIVE, AIM_TWO = 0.5, 20.0, 1.8
TIMES_FOR_TWO = 12
BATCH = 100


def texts(size: int) -> Iterator[str]:
    """Documents of about `size` bytes in all."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    done = 0
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.rst"), *folder.rglob("*.md"), *folder.rglob("*.txt")]):
        text = path.read_text("utf-8", "replace")
        for start in range(0, len(text), BLOCK):
            yield text[start : start + BLOCK]
            done += len(text[start : start + BLOCK].encode())
            if done >= size:
                return


def check(tokenizer: Tokenizer, documents: Sequence[str]) -> int:
    """How many documents have other ids or offsets than the library gives."""
    encoder, layer = Encoder(tokenizer), Layer(tokenizer)
    wrong = 0
    for start in range(0, len(documents), BATCH):
        part = documents[start : start + BATCH]
        laid, loose = layer.lay(part, encoder.batch(part))
        wrong += len(loose)
        for row, text in enumerate(laid.texts):
            wrong += laid.encoded(row) != tokenizer.encode(text)
    return wrong


def raw(tokenizer: Tokenizer, documents: Sequence[str]) -> float:
    """CPU seconds of encoding alone by the engine that the audit uses."""
    encoder = Encoder(tokenizer)
    began = time.process_time()
    for start in range(0, len(documents), BATCH):
        encoder.batch(documents[start : start + BATCH])
    return time.process_time() - began


def audit(tokenizer: Tokenizer, corpus: Path, processes: int = 1) -> tuple[float, float]:
    """CPU seconds of this process, and wall seconds, of an audit with its log."""
    with tempfile.TemporaryDirectory() as out:
        folder = Folder(Path(out) / "audit", "bench", ["findings"])
        auditor = Auditor(Corpus([corpus]), [tokenizer], folder, "bench", LogPlan())
        auditor.prepare()
        cpu, wall = time.process_time(), time.perf_counter()
        auditor.run(processes, lambda *_: None)
        found = time.process_time() - cpu, time.perf_counter() - wall
        folder.close()
    return found


def naive(library: Any, documents: Sequence[str]) -> float:
    """CPU seconds of encode, decode and offsets, one document after the other."""
    began = time.process_time()
    for text in documents:
        encoding = library.encode(text, add_special_tokens=False)
        _ = (library.decode(encoding.ids, skip_special_tokens=False) == text, encoding.offsets)
    return time.process_time() - began


def main() -> int:
    """Print figures; the exit code says whether the aims are met."""
    parser = argparse.ArgumentParser(description="speed of audits")
    parser.add_argument("-t", "--tokenizer", default="deepseek-v3", help="byte-level BPE out of a tokenizer.json")
    parser.add_argument("--megabytes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    tokenizer = load_tokenizer(given.tokenizer)
    documents = list(texts(given.megabytes * 1_000_000))
    size = sum(len(text.encode()) for text in documents) / 1e6
    tenth = documents[::10]
    part = sum(len(text.encode()) for text in tenth) / 1e6
    library = getattr(tokenizer.engine, "_tokenizer", None)  # only the engine over `tokenizers` has one
    wrong = check(tokenizer, documents)
    speeds: dict[str, list[float]] = {"encode": [], "audit": [], "naive": [], "wall 1": [], "wall 2": []}
    with tempfile.TemporaryDirectory() as folder:
        corpus, long = Path(folder) / "corpus.jsonl", Path(folder) / "long.jsonl"
        lines = "".join(json.dumps({"text": text}) + "\n" for text in documents)
        corpus.write_text(lines)
        long.write_text(lines * TIMES_FOR_TWO)
        for _ in range(given.rounds):
            speeds["encode"].append(size / raw(tokenizer, documents))
            speeds["audit"].append(size / audit(tokenizer, corpus)[0])
            if library is not None:
                speeds["naive"].append(part / naive(library, tenth))
            for many in (1, 2):
                speeds[f"wall {many}"].append(size * TIMES_FOR_TWO / audit(tokenizer, long, many)[1])
    return report(Encoder(tokenizer).engine, len(documents), wrong, speeds)


def report(engine: str, documents: int, wrong: int, speeds: dict[str, list[float]]) -> int:
    """Write medians and ratios; returns the exit code."""
    sys.stdout.write(f"{documents:,} documents, {engine}\n")
    sys.stdout.write(f"documents with other ids or offsets than the library's: {wrong}\n")
    for name, found in speeds.items():
        if found:
            all_ = ", ".join(f"{speed:.1f}" for speed in found)
            sys.stdout.write(f"{name:<8}{np.median(found):8.1f} MB/s ({all_})\n")
    met = wrong == 0
    for title, over, under, aim in (
        ("audit / encode", "audit", "encode", AIM_ENCODE),
        ("audit / naive loop", "audit", "naive", AIM_NAIVE),
        ("two processes / one", "wall 2", "wall 1", AIM_TWO),
    ):
        if speeds[under]:
            ratio = statistics.median(a / b for a, b in zip(speeds[over], speeds[under], strict=True))
            met &= ratio >= aim
            verdict = "met" if ratio >= aim else "missed"
            sys.stdout.write(f"{title:<20}{ratio:8.2f} x, aim at least {aim:g}: {verdict}\n")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
