"""Glitch tokens planted in the real SmolLM2: how many are found, and what else is flagged.

Rows of the embedding matrix of a copy of the GGUF file are overwritten, in the file's own type (Q8_0: quantised by the
gguf package, or another row's bytes), for 20 ordinary tokens drawn with a fixed seed. Recall is over those 20. What the
unmodified model has flagged already is listed apart: it may be truly under-trained, so precision is over what is new.

python benchmarks/glitch.py [--verify] [--seeds 5]
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakspot.api.tokens_glitch import glitch
from weakspot.artifacts.embeddings import read_embeddings
from weakspot.artifacts.gguf import read_header
from weakspot.artifacts.locate import gguf_path, make_ready
from weakspot.artifacts.reference import parse
from weakspot.records.glitch import GlitchReport

MODEL = "smollm2"
COUNT = 20
UNUSED = 5  # <file_sep>, which SmolLM2's training data did not have
STD = 0.02  # what most families initialise embeddings with
AIM = 0.9
KINDS = ("unused", "near-unused", "mean", "small", "zero", "half-way", "same-size", "shuffled")
"""unused: the bytes of an unused token's row. near-unused: that row with noise of 0.02. mean: the mean of all rows, as
after a resize. small: noise of 0.02, as initialised. zero: nothing. half-way: between the token's own row and an unused
one. same-size: noise with the norm of a usual row. shuffled: the token's own row with its values in another order."""
UNSEEN = ("half-way", "same-size", "shuffled")
"""No aim is set for these: the first is at the threshold's edge, and the others leave no trace of never having been
trained that an indicator looks at. They show what cannot be found."""
Rows = npt.NDArray[np.float32]


def draw(path: Path, seed: int, avoid: Sequence[int] = ()) -> list[int]:
    """COUNT ids of normal tokens of letters, the rarer three quarters of the vocabulary, none of `avoid`."""
    meta = read_header(path).metadata
    tokens, kinds = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"]
    plain = [
        token
        for token in range(len(tokens) // 4, len(tokens))
        if kinds[token] == 1 and tokens[token].removeprefix("\u0120").isascii() and token not in avoid
    ]
    return sorted(int(token) for token in np.random.default_rng(seed).choice(plain, COUNT, replace=False))


def plant(path: Path, to: Path, ids: Sequence[int], kind: str, seed: int = 0) -> None:
    """Copy a GGUF file and overwrite the embeddings of some tokens.

    Args:
        path: the file.
        to: where the copy goes.
        ids: whose rows.
        kind: one of KINDS.
        seed: of the noise.
    """
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    header = read_header(path, skip_arrays=True)
    tensor = next(tensor for tensor in header.tensors if tensor.name == "token_embd.weight")
    stored = quantize(_rows(path, ids, kind, seed), GGMLQuantizationType[tensor.type])
    size = tensor.bytes // tensor.shape[1]
    shutil.copyfile(path, to)
    with to.open("r+b") as file:
        start = header.data_offset + tensor.offset
        file.seek(start + UNUSED * size)
        unused = file.read(size)
        for token, row in zip(ids, stored, strict=True):
            file.seek(start + token * size)
            file.write(unused if kind == "unused" else row.tobytes())


def _rows(path: Path, ids: Sequence[int], kind: str, seed: int) -> Rows:
    matrix = read_embeddings(path).input
    dice = np.random.default_rng(seed)
    noise = dice.standard_normal((len(ids), matrix.shape[1])).astype(np.float32)
    sample = matrix.rows(0, 8192)
    if kind in ("unused", "near-unused"):
        return np.repeat(matrix.take([UNUSED]), len(ids), axis=0) + STD * noise
    if kind == "mean":
        return np.repeat(sample.mean(axis=0, keepdims=True), len(ids), axis=0)
    if kind == "half-way":
        return (matrix.take(list(ids)) + matrix.take([UNUSED])) / np.float32(2)
    if kind == "zero":
        return 0 * noise
    if kind == "shuffled":
        return np.asarray(dice.permuted(matrix.take(list(ids)), axis=1), np.float32)
    usual = float(np.median(np.linalg.norm(sample, axis=1)))
    scale = usual / np.linalg.norm(noise, axis=1, keepdims=True) if kind == "same-size" else STD
    return np.asarray(scale * noise, np.float32)


def one(path: Path, folder: Path, kind: str, seed: int, before: GlitchReport, verify: bool) -> tuple[int, int, int]:
    """Plant, look, and print; how many were found, how many new ones are no plants, how many were verified."""
    known = {token.id for token in before.flagged}
    ids = draw(path, seed, sorted(known))
    copy = folder / f"{kind}.gguf"
    plant(path, copy, ids, kind, seed)
    report = glitch(str(copy), verify=verify, most=200)
    flagged = {token.id: token for token in report.flagged}
    hits = [token for token in ids if token in flagged]
    new = [token.text for token in report.flagged if token.id not in known and token.id not in ids]
    verified = sum(flagged[token].verdict == "verified" for token in hits)
    copy.unlink()
    if new:
        sys.stdout.write(f"  {kind}, seed {seed}: also new: {', '.join(map(ascii, new[:10]))}\n")
    return len(hits), len(new), verified


def main() -> int:
    """Print recall and precision by kind of plant; the exit code says whether the aim is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verify", action="store_true", help="also ask the model (minutes)")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    candidate = parse(MODEL)
    make_ready(candidate)
    path = gguf_path(candidate)
    before = glitch(str(path), verify=given.verify, most=200)
    sys.stdout.write(f"unmodified: {len(before.flagged)} of {before.ordinary:,} ordinary tokens flagged: ")
    sys.stdout.write(f"{', '.join(ascii(token.text) for token in before.flagged[:30])} ...\n")
    if given.verify:
        verified = sum(token.verdict == "verified" for token in before.flagged)
        sys.stdout.write(f"verified: {verified}; controls failed: {before.controls_failed} of {before.controls}\n")
    met = True
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            rows = [one(path, Path(folder), kind, seed, before, given.verify) for seed in range(given.seeds)]
            hits, new, verified = (sum(column) for column in zip(*rows, strict=True))
            planted = COUNT * given.seeds
            precision = f"{hits / (hits + new):.3f}" if hits + new else "none flagged"
            also = f"  verified {verified}" if given.verify else ""
            sys.stdout.write(
                f"{kind:<12} recall {hits}/{planted} = {hits / planted:.3f}  precision {precision}{also}\n"
            )
            met = met and (kind in UNSEEN or min(hits / planted, hits / max(hits + new, 1)) >= AIM)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
