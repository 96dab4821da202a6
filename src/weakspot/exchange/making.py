"""Builds the records of an import in one form: candidate, model, response, score."""

import re
from typing import Any

from weakspot.records import Candidate, ErrorRecord, Evidence, ModelInfo, Provenance, Reply, Response, Score, Usage
from weakspot.records.response import FinishReason
from weakspot.scorers.classify import read

UNNAMED = "unnamed"
LONGEST_NAME = 200


def name(text: object, default: str = UNNAMED) -> str:
    """An id or a category out of foreign text: printable, one line, at most 200 characters, never empty."""
    found = re.sub(r"\s+", " ", "".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in str(text))).strip()
    return found[:LONGEST_NAME] or default


def candidate(tool: str, model: str) -> Candidate:
    """The candidate that another tool asked; its name is the last part of the model's (`org/model` -> `model`)."""
    full = name(model)
    short = full.rstrip("/").rpartition("/")[2] or full
    return Candidate(name=short, reference=f"{tool}:{full}", kind="imported", location=tool, model=full)


def info(tool: str, version: str, **known: Any) -> ModelInfo:
    """What the tool says of the model; `known` are fields of `Provenance` (sampler, seed, dtype, system, ...)."""
    return ModelInfo(
        provenance=Provenance(backend="imported", engine=tool, engine_version=version, **known), local=False
    )


def response(
    probe: str,
    asked: Candidate,
    known: ModelInfo,
    text: str | None,
    *,
    finish: FinishReason = "unknown",
    usage: Usage | None = None,
    error: str = "",
    earlier: tuple[str, ...] = (),
) -> Response:
    """One saved answer; `text` None or `error` for an item without one, `earlier` the turns before the last."""
    failed = None
    if text is None or error:
        failed = ErrorRecord("ImportedError", name(error or "the file holds no answer to this item")[:500])
    said = [*earlier, text] if failed is None else list(earlier)
    replies = tuple(Reply(text=one or "", finish_reason=finish, usage=usage or Usage()) for one in said)
    return Response(probe, asked.name, "", replies, known.provenance, failed)


def passed(value: object, threshold: float | None = None) -> bool | None:
    """The verdict behind a tool's value: a truth, 1 or 0; a grade between is none unless a threshold is named."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN is no verdict
        return None
    if threshold is not None:
        return value >= threshold
    return True if value == 1 else False if value == 0 else None


def score(
    answer: Response,
    scorer: str,
    verdict: bool | None,
    reason: str,
    *,
    rule: str = "",
    severity: int | None = None,
    checks: dict[str, bool | None] | None = None,
) -> Score:
    """The tool's own verdict on an answer. `scorer` is `tool:metric`; the reply's class is read from its text."""
    final = answer.final
    if final is None:
        told = answer.error.message if answer.error else "no reply"
        return Score(
            answer.probe, answer.candidate, scorer, "error", None, f"No reply: {told}", None, Evidence(rule or scorer)
        )
    return Score(
        probe=answer.probe,
        candidate=answer.candidate,
        scorer=scorer,
        reply_class=read(final.text, final.finish_reason).reply_class,
        passed=verdict,
        reason=reason,
        severity=severity if verdict is False else None,
        evidence=Evidence(rule=rule or scorer),
        checks=checks or {},
    )
