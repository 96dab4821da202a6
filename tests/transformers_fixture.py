"""Tiny random models of three kinds, made here and saved as `save_pretrained` does, and how the tests ask them."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)
library = pytest.importorskip("transformers", reason="needs the [torch] extra", exc_type=ImportError)

from weakspot.artifacts.reference import parse  # noqa: E402 - behind the skip
from weakspot.models.transformers import Transformers  # noqa: E402
from weakspot.records import ModelInfo, Request  # noqa: E402

CONTEXT = 256
KINDS = ("llama", "gpt2", "t5")
PROMPTS = ("the cat", "a", "one two three four five six seven", "x y z and the rest of the words")
CHAT = (
    "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def byte_tokenizer() -> Any:
    """Byte-level BPE over printable ASCII: every id is readable text, so that stop strings can be chosen."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    letters = [chr(code) for code in range(0x21, 0x7F)] + ["\u0120", "\u010a"]
    trainer = trainers.BpeTrainer(
        vocab_size=120, initial_alphabet=letters, special_tokens=["<pad>", "</s>"], show_progress=False
    )
    made.train_from_iterator(["the cat sat on the mat", "one two three four five"] * 3, trainer)
    return library.PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>")


def space_tokenizer() -> Any:
    """BPE with a marked space, byte fallback and an end put behind every text, as encoders have it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    specials = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=64, special_tokens=specials, show_progress=False)
    made.train_from_iterator(
        ["the cat and all the rest of words", "one two three four five six seven xyz"] * 3, trainer
    )
    written = json.loads(made.to_str())
    vocabulary = written["model"]["vocab"]
    vocabulary.update({f"<0x{byte:02X}>": len(vocabulary) + byte for byte in range(256)})
    made = Tokenizer.from_str(json.dumps(written))
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return library.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def tiny(kind: str, vocabulary: int) -> Any:
    """A random model whose weights are large enough that every reply hangs on the whole prompt."""
    torch.manual_seed(7)
    ids = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": None, "vocab_size": vocabulary}
    if kind == "llama":
        config = library.LlamaConfig(
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
            initializer_range=0.5,
            **ids,
        )
        return library.LlamaForCausalLM(config)
    if kind == "gpt2":
        config = library.GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=CONTEXT, initializer_range=0.5, **ids)
        return library.GPT2LMHeadModel(config)
    ids.pop("bos_token_id")
    config = library.T5Config(
        d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0, initializer_factor=3.0, **ids
    )
    return library.T5ForConditionalGeneration(config)


def made_folders(place: Path) -> dict[str, Path]:
    """A folder for each kind of model below a place, as `save_pretrained` writes it."""
    found = {}
    for kind in KINDS:
        folder = place / kind
        tokenizer = space_tokenizer() if kind == "t5" else byte_tokenizer()
        tiny(kind, len(tokenizer)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        found[kind] = folder
    return found


def opened(reference: object, work: Callable[[Transformers], Any], options: str = "dtype=float32&threads=1") -> Any:
    """What an asynchronous piece of work with an opened model gives."""

    async def run() -> Any:
        model = Transformers(parse(f"{reference}?{options}"))
        try:
            await model.open()
            return await work(model)
        finally:
            await model.close()

    return asyncio.run(run())


def ask(reference: object, requests: Sequence[Request], options: str = "dtype=float32&threads=1") -> list[Any]:
    """All requests in one batch."""
    found: list[Any] = opened(reference, lambda model: model.generate_batch(requests), options)
    return found


def raw(prompt: str, **more: Any) -> Request:
    """A raw prompt."""
    return Request(prompt=prompt, **{"max_tokens": 12, **more})


def edit(path: Path, **changes: Any) -> None:
    """Change fields of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


async def its_info(model: Transformers) -> ModelInfo:
    """What an opened model says of itself."""
    return model.info
