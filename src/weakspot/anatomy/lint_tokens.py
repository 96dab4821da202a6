"""Rules on tokenizer, template and special tokens: what a model is fed, and where it stops.

Each rule takes a view and gives findings; one that lacks what it would need to see gives none.
"""

import re
from collections.abc import Iterator
from typing import Final

from weakspot.anatomy.lint_view import AGAIN, ANSWERED, LintView
from weakspot.records import LintFinding

MARKER: Final = re.compile(r"<[|｜][^|｜<>\s'\"{}]{1,40}[|｜]>|<(?:start|end)_of_turn>")
"""Texts in a template that are written as special tokens are (in angle brackets with bars, or Gemma's)."""
NEEDS_BOS: Final = ("gemma", "gemma2", "gemma3", "gemma3_text", "gemma3n", "mistral", "mixtral", "command-r", "cohere")
"""Families trained with BOS before every text, by llama.cpp's or transformers' names; LLaMA's tokenizer tells it."""
RESCUED: Final = ("<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<EOT>", "<|eom_id|>")
"""Tokens that llama.cpp takes for ends of generation by their names alone (its src/llama-vocab.cpp)."""
PADDED_ROWS: Final = 1024
"""Embeddings are padded to multiples of 64 or 128 for every device of a group; more rows than this are no padding."""


def bos_missing(view: LintView) -> Iterator[LintFinding]:
    """A family that was trained with BOS is fed without one."""
    opens = view.opened is not None and bool(_bos_text(view)) and view.opened.startswith(_bos_text(view))
    if view.add_bos is False and _trained_with_bos(view) and not opens:
        yield LintFinding(
            "bos-missing",
            "error",
            f"The tokenizer adds no BOS and {'the template writes none' if view.chats else 'there is no template'}, "
            f"but {view.anatomy.facts.architecture} was trained with one before every text.",
            "Set add_bos_token to true: replies of such models without it are garbled.",
        )


def _trained_with_bos(view: LintView) -> bool:
    family = view.anatomy.facts.architecture
    if family in NEEDS_BOS:
        return True
    if family != "llama" or view.bos is None:
        return False
    pre = view.metadata.get("tokenizer.ggml.pre")
    sentencepiece = view.metadata.get("tokenizer.ggml.model") == "llama"
    return sentencepiece or pre in ("llama-bpe", "llama3") or _bos_text(view) in ("<|begin_of_text|>", "<s>")


def _bos_text(view: LintView) -> str:
    return view.special_texts.get("bos_token", "")


def bos_double(view: LintView) -> Iterator[LintFinding]:
    """A text begins with two."""
    bos = _bos_text(view)
    if not bos or view.opened is None:
        return
    if view.opened.startswith(bos + bos):
        yield LintFinding(
            "bos-double",
            "error",
            f"The template writes {bos!r} twice at the start of a conversation.",
            "Take one out: it stands in the template as text and as bos_token.",
        )
    elif view.add_bos and view.talk is not None and view.talk.count(bos) > 1:
        yield LintFinding(
            "bos-double",
            "error",
            f"The tokenizer adds {bos!r} before a prompt, and the template opens every turn with it.",
            "Set add_bos_token to false, or name another BOS: a stray turn opens every conversation.",
        )


def template_tokens(view: LintView) -> Iterator[LintFinding]:
    """The template writes markers that are no tokens of this tokenizer."""
    if not view.tokens or view.anatomy.template is None:
        return
    missing = sorted({found for found in MARKER.findall(view.anatomy.template) if found not in view.tokens})
    if missing:
        yield LintFinding(
            "template-tokens",
            "error",
            f"The chat template writes {_listed(missing)}, of which this tokenizer knows no token.",
            "The template is another model's, or the tokens were not added: the model sees letters, not turns.",
        )


def template_broken(view: LintView) -> Iterator[LintFinding]:
    """The template refuses a plain question."""
    if view.refused is not None:
        yield LintFinding(
            "template-broken",
            "error",
            f"The chat template gives no prompt for one plain question: {view.refused}",
            "Fix it, or name another one: ?template=plain.",
        )


def end_of_turn(view: LintView) -> Iterator[LintFinding]:
    """What ends a turn in the template does not stop generation."""
    marker = end_marker(view)
    if marker is None or not view.stops or view.tokens[marker] in view.stops:
        return
    stops = sorted(filter(None, (view.text_of(token) for token in sorted(view.stops))))
    rescued = view.anatomy.header is not None and marker in RESCUED
    yield LintFinding(
        "end-of-turn",
        "warning" if rescued else "error",
        f"The template ends a reply with {marker!r}, but generation stops only at {_listed(stops) or 'unknown ids'}"
        f"{' (llama.cpp adds the token by its name; other engines do not)' if rescued else ''}.",
        "Add its id to eos_token_id in generation_config.json, or set tokenizer.ggml.eot_token_id: else the model goes "
        "on with the user's turn.",
    )


def end_marker(view: LintView) -> str | None:
    """The token that a template writes behind a reply; None where it writes none."""
    if view.talk is None or view.talk.count(ANSWERED) != 1:
        return None
    behind = view.talk.partition(ANSWERED)[2].partition(AGAIN)[0].lstrip()
    found = re.match(r"<[^<>\s]{1,40}>|\[[A-Z/_]{1,20}\]", behind)
    return found[0] if found is not None and found[0] in view.tokens else None


def no_stop(view: LintView) -> Iterator[LintFinding]:
    """Nothing ends a reply."""
    if view.tokens and not view.stops and view.anatomy.shape.kind not in ("encoder-only", "not stated"):
        yield LintFinding(
            "no-stop",
            "error",
            "No file names a token that ends a text: generation goes on to the limit.",
            "Set eos_token_id.",
        )


def tokenizer_length(view: LintView) -> Iterator[LintFinding]:
    """Tokens without a row of the embedding, or far more rows than tokens."""
    if view.token_count is None or view.rows is None:
        return
    if view.token_count > view.rows:
        beyond = sorted((number, text) for text, number in view.tokens.items() if number >= view.rows)
        yield LintFinding(
            "tokenizer-length",
            "error",
            f"The tokenizer has {view.token_count:,} tokens, the embedding {view.rows:,} rows: "
            f"{_listed([text for _, text in beyond])} {'has' if len(beyond) == 1 else 'have'} none.",
            "Resize the embedding or remove the tokens: the first text that holds one fails, or reads foreign memory.",
        )
    elif view.rows - view.token_count > PADDED_ROWS:
        yield LintFinding(
            "tokenizer-length",
            "error",
            f"The tokenizer has {view.token_count:,} tokens, the embedding {view.rows:,} rows: more than padding.",
            "Check that the tokenizer is this model's: tokens that were added in training may be missing.",
        )


def special_ids(view: LintView) -> Iterator[LintFinding]:
    """A special token's id is outside the vocabulary."""
    count = max(view.token_count or 0, view.rows or 0)
    wrong = {name: number for name, number in view.special.items() if not 0 <= number < count}
    if count and wrong:
        said = ", ".join(f"{name} {number}" for name, number in sorted(wrong.items()))
        yield LintFinding(
            "special-ids", "error", f"Special tokens lie outside the {count:,} tokens: {said}.", "Correct the ids."
        )


def pre_default(view: LintView) -> Iterator[LintFinding]:
    """A GGUF file with byte-level BPE does not say how text is cut before merging."""
    if view.metadata.get("tokenizer.ggml.model") != "gpt2":
        return
    if view.metadata.get("tokenizer.ggml.pre") in (None, "default"):
        yield LintFinding(
            "pre-default",
            "error",
            "The file does not name its pre-tokenizer (tokenizer.ggml.pre): llama.cpp takes a default that cuts digits "
            "and punctuation otherwise than in training.",
            "Convert the model again with a current converter, or set tokenizer.ggml.pre.",
        )


def padding_side(view: LintView) -> Iterator[LintFinding]:
    """A decoder's batch is padded where generation begins."""
    if (
        view.tokenizer_config.get("padding_side") == "right"
        and view.anatomy.shape.kind == "decoder-only"
        and view.chats
    ):
        yield LintFinding(
            "padding-side",
            "warning",
            "The tokenizer pads on the right, so in a batch shorter prompts are continued after padding.",
            'Set "padding_side": "left" in tokenizer_config.json for generation.',
        )


def _listed(texts: list[str]) -> str:
    shown = ", ".join(repr(text[:40]) for text in texts[:4])
    return f"{shown} and {len(texts) - 4} more" if len(texts) > 4 else shown
