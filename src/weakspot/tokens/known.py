"""Whose vocabulary it is: the first half of a fingerprint against those of published tokenizers.

A package's label can be wrong and a fine-tuned model's files can be another's; the bytes behind the ids can't. Each
hash was computed from the named tokenizer's own file; `tests/test_tokens_known.py` computes them again. The same
vocabulary in another format has the same hash.
"""

KNOWN: dict[str, str] = {
    "6a822dd7b90e": "BERT uncased",
    "7fa110688f9e": "OpenAI cl100k_base",
    "5b1a272457c4": "OpenAI o200k_base",
    "be53098616ac": "GPT-2",
    "9389681fe7c5": "Claude before 3",
    "8ff2f2e7da05": "Command R+",
    "f52920754ba6": "Command R",
    "ec7f72f02300": "DeBERTa v3",
    "a07e876d6529": "DeBERTa v3 (SentencePiece file)",
    "bf9bafd05310": "DeepSeek V3",
    "853ecc185bf6": "DeepSeek Coder",
    "ae512833951d": "DeepSeek LLM",
    "5514191cd43f": "Gemma 3",
    "c1063423b054": "Gemma 3 (GGUF)",
    "71e1928798f0": "Llama 2",
    "2a28411fa8c2": "Llama 3",
    "40983f3430d3": "Mistral 7B v0.1",
    "b2dddac6a96c": "Mistral 7B v0.3",
    "8d60500893a3": "Mistral Nemo",
    "ce8c625ab0bd": "Mistral tekken 240911",
    "4918b77451f9": "Qwen 1",
    "4663a068c4a7": "Qwen 2",
    "7c33a85428c8": "Qwen 3",
    "2465c9b7942a": "SmolLM2",
    "e382395b51ee": "Phi-3",
    "f2ba5afdad06": "Falcon",
    "01993ca3810a": "GPT-NeoX",
    "741c27480ee8": "StarCoder",
    "e6fb77123c54": "Refact",
    "75dafa84d53e": "Aquila",
    "a8c0f5530083": "Baichuan",
    "86234f436783": "Nomic Embed MoE",
}


def known_as(fingerprint: str) -> str:
    """The published tokenizer that has this vocabulary; empty where none of those listed here has.

    Args:
        fingerprint: as `Tokenizer.fingerprint`; its first half counts.
    """
    return KNOWN.get(fingerprint.partition("-")[0], "")
