"""`weakspot.show_model`: what a model reference stands for."""

import msgspec

from weakspot.api.conclude import card_of
from weakspot.artifacts.locate import licence_of
from weakspot.artifacts.reference import parse
from weakspot.records import Candidate, Card


class Shown(msgspec.Struct, frozen=True):
    """A reference, read: the candidate, its licence where known, and its card where its files lie here."""

    candidate: Candidate
    licence: str
    card: Card | None


def show_model(reference: str) -> Shown:
    """What a model reference stands for; nothing is fetched and no weights are read.

    Raises:
        UnknownModel, UsageError, CorruptFile.
    """
    candidate = parse(reference)
    return Shown(candidate, licence_of(candidate), card_of(candidate))
