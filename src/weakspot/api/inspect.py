"""`weakspot.inspect`: how models are built and what that costs, from headers alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from weakspot.anatomy.card import Anatomy, anatomy_of_gguf, anatomy_of_hf, anatomy_of_params
from weakspot.anatomy.inspecting import Asked
from weakspot.anatomy.inspecting import inspect as inspected
from weakspot.anatomy.lint import lint as linted
from weakspot.anatomy.lint import template_does
from weakspot.anatomy.lint_view import view_of
from weakspot.artifacts.locate import gguf_path
from weakspot.artifacts.reference import parse_all
from weakspot.artifacts.zoo import ZOO
from weakspot.errors import UnknownModel, UsageError
from weakspot.models.template import Template
from weakspot.records import Candidate, Inspection, Inspections, Message


def inspect(
    models: Sequence[str | Path],
    *,
    context: int | None = None,
    batch: int = 1,
    kv_dtype: str = "bf16",
    memory: int | None = None,
    lint: bool = True,
) -> Inspections:
    """How models are built, layer by layer, and what their size, their cache and a token cost.

    Only headers are read: no weights, no torch, and no code that a configuration names.

    Args:
        models: model references (bundled names, GGUF files, Hugging Face folders), or a configuration file (.json).
        context: tokens of a sequence; None is each model's declared context, or 8,192 where none is declared.
        batch: sequences at once; multiplies the cache.
        kv_dtype: type of the cached values: bf16, f16, f32, fp8, q8_0 or q4_0.
        memory: bytes of the device, for the largest batch that fits.
        lint: also look for what breaks models in use (reads the vocabulary too: about a second for 262,000 tokens).

    Raises:
        UnknownModel, UsageError, CorruptFile: a reference or a file that cannot be read, in one sentence.
    """
    if isinstance(models, str | Path) or not models or not all(isinstance(model, str | Path) for model in models):
        raise UsageError("Models are given as a list of references.", hint='weakspot.inspect(["smollm2"])')
    asked = Asked(context, batch, kv_dtype, memory)
    found = [opened for model in models for opened in _all_of(str(model))]
    return Inspections(tuple(_one(opened, asked, with_lint=lint) for opened in found))


class _Opened(NamedTuple):
    """A reference, read; `path` is where its files lie."""

    reference: str
    anatomy: Anatomy
    path: Path


def _one(opened: _Opened, asked: Asked, *, with_lint: bool) -> Inspection:
    found = inspected(opened.anatomy, opened.reference, asked)
    if not with_lint:
        return found
    view = view_of(opened.anatomy, opened.path, _render, asked.context)
    return msgspec.structs.replace(found, lint=linted(view), template_does=template_does(view))


def _render(template: str, messages: Sequence[Mapping[str, str]], special: Mapping[str, str]) -> str:
    said = [Message(message["role"], message["content"]) for message in messages]
    return Template("of the file", template).render(said, dict(special))


def _all_of(model: str) -> list[_Opened]:
    """All that a reference names; a TOML file names several."""
    path = Path(model.strip()).expanduser()
    if path.suffix == ".json":
        return [_Opened(model, anatomy_of_params(path), path)]
    return [_open(candidate) for candidate in parse_all([model])]


def _open(candidate: Candidate) -> _Opened:
    if candidate.kind == "gguf":
        path = gguf_path(candidate)
        name = candidate.location if candidate.location in ZOO else candidate.name
        return _Opened(candidate.reference, anatomy_of_gguf(path, name), path)
    if candidate.kind == "hf" and not candidate.location.startswith("hf:"):
        path = Path(candidate.location)
        return _Opened(candidate.reference, anatomy_of_hf(path, candidate.name), path)
    if candidate.kind == "hf":
        raise UnknownModel(
            f"{candidate.reference!r} lies on a hub: its files are not here.",
            hint="Fetch its config.json and safetensors, and name the folder; or name a GGUF file with #FILE.gguf.",
        )
    raise UsageError(
        f"{candidate.reference!r} has no files to inspect.", hint="Name a GGUF file or a Hugging Face folder."
    )
