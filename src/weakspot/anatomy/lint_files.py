"""Rules on configuration, tensors, positions and precision: files that contradict each other or the engine.

Each rule takes a view and gives findings; one that lacks what it would need to see gives none.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from weakspot.anatomy.lint_tokens import end_marker
from weakspot.anatomy.lint_view import LintView
from weakspot.records import LintFinding

SCALINGS: Final[dict[str, tuple[str, ...]]] = {
    "default": (),
    "linear": ("factor",),
    "dynamic": ("factor",),
    "yarn": ("factor",),
    "longrope": ("short_factor", "long_factor"),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
    "mrope": (),
    "proportional": (),
}
"""The kinds of scaling that transformers knows (modeling_rope_utils), and the fields that each needs."""
RENAMED: Final = {"su": "longrope"}
OVERFLOWING: Final = {
    "t5": "transformers' issue 5651 and pull request 9487",
    "mt5": "transformers' pull request 10956",
    "umt5": "as T5: transformers' issue 5651",
    "longt5": "transformers' pull request 19229",
    "gemma3": "Unsloth, Fine-tune and Run Gemma 3, 2025",
    "gemma3_text": "Unsloth, Fine-tune and Run Gemma 3, 2025",
}
"""Families whose activations are known to leave the range of fp16, and where that is said."""
SLACK: Final = 1.01
"""Declared contexts are rounded; a hundredth is no contradiction."""


def tied_flag(view: LintView) -> Iterator[LintFinding]:
    """The configuration ties the head and a head is stored, or unties it and none is."""
    tied = view.anatomy.facts.tied if view.anatomy.folder is not None else None
    if tied is None or view.has_head is None or view.anatomy.shape.kind == "encoder-only":
        return
    if tied is False and not view.has_head and _writes(view):
        yield LintFinding(
            "tied-flag",
            "error",
            "tie_word_embeddings is false, but no output matrix is stored: a loader fills it with random numbers.",
            "Set tie_word_embeddings to true, or store the head.",
        )
    elif tied is True and view.has_head:
        yield LintFinding(
            "tied-flag",
            "warning",
            "tie_word_embeddings is true, but an output matrix is stored as well: engines differ in which they take.",
            "Compare the two; drop the copy if they are equal, else set the flag to false.",
        )


def _writes(view: LintView) -> bool:
    """Whether the model is one that writes; one that only embeds ("LlamaModel") has no head by design."""
    named = view.config.get("architectures")
    classes = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    return not classes or any(
        name.endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")) for name in classes
    )


def context_beyond(view: LintView) -> Iterator[LintFinding]:
    """More tokens than the positions were trained for."""
    declared = view.anatomy.facts.context
    if view.context is not None and declared is not None and view.context > declared:
        yield LintFinding(
            "context-beyond",
            "warning",
            f"A context of {view.context:,} tokens is asked for, {declared:,} are declared: beyond them positions are "
            "untrained.",
            "Stay below, or use a scaling that the model's makers have tested.",
        )
    scaling = _scaling(view)
    original, factor = _size(scaling.get("original_max_position_embeddings")), _size(scaling.get("factor"))
    if _kind(scaling) in ("linear", "dynamic", "yarn") and original and factor and declared:
        reach = original * factor
        if declared > reach * SLACK:
            yield LintFinding(
                "context-beyond",
                "warning",
                f"{declared:,} tokens are declared, scaling takes the {original:,.0f} trained ones to {reach:,.0f}.",
                "Lower max_position_embeddings, or correct the factor.",
            )


def learned_rows(view: LintView) -> Iterator[LintFinding]:
    """A table of learned positions that is shorter than the declared context."""
    declared = view.anatomy.facts.context
    stored = view.anatomy.folder.tensors if view.anatomy.folder is not None else None
    names = ("wpe.weight", "embeddings.position_embeddings.weight")
    rows = next((t.shape[0] for t in stored or () if t.name.endswith(names) and len(t.shape) == 2), None)
    if rows is not None and declared is not None and rows < declared:
        yield LintFinding(
            "context-beyond",
            "error",
            f"{declared:,} positions are declared, the table of learned positions has {rows:,} rows.",
            f"Set the context to {rows:,}: a longer prompt fails, or reads foreign memory.",
        )


def rope_scaling(view: LintView) -> Iterator[LintFinding]:
    """Scaling parameters of another version: old names, missing fields, two that disagree."""
    for problem in _rope_problems(view):
        yield LintFinding(
            "rope-scaling",
            "error",
            problem,
            "Write it as the version of transformers that you run documents it; an engine that ignores it is wrong "
            "beyond the trained context, without any error.",
        )


def _rope_problems(view: LintView) -> Iterator[str]:
    old, new = view.config.get("rope_scaling"), view.config.get("rope_parameters")
    scaling = _scaling(view)
    kind = _kind(scaling)
    first, second = scaling.get("type"), scaling.get("rope_type")
    if isinstance(first, str) and isinstance(second, str) and RENAMED.get(first, first) != second and first != "mrope":
        yield f"The scaling is named twice, and differently: type {first[:20]!r} and rope_type {second[:20]!r}."
    if isinstance(old, dict) and isinstance(new, dict) and _kind(old) != _kind(new):
        yield f"rope_scaling says {_kind(old)!r}, rope_parameters {_kind(new)!r}."
    if kind in RENAMED:
        yield f"The scaling is of the kind {kind!r}, which is known as {RENAMED[kind]!r} since transformers 4.43."
    elif kind is not None and kind not in SCALINGS:
        yield f"The scaling is of the kind {kind[:20]!r}, which transformers does not know."
    elif kind is not None and (missing := [name for name in SCALINGS[kind] if name not in scaling]):
        yield f"The scaling {kind!r} lacks {', '.join(missing)}."
    base, inner = view.config.get("rope_theta"), new.get("rope_theta") if isinstance(new, dict) else None
    if base is not None and inner is not None and base != inner:
        yield f"rope_theta is {base!r} by itself and {inner!r} in rope_parameters."
    yield from _gguf_rope_problems(view)


def _gguf_rope_problems(view: LintView) -> Iterator[str]:
    family = f"{view.anatomy.facts.architecture}.rope."
    if f"{family}scale_linear" in view.metadata:
        yield "The file states rope.scale_linear, which llama.cpp replaced by rope.scaling.type and .factor."
    kind = view.metadata.get(f"{family}scaling.type")
    if kind is None and f"{family}scaling.factor" in view.metadata:
        yield "The file states rope.scaling.factor without rope.scaling.type: llama.cpp does not scale then."
    if kind == "yarn" and f"{family}scaling.original_context_length" not in view.metadata:
        yield "The file scales by YaRN but does not state rope.scaling.original_context_length."


def _scaling(view: LintView) -> Mapping[str, Any]:
    for name in ("rope_scaling", "rope_parameters"):
        found = view.config.get(name)
        if isinstance(found, dict) and _kind(found) is not None:
            return found
    return {}


def _kind(scaling: Mapping[str, Any]) -> str | None:
    found = scaling.get("rope_type", scaling.get("type"))
    return found if isinstance(found, str) else None


def _size(value: object) -> float | None:
    sized = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e15
    return float(value) if sized and isinstance(value, int | float) else None


def half_precision(view: LintView) -> Iterator[LintFinding]:
    """A family whose activations leave the range of fp16 is stored to be run in it."""
    family = view.anatomy.facts.architecture
    if view.anatomy.folder is not None and view.anatomy.card.quantisation == "F16" and family in OVERFLOWING:
        yield LintFinding(
            "half-precision",
            "warning",
            f"The weights are in fp16, and activations of {family} overflow it ({OVERFLOWING[family]}).",
            "Run it in bfloat16 or float32: an overflow shows as empty or endlessly repeated replies.",
        )


def generation_config(view: LintView) -> Iterator[LintFinding]:
    """generation_config.json contradicts the tokenizer or itself."""
    for problem in _generation_problems(view):
        yield LintFinding("generation-config", "warning", problem, "Correct generation_config.json.")


def _generation_problems(view: LintView) -> Iterator[str]:
    said = view.generation
    listed = said.get("eos_token_id")
    ends = [number for number in (listed if isinstance(listed, list) else [listed]) if type(number) is int]
    marker = end_marker(view)
    if ends and marker is not None and view.tokens[marker] not in ends and view.tokens[marker] in view.stops:
        yield f"It stops at {ends}, not at the template's end of turn {marker!r} ({view.tokens[marker]})."
    count = max(view.token_count or 0, view.rows or 0)
    if count and (beyond := [number for number in ends if not 0 <= number < count]):
        yield f"Its eos_token_id {beyond[0]} lies outside the {count:,} tokens."
    if said.get("do_sample") is False and type(said.get("temperature")) in (int, float) and said["temperature"] != 1:
        yield f"It states a temperature of {said['temperature']} and do_sample false: the temperature is ignored."
    longest, declared = said.get("max_length"), view.anatomy.facts.context
    if type(longest) is int and declared is not None and longest > declared:
        yield f"Its max_length of {longest:,} is beyond the declared context of {declared:,}."


def heads(view: LintView) -> Iterator[LintFinding]:
    """Query heads that cannot be shared out among the KV heads."""
    facts = view.anatomy.facts
    kept = [count for count in facts.kv_heads or () if count]
    if (
        facts.heads
        and kept
        and facts.latent is None
        and any(facts.heads % count for count in kept)
        and len(set(kept)) == 1
    ):
        yield LintFinding(
            "heads",
            "error",
            f"{facts.heads} query heads cannot be shared out among {kept[0]} heads of keys and values.",
            "Correct num_key_value_heads.",
        )


def pickled(view: LintView) -> Iterator[LintFinding]:
    """Weights that only a program could open."""
    folder = view.anatomy.folder
    if folder is not None and folder.pickled and folder.tensors is None:
        yield LintFinding(
            "pickled",
            "warning",
            "The weights are in a pickle, which can run any code when it is opened: it was not.",
            "Ask for safetensors, or convert them where nothing can be harmed: "
            "python -m safetensors.torch has the functions load and save_file.",
        )
