"""The published mechanisms that tie a difference between two architectures to failures, as data.

What they say of two cards is worded in `weakspot.anatomy.hypotheses`; here stand their sources, the categories whose
failures they bear on, and the experiments that would test them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from weakspot.anatomy import hypotheses
from weakspot.records import Card


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One mechanism: the fields of a card it stands on, the categories it bears on, and where it is published.

    `value` is what a reader sees of a card (None: not stated); `hypothesis` and `experiment` take two cards whose
    values differ; a None hypothesis says that the difference is too small to explain anything.
    """

    field: str
    card_fields: tuple[str, ...]
    categories: tuple[str, ...]
    source: str
    value: Callable[[Card], str | None]
    hypothesis: Callable[[Card, Card], str | None]
    experiment: Callable[[Card, Card], str]


def _always(text: str) -> Callable[[Card, Card], str]:
    return lambda _a, _b: text


MECHANISMS: Final[tuple[Mechanism, ...]] = (
    Mechanism(
        "tuning",
        ("chat_template_sha256",),
        ("injection", "sycophancy", "structured-output", "hallucination"),
        "Ouyang et al., Training language models to follow instructions with human feedback, 2022; "
        "Sharma et al., Towards Understanding Sycophancy in Language Models, 2023",
        hypotheses.tuning_value,
        hypotheses.tuning_hypothesis,
        _always(
            "Both behind the same plain completion template (?template=plain) on the same items: what the wrapping "
            "does goes away, what the tuning did stays."
        ),
    ),
    Mechanism(
        "kind",
        ("kind",),
        ("long-context", "factual-recall", "injection"),
        "Wang et al., What Language Model Architecture and Pretraining Objective Work Best for Zero-Shot "
        "Generalization?, 2022",
        hypotheses.stated_kind,
        hypotheses.kind_hypothesis,
        _always("The same items with the question before and after the document, paired; both shapes in the lab."),
    ),
    Mechanism(
        "parameters",
        ("parameters", "vocabulary", "hidden", "tied_embeddings"),
        ("factual-recall", "hallucination"),
        "Allen-Zhu and Li, Physics of Language Models: Part 3.3, Knowledge Capacity Scaling Laws, 2024; "
        "Kaplan et al., Scaling Laws for Neural Language Models, 2020",
        lambda card: None if card.parameters is None else hypotheses.count(card.parameters),
        hypotheses.size_hypothesis,
        _always("Two sizes of one family, with one template and one quantisation, on the same items, paired."),
    ),
    Mechanism(
        "depth",
        ("layer_count", "hidden"),
        ("structured-output", "factual-recall"),
        "Liu et al., MobileLLM: Optimizing Sub-billion Parameter Language Models for On-Device Use Cases, 2024",
        hypotheses.depth_value,
        hypotheses.depth_hypothesis,
        _always("Lab models of equal size, deep and thin against shallow and wide, on nesting of depth 1 to 6."),
    ),
    Mechanism(
        "feed-forward units",
        ("layer_count", "feed_forward"),
        ("factual-recall", "hallucination"),
        "Geva et al., Transformer Feed-Forward Layers Are Key-Value Memories, 2021",
        hypotheses.memory_value,
        hypotheses.memory_hypothesis,
        _always("Switch off the units most active on a recalled fact, against as many random ones as a placebo."),
    ),
    Mechanism(
        "attention",
        ("attention", "heads", "kv_heads"),
        ("long-context",),
        "Ainslie et al., GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints, 2023",
        hypotheses.attention_value,
        hypotheses.attention_hypothesis,
        _always("One lab shape trained with MHA, GQA and MQA, looking up a key among 1 to 16 rivals."),
    ),
    Mechanism(
        "head size",
        ("head_size",),
        ("long-context",),
        "Bhojanapalli et al., Low-Rank Bottleneck in Multi-head Attention Models, 2020",
        lambda card: None if card.head_size is None else f"{card.head_size}",
        hypotheses.head_hypothesis,
        _always("One lab shape of equal width with many small and few large heads, looking up a key among rivals."),
    ),
    Mechanism(
        "sliding window",
        ("layers", "sliding_window"),
        ("long-context", "injection"),
        "Beltagy et al., Longformer: The Long-Document Transformer, 2020; Gemma Team, Gemma 3 Technical Report, 2025",
        hypotheses.window_value,
        hypotheses.window_hypothesis,
        hypotheses.window_experiment,
    ),
    Mechanism(
        "position",
        ("position", "layers"),
        ("long-context",),
        "Su et al., RoFormer, 2021; Press et al., Train Short, Test Long (ALiBi), 2021; "
        "Men et al., Base of RoPE Bounds Context Length, 2024",
        lambda card: card.position,
        hypotheses.position_hypothesis,
        _always(
            "The same fact at 5 depths of 4 lengths; then the base of one model changed at run time, nothing else."
        ),
    ),
    Mechanism(
        "context",
        ("context",),
        ("long-context",),
        "Hsieh et al., RULER: What's the Real Context Size of Your Long-Context Language Models?, 2024",
        lambda card: None if card.context is None else f"{card.context:,} tokens",
        hypotheses.context_hypothesis,
        hypotheses.context_experiment,
    ),
    Mechanism(
        "vocabulary",
        ("vocabulary",),
        ("tokenization", "factual-recall", "bias"),
        "Tao et al., Scaling Laws with Vocabulary, 2024; Land and Bartolo, Fishing for Magikarp: Automatically "
        "Detecting Under-trained Tokens in Large Language Models, 2024",
        lambda card: None if card.vocabulary is None else f"{card.vocabulary:,} tokens",
        hypotheses.vocabulary_hypothesis,
        _always(
            "An edit that cuts the key word into more tokens, against a placebo edit of the same length that does not, "
            "on the same item."
        ),
    ),
    Mechanism(
        "tokenizer",
        ("tokenizer",),
        ("tokenization",),
        "Singh and Strouse, Tokenization counts: the impact of tokenization on arithmetic in frontier LLMs, 2024",
        hypotheses.tokenizer_value,
        hypotheses.tokenizer_hypothesis,
        _always("The same item with its digits or spaces written so that both models cut it alike, and as it was."),
    ),
    Mechanism(
        "embeddings",
        ("tied_embeddings",),
        ("factual-recall",),
        "Press and Wolf, Using the Output Embedding to Improve Language Models, 2017",
        hypotheses.tied_value,
        hypotheses.tied_hypothesis,
        _always("One lab shape trained with tied and with separate embeddings, on the same tasks."),
    ),
    Mechanism(
        "quantisation",
        ("quantisation", "weights_bytes", "parameters"),
        ("factual-recall", "structured-output"),
        "Dettmers and Zettlemoyer, The case for 4-bit precision: k-bit Inference Scaling Laws, 2023",
        hypotheses.precision_value,
        hypotheses.precision_hypothesis,
        _always("The same weights in 8 bits or more, everything else equal, on the same items, paired."),
    ),
    Mechanism(
        "template",
        ("chat_template_sha256",),
        ("structured-output", "injection", "sycophancy"),
        "Sclar et al., Quantifying Language Models' Sensitivity to Spurious Features in Prompt Design, 2023",
        hypotheses.template_value,
        hypotheses.template_hypothesis,
        _always("The same weights behind both templates; a change of white space alone as the placebo."),
    ),
)
"""In the order in which they are shown: what decides most between two published models comes first."""
