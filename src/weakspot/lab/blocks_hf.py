"""The lab's own models as transformers knows models: saved, loaded and asked like any other, without remote code.

`register` makes `AutoConfig` and the two auto classes know them; `weakspot.models` calls it through the registry
("architectures"). Generation computes the whole sequence at each step: sequences of the lab are short. The lab itself
decodes with a cache (`weakspot.lab.shapes`).
"""

from typing import Any

import transformers
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutput, Seq2SeqLMOutput

from weakspot.lab.blocks import Sizes, Stack

library: Any = transformers  # its base classes are typed for its own use only

INITIAL = 0.02


class LabConfig(library.PretrainedConfig):  # type: ignore[misc]
    """What an own model is built of; `positions` as `weakspot.lab.blocks` names them."""

    model_type = "weakspot-lab"

    def __init__(
        self,
        vocab_size: int = 32,
        hidden_size: int = 32,
        intermediate_size: int = 64,
        num_hidden_layers: int = 2,
        num_attention_heads: int = 4,
        positions: str = "none",
        max_position_embeddings: int = 64,
        **more: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.intermediate_size = intermediate_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.positions = positions
        self.max_position_embeddings = max_position_embeddings
        super().__init__(**more)

    @property
    def sizes(self) -> Sizes:
        """As a stack takes them."""
        return Sizes(
            self.hidden_size,
            self.intermediate_size,
            self.num_hidden_layers,
            self.num_attention_heads,
            self.positions,
            self.max_position_embeddings,
        )


class _Own(library.PreTrainedModel, library.GenerationMixin):  # type: ignore[misc]
    """What both kinds share: one table of embeddings, in and out."""

    config_class = LabConfig
    base_model_prefix = "lab"
    main_input_name = "input_ids"

    def __init__(self, config: LabConfig) -> None:
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.hidden_size)

    def get_input_embeddings(self) -> nn.Module:
        """The table."""
        return self.embed

    def get_output_embeddings(self) -> None:
        """The same table; there is no layer of its own."""

    def logits(self, states: Tensor) -> Tensor:
        """Scores (..., vocabulary) of final states (..., width)."""
        return functional.linear(states, self.embed.weight)

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=INITIAL)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


class LabDecoder(_Own):
    """A decoder: goes on with what it is given."""

    def __init__(self, config: LabConfig) -> None:
        super().__init__(config)
        self.decoder = Stack(config.sizes, causal=True, cross=False)
        self.post_init()

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **more: Any) -> CausalLMOutput:
        """Scores (rows, tokens, vocabulary) for ids (rows, tokens); padding stands in front, masked with zeros."""
        del more
        seen = None if attention_mask is None or bool(attention_mask.all()) else attention_mask
        return CausalLMOutput(logits=self.logits(self.decoder(self.embed(input_ids), seen)))

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, **more: Any
    ) -> dict[str, Any]:
        """The whole sequence each time."""
        del more
        return {"input_ids": input_ids, "attention_mask": attention_mask}


class LabEncoderDecoder(_Own):
    """An encoder that reads the prompt and a decoder that writes the answer."""

    def __init__(self, config: LabConfig) -> None:
        super().__init__(config)
        self.encoder = Encoder(self.embed, config.sizes)
        self.decoder = Stack(config.sizes, causal=True, cross=True)
        self.post_init()

    def get_encoder(self, modality: Any = None) -> nn.Module:
        """The stack that reads."""
        del modality
        return self.encoder

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        encoder_outputs: Any = None,
        **more: Any,
    ) -> Seq2SeqLMOutput:
        """Scores (rows, tokens, vocabulary) of the decoder's ids; the prompt's padding is masked with zeros."""
        del more
        if encoder_outputs is None:
            encoder_outputs = self.encoder(input_ids, attention_mask)
        states = encoder_outputs[0]
        found = self.decoder(self.embed(decoder_input_ids), memory=(states, attention_mask))
        return Seq2SeqLMOutput(logits=self.logits(found), encoder_last_hidden_state=states)

    def prepare_inputs_for_generation(
        self, decoder_input_ids: Tensor, attention_mask: Tensor | None = None, encoder_outputs: Any = None, **more: Any
    ) -> dict[str, Any]:
        """The whole answer so far, and the prompt as the encoder read it."""
        del more
        return {
            "decoder_input_ids": decoder_input_ids,
            "attention_mask": attention_mask,
            "encoder_outputs": encoder_outputs,
        }


class Encoder(nn.Module):
    """The reading stack with the shared table in front, as the library's generation calls it."""

    main_input_name = "input_ids"

    def __init__(self, embed: nn.Embedding, sizes: Sizes) -> None:
        super().__init__()
        self.__dict__["_embed"] = embed  # the model's own: not a second set of weights
        self.stack = Stack(sizes, causal=False, cross=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **more: Any) -> BaseModelOutput:
        """States (rows, tokens, width) of ids (rows, tokens)."""
        del more
        return BaseModelOutput(last_hidden_state=self.stack(self.__dict__["_embed"](input_ids), attention_mask))


def register() -> None:
    """Make transformers' auto classes know the lab's models; calling it again changes nothing."""
    library.AutoConfig.register(LabConfig.model_type, LabConfig, exist_ok=True)
    library.AutoModelForCausalLM.register(LabConfig, LabDecoder, exist_ok=True)
    library.AutoModelForSeq2SeqLM.register(LabConfig, LabEncoderDecoder, exist_ok=True)
