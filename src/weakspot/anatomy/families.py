"""What is known of architectures beside what their files state, each with its source.

A file's own statement goes first; what is taken from here is said in the card's notes. The key is llama.cpp's name of
an architecture; `ALIASES` leads there from the `model_type` of Hugging Face configurations.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["decoder-only", "encoder-decoder", "encoder-only", "recurrent", "hybrid"]
Position = Literal["RoPE", "learned absolute", "sinusoidal", "ALiBi", "T5 relative bias", "none"]


@dataclass(frozen=True, slots=True)
class Family:
    """An architecture.

    `period` n: every n-th layer sees the whole context, those between only a window (1: every layer has the window;
    None: no window is known of). `window` and `local_base` hold where the file does not state them. `local` names the
    windowed layers' attention. `plain_global` says that the layers with the whole context have no position encoding.
    `source` is where `period`, `window` and `local_base` stand.
    """

    kind: Kind = "decoder-only"
    position: Position = "RoPE"
    period: int | None = None
    window: int | None = None
    local_base: float | None = None
    local: str = "sliding"
    plain_global: bool = False
    source: str = ""
    engine_note: str = ""


def _all(names: str, family: Family) -> dict[str, Family]:
    return dict.fromkeys(names.split(), family)


_LLAMA_LIKE: Final = (
    "llama qwen qwen2 qwen2moe qwen3 qwen3moe gemma phi2 gptneox gptj falcon stablelm olmo olmoe command-r internlm2 "
    "deepseek deepseek2 granite granitemoe smollm3 nemotron chatglm glm4 minicpm exaone xverse orion codeshell bitnet "
    "arctic dbrx openelm arcee ernie4_5 hunyuan-dense seed_oss apertus phimoe"
)

FAMILIES: Final[dict[str, Family]] = {
    **_all(_LLAMA_LIKE, Family()),
    **_all("gpt2 starcoder opt", Family(position="learned absolute")),
    **_all("bloom mpt jais refact", Family(position="ALiBi")),
    **_all("bert roberta distilbert electra", Family(kind="encoder-only", position="learned absolute")),
    **_all("nomic-bert neo-bert", Family(kind="encoder-only")),
    "jina-bert-v2": Family(kind="encoder-only", position="ALiBi"),
    "t5encoder": Family(kind="encoder-only", position="T5 relative bias"),
    "t5": Family(kind="encoder-decoder", position="T5 relative bias"),
    "bart": Family(kind="encoder-decoder", position="learned absolute"),
    "pegasus": Family(kind="encoder-decoder", position="sinusoidal"),
    **_all("mamba mamba2 rwkv6 rwkv7 arwkv7", Family(kind="recurrent", position="none")),
    **_all("jamba nemotron_h nemotron_h_moe", Family(kind="hybrid", position="none")),
    **_all("qwen35 qwen35moe qwen3next lfm2 falcon-h1 granitehybrid", Family(kind="hybrid")),
    "mistral": Family(period=1, source="Jiang et al., Mistral 7B, 2023"),
    "starcoder2": Family(period=1, source="Lozhkov et al., StarCoder 2, 2024"),
    "phi3": Family(
        period=1,
        source="Abdin et al., Phi-3 Technical Report, 2024",
        engine_note="llama.cpp runs phi3 with the whole context in every layer (its pull request 13676)",
    ),
    "gemma2": Family(
        period=2,
        window=4096,
        source="Gemma Team, Gemma 2, 2024, and llama.cpp's src/models/gemma2.cpp",
    ),
    "gemma3": Family(
        period=6,
        local_base=10_000.0,
        source="Gemma Team, Gemma 3 Technical Report, 2025, and llama.cpp's src/models/gemma3.cpp",
    ),
    "gemma3n": Family(period=5, local_base=10_000.0, source="llama.cpp's loader for gemma3n"),
    "gemma4": Family(source="llama.cpp's loader for gemma4"),
    "cohere2": Family(period=4, plain_global=True, source="Cohere, Command R7B, 2024, and llama.cpp's loader for it"),
    "gpt-oss": Family(period=2, source="OpenAI, gpt-oss model card, 2025, and llama.cpp's src/models/openai-moe.cpp"),
    "olmo2": Family(period=4, source="Olmo Team, Olmo 3, 2025, and llama.cpp's loader for it"),
    "exaone4": Family(period=4, plain_global=True, source="LG AI Research, EXAONE 4.0, 2025"),
    "llama4": Family(
        period=4,
        window=8192,
        local="chunked",
        plain_global=True,
        source="Meta, Llama 4, 2025, and llama.cpp's loader for it",
    ),
}

ALIASES: Final[dict[str, str]] = {
    "gemma2_text": "gemma2",
    "gemma3_text": "gemma3",
    "gemma3n_text": "gemma3n",
    "gemma4_text": "gemma4",
    "gpt_oss": "gpt-oss",
    "gpt_neox": "gptneox",
    "gpt_bigcode": "starcoder",
    "cohere": "command-r",
    "phi": "phi2",
    "deepseek_v2": "deepseek2",
    "deepseek_v3": "deepseek2",
    "qwen2_moe": "qwen2moe",
    "qwen3_moe": "qwen3moe",
    "qwen3_5": "qwen35",
    "qwen3_next": "qwen3next",
    "olmo3": "olmo2",
    "llama4_text": "llama4",
    "mixtral": "llama",
    "mt5": "t5",
    "umt5": "t5",
    "longt5": "t5",
    "mbart": "bart",
    "blenderbot": "bart",
    "m2m_100": "pegasus",
    "marian": "pegasus",
    "xlm-roberta": "roberta",
    "modernbert": "neo-bert",
    "falcon_mamba": "mamba",
    "rwkv": "rwkv6",
}


def family_of(architecture: str) -> Family | None:
    """What is known of an architecture, under llama.cpp's name or a Hugging Face `model_type`."""
    return FAMILIES.get(ALIASES.get(architecture, architecture))
