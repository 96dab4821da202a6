"""What the differences between two architectures could explain: hypotheses, each with its source and its experiment.

A hypothesis is no finding. Between two published models nearly everything differs at once (`confounds`), so every
sentence says "could explain", and names the experiment that would confirm or refute it. The rules stand in
`mechanisms`; the sentences follow from the cards alone: swap the cards and the text is swapped.
"""

import msgspec

from weakspot.anatomy.mechanisms import MECHANISMS, Mechanism
from weakspot.records import Card


class CardDifference(msgspec.Struct, frozen=True):
    """One difference between two cards, and what it could explain.

    `field` names what differs, `value_a` and `value_b` are as a reader sees them, `card_fields` are the fields of
    `Card` that they stand on. `categories` are those whose failures it could bear on, `source` is where the mechanism
    is published, `experiment` what would test it.
    """

    field: str
    value_a: str
    value_b: str
    hypothesis: str
    categories: tuple[str, ...]
    source: str
    experiment: str
    card_fields: tuple[str, ...] = ()


def differences(card_a: Card, card_b: Card) -> list[CardDifference]:
    """Every difference between two cards that a published mechanism ties to failures; what one file leaves out is none.

    Args:
        card_a: one model's card.
        card_b: the other's; their names stand in the sentences.
    """
    if card_a.name == card_b.name:
        card_a = msgspec.structs.replace(card_a, name=f"{card_a.name} (first)")
        card_b = msgspec.structs.replace(card_b, name=f"{card_b.name} (second)")
    return [found for mechanism in MECHANISMS if (found := _difference(mechanism, card_a, card_b)) is not None]


def _difference(mechanism: Mechanism, card_a: Card, card_b: Card) -> CardDifference | None:
    value_a, value_b = mechanism.value(card_a), mechanism.value(card_b)
    if value_a is None or value_b is None or value_a == value_b:
        return None
    hypothesis = mechanism.hypothesis(card_a, card_b)
    if hypothesis is None:
        return None
    return CardDifference(
        field=mechanism.field,
        value_a=value_a,
        value_b=value_b,
        hypothesis=hypothesis,
        categories=mechanism.categories,
        source=mechanism.source,
        experiment=mechanism.experiment(card_a, card_b),
        card_fields=mechanism.card_fields,
    )
