"""What `weakspot inspect` says of a model, from its headers alone: layers, memory, compute, findings, risks.

Sizes are in bytes, contexts in tokens. What the files do not say is None or an empty list, never zero, and stands in
`unknown` in words.
"""

from typing import Literal

import msgspec

Severity = Literal["error", "warning"]
Direction = Literal["likelier", "less likely"]


class Growth(msgspec.Struct, frozen=True):
    """From so many tokens on, every further token of a sequence adds `bytes_per_token`."""

    from_tokens: int
    bytes_per_token: int


class KVCache(msgspec.Struct, frozen=True):
    """What one sequence keeps between tokens, as a function of its length.

    `formula` gives `bytes` when it is evaluated: `n` is the context in tokens, `m` the encoder's input in tokens
    (taken equal to `n` in `bytes` and `at`), and the leading factor the bytes of a value. `at` maps contexts to bytes.
    All are None or empty where it is not known what a layer keeps; `batch` sequences multiply it.
    """

    dtype: str
    context: int
    batch: int = 1
    bytes: int | None = None
    formula: str | None = None
    growth: tuple[Growth, ...] = ()
    at: dict[str, int] = {}


class Compute(msgspec.Struct, frozen=True):
    """Floating-point operations and traffic at the context of the card; a multiplication and an addition are two.

    `flops_per_token` is what a token costs without attention over others (2 for each weight it is multiplied with),
    `decode_flops` a token generated at the end of the context, `prefill_flops` the whole context read at once; all of
    one sequence. `decode_bytes` is what a step of the whole batch has to read: the weights once, every sequence's
    cache. `intensity` is the batch's operations per byte read. `formula` says how, in words.
    """

    flops_per_token: int
    decode_flops: int
    prefill_flops: int
    decode_bytes: int
    intensity: float
    formula: str


class LintFinding(msgspec.Struct, frozen=True):
    """Something in the files that breaks a model in use: the rule, what is wrong, and what to do."""

    rule: str
    severity: Severity
    message: str
    hint: str


class RiskResult(msgspec.Struct, frozen=True):
    """What a run showed beside a prediction; an association, never a cause. Rates are failed / (passed + failed).

    `other` is the model that it was compared with, on the same items; `low` and `high` are the 95% interval.
    """

    category: str
    other: str
    failed: int
    n: int
    rate: float | None
    low: float | None
    high: float | None
    verdict: str


class Risk(msgspec.Struct, frozen=True):
    """A failure mode that the structure makes likelier or less likely, and the probe that would show it.

    `basis` is what of this model the prediction stands on. `results` is filled by a run.
    """

    name: str
    direction: Direction
    failure: str
    basis: str
    mechanism: str
    source: str
    probe: str
    categories: tuple[str, ...] = ()
    results: tuple[RiskResult, ...] = ()


class Inspection(msgspec.Struct, frozen=True):
    """One model. `attention` and `positions` have an entry for every layer, in order (an encoder's layers first).

    `parameters` is the tensors' true sum where there are headers, else counted from the configuration:
    `parameters_from` says which. `active_parameters` take part in one token (a mixture of experts uses a few).
    """

    model: str
    reference: str
    family: str
    kind: str
    layers: int | None
    heads: int | None
    kv_heads: int | None
    head_dim: int | None
    attention: tuple[str, ...]
    positions: tuple[str, ...]
    parameters: int | None
    kv_cache: KVCache
    hidden: int | None = None
    feed_forward: int | None = None
    vocabulary: int | None = None
    context: int | None = None
    norm: str | None = None
    activation: str | None = None
    experts: int | None = None
    experts_used: int | None = None
    tied_embeddings: bool | None = None
    tokenizer: str | None = None
    chat_template_sha256: str | None = None
    template_does: tuple[str, ...] = ()
    parameters_from: str = ""
    parameters_by_part: dict[str, int] = {}
    active_parameters: int | None = None
    quantisation: str | None = None
    weights_bytes: int | None = None
    bytes_by_dtype: dict[str, int] = {}
    compute: Compute | None = None
    largest_batch: int | None = None
    lint: tuple[LintFinding, ...] | None = None
    risks: tuple[Risk, ...] = ()
    unpredicted: tuple[RiskResult, ...] = ()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Inspections(msgspec.Struct, frozen=True):
    """All models of one call, in the order of the call."""

    models: tuple[Inspection, ...]
