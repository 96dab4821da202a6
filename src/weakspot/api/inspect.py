"""`weakspot.inspect`: how models are built and what that costs, from headers alone."""

from collections.abc import Sequence
from pathlib import Path

from weakspot.anatomy.card import Anatomy, anatomy_of_gguf, anatomy_of_hf, anatomy_of_params
from weakspot.anatomy.inspecting import Asked
from weakspot.anatomy.inspecting import inspect as inspected
from weakspot.artifacts.locate import gguf_path
from weakspot.artifacts.reference import parse_all
from weakspot.artifacts.zoo import ZOO
from weakspot.errors import UnknownModel, UsageError
from weakspot.records import Candidate, Inspection, Inspections


def inspect(
    models: Sequence[str | Path],
    *,
    context: int | None = None,
    batch: int = 1,
    kv_dtype: str = "bf16",
    memory: int | None = None,
) -> Inspections:
    """How models are built, layer by layer, and what their size, their cache and a token cost.

    Only headers are read: no weights, no torch, and no code that a configuration names.

    Args:
        models: model references (bundled names, GGUF files, Hugging Face folders), or a configuration file (.json).
        context: tokens of a sequence; None is each model's declared context, or 8,192 where none is declared.
        batch: sequences at once; multiplies the cache.
        kv_dtype: type of the cached values: bf16, f16, f32, fp8, q8_0 or q4_0.
        memory: bytes of the device, for the largest batch that fits.

    Raises:
        UnknownModel, UsageError, CorruptFile: a reference or a file that cannot be read, in one sentence.
    """
    if isinstance(models, str | Path) or not models or not all(isinstance(model, str | Path) for model in models):
        raise UsageError("Models are given as a list of references.", hint='weakspot.inspect(["smollm2"])')
    asked = Asked(context, batch, kv_dtype, memory)
    found = [(reference, anatomy) for model in models for reference, anatomy in _anatomies(str(model))]
    return Inspections(tuple(_one(anatomy, reference, asked) for reference, anatomy in found))


def _one(anatomy: Anatomy, reference: str, asked: Asked) -> Inspection:
    return inspected(anatomy, reference, asked)


def _anatomies(model: str) -> list[tuple[str, Anatomy]]:
    """(reference, anatomy) of all that a reference names; a TOML file names several."""
    path = Path(model.strip()).expanduser()
    if path.suffix == ".json":
        return [(model, anatomy_of_params(path))]
    return [(candidate.reference, _anatomy(candidate)) for candidate in parse_all([model])]


def _anatomy(candidate: Candidate) -> Anatomy:
    if candidate.kind == "gguf":
        path = gguf_path(candidate)
        return anatomy_of_gguf(path, candidate.location if candidate.location in ZOO else candidate.name)
    if candidate.kind == "hf" and not candidate.location.startswith("hf:"):
        return anatomy_of_hf(candidate.location, candidate.name)
    if candidate.kind == "hf":
        raise UnknownModel(
            f"{candidate.reference!r} lies on a hub: its files are not here.",
            hint="Fetch its config.json and safetensors, and name the folder; or name a GGUF file with #FILE.gguf.",
        )
    raise UsageError(
        f"{candidate.reference!r} has no files to inspect.", hint="Name a GGUF file or a Hugging Face folder."
    )
