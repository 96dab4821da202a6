"""What `weakspot tokens glitch` finds: under-trained and unreachable tokens, and what the model made of them."""

from typing import Literal

import msgspec

Group = Literal["ordinary", "byte", "control", "unused", "partial", "unreachable", "padding"]
"""What sort of token: `partial` is a part of a UTF-8 character, `padding` a row of the matrix beyond the vocabulary."""
Verdict = Literal["verified", "doubtful", "repeated", "not-askable", "unmeasurable", "not-asked"]
"""What asking showed: the model fails where it repeats the controls; it fails, yet gives the token some probability; it
repeats the token; no prompt's text becomes this id; the model fails at the controls too; it was not asked."""


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of how little a row has moved, over the ordinary tokens; low is suspicious.

    Attributes:
        name: what is measured.
        matrix: `input` or `output`.
        median: over the ordinary tokens.
        spread: the robust standard deviation of the logarithm, from the lower half alone.
        limit: a token at or below is flagged.
        flagged: how many ordinary tokens are.
    """

    name: str
    matrix: Literal["input", "output"]
    median: float
    spread: float
    limit: float
    flagged: int


class Repetition(msgspec.Struct, frozen=True, kw_only=True):
    """What a model did when asked to repeat one token.

    Attributes:
        phrasing: which prompt.
        repeated: whether the reply begins with the token, decoded greedily.
        probability: what the model gave the token where it belongs; an upper bound where `bound`; None where the
            backend gives no log-probabilities.
        bound: whether the token was outside the alternatives that came back.
        reply: what it wrote instead.
    """

    phrasing: str
    repeated: bool
    probability: float | None = None
    bound: bool = False
    reply: str = ""


class GlitchToken(msgspec.Struct, frozen=True, kw_only=True):
    """One suspicious token.

    Attributes:
        id: its number in the vocabulary.
        text: how the vocabulary writes it.
        group: what sort it is; only `ordinary` tokens are asked for.
        score: its lowest robust z over the indicators.
        indicator: the one that gave it.
        values: each indicator's value divided by its median.
        verdict: what asking showed.
        probability: the highest that the model gave it over all phrasings that work.
        repetitions: the trials, one a phrasing.
    """

    id: int
    text: str
    group: Group
    score: float
    indicator: str
    values: dict[str, float]
    verdict: Verdict = "not-asked"
    probability: float | None = None
    repetitions: tuple[Repetition, ...] = ()


class UnreachableToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that no text was found to become.

    Attributes:
        id: its number.
        text: how the vocabulary writes it.
        stage: which step keeps it from coming out.
        instead: the ids that its own text becomes.
    """

    id: int
    text: str
    stage: Literal["normalizer", "pre-tokenizer", "model", "vocabulary"]
    instead: tuple[int, ...]


class PhrasingAbility(msgspec.Struct, frozen=True, kw_only=True):
    """How well a model repeats well-trained tokens under one phrasing.

    Attributes:
        phrasing: which prompt.
        controls: how many well-trained tokens were asked for.
        repeated: how many of those it repeated.
        probability: the median that it gave them where they belong; None without log-probabilities.
        usable: whether the phrasing can say anything about this model.
    """

    phrasing: str
    controls: int
    repeated: int
    probability: float | None
    usable: bool


class GlitchReport(msgspec.Struct, frozen=True, kw_only=True):
    """The under-trained tokens of a model.

    Attributes:
        model: its reference.
        fingerprint: the tokenizer's.
        tied: whether one matrix is input and output.
        dtype: how the input matrix is stored.
        rows: how many rows it has.
        width: how long they are.
        ordinary: how many tokens the statistics stand on.
        reference: how many rows of known-unused tokens agree, and so show where untrained rows lie.
        rule: the threshold in words; fixed, not fitted to this model.
        indicators: what was measured.
        groups: how many tokens were set aside, by sort.
        flagged: ordinary tokens under the threshold, the most suspicious first.
        aside: tokens of the other sorts under it.
        unreachable: what no text becomes.
        abilities: how well the model repeats well-trained tokens; empty where nothing was asked.
        controls: how many well-trained tokens were asked for.
        controls_failed: how many of those the same rule would have called verified: the rate of false alarms.
        notes: what the reader should know, a sentence each.
    """

    model: str
    fingerprint: str
    tied: bool
    dtype: str
    rows: int
    width: int
    ordinary: int
    reference: int
    rule: str
    indicators: tuple[Indicator, ...]
    groups: dict[str, int]
    flagged: tuple[GlitchToken, ...]
    aside: tuple[GlitchToken, ...]
    unreachable: tuple[UnreachableToken, ...]
    abilities: tuple[PhrasingAbility, ...] = ()
    controls: int = 0
    controls_failed: int = 0
    notes: tuple[str, ...] = ()
