"""One look inside: which passes are made, in which order, and the record that comes out.

It is given a loaded model and ids; it knows no files, no references and no chat templates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from weakspot.errors import ModelError, UsageError
from weakspot.inside.ablation import Target, ablate
from weakspot.inside.attention import Seen, side_for, watch
from weakspot.inside.contribution import contribution
from weakspot.inside.induction import COPIES, PERIOD, SEQUENCES, induction, sequences
from weakspot.inside.parts import head_of, take_apart
from weakspot.inside.passes import Input, Key, Passes, Row
from weakspot.inside.patching import Pair, Prompt, pair_of, patch
from weakspot.inside.stream import Stream, lens, massive_of, residual_of, streams
from weakspot.records.look import Head, Look, LookAnswer, LookToken, Stack

WRITTEN = 24
"""Tokens that an encoder-decoder is let write where no answer is given."""
LIKELIEST = 10
HALF = 0.6931471805599453
Stand = Literal["mean", "zero"]
Words = Callable[[Sequence[int]], list[str]]


class Texts(NamedTuple):
    """What ids stand for: each for itself, and all of them together."""

    words: Words
    joined: Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Experiments:
    """What is done to a model while it reads.

    `ablate` names heads to take out, such as "L18H6"; several joined by + are taken out together. `patch` is a second
    prompt, whose activations are put in. `how` is what stands in for a head: its mean over the sequence, or zero.
    `induction` repeats random tokens and takes out the heads that attend to what followed before, the longest part.
    `seed` is that of random tokens and random heads.
    """

    ablate: tuple[str, ...] = ()
    patch: str | None = None
    how: Stand = "mean"
    induction: bool = True
    seed: int = 0


@dataclass(frozen=True)
class Wanted:
    """What is asked of a model.

    `ids` is the prompt as read, `start` what an encoder-decoder's decoder begins with, `answer` the ids that effects
    are measured on (empty: the model's own likeliest), `other` the second prompt's text and ids. `ordinary` are the ids
    that random text is drawn from, `begin` what stands before every text.
    """

    ids: tuple[int, ...]
    start: tuple[int, ...] = ()
    answer: tuple[int, ...] = ()
    experiments: Experiments = Experiments()
    other: tuple[str, tuple[int, ...]] | None = None
    ordinary: tuple[int, ...] = ()
    begin: tuple[int, ...] = ()
    ends: frozenset[int] = frozenset()
    limit: int | None = None


class Looking:
    """One model, opened; `told` hears what is being done."""

    def __init__(self, torch: Any, model: Any, texts: Texts, *, encoder: bool, told: Callable[[str], None]) -> None:
        self._torch, self._words, self._joined, self._told = torch, texts.words, texts.joined, told
        self._parts = take_apart(model, encoder=encoder)
        self._passes = Passes(torch, self._parts)
        self._notes: list[str] = []

    def look(self, wanted: Wanted, blank: Look) -> Look:
        """The record `blank`, filled.

        Raises:
            UsageError: a head that is not there, or two prompts with one answer.
        """
        asked = wanted.experiments
        sets = self._sets(asked)
        self._told("reading the prompt")
        prompt = Input(wanted.ids, wanted.start)
        found, logits = streams(self._passes, prompt)
        if not bool(self._torch.isfinite(logits[-1]).all()):
            raise ModelError(
                "The model's scores are no numbers: its weights hold NaN, or overflow.",
                hint="Try ?dtype=float32; if that is what it was, the file is damaged.",
            )
        answer = wanted.answer or self._own_answer(wanted, logits)
        whole = Input((*wanted.ids, *(() if wanted.start else answer)), self._written(wanted, answer), len(answer))
        pair = self._pair(wanted, blank.prompt, sets)  # what can't be patched is told before all else is measured
        said = self._answer(logits[-1].float(), whole, answer, given=bool(wanted.answer))
        tokens = self._tokens(wanted.ids, None if self._parts.encoder else logits)
        look = msgspec.structs.replace(blank, tokens=tokens, answer=said, layers=self._layers())
        look = self._stream(look, found, logits, answer[0])
        look = self._attention(look, wanted, whole)
        look = self._contributions(look, whole, len(wanted.ids))
        look = self._induction(look, wanted)
        if sets:
            self._told("taking heads out")
            effects = ablate(self._passes, Target("the answer", (whole,)), sets, asked.how, asked.seed)
            look = msgspec.structs.replace(look, ablations=tuple(effects))
        if pair is not None:
            self._told("patching from the second prompt")
            moved = patch(self._passes, pair, sets, self._words, asked.seed)
            look = msgspec.structs.replace(look, patching=moved)
        return msgspec.structs.replace(look, notes=(*look.notes, *self._notes))

    def _sets(self, asked: Experiments) -> list[tuple[Key, ...]]:
        """The heads that are taken out together, each set in order."""
        known = get_args(Stand)
        if asked.how not in known:
            raise UsageError(f"Nothing stands in for a head as {asked.how!r}.", hint=f"Known: {', '.join(known)}.")
        return [tuple(sorted({head_of(name, self._parts) for name in names.split("+")})) for names in asked.ablate]

    def _layers(self) -> dict[str, int]:
        return {stack: len(layers) for stack, layers in self._parts.layers.items()}

    def _written(self, wanted: Wanted, answer: Sequence[int]) -> tuple[int, ...]:
        return (*wanted.start, *answer) if wanted.start else ()

    def _own_answer(self, wanted: Wanted, logits: Any) -> tuple[int, ...]:
        """The likeliest next token; an encoder-decoder is let write on, so that its decoder has something to show."""
        found = [int(logits[-1].argmax())]
        most = WRITTEN if wanted.limit is None else min(WRITTEN, wanted.limit - len(wanted.start))
        while self._parts.encoder and len(found) < most and found[-1] not in wanted.ends:
            found.append(int(self._passes.logits(Input(wanted.ids, (*wanted.start, *found)), cut=False)[-1].argmax()))
        return tuple(found)

    def _answer(self, last: Any, whole: Input, answer: tuple[int, ...], *, given: bool) -> LookAnswer:
        logprobs = last.log_softmax(-1)
        likely = logprobs.topk(min(LIKELIEST, len(logprobs)))
        names = self._words(likely.indices.tolist())
        [[*steps]] = self._passes.answers(whole, [Row()]).tolist()
        return LookAnswer(
            ids=answer,
            text=self._joined(answer),
            logprob=sum(steps),
            rank=int((last > last[answer[0]]).sum()),
            given=given,
            likeliest=tuple((n, round(p, 4)) for n, p in zip(names, likely.values.exp().tolist(), strict=True)),
        )

    def _tokens(self, ids: Sequence[int], logits: Any) -> tuple[LookToken, ...]:
        """Tokens with their surprisal; an encoder gives its text none."""
        bits: list[float | None] = [None] * len(ids)
        if logits is not None:
            for start in range(0, len(ids) - 1, 256):
                wanted = self._torch.tensor(ids[start + 1 : start + 257], device=logits.device)
                part = logits[start : start + len(wanted)].float().log_softmax(-1)
                bits[start + 1 : start + 1 + len(wanted)] = [
                    -value / HALF for value in part.gather(1, wanted[:, None])[:, 0].tolist()
                ]
        return tuple(LookToken(i, t, b) for i, t, b in zip(ids, self._words(ids), bits, strict=True))

    def _stream(self, look: Look, found: Sequence[Stream], logits: Any, answer: int) -> Look:
        self._told("reading the layers")
        texts = {"encoder": [t.text for t in look.tokens], "decoder": [t.text for t in look.tokens]}
        if self._parts.encoder:
            texts["decoder"] = []
        main = next(one for one in found if one.stack == self._parts.main)
        layers, grid, why = lens(self._passes, main, logits, answer, self._words)
        if why is not None:
            self._notes.append(why)
        massive = [one for stream in found for one in massive_of(stream, texts[stream.stack])]
        return msgspec.structs.replace(
            look,
            lens=tuple(layers),
            lens_grid=tuple(grid),
            residual=tuple(residual_of(self._torch, one) for one in found),
            massive=tuple(massive),
        )

    def _attention(self, look: Look, wanted: Wanted, whole: Input) -> Look:
        self._told("watching attention")
        given = whole if self._parts.encoder else Input(wanted.ids)
        seen = Seen(self._torch, side_for(sum(one.heads for one in self._parts.attentions)))
        logits = watch(self._passes, given, seen)
        there = {(head.stack, head.layer) for head in seen.heads}
        if blind := [one.path for one in self._parts.attentions if (one.stack, one.layer) not in there]:
            self._notes.append(f"{len(blind)} attention layers show no weights ({blind[0]}): they are not pictured.")
        if not self._parts.attentions:
            self._notes.append("No attention was found in this model: there are no heads to look at or to take out.")
        if self._parts.without_heads:
            first = self._parts.without_heads[0]
            self._notes.append(f"{len(self._parts.without_heads)} attention layers could not be read ({first}).")
        target = self._tokens(given.target, logits) if self._parts.encoder else ()
        return msgspec.structs.replace(look, heads=tuple(seen.heads), maps=tuple(seen.maps), target=target)

    def _contributions(self, look: Look, whole: Input, tokens: int) -> Look:
        self._told("taking tokens out")
        found = contribution(self._passes, whole, tokens)
        if found.gradient is None:
            self._notes.append("The prompt is too long for a gradient: contributions are by ablation alone.")
        grouped = found.group[-1] + 1 < tokens
        return msgspec.structs.replace(
            look,
            agreement=found.agreement,
            tokens=tuple(
                msgspec.structs.replace(
                    token,
                    ablation=found.ablation[n],
                    gradient=found.gradient[n] if found.gradient else None,
                    first_order=found.first_order[n] if found.first_order else None,
                    group=found.group[n] if grouped else None,
                )
                for n, token in enumerate(look.tokens)
            ),
        )

    def _induction(self, look: Look, wanted: Wanted) -> Look:
        if self._parts.encoder or not (wanted.experiments.induction and wanted.ordinary):
            if self._parts.encoder:
                self._notes.append("Induction is measured in models of one stack alone.")
            return look
        room = PERIOD if wanted.limit is None else (wanted.limit - len(wanted.begin)) // COPIES
        period = min(PERIOD, room)
        if period < 4:
            self._notes.append("The context is too short for repeated text: no induction is measured.")
            return look
        self._told("repeating random tokens")
        inputs = sequences(wanted.ordinary, wanted.begin, period, COPIES, SEQUENCES, wanted.experiments.seed)
        found, scores = induction(self._passes, inputs, period, wanted.experiments.how, wanted.experiments.seed)
        heads: list[Head] = [
            msgspec.structs.replace(head, induction=scores.get((head.layer, head.head))) for head in look.heads
        ]
        return msgspec.structs.replace(look, heads=tuple(heads), induction=found)

    def _pair(self, wanted: Wanted, text: str, sets: Sequence[tuple[Key, ...]]) -> Pair | None:
        if wanted.other is None:
            return None
        text_b, ids_b = wanted.other
        reads: Stack = "encoder" if self._parts.encoder else "decoder"

        def prompt(said: str, ids: tuple[int, ...]) -> Prompt:
            return Prompt(said, Input(ids, (*wanted.start, 0)) if wanted.start else Input((*ids, 0)), reads)

        own, other = prompt(text, wanted.ids), prompt(text_b, ids_b)
        return pair_of(self._passes, own, other, sets, self._words, wanted.answer[0] if wanted.answer else None)
