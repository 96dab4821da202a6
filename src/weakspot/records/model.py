"""Who answered: a candidate, the model behind it, and the provenance of a reply."""

from typing import Any, Literal

import msgspec

ModelKind = Literal["chat", "base", "unknown"]


class Candidate(msgspec.Struct, frozen=True):
    """One column of a comparison: a name, a model reference in its canonical form, and its options.

    `kind` of the reference is one of `gguf`, `hf`, `endpoint`, `scripted`, `python` (an object of the user's own code)
    and `imported` (another tool asked it; it can't be asked again). `location` is the bundled name, path, hub id, URL,
    `module:object`, or the tool's name. The reference never holds a secret.
    """

    name: str
    reference: str
    kind: Literal["gguf", "hf", "endpoint", "scripted", "python", "imported"]
    location: str
    model: str = ""
    options: dict[str, Any] = {}


class Provenance(msgspec.Struct, frozen=True):
    """What produced a reply; all of it is held equal before and after a fix, and listed as a confound across models.

    `slots` is how many requests the engine works on at once, `sampler` every sampler setting that was sent.
    """

    backend: str
    engine: str
    engine_version: str
    weights_sha256: str = ""
    quantisation: str = ""
    dtype: str = ""
    threads: int | None = None
    slots: int | None = None
    template: str = ""
    template_sha256: str = ""
    system: str | None = None
    sampler: dict[str, Any] = {}
    seed: int | None = None
    prefix_cache: bool | None = None


class ModelInfo(msgspec.Struct, frozen=True):
    """What a backend knows of the model it has opened.

    `concurrency` is how many requests at once keep it busy; `adaptive` says that the run may grow or shrink it,
    up to `max_concurrency`.
    `local` models share this machine's cores and are run one after another. `context` is in tokens per request.
    """

    provenance: Provenance
    kind: ModelKind = "unknown"
    local: bool = True
    concurrency: int = 1
    adaptive: bool = False
    max_concurrency: int | None = None
    context: int | None = None
    template_text: str = ""
    licence: str = ""
    price_in: float | None = None
    price_out: float | None = None
