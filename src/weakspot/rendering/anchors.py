"""Where things stand on the page. Ids are made of positions, never of foreign text, so no name can forge a link."""

from collections.abc import Iterable
from typing import NamedTuple

from weakspot.records import Summary
from weakspot.rendering.view import ReportInput

POOLED = "pooled"


class Link(NamedTuple):
    """A reference behind a sentence: the words and the id they lead to."""

    label: str
    anchor: str


class Sentence(NamedTuple):
    """A sentence and what it stands on: `lead` in bold, the text, the links, and what comes `after` them."""

    text: str
    links: tuple[Link, ...] = ()
    lead: str = ""
    after: str = ""


class Anchors:
    """Ids for the rates, differences, failures and items of one report.

    A link to a row that the report does not have leads to the section where it would stand.
    """

    def __init__(self, report: ReportInput) -> None:
        summary, failures = report.summary, report.failures
        self._summary = summary
        rated = categories_of(summary)
        listed = [row.category for row in report.items]
        self.categories = tuple(dict.fromkeys([*rated, *listed, *(f.probe.category for f in failures)]))
        self.models = tuple(dict.fromkeys([*summary.models, *(f.candidate for f in failures)]))
        self._rated, self._listed = frozenset(rated), frozenset(listed)
        self._items = frozenset(row.probe for row in report.items)
        self._levels = frozenset(level for level, _ in report.rubric)
        self._category = _places(self.categories)
        self._model = _places(self.models)
        self._probe = _places([*(row.probe for row in report.items), *(f.probe.id for f in failures)])

    def rate(self, category: str | None) -> str:
        """The row of a category in the table of rates; None is all categories together."""
        return f"r-{self._of_category(category)}" if category is None or category in self._rated else "rates"

    def difference(self, comparison: int, category: str | None) -> str:
        """The row of a paired difference; the rate's where nothing was compared."""
        if comparison >= len(self._summary.comparisons):
            return self.rate(category)
        known = category is None or category in self._summary.comparisons[comparison].categories
        return f"d-{comparison}-{self._of_category(category)}" if known else "differences"

    def failures(self, model: str, category: str | None = None) -> str:
        """A candidate's failures, of one category or all."""
        base = f"f-{self._model.get(model, 'x')}"
        return base if category is None else f"{base}-{self._of_category(category)}"

    def items(self, category: str | None) -> str:
        """A category's items in the table of all items."""
        return f"i-{self._of_category(category)}" if category in self._listed else "items"

    def item(self, probe: str) -> str | None:
        """One item's row; None if the table has none."""
        return f"p-{self._probe[probe]}" if probe in self._items else None

    def failure(self, model: str, probe: str) -> str:
        """One failure of one candidate."""
        return f"x-{self._model.get(model, 'x')}-{self._probe.get(probe, 'x')}"

    def severity(self, level: int | None) -> str | None:
        """A level of the rubric; None if the report prints none."""
        return f"severity-{level}" if level in self._levels else None

    def _of_category(self, category: str | None) -> str:
        return POOLED if category is None else self._category.get(category, "x")


def _places(names: Iterable[str]) -> dict[str, str]:
    return {name: str(i) for i, name in enumerate(dict.fromkeys(names))}


def categories_of(summary: Summary) -> tuple[str, ...]:
    """All categories in the order in which the candidates have them."""
    rates = [name for model in summary.models.values() for name in model.categories]
    return tuple(dict.fromkeys([*rates, *(name for c in summary.comparisons for name in c.categories)]))
