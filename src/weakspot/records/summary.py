"""A comparison in numbers: what `weakspot compare --json` prints and `summary.json` holds."""

from typing import Literal

import msgspec

from weakspot.records.codec import SCHEMA_VERSION
from weakspot.records.metrics import Metrics
from weakspot.records.model import Candidate, ModelInfo

RateNote = Literal["", "floor", "ceiling", "few"]


class Rate(msgspec.Struct, frozen=True):
    """Failures of one candidate in one category: `rate` = failed / n, n = passed + failed, with Wilson's 95% interval.

    `unscored` items have no verdict; `lowest` and `highest` are the rates if all of those had passed, or failed.
    `uninformative` items were left out because their own positive control failed. `note` says floor (nearly all
    fail), ceiling (nearly none) or few (under 10 items).
    """

    n: int
    failed: int
    rate: float | None
    low: float | None
    high: float | None
    unscored: int = 0
    uninformative: int = 0
    lowest: float | None = None
    highest: float | None = None
    mean_severity: float | None = None
    classes: dict[str, int] = {}
    note: RateNote = ""


class Difference(msgspec.Struct, frozen=True):
    """Failure rate of `a` minus that of `b` on the items both have a verdict on, paired.

    Negative: `a` fails less. `low` and `high` are the 95% interval, `p` belongs to `test`, `p_adjusted` is what
    the verdict uses. `smallest_detectable` is the smallest true difference found with 80% power on these items;
    `items_needed` how many items the seen difference would need. `verdict` is a sentence.
    """

    n: int
    difference: float | None
    low: float | None
    high: float | None
    test: str
    p: float | None
    p_adjusted: float | None
    smallest_detectable: float | None
    shown: bool
    verdict: str
    only_a_failed: int = 0
    only_b_failed: int = 0
    groups: int = 0
    items_needed: int | None = None


class Comparison(msgspec.Struct, frozen=True):
    """Two candidates on the same items: `pooled` first, then by category, and the confounds between them."""

    a: str
    b: str
    pooled: Difference
    categories: dict[str, Difference]
    confounds: tuple[str, ...] = ()


class Standing(msgspec.Struct, frozen=True):
    """One candidate's place among many: its failures on the items that all candidates have a verdict on.

    `groups` are letters: candidates that share one are not told apart; those that share none are shown to differ.
    """

    name: str
    n: int
    failed: int
    groups: str


class ModelSummary(msgspec.Struct, frozen=True):
    """One candidate's rates, what it is, and what the run cost.

    `latency_p50_s` and `latency_p95_s` are quantiles over the requests that were not answered from the cache,
    wall-clock seconds; None where there are none.
    """

    candidate: Candidate
    info: ModelInfo
    pooled: Rate
    categories: dict[str, Rate]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    wall_s: float = 0.0
    latency_p50_s: float | None = None
    latency_p95_s: float | None = None


class Summary(msgspec.Struct, frozen=True):
    """Everything that a comparison found, in numbers. `batch_sensitivity` is the measured share of replies that
    change with the number of slots, per candidate, where it was measured. `ranking` is there where three or more
    candidates were compared, all pairs, best first; with a `baseline` only the pairs with it were tested. `origin`
    names the tool whose verdicts these are, where they were imported. `metrics` holds what is measured beyond rates.
    """

    suite: str
    quick: bool
    probes: int
    counted: int
    probes_sha256: str
    models: dict[str, ModelSummary]
    comparisons: tuple[Comparison, ...]
    batch_sensitivity: dict[str, float | None] = {}
    complete: bool = True
    weakspot: str = ""
    ranking: tuple[Standing, ...] = ()
    baseline: str = ""
    origin: str = ""
    metrics: Metrics = Metrics()
    schema_version: int = SCHEMA_VERSION
