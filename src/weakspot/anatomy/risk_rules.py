"""The table of risks: published mechanisms that tie a structure to failures. The bases are worded from one card."""

import re
from typing import Final

from weakspot.anatomy.layers import UNKNOWN_REACH
from weakspot.anatomy.risks import RiskRule
from weakspot.records import Inspection

ROPE_FIT: Final = (0.0424, 1.628)
"""The smallest base for a context of x tokens is 0.0424 x^1.628 (Men et al. 2024, figure 1)."""
SHARED_BY_MANY: Final = 8
"""Query heads on one KV head; Ainslie et al. 2023 see no loss to speak of below."""
NARROW: Final = 1000
"""Hidden sizes below this saturate (Godey et al. 2024)."""
COARSE_BITS: Final = 4.5
"""Bits per weight below which losses are reported (Dettmers and Zettlemoyer 2023: 4 bits are the edge)."""
BITS_PER_PARAMETER: Final = 2
"""Knowledge that a parameter holds at most (Allen-Zhu and Li 2024)."""
FEW_FACTS: Final = 1_000_000_000
"""Parameters outside the embeddings below which facts are predicted to be missing."""

_WINDOW = re.compile(r"(?:sliding window|chunks of) (\d+)")
_BASE = re.compile(r"RoPE base ([\d,]+)")


def _reach(model: Inspection) -> list[int | None]:
    """How far each attending layer of a decoder sees; None is the whole context."""
    attending = [said for said in model.attention if said.split(" ")[0] not in ("SSM", "linear", "short", "recurrent")]
    found = [_WINDOW.search(said) for said in attending]
    return [None if match is None else int(match[1]) for match in found]


def _known(model: Inspection) -> bool:
    return bool(model.attention) and not any(UNKNOWN_REACH in said for said in model.attention)


def _decodes(model: Inspection) -> bool:
    return model.kind in ("decoder-only", "hybrid", "encoder-decoder", "recurrent")


def windowed(model: Inspection) -> str | None:
    """Layers with a window shorter than the context."""
    if not _known(model) or not _decodes(model):
        return None
    narrow = [reach for reach in _reach(model) if reach is not None and reach < (model.context or 1 << 62)]
    if not narrow:
        return None
    return f"{len(narrow)} of {len(model.attention)} layers see only the last {min(narrow):,} tokens"


def whole_context(model: Inspection) -> str | None:
    """Every layer of a decoder sees everything."""
    reaches = _reach(model)
    everything = model.kind == "decoder-only" and _known(model) and len(reaches) == len(model.attention)
    return "every layer sees the whole context" if everything and windowed(model) is None else None


def recurrent(model: Inspection) -> str | None:
    """Layers whose memory does not grow."""
    count = len(model.attention) - len(_reach(model))
    if not count:
        return None
    return f"{count} of {len(model.attention)} layers keep a state of fixed size in place of the tokens"


def learned_positions(model: Inspection) -> str | None:
    """A table of positions."""
    if "learned absolute" not in model.positions or not _decodes(model) or model.context is None:
        return None
    return f"positions are a learned table of {model.context:,} rows"


def linear_bias(model: Inspection) -> str | None:
    """ALiBi."""
    return "positions are ALiBi's penalty on distance" if "ALiBi" in model.positions and _decodes(model) else None


def small_base(model: Inspection) -> str | None:
    """A rotary base below the published bound for the declared context, in layers that see all of it."""
    if model.context is None or not _decodes(model) or any("scaling" in said for said in model.positions):
        return None
    bases = [float(match[1].replace(",", "")) for said in model.positions if (match := _BASE.search(said))]
    least = ROPE_FIT[0] * model.context ** ROPE_FIT[1]
    if not bases or max(bases) >= least or windowed(model) is not None:
        return None
    return f"base {max(bases):,.0f}, where {model.context:,} tokens take {least:,.0f}"


def scaled(model: Inspection) -> str | None:
    """Positions stretched beyond those that were trained."""
    found = next((said for said in model.positions if "scaling" in said), None)
    return None if found is None or not _decodes(model) else f"positions are stretched: {found}"


def shared_keys(model: Inspection) -> str | None:
    """Many query heads on one KV head."""
    if not model.heads or not model.kv_heads or "MLA" in model.attention or not _decodes(model):
        return None
    sharing = model.heads / model.kv_heads
    if sharing < SHARED_BY_MANY and not (model.kv_heads == 1 and model.heads > 1):
        return None
    return f"{sharing:g} query heads share one head of keys and values"


def own_keys(model: Inspection) -> str | None:
    """One KV head for each query head."""
    every = bool(model.attention) and all(said.split(",")[0] == "MHA" for said in model.attention)
    return f"each of {model.heads} query heads has keys and values of its own" if every and _decodes(model) else None


def two_directions(model: Inspection) -> str | None:
    """An encoder before the decoder."""
    return "an encoder reads the prompt in both directions" if model.kind == "encoder-decoder" else None


def experts(model: Inspection) -> str | None:
    """A mixture of experts."""
    if not model.experts or not model.experts_used or model.experts_used >= model.experts:
        return None
    return f"{model.experts_used} of {model.experts} experts work on a token"


def coarse(model: Inspection) -> str | None:
    """Few bits for a weight."""
    if not model.weights_bytes or not model.parameters:
        return None
    bits = model.weights_bytes * 8 / model.parameters
    return f"{bits:.2f} bits per weight ({model.quantisation})" if bits < COARSE_BITS else None


def few_facts(model: Inspection) -> str | None:
    """Few parameters outside the embeddings."""
    looked_up = model.parameters_by_part.get("embeddings")
    if not model.parameters or looked_up is None or not _decodes(model):
        return None
    working = model.parameters - looked_up
    if working >= FEW_FACTS:
        return None
    held = working * BITS_PER_PARAMETER / 8e6
    return f"{working / 1e6:,.0f} million parameters outside the embeddings hold at most {held:,.0f} MB of facts"


def narrow(model: Inspection) -> str | None:
    """A hidden size below the rank of language."""
    if model.hidden is None or model.hidden >= NARROW or not _decodes(model) or model.vocabulary is None:
        return None
    return f"{model.vocabulary:,} tokens are told apart in {model.hidden:,} dimensions"


def untuned(model: Inspection) -> str | None:
    """No chat template."""
    return "the files have no chat template: a base model, as far as they say" if _base_model(model) else None


def _base_model(model: Inspection) -> bool:
    """A tokenizer without a template; without any tokenizer it cannot be told."""
    return model.chat_template_sha256 is None and model.kind == "decoder-only" and model.tokenizer is not None


def tuned(model: Inspection) -> str | None:
    """A chat template."""
    return (
        None
        if model.chat_template_sha256 is None
        else "the files have a chat template: it was tuned to follow instructions"
    )


def byte_pairs(model: Inspection) -> str | None:
    """Merges decide how digits and misspellings are cut."""
    kind = (model.tokenizer or "").partition(" (")[0]
    return f"the tokenizer is {kind}" if kind.startswith(("byte-level BPE", "BPE", "SentencePiece BPE")) else None


RISK_RULES: Final[tuple[RiskRule, ...]] = (
    RiskRule(
        "window", "likelier", "facts that stand further back than the window are lost or mixed up",
        "What lies beyond a layer's window reaches the end only through other layers, each of which has to pass it on.",
        "Beltagy et al., Longformer, 2020; Gemma Team, Gemma 3 Technical Report, 2025",
        "long-context", ("long-context",), windowed,
    ),
    RiskRule(
        "whole context", "less likely", "facts are lost for their distance alone",
        "Every layer can look at every earlier token directly, so no token has to be passed on.",
        "Vaswani et al., Attention Is All You Need, 2017; Jelassi et al., Repeat After Me, 2024",
        "long-context", ("long-context",), whole_context,
    ),
    RiskRule(
        "fixed state", "likelier", "long passages are not copied or found again word by word",
        "A state of fixed size cannot hold a text that is longer than its capacity, and what it drops is gone.",
        "Jelassi et al., Repeat After Me: Transformers are Better than State Space Models at Copying, 2024",
        "long-context", ("long-context", "structured-output"), recurrent,
    ),
    RiskRule(
        "learned positions", "likelier", "anything near the end of the context, and nothing at all beyond it",
        "Each row of the table is learned from the texts that reach it; late rows are seen rarely, later ones never.",
        "Press et al., Train Short, Test Long, 2021; Kazemnejad et al., The Impact of Positional Encoding on Length "
        "Generalization in Transformers, 2023",
        "long-context", ("long-context",), learned_positions,
    ),
    RiskRule(
        "distance penalty", "likelier", "facts far back are overlooked beside near ones",
        "A penalty that grows with distance makes far tokens weigh little, whatever they say.",
        "Press et al., Train Short, Test Long: Attention with Linear Biases, 2021",
        "long-context", ("long-context",), linear_bias,
    ),
    RiskRule(
        "small rotary base", "likelier", "similar tokens are not told from others at long distance",
        "With a base below the bound, attention to a similar token falls below that to a random one before the "
        "context ends.",
        "Men et al., Base of RoPE Bounds Context Length, 2024",
        "long-context", ("long-context",), small_base,
    ),
    RiskRule(
        "stretched positions", "likelier", "quality falls between the trained and the declared context",
        "Stretched rotations put tokens at angles that most of training has never seen.",
        "Peng et al., YaRN, 2023; Hsieh et al., RULER, 2024",
        "long-context", ("long-context",), scaled,
    ),
    RiskRule(
        "shared keys", "likelier", "one key is taken for another among many similar ones",
        "Query heads that share keys cannot look for different things in them: there are fewer different keys.",
        "Shazeer, Fast Transformer Decoding, 2019; Ainslie et al., GQA, 2023",
        "long-context", ("long-context", "structured-output"), shared_keys,
    ),
    RiskRule(
        "own keys", "less likely", "one key is taken for another among many similar ones",
        "Every query head has keys and values of its own, so that heads can look for different things.",
        "Ainslie et al., GQA, 2023",
        "long-context", ("long-context", "structured-output"), own_keys,
    ),
    RiskRule(
        "both directions", "less likely", "a question behind its document is answered from the wrong place",
        "The encoder reads the document with the question in view; a decoder has read it before the question comes.",
        "Wang et al., What Language Model Architecture and Pretraining Objective Work Best for Zero-Shot "
        "Generalization?, 2022",
        "long-context", ("long-context", "factual-recall"), two_directions,
    ),
    RiskRule(
        "experts", "less likely", "rare facts are missing, for the work that a token costs",
        "Experts add room for facts that a token does not pay for; for reasoning in steps they add little.",
        "Jelassi et al., Mixture of Parrots: Experts Improve Memorization More than Reasoning, 2024",
        "hallucination", ("factual-recall", "hallucination"), experts,
    ),
    RiskRule(
        "coarse weights", "likelier", "rare facts and languages other than English are lost first",
        "Rounding removes what few weights hold, and rare knowledge is held by few.",
        "Dettmers and Zettlemoyer, The case for 4-bit precision, 2023; Marchisio et al., How Does Quantization Affect "
        "Multilingual LLMs?, 2024",
        "multilingual", ("factual-recall", "multilingual"), coarse,
    ),
    RiskRule(
        "room for facts", "likelier", "facts are missing and made up in their place",
        "A parameter holds about two bits of knowledge; what was not kept is still asked for.",
        "Allen-Zhu and Li, Physics of Language Models: Part 3.3, 2024",
        "hallucination", ("factual-recall", "hallucination"), few_facts,
    ),
    RiskRule(
        "narrow output", "likelier", "rare words and names are replaced by common ones",
        "A linear head over fewer than 1,000 dimensions cannot give every context its own distribution of words.",
        "Godey et al., Why do small language models underperform?, 2024; Yang et al., Breaking the Softmax "
        "Bottleneck, 2018",
        "core", ("factual-recall", "tokenization"), narrow,
    ),
    RiskRule(
        "untuned", "likelier", "formats and instructions are not followed",
        "Trained on texts alone, the model continues a prompt in place of obeying it.",
        "Ouyang et al., Training language models to follow instructions with human feedback, 2022",
        "structured", ("structured-output", "over-refusal", "under-refusal"), untuned,
    ),
    RiskRule(
        "tuned to please", "likelier", "the user's opinion is taken over, and orders in a document are obeyed",
        "Tuning rewards agreement and obedience, and nothing in the text marks whose order counts.",
        "Sharma et al., Towards Understanding Sycophancy in Language Models, 2023; Greshake et al., Not what you've "
        "signed up for, 2023",
        "sycophancy", ("sycophancy", "injection"), tuned,
    ),
    RiskRule(
        "merged pieces", "likelier", "letters, digits and misspellings are miscounted or misread",
        "The model sees merged pieces, whose letters and digits it knows only from training.",
        "Singh and Strouse, Tokenization counts, 2024; Provilkov et al., BPE-Dropout, 2020",
        "tokenization", ("tokenization",), byte_pairs,
    ),
)  # fmt: skip
"""In the order of the card: context, attention, weights, training, tokens."""
