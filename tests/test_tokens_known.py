"""Vocabularies are recognised by their bytes, whatever the file is called."""

from collections.abc import Callable
from pathlib import Path

import pytest

from weakspot.tokens.face import Tokenizer
from weakspot.tokens.known import KNOWN, known_as
from weakspot.tokens.loading import load_tokenizer

NAMES = {
    "bert-minilm": "BERT uncased",
    "ggml-vocab-bert-bge.gguf": "BERT uncased",
    "cl100k": "OpenAI cl100k_base",
    "o200k": "OpenAI o200k_base",
    "gpt2": "GPT-2",
    "ggml-vocab-gpt-2.gguf": "GPT-2",
    "claude-old": "Claude before 3",
    "command-r-plus": "Command R+",
    "ggml-vocab-command-r.gguf": "Command R",
    "deberta-v3": "DeBERTa v3",
    "deberta-v3-spm": "DeBERTa v3 (SentencePiece file)",
    "deepseek-v3": "DeepSeek V3",
    "ggml-vocab-deepseek-coder.gguf": "DeepSeek Coder",
    "ggml-vocab-deepseek-llm.gguf": "DeepSeek LLM",
    "gemma3": "Gemma 3",
    "llama2": "Llama 2",
    "ggml-vocab-llama-spm.gguf": "Llama 2",
    "llama3.1": "Llama 3",
    "ggml-vocab-llama-bpe.gguf": "Llama 3",
    "mistral-spm": "Mistral 7B v0.1",
    "mistral-spm-v3": "Mistral 7B v0.3",
    "mistral-nemo": "Mistral Nemo",
    "mistral-tekken": "Mistral tekken 240911",
    "qwen-tiktoken": "Qwen 1",
    "ggml-vocab-qwen2.gguf": "Qwen 2",
    "qwen3": "Qwen 3",
    "ggml-vocab-phi-3.gguf": "Phi-3",
    "ggml-vocab-falcon.gguf": "Falcon",
    "ggml-vocab-gpt-neox.gguf": "GPT-NeoX",
    "ggml-vocab-starcoder.gguf": "StarCoder",
    "ggml-vocab-refact.gguf": "Refact",
    "ggml-vocab-aquila.gguf": "Aquila",
    "ggml-vocab-baichuan.gguf": "Baichuan",
    "ggml-vocab-nomic-bert-moe.gguf": "Nomic Embed MoE",
}


@pytest.mark.tokenizers
@pytest.mark.parametrize("folder", NAMES)
def test_a_published_vocabulary_is_recognised(real_tokenizer: Callable[[str], Tokenizer], folder: str) -> None:
    """The listed hash is that of the real file, and two formats of one vocabulary have one name."""
    assert known_as(real_tokenizer(folder).fingerprint) == NAMES[folder]


@pytest.mark.models
@pytest.mark.parametrize(("model", "name"), [("smollm2", "SmolLM2"), ("gemma3-270m", "Gemma 3 (GGUF)")])
def test_a_bundled_model_is_recognised(bundled_model: Callable[[str], Path], model: str, name: str) -> None:
    """So are the vocabularies inside the bundled models' files."""
    assert known_as(load_tokenizer(str(bundled_model(model))).fingerprint) == name


def test_every_listed_name_is_computed_again_here() -> None:
    """No hash stands in the list that no test of this file computes, and an unknown one has no name."""
    assert set(KNOWN.values()) == {*NAMES.values(), "SmolLM2", "Gemma 3 (GGUF)"}
    assert known_as("000000000000-000000000000") == ""
