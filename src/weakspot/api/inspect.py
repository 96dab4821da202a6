"""`weakspot.inspect`: how models are built and what that costs, from headers alone."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import msgspec

from weakspot.anatomy.card import Anatomy, anatomy_of_gguf, anatomy_of_hf, anatomy_of_params
from weakspot.anatomy.inspecting import Asked
from weakspot.anatomy.inspecting import inspect as inspected
from weakspot.anatomy.lint import lint as linted
from weakspot.anatomy.lint import template_does
from weakspot.anatomy.lint_view import view_of
from weakspot.anatomy.predictions import beside
from weakspot.anatomy.risk_rules import RISK_RULES
from weakspot.anatomy.risks import risks_of
from weakspot.api.evidence import saved
from weakspot.artifacts.hfconfig import PICKLES
from weakspot.artifacts.hub import DESCRIBED, fetch_folder
from weakspot.artifacts.locate import gguf_path
from weakspot.artifacts.reference import parse_all
from weakspot.artifacts.zoo import ZOO
from weakspot.errors import CorruptFile, NotARun, UsageError
from weakspot.models.template import Template
from weakspot.records import Candidate, Inspection, Inspections, Message, Summary
from weakspot.rendering.inspection_page import inspections_fragment
from weakspot.store.run import RunStore


class InspectionsShown(Inspections, frozen=True):
    """The record, which shows itself in a notebook."""

    def _repr_html_(self) -> str:
        return inspections_fragment(self)


def inspect(
    models: Sequence[str | Path],
    *,
    context: int | None = None,
    batch: int = 1,
    kv_dtype: str = "bf16",
    memory: int | None = None,
    lint: bool = True,
    run: str | Path | None = None,
) -> Inspections:
    """How models are built, layer by layer, and what their size, their cache and a token cost.

    Only headers are read: no weights, no torch, and no code that a configuration names.

    Args:
        models: model references (bundled names, GGUF files, Hugging Face folders, hub ids), or a configuration (.json).
        context: tokens of a sequence; None is each model's declared context, or 8,192 where none is declared.
        batch: sequences at once; multiplies the cache.
        kv_dtype: type of the cached values: bf16, f16, f32, fp8, q8_0 or q4_0.
        memory: bytes of the device, for the largest batch that fits.
        lint: also look for what breaks models in use (reads the vocabulary too: about a second for 262,000 tokens).
        run: a run folder whose results are put beside the predictions.

    Raises:
        UnknownModel, UsageError, CorruptFile: a reference or a file that cannot be read, in one sentence.
        FetchFailed, MissingExtra: a hub id that gave nothing, or huggingface_hub is not installed.
        NotARun, RunSchemaMismatch: there is no finished run in that folder.
    """
    if isinstance(models, str | Path) or not models or not all(isinstance(model, str | Path) for model in models):
        raise UsageError("Models are given as a list of references.", hint='weakspot.inspect(["smollm2"])')
    asked = Asked(context, batch, kv_dtype, memory)
    found = [opened for model in models for opened in _all_of(str(model))]
    inspections = [_one(opened, asked, with_lint=lint) for opened in found]
    if run is not None:
        inspections = _beside(inspections, [opened.location for opened in found], _summary(run))
    return InspectionsShown(tuple(inspections))


class _Opened(NamedTuple):
    """A reference, read; `path` is where its files lie."""

    reference: str
    anatomy: Anatomy
    path: Path
    location: str


def _summary(run: str | Path) -> Summary:
    folder = Path(run).expanduser()
    with RunStore.open(folder) as store:
        if store.meta("summary") is None:
            raise NotARun(f"The run in {folder} was stopped before its end.", hint=f"Go on: weakspot resume {folder}")
        return saved(store, "summary", Summary)


def _beside(inspections: Sequence[Inspection], locations: Sequence[str], summary: Summary) -> list[Inspection]:
    """Each inspection with the results of the candidate that is the same model.

    Raises:
        UsageError: none of the models is in the run.
    """
    names = [_named(model.reference, location, summary) for model, location in zip(inspections, locations, strict=True)]
    if not any(names):
        raise UsageError(
            "None of these models is in the run.", hint=f"The run compares: {', '.join(summary.models) or 'nothing'}."
        )
    risks = {name: model.risks for name, model in zip(names, inspections, strict=True) if name}
    return [
        beside(model, name, summary, {key: value for key, value in risks.items() if key != name}) if name else model
        for name, model in zip(names, inspections, strict=True)
    ]


def _named(reference: str, location: str, summary: Summary) -> str | None:
    """The run's name of a model: the same reference, else the only candidate with the same files."""
    candidates = {name: model.candidate for name, model in summary.models.items()}
    exact = [name for name, candidate in candidates.items() if candidate.reference == reference]
    same = [name for name, candidate in candidates.items() if candidate.location == location]
    return exact[0] if exact else same[0] if len(same) == 1 else None


def _one(opened: _Opened, asked: Asked, *, with_lint: bool) -> Inspection:
    found = inspected(opened.anatomy, opened.reference, asked)
    found = msgspec.structs.replace(found, risks=risks_of(found, RISK_RULES))
    if not with_lint:
        return found
    view = view_of(opened.anatomy, opened.path, _render, asked.context)
    return msgspec.structs.replace(found, lint=linted(view), template_does=template_does(view))


def _render(template: str, messages: Sequence[Mapping[str, str]], special: Mapping[str, str]) -> str:
    said = [msgspec.convert(dict(message), Message) for message in messages]
    return Template("of the file", template).render(said, dict(special))


def _all_of(model: str) -> list[_Opened]:
    """All that a reference names; a TOML file names several."""
    path = Path(model.strip()).expanduser()
    if path.suffix == ".json":
        return [_Opened(model, anatomy_of_params(path), path, str(path))]
    return [_open(candidate) for candidate in parse_all([model])]


def _refuse(path: Path) -> None:
    """Say what a file is that is no GGUF file; the reader says the rest."""
    if any(fnmatch(path.name, pattern) for pattern in PICKLES):
        raise CorruptFile(
            f"{path.name!r} is a pickle, which can run any code when it is opened: it was not.",
            hint="Ask for safetensors or GGUF; with a config.json beside it, name the folder.",
        )
    if path.suffix == ".safetensors":
        raise CorruptFile(
            f"{path.name!r} holds tensors without the configuration.", hint="Name the folder that holds both."
        )


def _open(candidate: Candidate) -> _Opened:
    if candidate.kind == "gguf":
        path = gguf_path(candidate)
        _refuse(path)
        name = candidate.location if candidate.location in ZOO else candidate.name
        return _Opened(candidate.reference, anatomy_of_gguf(path, name), path, candidate.location)
    if candidate.kind == "hf" and not candidate.location.startswith("hf:"):
        path = Path(candidate.location)
        return _Opened(candidate.reference, anatomy_of_hf(path, candidate.name), path, candidate.location)
    if candidate.kind == "hf":  # its weights stay where they are: parameters are counted from the configuration
        path = fetch_folder(candidate.location.removeprefix("hf:"), DESCRIBED)
        return _Opened(candidate.reference, anatomy_of_hf(path, candidate.name), path, candidate.location)
    raise UsageError(
        f"{candidate.reference!r} has no files to inspect.", hint="Name a GGUF file or a Hugging Face folder."
    )
