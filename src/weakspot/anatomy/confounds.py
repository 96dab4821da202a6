"""What else differs between two candidates: every point of this list forbids to call one difference the cause."""

from collections.abc import Callable
from typing import Any, Final

from weakspot.records import Card, ModelInfo, Provenance

_ABSENT: Final = "not stated"
_MAX_TEXT: Final = 60

_FROM_CARD: Final[tuple[tuple[str, Callable[[Card], Any]], ...]] = (
    ("architecture", lambda card: card.architecture),
    ("parameters", lambda card: card.parameters),
    ("vocabulary", lambda card: card.vocabulary),
    ("tokenizer", lambda card: card.tokenizer),
    ("declared context", lambda card: card.context),
)
_FROM_RUN: Final[tuple[tuple[str, Callable[[Provenance], Any]], ...]] = (
    ("backend", lambda p: p.backend),
    ("engine", lambda p: f"{p.engine} {p.engine_version}".strip()),
    ("precision of the engine", lambda p: p.dtype),
    ("threads", lambda p: p.threads),
    ("slots", lambda p: p.slots),
    ("seed", lambda p: p.seed),
    ("prefix cache", lambda p: p.prefix_cache),
)


def confounds(card_a: Card | None, card_b: Card | None, info_a: ModelInfo, info_b: ModelInfo) -> list[str]:
    """Everything known to differ between two candidates, a phrase each, what matters most first.

    Args:
        card_a: the first one's card; None for an endpoint.
        card_b: the second one's.
        info_a: what was opened for the first, with the provenance of its replies.
        info_b: for the second.

    Returns:
        Nothing for a model against itself under equal settings.
    """
    run_a, run_b = info_a.provenance, info_b.provenance
    found = [_line("tuning", _tuning(info_a, card_a), _tuning(info_b, card_b))]
    if not _same_weights(run_a, run_b):
        found.append("makers and training data: not stated in the files, and to be taken as different")
    if card_a is not None and card_b is not None:
        found += [_line(label, value(card_a), value(card_b)) for label, value in _FROM_CARD]
    found += [
        _line("quantisation", _quantisation(run_a, card_a), _quantisation(run_b, card_b)),
        _line("template", _template(run_a), _template(run_b)),
        _system(run_a.system, run_b.system),
    ]
    found += [_line(label, value(run_a), value(run_b)) for label, value in _FROM_RUN]
    found += [
        _line(f"sampler, {key}", run_a.sampler.get(key), run_b.sampler.get(key))
        for key in sorted(run_a.sampler.keys() | run_b.sampler.keys())
    ]
    return [line for line in found if line]


def _line(label: str, a: Any, b: Any) -> str:
    """The two values beside each other; empty where they are equal or neither is known."""
    shown_a, shown_b = _shown(a), _shown(b)
    return "" if shown_a == shown_b else f"{label}: {shown_a} against {shown_b}"


def _shown(value: Any) -> str:
    if value is None or value == "":
        return _ABSENT
    if isinstance(value, bool):
        return "on" if value else "off"
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def _tuning(info: ModelInfo, card: Card | None) -> str | None:
    """Base or chat: what the backend found, else what the card's template says."""
    kind = info.kind
    if kind == "unknown" and card is not None:
        kind = "base" if card.chat_template_sha256 is None else "chat"
    return {"chat": "a chat model", "base": "a base model"}.get(kind)


def _same_weights(a: Provenance, b: Provenance) -> bool:
    """Whether one file of weights stands behind both; without a hash that is not known."""
    return a.weights_sha256 != "" and a.weights_sha256 == b.weights_sha256


def _quantisation(run: Provenance, card: Card | None) -> str | None:
    return run.quantisation or (card.quantisation if card is not None else None)


def _template(run: Provenance) -> str | None:
    """The template's name, and enough of its hash to tell two of one name apart."""
    if not run.template and not run.template_sha256:
        return None
    return f"{run.template or 'unnamed'} ({run.template_sha256[:12] or 'no hash'})"


def _system(a: str | None, b: str | None) -> str:
    """Whether the system prompts differ; their text is the user's and may be long or private, so it is not shown."""
    if a == b:
        return ""
    if a is None or b is None:
        return f"system prompt: only the {'second' if a is None else 'first'} candidate has one"
    return "system prompt: another text"
