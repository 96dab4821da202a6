"""Words for a look inside a model: tokens that can be seen, signed figures, names of heads."""

import math

from weakspot.records.look import Agreement, Head, Induction, Massive, Stack
from weakspot.rendering import formats
from weakspot.rendering.text import one_line

LONGEST_TOKEN = 28
SHORT: dict[Stack, str] = {"encoder": "enc", "decoder": "dec", "cross": "cross"}
SHORT_STRING = 30
"""Most tokens of the strings that the cost of copying is measured on; see `records.look.Induction`."""
STRONG, FAIR = 0.7, 0.4
"""Rank correlations from which two ways of attributing are said to agree well, and in part."""


def shown(text: str) -> str:
    """A token's text on one line in which even spaces are seen."""
    return one_line(text, LONGEST_TOKEN).replace(" ", "·") or "(empty)"


def signed(value: float | None, digits: int = 2) -> str:
    """A figure with its sign: +0.51, −0.17, 0.00."""
    if value is None or not math.isfinite(value):
        return formats.NONE
    written = f"{abs(value):,.{digits}f}"
    if not any(digit in "123456789" for digit in written):
        return written
    return (formats.MINUS if value < 0 else "+") + written


def share(part: float | None) -> str:
    """A part of a whole, which may be negative: 71%, −18%, 3.4%."""
    if part is None or not math.isfinite(part):
        return formats.NONE
    return f"{part * 100:.{0 if abs(part) >= 0.0995 else 1}f}%".replace("-", formats.MINUS)


def small(probability: float | None) -> str:
    """A probability that may be tiny: 78.7%, 0.03%, 8.4e-12."""
    if probability is None or not math.isfinite(probability):
        return formats.NONE
    if probability == 0 or probability >= 0.001:
        return formats.percent(probability)
    return f"{probability:.1e}".replace("-", formats.MINUS)


def head_name(head: Head, *, several: bool) -> str:
    """L18H6; with the stack in front where the model has several, as in `--ablate`."""
    name = f"L{head.layer}H{head.head}"
    return f"{SHORT[head.stack]}:{name}" if several else name


def agreement_words(one: Agreement, unit: str = "token") -> str:
    """How far two attributions agree, in a sentence: a weak agreement is said to be weak; `unit` is what it is over."""
    if one.spearman is None or not math.isfinite(one.spearman):
        how = f"cannot be held against each other over {formats.plural(one.n, unit)}"
        return f"{_capital(one.first)} and {one.second} {how}."
    figure = f"Spearman {signed(one.spearman)} over {formats.plural(one.n, unit)}"
    top = f"{one.same_top} of the top {one.top} are the same" if one.top else "no top to compare"
    verdict = agreeing(one.spearman)
    if one.spearman < FAIR:
        weak = ": the agreement is weak, so" if one.spearman > -FAIR else ":"
        verdict += f"{weak} trust the ablation, which is an intervention"
    return f"{_capital(one.first)} and {one.second} {verdict} ({figure}; {top})."


def agreeing(spearman: float) -> str:
    """How far two attributions agree, in a verb."""
    if spearman >= STRONG:
        return "agree well"
    if spearman >= FAIR:
        return "agree in part"
    return "hardly agree" if spearman > -FAIR else "disagree"


def copying_words(found: Induction) -> str:
    """What a string costs at first and repeated, in a sentence: on shorter strings than the scores are measured on."""
    size = min(SHORT_STRING, found.period)
    return (
        f"{formats.plural(found.sequences, 'string')} of {size} random tokens cost {found.loss_first:.2f} nats a token "
        f"at first, and {found.loss_repeated:.2f} in their second copy."
    )


def layers_of(found: Massive) -> str:
    """Where a massive activation stands: behind which layers."""
    first = "the embeddings" if found.first_layer < 0 else f"layer {found.first_layer}"
    return first if found.first_layer == found.last_layer else f"{first} to layer {found.last_layer}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
