"""`weakspot look` in a terminal and in a notebook: what was seen, in tables and sentences."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from weakspot.records.look import Head, LensLayer, Look, LookToken, PatchEffect, Stack
from weakspot.rendering.environment import environment
from weakspot.rendering.formats import plural
from weakspot.rendering.look_words import FAIR, agreeing, copying_words, layers_of
from weakspot.rendering.text import one_line

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

SHOWN_TOKENS = 40
SHOWN_LAYERS = 8
SHOWN = 5
SHORT: dict[Stack, str] = {"encoder": "enc:", "decoder": "", "cross": "cross:"}


def look_renderable(look: Look) -> "Group":
    """All that was seen, of the pictures only their figures."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(one_line(headline(look), 400), style="bold"), Text()]
    parts += [_tokens(look), Text()]
    parts += [Text(f"  {one_line(line, 400)}") for line in said(look)]
    return Group(*parts)


def look_fragment(look: Look) -> str:
    """What was seen for a notebook (`_repr_html_`): the headline, the tokens, the sentences; no style sheet."""
    return (
        environment().from_string(FRAGMENT).render(headline=headline(look), tokens=look.tokens, lines=list(said(look)))
    )


FRAGMENT = """\
<div class="weakspot-look" style="overflow-x:auto">
<p style="font-weight:600;margin:0 0 .4em">{{ headline }}</p>
<table style="border-collapse:collapse;font-variant-numeric:tabular-nums">
<thead><tr>{% for name in ["token", "id", "surprisal (bits)", "ablation (nats)", "gradient x input"] %}\
<th style="text-align:left">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{% for token in tokens %}
<tr><td><code>{{ token.text | pretty }}</code></td><td>{{ token.id }}</td>\
{% for value in [token.surprisal, token.ablation, token.gradient] %}<td>{{ "%.2f" | format(value) if value is not none \
else "–" }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
<ul>{% for line in lines %}<li>{{ line }}</li>{% endfor %}</ul>
</div>
"""


def headline(look: Look) -> str:
    """Model, answer, and how likely it is."""
    answer = look.answer
    what = "the answer given" if answer.given else "its own answer"
    rank = "the likeliest" if answer.rank == 0 else f"{plural(answer.rank, 'token')} likelier"
    if len(answer.ids) > 1:  # the log-probability is of all its tokens, the rank of the first alone
        rank = f"all {len(answer.ids)} tokens; the first one: {rank}"
    return f"{look.model}: {what} {answer.text!r} has a log-probability of {answer.logprob:.2f} nats ({rank})"


def _tokens(look: Look) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("token", "surprisal (bits)", "ablation (nats)", "gradient x input"):
        table.add_column(name, justify="left" if name == "token" else "right")
    shown: Sequence[LookToken] = look.tokens
    if len(shown) > SHOWN_TOKENS:
        kept = sorted(range(len(shown)), key=lambda n: -abs(look.tokens[n].ablation or 0))[:SHOWN_TOKENS]
        shown = [look.tokens[n] for n in sorted(kept)]
    for token in shown:
        figures = [_figure(value) for value in (token.surprisal, token.ablation, token.gradient)]
        table.add_row(Text(one_line(repr(token.text)[1:-1])), *map(Text, figures))
    return table


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def said(look: Look) -> Iterator[str]:
    """What stands in the record, one sentence a line."""
    if len(look.tokens) > SHOWN_TOKENS:
        yield f"{SHOWN_TOKENS} of {len(look.tokens)} tokens are shown: those that the answer hangs on most."
    if look.tokens and look.tokens[0].group is not None:
        yield "the prompt is long: neighbouring tokens were ablated together, and each carries its whole group's value."
    for one in look.agreement:
        if one.spearman is None:
            continue
        weak = f": they {agreeing(one.spearman)}, so trust the ablation" if one.spearman < FAIR else ""
        yield (
            f"{one.first} and {one.second}: rank correlation {one.spearman:.2f} over {one.n}, "
            f"{one.same_top} of the {one.top} largest shared{weak}."
        )
    yield from _lens(look.lens, "the answer's" if len(look.answer.ids) < 2 else "its first token's")
    yield from _attention(look)
    for massive in look.massive[:SHOWN]:
        yield (
            f"massive activation: {massive.value:,.0f} in dimension {massive.dimension} at token {massive.position} "
            f"({massive.token!r}), {massive.stack}, {layers_of(massive)}; "
            f"{massive.ratio:,.0f} times the layer's median."
        )
    yield from _induction(look)
    yield from (effect.sentence for effect in look.ablations)
    yield from _patching(look)
    yield from look.notes


def _lens(layers: Sequence[LensLayer], whose: str) -> Iterator[str]:
    if not layers:
        return
    step = max(1, (len(layers) - 1) // SHOWN_LAYERS)
    ranks = ", ".join(f"{one.layer}: {one.rank:,}" for one in [*layers[:-1:step], layers[-1]])
    yield f"{whose} rank after each layer (0: the embeddings; lower is likelier): {ranks}."


def _attention(look: Look) -> Iterator[str]:
    by_stack: dict[Stack, dict[int, list[Head]]] = defaultdict(lambda: defaultdict(list))
    for head in look.heads:
        by_stack[head.stack][head.layer].append(head)
    for stack, layers in by_stack.items():
        sinks = {layer: sum(head.sink for head in heads) / len(heads) for layer, heads in layers.items()}
        shown = ", ".join(f"{layer}: {value:.2f}" for layer, value in sinks.items())
        yield f"{stack} attention to the first token, the mean by layer: {shown}."


def _name(head: Head) -> str:
    return f"{SHORT[head.stack]}L{head.layer}H{head.head}"


def _induction(look: Look) -> Iterator[str]:
    found = look.induction
    if found is None:
        return
    scores = sorted((h for h in look.heads if h.induction is not None), key=lambda head: -(head.induction or 0))
    best = ", ".join(f"{_name(head)} {head.induction:.2f}" for head in scores[: max(SHOWN, len(found.heads))])
    if best:
        yield (
            f"induction on {found.sequences} strings of {found.period} random tokens, {found.copies} times each: "
            f"{best}. The score is an association; what follows is the experiment."
        )
    yield copying_words(found)
    yield from (effect.sentence for effect in found.effects)


def _patching(look: Look) -> Iterator[str]:
    found = look.patching
    if found is None:
        return
    yield (
        f"log-odds of {found.answer!r} over {found.other_answer!r}: {found.own:.2f} with the prompt, "
        f"{found.other:.2f} with the second one."
    )
    if not found.same_length:
        yield "the prompts differ in length, so only the last position is patched."
    by_place = sorted(found.residual, key=lambda one: -abs(one.moved))
    yield from (f"patched {patch_words(look, one)}" for one in by_place[:SHOWN])
    yield from (f"patched {patch_words(look, one)}" for one in found.by_head[:SHOWN])
    yield from (effect.sentence for effect in found.heads)


def patch_words(look: Look, one: PatchEffect) -> str:
    """One patch in words."""
    where = ""
    if one.position is not None:
        own = one.position < len(look.tokens) and not (one.what == "decoder residual" and look.target)
        token = f" ({look.tokens[one.position].text!r})" if own else ""
        where = f" after layer {one.layer} at token {one.position}{token}"
    share = "" if one.share is None else f", {one.share:.0%} of the way"
    return f"{one.what}{where}: {one.moved:.2f} nats{share}."
