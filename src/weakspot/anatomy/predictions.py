"""A run beside the predictions: predicted and seen, predicted and not seen, seen and not predicted.

"Seen" takes a paired comparison on the same items whose difference the run itself calls shown. What is seen is an
association: the two models differ in more than one structure, and only an experiment would say which one counts.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from weakspot.records import Comparison, Difference, Inspection, Risk, RiskResult, Summary

ASSOCIATION = "an association, not a cause: the models differ in more than this"


def beside(model: Inspection, name: str, summary: Summary, others: Mapping[str, Sequence[Risk]]) -> Inspection:
    """The inspection with a run's results beside its risks, and what was seen without being predicted.

    Args:
        model: the inspection.
        name: the candidate's name in the run.
        summary: the run.
        others: the risks of the run's other candidates that were inspected too, by name.
    """
    risks = tuple(
        msgspec.structs.replace(risk, results=tuple(_results(risk, name, summary, others))) for risk in model.risks
    )
    return msgspec.structs.replace(model, risks=risks, unpredicted=tuple(_unpredicted(model.risks, name, summary)))


def _results(risk: Risk, name: str, summary: Summary, others: Mapping[str, Sequence[Risk]]) -> Iterator[RiskResult]:
    for category in risk.categories:
        if category not in summary.models[name].categories:
            continue
        pairs = list(_pairs(name, category, summary))
        if not pairs:
            yield _result(name, category, "", summary, "no other model to hold it against")
        for other, difference, more in pairs:
            both = any(theirs.name == risk.name for theirs in others.get(other, ()))
            yield _result(name, category, other, summary, _verdict(risk, difference, more, other, both=both))


def _verdict(risk: Risk, difference: Difference, more: bool | None, other: str, *, both: bool) -> str:
    """`more` says whether this model fails more (None: no difference shown)."""
    if both:
        return f"{other} has the same prediction: nothing to tell apart"
    if more is None:
        least = difference.smallest_detectable
        size = "" if least is None else f"; {least * 100:.0f} points would have been found"
        return f"predicted, not seen: no difference to {other} shown{size}"
    if more is (risk.direction == "likelier"):
        return f"predicted and seen beside {other}: {ASSOCIATION}"
    return f"predicted, and the opposite seen beside {other}: {ASSOCIATION}"


def _unpredicted(risks: Sequence[Risk], name: str, summary: Summary) -> Iterator[RiskResult]:
    """Categories in which the model is shown to fail more, which no risk names."""
    named = {category for risk in risks if risk.direction == "likelier" for category in risk.categories}
    for category in summary.models[name].categories:
        for other, _, more in _pairs(name, category, summary):
            if more and category not in named:
                verdict = f"seen beside {other}, not predicted: no rule here names it"
                yield _result(name, category, other, summary, verdict)


def _pairs(name: str, category: str, summary: Summary) -> Iterator[tuple[str, Difference, bool | None]]:
    """(the other model, the difference, whether this one fails more) for every comparison of a category."""
    for comparison in summary.comparisons:
        if name not in (comparison.a, comparison.b) or category not in comparison.categories:
            continue
        difference = comparison.categories[category]
        yield _other(comparison, name), difference, _fails_more(comparison, name, difference)


def _other(comparison: Comparison, name: str) -> str:
    return comparison.b if comparison.a == name else comparison.a


def _fails_more(comparison: Comparison, name: str, difference: Difference) -> bool | None:
    if not difference.shown or not difference.difference:
        return None
    return (difference.difference > 0) == (comparison.a == name)


def _result(name: str, category: str, other: str, summary: Summary, verdict: str) -> RiskResult:
    rate = summary.models[name].categories[category]
    return RiskResult(category, other, rate.failed, rate.n, rate.rate, rate.low, rate.high, verdict)
