"""The verdict in words. Every sentence is made of the summary's numbers and names what it stands on.

A category in which nothing is shown is said aloud: silence reads as "equal", and that is shown by no test here.
"""

from collections.abc import Iterable

from weakspot.records import Comparison, Difference, Summary
from weakspot.rendering import formats
from weakspot.rendering.anchors import Anchors, Link, Sentence


def fails_less(comparison: Comparison, difference: Difference) -> str | None:
    """The candidate that is shown to fail less, or None where no difference is shown."""
    if not difference.shown or not formats.known(difference.difference) or not difference.difference:
        return None
    return comparison.a if difference.difference < 0 else comparison.b


def headline(summary: Summary) -> str:
    """The verdict in one line."""
    names = list(summary.models)
    if not names:
        return "Nothing was measured"
    if not summary.comparisons:
        pooled = summary.models[names[0]].pooled
        if len(names) > 1:
            return f"{len(names)} candidates, not compared"
        return (
            f"{names[0]} failed {pooled.failed:,} of {formats.plural(pooled.n, 'item')}"
            if pooled.n
            else (f"{names[0]}: no item has a verdict")
        )
    return _of_two(summary.comparisons[0]) if len(summary.comparisons) == 1 else _of_many(summary)


def verdict(summary: Summary, anchors: Anchors) -> list[Sentence]:
    """The sentences under the headline."""
    if not summary.comparisons:
        return _alone(summary, anchors)
    if len(summary.comparisons) == 1:
        return _one_comparison(summary, anchors)
    return _many_comparisons(summary, anchors)


def cautions(summary: Summary, anchors: Anchors) -> list[Sentence]:
    """What to know before trusting the numbers: an unfinished run, floors, ceilings, few or missing items."""
    found: list[Sentence] = []
    if not summary.complete:
        found.append(Sentence("The run is not finished; the numbers are of what is there so far.", (), "Unfinished."))
    if summary.quick:
        text = f"A fixed part of suite {summary.suite} was run, not all of it ({summary.counted:,} counted items)."
        found.append(Sentence(text, (Link("items", "items"),), "Quick run."))
    for note, lead, words in (
        ("floor", "Floor:", "Nearly every item fails, and a worse model would look the same."),
        ("ceiling", "Ceiling:", "Nearly no item fails, and a better model would look the same."),
        ("few", "Under 10 items:", "Read it with care."),
    ):
        links = _noted(summary, anchors, note)
        found += [Sentence("", links, lead, words)] if links else []
    return found + _missing(summary, anchors)


def _of_two(comparison: Comparison) -> str:
    winner = fails_less(comparison, comparison.pooled)
    if winner is not None:
        return f"{winner} fails less than {_other(comparison, winner)} overall"
    if not formats.known(comparison.pooled.difference):
        return f"{comparison.a} and {comparison.b} could not be compared"
    shown = sum(fails_less(comparison, d) is not None for d in comparison.categories.values())
    if shown:
        where = formats.plural(shown, "category", "categories")
        return f"No overall difference shown between {comparison.a} and {comparison.b}, but one in {where}"
    return f"No difference shown between {comparison.a} and {comparison.b}"


def _of_many(summary: Summary) -> str:
    beaten: dict[str, set[str]] = {name: set() for name in summary.models}
    for comparison in summary.comparisons:
        if (winner := fails_less(comparison, comparison.pooled)) is not None:
            beaten.setdefault(winner, set()).add(_other(comparison, winner))
    best = [name for name, others in beaten.items() if len(others) == len(summary.models) - 1]
    if best:
        return f"{best[0]} fails less than each of the other {len(summary.models) - 1} candidates overall"
    if any(beaten.values()):
        return f"None of the {len(summary.models)} candidates is shown to fail less than all others"
    return f"No overall difference shown between any of the {len(summary.comparisons)} pairs compared"


def _one_comparison(summary: Summary, anchors: Anchors) -> list[Sentence]:
    comparison = summary.comparisons[0]
    sentences = [_pooled(summary, 0, comparison, anchors)]
    for name in (comparison.a, comparison.b):
        where = [c for c, d in comparison.categories.items() if fails_less(comparison, d) == name]
        if where:
            links = tuple(Link(formats.category(c), anchors.difference(0, c)) for c in where)
            sentences.append(Sentence("", links, f"{name} fails less in"))
    sentences += _not_shown(comparison, anchors)
    return sentences


def _not_shown(comparison: Comparison, anchors: Anchors) -> list[Sentence]:
    found: list[Sentence] = []
    open_ones = {c: d for c, d in comparison.categories.items() if fails_less(comparison, d) is None}
    tested = {c: d for c, d in open_ones.items() if formats.known(d.difference)}
    if tested:
        links = tuple(Link(formats.category(c), anchors.difference(0, c)) for c in tested)
        text = f"That is not the same as equal{_detectable(tested.values())}."
        found.append(Sentence("", links, "No difference shown in", text))
    untested = [c for c in open_ones if c not in tested]
    if untested:
        links = tuple(Link(formats.category(c), anchors.difference(0, c)) for c in untested)
        found.append(Sentence("", links, "Not compared in", "No item has a verdict from both candidates."))
    return found


def _detectable(differences: Iterable[Difference]) -> str:
    values = sorted(d.smallest_detectable for d in differences if d.smallest_detectable is not None)
    if not values:
        return ""
    low, high = (formats.decimal(v * 100, 0) for v in (values[0], values[-1]))
    span = low if low == high else f"{low} to {high}"
    return f": with so few items, only a difference of {span} points or more would have been found"


def _pooled(summary: Summary, k: int, comparison: Comparison, anchors: Anchors) -> Sentence:
    links = (
        Link("test", anchors.difference(k, None)),
        Link("rates", anchors.rate(None)),
        Link("items", anchors.items(None)),
    )
    return Sentence(comparison.pooled.verdict or fallback(summary, comparison), links)


def fallback(summary: Summary, comparison: Comparison) -> str:
    """The pooled verdict in words, for a summary that brings none."""
    pooled, rates = comparison.pooled, []
    for name in (comparison.a, comparison.b):
        model = summary.models.get(name)
        rates.append(f"{name} {formats.percent(model.pooled.rate if model else None)}")
    return (
        f"Failure rate: {rates[0]} against {rates[1]}; {formats.points(pooled.difference)} points, "
        f"{formats.p_equals(pooled.p)}."
    )


def _many_comparisons(summary: Summary, anchors: Anchors) -> list[Sentence]:
    """One sentence per candidate that beats others, then all pairs of which nothing is shown."""
    won: dict[str, list[Link]] = {}
    undecided, untested = [], []
    for k, comparison in enumerate(summary.comparisons):
        anchor = anchors.difference(k, None)
        winner = fails_less(comparison, comparison.pooled)
        if winner is not None:
            won.setdefault(winner, []).append(Link(_other(comparison, winner), anchor))
        elif formats.known(comparison.pooled.difference):
            undecided.append(Link(f"{comparison.a} – {comparison.b}", anchor))
        else:
            untested.append(Link(f"{comparison.a} – {comparison.b}", anchor))
    found = [Sentence("", tuple(links), f"{name} {_of(summary, name)} fails less than") for name, links in won.items()]
    if undecided:
        after = "That is not the same as equal; the tests say what they could have shown."
        found.append(Sentence("", tuple(undecided), "No difference shown between", after))
    if untested:
        found.append(Sentence("", tuple(untested), "Not compared:", "No item has a verdict from both."))
    return found


def _of(summary: Summary, name: str) -> str:
    return f"({formats.percent(summary.models[name].pooled.rate)})" if name in summary.models else ""


def _alone(summary: Summary, anchors: Anchors) -> list[Sentence]:
    sentences = []
    for name, model in summary.models.items():
        pooled = model.pooled
        text = f"{formats.percent(pooled.rate)} of {formats.plural(pooled.n, 'item')} failed"
        if formats.known(pooled.low) and formats.known(pooled.high):
            text += f" (95% interval {formats.interval(pooled.low, pooled.high)})"
        links = (Link("rates", anchors.rate(None)), Link("failures", anchors.failures(name)))
        sentences.append(Sentence(text + ".", links, f"{name}:"))
    return sentences


def _noted(summary: Summary, anchors: Anchors, note: str) -> tuple[Link, ...]:
    """Links to the rates that carry a note; one candidate's together."""
    return tuple(
        Link(f"{name}: {formats.category(c)}", anchors.rate(c))
        for name, model in summary.models.items()
        for c in model.categories
        if model.categories[c].note == note
    )


def _missing(summary: Summary, anchors: Anchors) -> list[Sentence]:
    found, rates = [], {name: model.pooled for name, model in summary.models.items()}
    if any(rate.unscored for rate in rates.values()):
        text = "; ".join(
            f"{formats.plural(rate.unscored, 'item')} of {name} (its rate is {formats.percent(rate.lowest)} if they "
            f"had all passed, {formats.percent(rate.highest)} if failed)"
            for name, rate in rates.items()
            if rate.unscored
        )
        found.append(Sentence(f"{text}.", (Link("rates", anchors.rate(None)),), "Without a verdict:"))
    if any(rate.uninformative for rate in rates.values()):
        text = ", ".join(f"{rate.uninformative:,} of {name}" for name, rate in rates.items() if rate.uninformative)
        text += "; it failed their own controls, so they are in no rate."
        found.append(Sentence(text, (Link("which", "uninformative"),), "Left out as uninformative:"))
    shown = [c for c in summary.metrics.control_pairs if not c.category and c.effect.shown]
    said = [f"{c.a} and {c.b}, on positive controls: {c.effect.verdict}" for c in shown]
    return found + [Sentence(text, (Link("table", "m-controls"),), "Asked plainly:") for text in said]


def _other(comparison: Comparison, name: str) -> str:
    return comparison.b if name == comparison.a else comparison.a
