"""One way to train and to ask every shape: final states where the answer is written, and decoding with a cache.

A net wraps a model of transformers' kind. Ids are (rows, tokens) and never padded in front; a batch that is decoded
has prompts of one length.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from weakspot.lab.blocks import Cache
from weakspot.lab.blocks_hf import LabDecoder, LabEncoderDecoder
from weakspot.lab.tasks import END_ID, PAD_ID, Example


class Batch(NamedTuple):
    """A batch to train on.

    `ids` are what the writing stack is fed, `places` the flattened positions in it at which a token of the answer is
    foretold, `targets` those tokens. `source` and `seen` are the reading stack's ids and padding, for nets with one;
    `seen` is None where nothing is padded.
    """

    ids: Tensor
    places: Tensor
    targets: Tensor
    source: Tensor | None = None
    seen: Tensor | None = None


class Net:
    """A decoder of the library: GPT-2 and LLaMA."""

    encoder = False

    def __init__(self, model: Any) -> None:
        self.model = model

    def batch(self, examples: list[Example]) -> Batch:
        """Prompt, answer and end in one sequence; what is behind the end is padding, which nothing sees."""
        rows = [[*example.prompt, *example.answer] for example in examples]
        longest = max(map(len, rows))
        places = [
            row * longest + place
            for row, example in enumerate(examples)
            for place in range(len(example.prompt) - 1, len(rows[row]))
        ]
        return Batch(_filled(rows, longest), torch.tensor(places), _targets(examples))

    def states(self, batch: Batch) -> Tensor:
        """Final states (targets, width) where the batch's targets are foretold."""
        found: Tensor = self.model.base_model(input_ids=batch.ids, use_cache=False).last_hidden_state
        return found.flatten(0, 1)[batch.places]

    def logits(self, states: Tensor) -> Tensor:
        """Scores (..., vocabulary)."""
        found: Tensor = self.model.lm_head(states)
        return found

    def begin(self, prompts: Tensor) -> tuple[Tensor, Any]:
        """Final states (rows, width) behind the prompts (rows, tokens), and what decoding goes on with."""
        return self._on(prompts, None)

    def step(self, tokens: Tensor, kept: Any) -> tuple[Tensor, Any]:
        """The same behind one more token of each row (rows)."""
        return self._on(tokens[:, None], kept)

    def _on(self, ids: Tensor, kept: Any) -> tuple[Tensor, Any]:
        found = self.model.base_model(input_ids=ids, past_key_values=kept, use_cache=True)
        return found.last_hidden_state[:, -1], found.past_key_values


class OwnNet(Net):
    """A decoder of the lab's."""

    def states(self, batch: Batch) -> Tensor:
        """Final states (targets, width)."""
        found: Tensor = self.model.decoder(self.model.embed(batch.ids))
        return found.flatten(0, 1)[batch.places]

    def logits(self, states: Tensor) -> Tensor:
        """Scores (..., vocabulary)."""
        found: Tensor = self.model.logits(states)
        return found

    def _on(self, ids: Tensor, kept: Any) -> tuple[Tensor, Any]:
        kept = kept or Cache()
        return self.model.decoder(self.model.embed(ids), cache=kept)[:, -1], kept


class PairNet(Net):
    """An encoder-decoder of the library: T5."""

    encoder = True

    def batch(self, examples: list[Example]) -> Batch:
        """The prompt for the encoder; for the decoder its start, which is the padding's id, and the answer."""
        sources = [list(example.prompt) for example in examples]
        longest = max(map(len, sources))
        rows = [[PAD_ID, *example.answer] for example in examples]
        width = max(map(len, rows))
        places = [number * width + place for number, row in enumerate(rows) for place in range(len(row))]
        seen = None
        if any(len(source) < longest for source in sources):
            seen = torch.tensor([[1] * len(source) + [0] * (longest - len(source)) for source in sources])
        return Batch(_filled(rows, width), torch.tensor(places), _targets(examples), _filled(sources, longest), seen)

    def states(self, batch: Batch) -> Tensor:
        """Final states (targets, width)."""
        memory = self._encoded(batch.source, batch.seen)
        found = self._decoded(batch.ids, (memory, batch.seen), None)[0]
        return found.flatten(0, 1)[batch.places]

    def logits(self, states: Tensor) -> Tensor:
        """Scores (..., vocabulary); shared embeddings are scaled down, as T5 has it."""
        found: Tensor = self.model.lm_head(states * self.model.config.d_model**-0.5)
        return found

    def begin(self, prompts: Tensor) -> tuple[Tensor, Any]:
        """Final states (rows, width) at the decoder's start."""
        memory = self._encoded(prompts, None)
        return self.step(torch.full((len(prompts),), PAD_ID, device=prompts.device), (memory, None))

    def step(self, tokens: Tensor, kept: Any) -> tuple[Tensor, Any]:
        """The same behind one more token."""
        memory, cache = kept
        states, cache = self._decoded(tokens[:, None], (memory, None), cache or self._cache())
        return states[:, -1], (memory, cache)

    def _encoded(self, source: Tensor | None, seen: Tensor | None) -> Tensor:
        found: Tensor = self.model.encoder(input_ids=source, attention_mask=seen).last_hidden_state
        return found

    def _decoded(self, ids: Tensor, memory: tuple[Tensor, Tensor | None], cache: Any) -> tuple[Tensor, Any]:
        found = self.model.decoder(
            input_ids=ids,
            encoder_hidden_states=memory[0],
            encoder_attention_mask=memory[1],
            past_key_values=cache,
            use_cache=cache is not None,
        )
        return found.last_hidden_state, cache

    def _cache(self) -> Any:
        from transformers import DynamicCache, EncoderDecoderCache

        return EncoderDecoderCache(DynamicCache(), DynamicCache())


class OwnPairNet(PairNet):
    """An encoder-decoder of the lab's."""

    def logits(self, states: Tensor) -> Tensor:
        """Scores (..., vocabulary)."""
        found: Tensor = self.model.logits(states)
        return found

    def _encoded(self, source: Tensor | None, seen: Tensor | None) -> Tensor:
        found: Tensor = self.model.encoder(source, seen)[0]
        return found

    def _decoded(self, ids: Tensor, memory: tuple[Tensor, Tensor | None], cache: Any) -> tuple[Tensor, Any]:
        return self.model.decoder(self.model.embed(ids), memory=memory, cache=cache), cache

    def _cache(self) -> Any:
        return Cache()


def net_of(model: Any) -> Net:
    """The net around a model that `weakspot.lab.shapes` made, or that was loaded from what the lab saved."""
    if isinstance(model, LabDecoder):
        return OwnNet(model)
    if isinstance(model, LabEncoderDecoder):
        return OwnPairNet(model)
    return PairNet(model) if model.config.is_encoder_decoder else Net(model)


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats a token of the answers."""
    return functional.cross_entropy(logits, targets)


def _targets(examples: list[Example]) -> Tensor:
    return torch.tensor([token for example in examples for token in (*example.answer, END_ID)])


def _filled(rows: list[list[int]], width: int) -> Tensor:
    return torch.tensor([row + [PAD_ID] * (width - len(row)) for row in rows])
