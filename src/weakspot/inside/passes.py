"""Forward passes with parts put out of action: the one place that touches the model's modules, and puts all back.

A row of a batch is the same input with its own interventions, so many can be asked in one pass. Interventions are
made on what a module is given or gives back; no weight is changed.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from weakspot.inside.parts import Attention, Parts
from weakspot.records.look import Stack

WORK = 4096
"""Tokens of one pass: more than that is split into several, so that memory stays bounded."""
VALUES = 1 << 28
"""Logits of one pass: a gigabyte in float32."""
EMBEDDINGS = 16384
"""Rows of the vocabulary that are looked up at once: 42 MB of 640 numbers each."""
Key = tuple[Stack, int, int]


@dataclass(frozen=True)
class Row:
    """What is done to one row.

    `heads` maps heads to what stands in for their result: (width) at every position, or (positions, width) with
    `at` the positions that are replaced (None: all). `embeddings` maps positions to a stand-in (hidden).
    `residual` maps (stack, layer) to (position, stand-in) of the stream behind that layer.
    """

    heads: dict[Key, Any] = field(default_factory=dict)
    at: tuple[int, ...] | None = None
    embeddings: dict[int, Any] = field(default_factory=dict)
    residual: dict[tuple[Stack, int], tuple[int, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Input:
    """What the model reads: `ids` (a decoder's, with the answer behind it), or an encoder's and `target` its decoder's.

    `answer` is how many of the last ids are the answer's: their log-probabilities are what is measured.
    """

    ids: tuple[int, ...]
    target: tuple[int, ...] = ()
    answer: int = 1

    @property
    def written(self) -> tuple[int, ...]:
        """The ids of the stack that writes, the answer included."""
        return self.target or self.ids


class Passes:
    """Runs one model. Not for two callers at once."""

    def __init__(self, torch: Any, parts: Parts) -> None:
        self.torch = torch
        self.parts = parts
        self.model = parts.model
        self.device = parts.model.device
        self._kind = getattr(self.model.config, "_attn_implementation", None) or "sdpa"
        self._switches = bool(getattr(type(self.model), "_can_set_attn_implementation", lambda: False)())
        self._keeps = "logits_to_keep" in inspect.signature(self.model.forward).parameters
        self._vocabulary = int(parts.embedding.weight.shape[0])

    @contextlib.contextmanager
    def weights_shown(self) -> Iterator[None]:
        """Within, attention is computed in the way that gives its weights."""
        try:
            self._switch("eager")
            yield
        finally:
            self._switch(self._kind)

    def _switch(self, kind: str) -> None:
        if self._switches:
            self.model.set_attn_implementation(kind)
        else:  # Falcon and its like refuse the switch by name, and read the setting on every pass
            self.model.config._attn_implementation = kind

    def fed(self, given: Sequence[Input], *, cut: bool = True, keep: int = 0) -> dict[str, Any]:
        """Arguments of a forward pass; without `cut` the last id, which nothing is read behind, is fed too.

        `keep` is how many of the last logits are wanted (0: all), where the model can leave out the others.
        """
        torch = self.torch
        last = -1 if cut else None
        made: dict[str, Any] = {"use_cache": False}
        if keep and self._keeps:
            made["logits_to_keep"] = keep
        if self.parts.encoder:
            made["input_ids"] = torch.tensor([one.ids for one in given], device=self.device)
            made["decoder_input_ids"] = torch.tensor([one.target[:last] for one in given], device=self.device)
        else:
            made["input_ids"] = torch.tensor([one.ids[:last] for one in given], device=self.device)
        return made

    def logits(self, given: Input, *, cut: bool = True, keep: int = 0) -> Any:
        """The logits (positions, vocabulary) of the stack that writes; with `keep` only the last ones where it can."""
        with self.torch.inference_mode():
            return self.model(**self.fed([given], cut=cut, keep=keep)).logits[0]

    def answers(self, given: Input, rows: Sequence[Row]) -> Any:
        """The log-probability (nats) of each answer token under each row: (rows, answer)."""
        found = self.many([given] * len(rows), rows)
        return self.torch.stack(found)

    def many(self, given: Sequence[Input], rows: Sequence[Row], score: Callable[[Any], Any] | None = None) -> list[Any]:
        """As `answers` for inputs of one length each; `score` maps a row's last logits to something else."""
        torch, found = self.torch, []
        if not rows:  # a model without heads
            return []
        keep = max(one.answer for one in given)
        size = WORK // (len(given[0].ids) + len(given[0].target))
        size = max(1, min(size, VALUES // (self._vocabulary * (keep if self._keeps else len(given[0].written)))))
        for start in range(0, len(rows), size):
            part, inputs = rows[start : start + size], given[start : start + size]
            with torch.inference_mode(), self.changed(part):
                logits = self.model(**self.fed(inputs, keep=keep)).logits
            for number, one in enumerate(inputs):
                ahead = logits[number, -one.answer :].float()
                if score is not None:
                    found.append(score(ahead))
                    continue
                wanted = torch.tensor(one.written[-one.answer :], device=self.device)
                found.append(ahead.log_softmax(-1).gather(1, wanted[:, None])[:, 0])
        return found

    @contextlib.contextmanager
    def changed(self, rows: Sequence[Row]) -> Iterator[None]:
        """Within, a pass over so many rows is changed as each row says."""
        numbered = list(enumerate(rows))
        with contextlib.ExitStack() as hooks:
            for one in self.parts.attentions:
                place = (one.stack, one.layer)
                mine = [(n, row) for n, row in numbered if any(key[:2] == place for key in row.heads)]
                if mine:
                    hooks.enter_context(hooked(one.projection, _head_hook(one, mine), before=True))
            for stack, layers in self.parts.layers.items():
                for layer, module in enumerate(layers):
                    put = [(n, row.residual[stack, layer]) for n, row in numbered if (stack, layer) in row.residual]
                    if put:
                        hooks.enter_context(hooked(module, _residual_hook(put)))
            if any(row.embeddings for row in rows):
                hooks.enter_context(hooked(self.parts.embedding, _embedding_hook(rows)))
            yield

    def head_results(self, given: Input) -> dict[tuple[Stack, int], Any]:
        """What the heads of each attention give: (positions, heads, width)."""
        found: dict[tuple[Stack, int], Any] = {}
        with contextlib.ExitStack() as hooks:
            for one in self.parts.attentions:

                def keep(_module: Any, arguments: Any, one: Attention = one) -> None:
                    found[one.stack, one.layer] = arguments[0][0].reshape(-1, one.heads, one.width).clone()

                hooks.enter_context(hooked(one.projection, keep, before=True))
            self.logits(given)
        return found

    def mean_embedding(self) -> Any:
        """The mean of the vocabulary's embeddings as the model uses them (some scale them): (hidden)."""
        torch, module = self.torch, self.parts.embedding
        rows = int(module.weight.shape[0])
        with torch.inference_mode():
            ids = torch.arange(rows, device=self.device).split(EMBEDDINGS)
            parts = [module(part).float().sum(0) for part in ids]
            return (torch.stack(parts).sum(0) / rows).to(module.weight.dtype).clone()


@contextlib.contextmanager
def hooked(module: Any, hook: Callable[..., Any], *, before: bool = False) -> Iterator[None]:
    """Within, the hook sees what the module gives back, or, `before`, what it is given."""
    handle = module.register_forward_pre_hook(hook) if before else module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _head_hook(one: Attention, mine: Sequence[tuple[int, Row]]) -> Callable[..., Any]:
    def hook(_module: Any, arguments: Any) -> Any:
        given = arguments[0].clone()
        whole = given.reshape(given.shape[0], -1, one.heads, one.width)
        for number, row in mine:
            at = slice(None) if row.at is None else list(row.at)
            for (stack, layer, head), stand_in in row.heads.items():
                if (stack, layer) == (one.stack, one.layer):
                    whole[number, at, head] = stand_in
        return (whole.reshape(given.shape), *arguments[1:])

    return hook


def _residual_hook(put: Sequence[tuple[int, tuple[int, Any]]]) -> Callable[..., Any]:
    def hook(_module: Any, _arguments: Any, result: Any) -> Any:
        stream = result[0] if isinstance(result, tuple) else result
        stream = stream.clone()
        for number, (position, stand_in) in put:
            stream[number, position] = stand_in
        return (stream, *result[1:]) if isinstance(result, tuple) else stream

    return hook


def _embedding_hook(rows: Sequence[Row]) -> Callable[..., Any]:
    """An encoder-decoder may share one table: only its first use in a pass, the encoder's, is changed."""
    calls = [0]

    def hook(_module: Any, _arguments: Any, result: Any) -> Any:
        calls[0] += 1
        if calls[0] > 1:
            return result
        result = result.clone()
        for number, row in enumerate(rows):
            for position, stand_in in row.embeddings.items():
                result[number, position] = stand_in
        return result

    return hook
