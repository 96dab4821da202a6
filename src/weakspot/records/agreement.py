"""Raters held against each other and against the automatic verdicts: what `weakspot rate --agreement` prints."""

from typing import Literal

import msgspec

RaterKind = Literal["hand", "judge"]


class Coefficient(msgspec.Struct, frozen=True):
    """A coefficient with its 95% interval (items drawn again); None is missing, and `note` says why.

    `n` is how many answers stand behind it.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    note: str = ""


class RaterSummary(msgspec.Struct, frozen=True):
    """What one rater did: answers passed, failed and skipped, and how many of them blind to the model."""

    name: str
    kind: RaterKind
    passed: int
    failed: int
    skipped: int
    blind: int


class PairAgreement(msgspec.Struct, frozen=True):
    """Two raters on the answers that both gave a verdict on.

    `kappa` and `ac1` (Gwet) are on pass or fail; `grade_kappa` is quadratically weighted on grades, where a pass is 0
    and a failure its severity, 1 to 5.
    """

    a: str
    b: str
    n: int
    same: Coefficient
    kappa: Coefficient
    ac1: Coefficient
    grade_kappa: Coefficient


class AgainstAutomatic(msgspec.Struct, frozen=True):
    """The hands' verdict (by majority) against the automatic one.

    Counts are of rated answers as they are. The coefficients weigh each answer by how many answers of its category and
    automatic verdict it stands for, so that a sample by strata says something of the whole run; `missing` lists the
    strata of which nothing was rated, about which they say nothing. Recall of failures: of the answers that fail by
    hand, the share that fail automatically; recall of passes likewise.
    """

    of: Literal["all", "category", "scorer"]
    name: str
    n: int
    both_passed: int
    both_failed: int
    only_automatic_failed: int
    only_hand_failed: int
    decided_by_hand: int
    accuracy: Coefficient
    balanced_accuracy: Coefficient
    kappa: Coefficient
    failure_recall: Coefficient
    pass_recall: Coefficient
    missing: tuple[str, ...] = ()


class Override(msgspec.Struct, frozen=True):
    """A hand's verdict that is not the automatic one; `automatic` is None where the rule gave none."""

    rater: str
    probe: str
    candidate: str
    category: str
    scorer: str
    automatic: bool | None
    automatic_severity: int | None
    passed: bool
    severity: int | None
    note: str = ""


class Agreement(msgspec.Struct, frozen=True):
    """All of it. `alpha` is Krippendorff's over all hands, nominal on pass or fail; `grade_alpha` ordinal on grades.

    `rateable` is how many answers there are to rate, `rated` how many have a hand's verdict. `tied` counts the answers
    whose hands are even: they have no verdict by hand.
    """

    rateable: int
    rated: int
    tied: int
    raters: tuple[RaterSummary, ...] = ()
    pairs: tuple[PairAgreement, ...] = ()
    alpha: Coefficient = Coefficient(None)
    grade_alpha: Coefficient = Coefficient(None)
    automatic: tuple[AgainstAutomatic, ...] = ()
    overrides: tuple[Override, ...] = ()
    notes: tuple[str, ...] = ()
