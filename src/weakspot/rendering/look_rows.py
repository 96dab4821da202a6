"""Rows and sentences of a look's page: everything that the page says without its script."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from weakspot.records.look import HeadEffect, LensCell, Look, LookToken, PatchEffect
from weakspot.rendering import formats
from weakspot.rendering.look_words import agreement_words, head_name, share, shown, signed, small

MEASURES = (
    ("ablation", "contribution by ablation"),
    ("gradient", "gradient × input"),
    ("first_order", "first-order forecast of the ablation"),
    ("surprisal", "surprisal"),
)
CAP = 62
"""Most of a full colour that is mixed in, in per cent: text has to stay readable on it."""
STRONGEST = 15
NAMED = 8
HALF = 0.5
Found = TypeVar("Found", LensCell, PatchEffect)


class Headline(NamedTuple):
    """What stands above everything: the answer, in words, and the strongest causal result."""

    title: str
    answer: str
    likeliest: tuple[tuple[str, str, float], ...]
    strongest: str


class Chip(NamedTuple):
    """A token of the prompt, coloured: `side` is up, down or plain; `part` the colour's share in per cent."""

    text: str
    title: str
    side: str
    part: float


class Cell(NamedTuple):
    """A cell of a table that is coloured by its value; `part` is the colour's share in per cent."""

    text: str
    title: str
    side: str
    part: float


class Grid(NamedTuple):
    """A table of layers (rows) by positions (columns)."""

    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


def several(look: Look) -> bool:
    """Whether heads are named with their stack: as soon as there is more than a decoder."""
    return any(stack != "decoder" for stack in look.layers) or any(head.stack != "decoder" for head in look.heads)


def headline(look: Look) -> Headline:
    """The answer with its figures, the likeliest next tokens, the strongest effect."""
    answer = look.answer
    if not answer.ids:
        return Headline(f"Inside {look.model}", "No answer was measured.", (), strongest(look))
    text = shown(answer.text)
    title = f"{look.model} on the answer {text}" if answer.given else f"{look.model} goes on with {text}"
    whole = "all its tokens together" if len(answer.ids) > 1 else f"probability {small(_exp(answer.logprob))}"
    first = "its first token is" if len(answer.ids) > 1 else "it is"
    rank = "the likeliest next token" if answer.rank == 0 else f"number {answer.rank + 1:,} of the vocabulary"
    origin = "The answer was given" if answer.given else "No answer was given, so this is the model's own likeliest"
    said = f"{origin}. Log-probability {signed(answer.logprob)} nats ({whole}); {first} {rank}."
    most = max((p for _, p in answer.likeliest if formats.known(p)), default=0) or 1
    bars = tuple((shown(word), share(p), _part(p, most, 100)) for word, p in answer.likeliest)
    return Headline(title, said, bars, strongest(look))


def effects(look: Look) -> tuple[HeadEffect, ...]:
    """All effects of taking heads out or putting others in."""
    found = list(look.ablations)
    if look.induction:
        found += look.induction.effects
    return (*found, *(look.patching.heads if look.patching else ()))


def strongest(look: Look) -> str:
    """The effect that stands out most from other heads' as a sentence; or that none does, or that none was asked."""
    asked = [one for one in effects(look) if one.sentence]
    if not asked:
        return "No heads were taken out: nothing on this page says yet what carries the answer."
    out = [one for one in asked if one.others and one.as_large == 0]
    if not out:
        return f"Of {formats.plural(len(asked), 'intervention')}, none does more than others of the same layers."
    best = min(out, key=lambda one: (one.p, -abs(one.effect))).sentence
    if len(asked) == 1:
        return best
    return f"{best} It was chosen among {len(asked)} interventions, for which p is not corrected."


def measures(look: Look) -> list[tuple[str, str]]:
    """The measures that at least one token has."""
    return [(name, words) for name, words in MEASURES if any(v is not None for v in values(look, name))]


def values(look: Look, name: str) -> list[float | None]:
    """One measure of every token of the prompt."""
    return [getattr(token, name) for token in look.tokens]


def chips(tokens: Sequence[LookToken], there: Sequence[tuple[str, str]]) -> list[Chip]:
    """Tokens in the colours of the first of these measures."""
    chosen = [getattr(token, there[0][0]) if there else None for token in tokens]
    most = _most(chosen)
    signless = bool(there) and there[0][0] == "surprisal"
    return [
        Chip(token.text or "(empty)", told(token), "plain" if signless else _side(value), _part(value, most))
        for token, value in zip(tokens, chosen, strict=True)
    ]


def told(token: LookToken) -> str:
    """All values of a token in one line."""
    parts = []
    for name, words in MEASURES:
        value = getattr(token, name)
        if value is not None:
            parts.append(f"{words} {f'{value:.2f} bits' if name == 'surprisal' else signed(value) + ' nats'}")
    group = f"; ablated in group {token.group}" if token.group is not None else ""
    return f"id {token.id}: " + ("; ".join(parts) or "no values") + group


def agreements(look: Look) -> list[str]:
    """How far the ways to attribute agree."""
    unit = "group" if look.tokens and look.tokens[0].group is not None else "token"
    return [agreement_words(one, unit) for one in look.agreement]


def inducing(look: Look) -> list[str]:
    """The heads of highest induction with their scores."""
    scored = [head for head in look.heads if head.induction is not None and formats.known(head.induction)]
    scored.sort(key=lambda head: -(head.induction or 0.0))
    return [f"{head_name(head, several=several(look))} ({head.induction:.2f})" for head in scored[:NAMED]]


def head_rows(look: Look) -> list[tuple[str, str, tuple[str, ...]]]:
    """Every head's measures: name, stack, figures."""
    return [
        (
            head_name(head, several=several(look)),
            head.stack,
            (
                formats.percent(head.sink),
                formats.percent(head.previous),
                formats.decimal(head.entropy, 2),
                formats.decimal(head.spread, 2),
                formats.decimal(head.distance, 1),
                formats.decimal(head.induction, 2),
            ),
        )
        for head in look.heads
    ]


def lens_grid(look: Look) -> Grid | None:
    """The likeliest next token by layer and position, coloured by its probability."""
    if not look.lens_grid:
        return None
    texts = look.target if several(look) else look.tokens
    cells = {(one.layer, one.position): one for one in look.lens_grid}
    return _grid("Likeliest next token", cells, texts, _lens_cell)


def _lens_cell(one: LensCell) -> Cell:
    where = f"after {formats.plural(one.layer, 'layer')}, position {one.position}"
    title = f"{where}: {shown(one.text)} {small(one.probability)}"
    return Cell(shown(one.text), title, "plain", _part(one.probability, 1.0))


def settles(look: Look) -> str:
    """From which layer on the answer is the likeliest, in a sentence; empty without a lens."""
    if not look.lens:
        return ""
    what = "the answer" if len(look.answer.ids) < 2 else "the answer's first token"
    last = look.lens[-1]
    if last.rank:
        return f"After the last layer {what} is number {last.rank + 1:,} of the vocabulary."
    first = last.layer
    for one in reversed(look.lens):
        if one.rank:
            break
        first = one.layer
    if first == last.layer:
        return (
            f"{what.capitalize()} becomes the likeliest only after the last of {formats.plural(last.layer, 'layer')}."
        )
    return f"{what.capitalize()} is the likeliest after {first} of {formats.plural(last.layer, 'layer')}, and stays so."


def arrives(look: Look) -> str:
    """From which layer on the last position carries half of the difference; empty where that cannot be told.

    Behind the last layer it carries all of it by construction, which is not worth a sentence.
    """
    if look.patching is None or not in_shares(look):
        return ""
    own = [one for one in look.patching.residual if one.what in ("residual", "decoder residual")]
    place = max((one.position for one in own if one.position is not None), default=None)
    first = None
    for one in sorted((one for one in own if one.position == place), key=lambda one: -one.layer):
        if one.share is None or one.share < HALF:
            break
        first = one.layer
    if place is None or first is None or first == max(one.layer for one in own):
        return ""
    return f"From layer {first} on, the last position alone (position {place}) carries half of the difference or more."


def patch_tables(look: Look) -> list[Grid]:
    """Where the second prompt's stream was put in, by stack: how much of the distance the answer moved."""
    if not look.patching:
        return []
    in_share = in_shares(look)
    made = []
    for what in dict.fromkeys(one.what for one in look.patching.residual):
        mine = [one for one in look.patching.residual if one.what == what]
        cells = {(one.layer, -1 if one.position is None else one.position): one for one in mine}
        texts = look.target if what.startswith("decoder") else look.tokens
        made.append(_grid(f"Into the {what} stream", cells, texts, _patch_cell(mine, in_share=in_share)))
    return made


def in_shares(look: Look) -> bool:
    """Whether patches can be told as shares of the distance: not where the prompts do not differ."""
    return look.patching is not None and all(one.share is not None for one in look.patching.residual)


def _patch_cell(mine: Sequence[PatchEffect], *, in_share: bool) -> Callable[[PatchEffect], Cell]:
    most = 1.0 if in_share else _most(one.moved for one in mine)

    def cell(one: PatchEffect) -> Cell:
        value = one.share if in_share and one.share is not None else one.moved
        text = f"{value * 100:.0f}".replace("-", formats.MINUS) if in_share else signed(value, 1)
        title = f"after layer {one.layer}, position {one.position}: {patch_words(one)}"
        return Cell("0" if text == f"{formats.MINUS}0" else text, title, _side(value), _part(value, most))

    return cell


def patch_words(one: PatchEffect) -> str:
    """How far one patch moved the answer."""
    way = f", {share(one.share)} of the way" if one.share is not None else ""
    return f"{signed(one.moved)} nats{way}"


def by_head(look: Look) -> list[tuple[str, str, str, str, float]]:
    """The heads whose patch moves the answer most: name, nats, share, side, part of the colour."""
    rows = look.patching.by_head[:STRONGEST] if look.patching else ()
    most = _most(one.moved for one in rows)
    return [
        (one.what, signed(one.moved), share(one.share), _side(one.moved), _part(one.moved, most, 100)) for one in rows
    ]


def massive(look: Look) -> list[str]:
    """Massive activations in words."""
    said = []
    for one in look.massive:
        first = "the embeddings" if one.first_layer < 0 else f"layer {one.first_layer}"
        layers = f"in {first}" if one.first_layer == one.last_layer else f"from {first} to layer {one.last_layer}"
        token = f" ({shown(one.token)})" if one.token else ""
        where = f"dimension {one.dimension:,} at position {one.position:,}{token}"
        stack = f", {one.stack}" if several(look) else ""
        value, ratio = signed(one.value, 0), formats.count(one.ratio)
        said.append(f"{value}: {where}, {layers}{stack}; {ratio} times the median magnitude of its layer.")
    return said


def residual_rows(look: Look) -> Sequence[tuple[str, list[tuple[str, str, str, str, str]]]]:
    """Each stack's norms by layer: layer, median, largest, where it is, largest magnitude."""
    made: list[tuple[str, list[tuple[str, str, str, str, str]]]] = []
    for one in look.residual:
        pairs = zip(one.norms, one.largest, strict=False)
        made.append((one.stack, [_norm_row(n, row, big, one.tile) for n, (row, big) in enumerate(pairs)]))
    return made


def _norm_row(
    layer: int, norms: Sequence[float], largest: Sequence[float], tile: int
) -> tuple[str, str, str, str, str]:
    known = sorted(value for value in norms if formats.known(value))
    if not known:
        return _layer(layer), formats.NONE, formats.NONE, formats.NONE, formats.NONE
    place = list(norms).index(known[-1]) * tile
    where = f"{place:,}" if tile == 1 else f"{place:,}–{place + tile - 1:,}"
    big = max((value for value in largest if formats.known(value)), default=None)
    middle = known[len(known) // 2]
    return (_layer(layer), formats.decimal(middle), formats.decimal(known[-1]), where, formats.decimal(big))


def _layer(number: int) -> str:
    return "embeddings" if number == 0 else f"after layer {number - 1}"


def _grid(
    title: str,
    cells: Mapping[tuple[int, int], Found],
    texts: Sequence[LookToken],
    cell: Callable[[Found], Cell],
) -> Grid:
    """Layers downwards, positions across; a place that was not looked at stays empty."""
    places = sorted({position for _, position in cells})
    columns = tuple((str(n), shown(texts[n].text) if 0 <= n < len(texts) else "") for n in places)
    rows = []
    for layer in sorted({layer for layer, _ in cells}):
        found = [cells.get((layer, position)) for position in places]
        rows.append((str(layer), tuple(None if one is None else cell(one) for one in found)))
    return Grid(title, columns, tuple(rows))


def _exp(logprob: float) -> float | None:
    return math.exp(min(0.0, logprob)) if math.isfinite(logprob) else None


def _most(found: Iterable[float | None]) -> float:
    return max((abs(value) for value in found if value is not None and math.isfinite(value)), default=0.0) or 1.0


def _side(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "plain"
    return "up" if value >= 0 else "down"


def _part(value: float | None, most: float, cap: float = CAP) -> float:
    if value is None or not math.isfinite(value):
        return 0.0
    return round(min(1.0, abs(value) / most) * cap, 1)
