"""Failure modes that a structure makes likelier or less likely, each with its mechanism, source and probe.

A risk is a prediction from a published mechanism, no finding: between two models nearly everything differs. The rules
stand in `weakspot.anatomy.risk_rules`; a run is held beside them by `weakspot.anatomy.predictions`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from weakspot.records import Direction, Inspection, Risk

Basis = Callable[[Inspection], str | None]
"""What of a model the prediction stands on, in words; None where it does not hold or is not known."""


@dataclass(frozen=True, slots=True)
class RiskRule:
    """One mechanism. `suite` has the items that would show the failure, `categories` are theirs."""

    name: str
    direction: Direction
    failure: str
    mechanism: str
    source: str
    suite: str
    categories: tuple[str, ...]
    basis: Basis


def risks_of(model: Inspection, rules: tuple[RiskRule, ...]) -> tuple[Risk, ...]:
    """Every rule whose basis the model has, what is likelier first."""
    found = []
    for rule in rules:
        basis = rule.basis(model)
        if basis is not None:
            found.append(
                Risk(
                    name=rule.name,
                    direction=rule.direction,
                    failure=rule.failure,
                    basis=basis,
                    mechanism=rule.mechanism,
                    source=rule.source,
                    probe=f"weakspot compare {_quoted(model.reference)} OTHER --suite {rule.suite}",
                    categories=rule.categories,
                )
            )
    return tuple(sorted(found, key=lambda risk: risk.direction != "likelier"))


def _quoted(reference: str) -> str:
    """A reference as a shell takes it."""
    plain = all(character.isalnum() or character in "-_./:#" for character in reference)
    return reference if plain else "'" + reference.replace("'", "'\\''") + "'"
