"""Agreement of scorers with people, counted: every row scored, every measure with its interval beside the floor's.

It does not know which scorer fits which row: that is `trials`.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from weakspot import registry
from weakspot.stats.classify_metrics import (
    RESAMPLES,
    Measured,
    auc,
    balanced_accuracy,
    f1,
    measured,
    quadratic_kappa,
    spearman,
    weights,
)
from weakspot.validation.labelled import Labelled, Row
from weakspot.validation.references import References
from weakspot.validation.trials import ELSEWHERE, Case, Fitting, fittings

Verdict = Literal["above floor", "not told apart", "below", "no interval"]
Span = Literal["all", "tuned", "held-back"]
_SMALLEST: Final = 2


class Agreement(msgspec.Struct, frozen=True):
    """One scorer on one set: how well it agrees with people, beside the floor on the same rows.

    All intervals are 95% percentile intervals of a bootstrap over groups; `difference` is the scorer's measure minus
    the floor's, paired. The measure is balanced accuracy of the failing class, or Spearman's correlation where people
    graded (`graded`). None: it can't be told.
    """

    scorer: str
    dataset: str
    target: str
    half: Span
    n: int
    groups: int
    failing: int | None
    unscored: int
    balanced_accuracy: float | None
    low: float | None
    high: float | None
    floor: float | None
    floor_name: str
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    verdict: Verdict
    why: str
    lower_bound_above_floor: bool | None = None
    f1: float | None = None
    f1_low: float | None = None
    f1_high: float | None = None
    recall: float | None = None
    specificity: float | None = None
    floor_f1: float | None = None
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    floor_auc: float | None = None
    spearman: float | None = None
    spearman_low: float | None = None
    spearman_high: float | None = None
    floor_spearman: float | None = None
    kappa: float | None = None
    kappa_low: float | None = None
    kappa_high: float | None = None
    labeller: str = ""
    unscored_reasons: dict[str, int] = {}


class LeftOut(msgspec.Struct, frozen=True):
    """Rows of a set that no scorer was put to, and why."""

    dataset: str
    task: str
    n: int
    reason: str


class Ablated(msgspec.Struct, frozen=True):
    """What one rule adds: the measure with all rules minus the measure without this one, paired."""

    scorer: str
    dataset: str
    half: Span
    rule: str
    says: str
    adds: float | None
    low: float | None
    high: float | None


class Validation(msgspec.Struct, frozen=True):
    """All that `weakspot scorers validate` prints."""

    rows: tuple[Agreement, ...]
    left_out: tuple[LeftOut, ...]
    ablation: tuple[Ablated, ...] = ()
    references: str | None = None


class _Scored(msgspec.Struct, frozen=True):
    said: bool | None
    risk: float
    reason: str = ""


class Trial(msgspec.Struct, frozen=True):
    """The rows of one set that fit one scorer."""

    dataset: str
    fitting: Fitting
    rows: tuple[Row, ...]
    cases: tuple[Case, ...]
    missing: dict[str, int] = {}


def trials(labelled: Labelled, references: References) -> tuple[list[Trial], list[LeftOut]]:
    """What can be measured of one file, and what can't, with the reason."""
    kept: dict[int, tuple[Fitting, list[Row], list[Case]]] = {}
    missing: dict[int, Counter[str]] = {}
    lost: Counter[tuple[str, str]] = Counter()
    for row in labelled.rows:
        found = fittings(row)
        if not found:
            lost[(row.task, _no_scorer(row))] += 1
        for fitting in found:
            fits = fitting.fit(row, references)
            if fits == ELSEWHERE:
                continue
            if isinstance(fits, str):
                lost[(row.task, f"{fitting.scorer}: {fits}")] += 1
                missing.setdefault(id(fitting), Counter())[fits] += 1
            elif fits.failing is None and fits.grade is None:
                lost[(row.task, f"{fitting.scorer}: rows whose label is undecided")] += 1
            else:
                entry = kept.setdefault(id(fitting), (fitting, [], []))
                entry[1].append(row)
                entry[2].append(fits)
    out = [LeftOut(labelled.name, task, n, reason) for (task, reason), n in lost.items()]
    if not labelled.rows:
        out.append(LeftOut(labelled.name, "", 0, "the file has no rows"))
    made = [Trial(labelled.name, f, tuple(r), tuple(c), dict(missing.get(i, {}))) for i, (f, r, c) in kept.items()]
    return made, out


def agreement(trial: Trial, half: Span, *, resamples: int = RESAMPLES, seed: int = 0) -> Agreement:
    """One scorer's agreement on one half (or all) of a trial's rows."""
    rows, cases = _half(trial, half)
    scored = [score(c) for c in cases]
    kept = [i for i, s in enumerate(scored) if s.said is not None or trial.fitting.graded]
    reasons = Counter(s.reason for s in scored if s.said is None and not trial.fitting.graded)
    rows, cases, scored = [rows[i] for i in kept], [cases[i] for i in kept], [scored[i] for i in kept]
    weight = weights([r.group for r in rows], resamples, seed) if rows else np.ones((1, 0))
    labellers = sorted({r.text("labeller") for r in rows} - {""})
    counted = {
        "n": len(rows),
        "groups": len({r.group for r in rows}),
        "unscored": sum(reasons.values()) + (sum(trial.missing.values()) if half == "all" else 0),
        "unscored_reasons": dict(reasons) | (trial.missing if half == "all" else {}),
        "labeller": ", ".join(labellers)[:80],
    }
    fitting = trial.fitting
    head = {"scorer": fitting.scorer, "dataset": trial.dataset, "target": fitting.target, "half": half}
    tail = {"floor_name": fitting.floor, "why": fitting.why}
    measures = (_graded if fitting.graded else _judged)(cases, scored, weight)
    return msgspec.convert(head | tail | counted | measures, Agreement)


def ablation(trial: Trial, half: Span, *, resamples: int = RESAMPLES, seed: int = 0) -> list[Ablated]:
    """What each rule of a trial's scorer adds; none where the scorer has no rules to leave out."""
    rows, cases = _half(trial, half)
    if not cases or "without" not in _fields(cases[0]):
        return []
    weight = weights([r.group for r in rows], resamples, seed)
    whole = _measure(trial, cases, [score(c) for c in cases], weight)
    out = []
    for rule, says in rules(str(cases[0].expect["type"])).items():
        less = _measure(trial, cases, [score(c, (rule,)) for c in cases], weight)
        found = measured(whole - less)
        out.append(Ablated(trial.fitting.scorer, trial.dataset, half, rule, says, found.value, found.low, found.high))
    return out


def rules(scorer: str) -> dict[str, str]:
    """The rules of a scorer that can be left out: name -> what it says. Empty where there are none."""
    names = registry.BUILT_IN["scorer_rules"]
    found: dict[str, str] = dict(registry.load("scorer_rules", scorer)) if scorer in names else {}
    return found


def score(case: Case, without: Sequence[str] = ()) -> _Scored:
    """What the scorer that a case expects says of it. A crash is no verdict, with the reason."""
    kind = str(case.expect["type"])
    fields = {k: v for k, v in case.expect.items() if k != "type"} | ({"without": list(without)} if without else {})
    try:
        scorer = msgspec.convert(fields, registry.load("scorers", kind))
        said = scorer.score(case.reply, case.probe, lambda _: None)
        risk = scorer.risk(case.reply, case.probe) if hasattr(scorer, "risk") else float(said.passed is False)
        if case.other is not None:
            risk -= scorer.risk(case.other, case.probe)
            return _Scored(risk > 0, risk)
        return _Scored(None if said.passed is None else not said.passed, risk, said.reason)
    except Exception as error:  # noqa: BLE001 - a scorer's crash, built-in or third-party, is a row without a verdict
        return _Scored(None, 0.0, f"the scorer failed: {type(error).__name__}: {error}"[:200])


def _judged(cases: list[Case], scored: list[_Scored], weight: npt.NDArray[np.float64]) -> dict[str, Any]:
    failing = np.array([bool(c.failing) for c in cases], dtype=np.bool_)
    said = np.array([bool(s.said) for s in scored], dtype=np.bool_)
    risk = np.array([s.risk for s in scored], dtype=np.float64)
    naive = np.array([c.floor_said for c in cases], dtype=np.bool_)
    naive_risk = np.array([c.floor_risk for c in cases], dtype=np.float64)
    if not 0 < failing.sum() < len(failing):
        return _empty(int(failing.sum()))
    own, floor = balanced_accuracy(failing, said, weight), balanced_accuracy(failing, naive, weight)
    harmonic, area = measured(f1(failing, said, weight)), measured(auc(failing, risk, weight))
    one = weight[:1]
    return _against(own, floor) | {
        "failing": int(failing.sum()),
        **_spread("f1", harmonic),
        **_spread("auc", area),
        "recall": float(said[failing].mean()),
        "specificity": float((~said[~failing]).mean()),
        "floor_f1": measured(f1(failing, naive, one)).value,
        "floor_auc": measured(auc(failing, naive_risk, one)).value,
    }


def _graded(cases: list[Case], scored: list[_Scored], weight: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Grades of people against minus the risk: Spearman, and quadratic kappa on grades of equal spread."""
    grade = np.array([c.grade for c in cases], dtype=np.float64)
    own = -np.array([s.risk for s in scored], dtype=np.float64)
    naive = -np.array([c.floor_risk for c in cases], dtype=np.float64)
    if len(grade) < _SMALLEST or len(np.unique(grade)) < _SMALLEST:
        return _empty(None)
    mine, floor = spearman(grade, own, weight), spearman(grade, naive, weight)
    levels = np.clip(np.rint(own), 1, 5).astype(np.intp)
    kappa = measured(quadratic_kappa(np.rint(grade).astype(np.intp), levels, weight))
    found = _against(mine, floor)
    rank = Measured(found["balanced_accuracy"], found["low"], found["high"])
    above = found["lower_bound_above_floor"]
    floored = found["floor"]
    blank = {"balanced_accuracy": None, "low": None, "high": None, "floor": None}
    return found | blank | _spread("spearman", rank) | _spread("kappa", kappa) | {
        "floor_spearman": floored, "failing": None, "lower_bound_above_floor": above,
    }  # fmt: skip


def _against(own: npt.NDArray[np.float64], floor: npt.NDArray[np.float64]) -> dict[str, Any]:
    mine, naive, gap = measured(own), measured(floor), measured(own - floor)
    verdict: Verdict = "not told apart"
    if gap.low is None or gap.high is None:
        verdict = "no interval"
    elif gap.low > 0:
        verdict = "above floor"
    elif gap.high < 0:
        verdict = "below"
    above = None if mine.low is None or naive.value is None else mine.low > naive.value
    return {
        "balanced_accuracy": mine.value, "low": mine.low, "high": mine.high, "floor": naive.value,
        "difference": gap.value, "difference_low": gap.low, "difference_high": gap.high,
        "verdict": verdict, "lower_bound_above_floor": above,
    }  # fmt: skip


def _empty(failing: int | None) -> dict[str, Any]:
    """Where one class has no rows, nothing can be told."""
    blank = dict.fromkeys(
        ("balanced_accuracy", "low", "high", "floor", "difference", "difference_low", "difference_high")
    )
    return blank | {"failing": failing, "verdict": "no interval"}


def _measure(
    trial: Trial, cases: Sequence[Case], scored: Sequence[_Scored], weight: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The measure of the verdict; what has none counts as not said to fail."""
    if trial.fitting.graded:
        grade = np.array([c.grade for c in cases], dtype=np.float64)
        return spearman(grade, -np.array([s.risk for s in scored]), weight)
    failing = np.array([bool(c.failing) for c in cases], dtype=np.bool_)
    return balanced_accuracy(failing, np.array([s.said is True for s in scored], dtype=np.bool_), weight)


def _half(trial: Trial, half: Span) -> tuple[list[Row], list[Case]]:
    kept = [(r, c) for r, c in zip(trial.rows, trial.cases, strict=True) if half in ("all", r.half)]
    return [r for r, _ in kept], [c for _, c in kept]


def _spread(name: str, found: Measured) -> dict[str, float | None]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _fields(case: Case) -> tuple[str, ...]:
    fields: tuple[str, ...] = registry.load("scorers", str(case.expect["type"])).__struct_fields__
    return fields


def _no_scorer(row: Row) -> str:
    if not row.task:
        return "the file is not of the common labelled schema: it has no task"
    return f"no scorer for the task {row.task[:40]!r}"
