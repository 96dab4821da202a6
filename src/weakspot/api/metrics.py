"""Reads saved responses into rows and measures what a failure rate does not say (`weakspot.metrics`)."""

import math
import re
from collections.abc import Sequence

from weakspot.metrics.measuring import measure
from weakspot.metrics.rows import Row
from weakspot.records import Probe, Reply, Response, Score, from_json
from weakspot.records.metrics import Metrics
from weakspot.runs.compare import Scores, Sheet
from weakspot.scorers.number import last_number
from weakspot.scorers.picking import pick, shows_letters
from weakspot.store.run import RunStore

_STATED = re.compile(r"(?<![\d.])(100|\d{1,2})(?:\.\d+)?\s*(?:%|per ?cent\b)", re.IGNORECASE)
_CONFIDENCE = re.compile(r"\bconfiden(?:t|ce)\D{0,20}?(100|\d{1,2})(?![\d.])", re.IGNORECASE)
RIGHT = "\0right"
"""Stands for the expected word in whatever sentence."""
SILENT = ("refused", "abstained", "empty")


def measured(store: RunStore, names: Sequence[str], probes: Sequence[Probe], scores: Scores) -> Metrics:
    """The measures of a run whose scores are saved."""
    sheet = Sheet(probes, scores)
    rows = {}
    for name in names:
        responses = {r.probe: r for r in (from_json(line, Response) for line in store.responses(name))}
        rows[name] = [
            read_row(
                probe, scores.get((probe.id, name)), responses.get(probe.id), informative=sheet.informative(probe, name)
            )
            for probe in probes
        ]
    return measure(rows)


def read_row(probe: Probe, score: Score | None, response: Response | None, *, informative: bool = True) -> Row:
    """One response, read: what was said, how long, how sure."""
    final = None if response is None else response.final
    if final is None or score is None:
        return Row(probe, None if score is None else score.passed, informative)
    return Row(
        probe=probe,
        passed=score.passed,
        informative=informative,
        reply_class=score.reply_class,
        answer=answer(probe, final, score),
        words=len(final.text.split()),
        text=final.text,
        confidence=stated_confidence(final.text) if probe.tags.get("confidence") == "stated" else None,
        logprob=_logprob(probe, final),
        likelihood=_likelihood(final),
        checks=score.checks,
    )


def answer(probe: Probe, reply: Reply, score: Score) -> str | None:
    """What a reply says, in one form: the option, the number, else the text; None where it declines or names none."""
    options = probe.expect.get("options")
    if reply.choice_logprobs is not None:
        return reply.text.strip()
    if isinstance(options, list | tuple):
        return _option(probe, tuple(str(option) for option in options), reply, score)
    if score.reply_class in SILENT:
        return None
    kind = probe.expect.get("type")
    if kind == "number" or (kind == "same_as" and probe.expect.get("by") == "number"):
        last = last_number(reply.text)
        return f"{last[0].normalize():f}" if last else None
    # Where an expected word decides, replies around it differ in words and not in what they say.
    right = kind in ("any_of", "contains", "regex", "exact") and score.passed is True
    return RIGHT if right else _plain(reply.text)


def _option(probe: Probe, options: tuple[str, ...], reply: Reply, score: Score) -> str | None:
    letters = probe.expect.get("letters")
    picked = pick(reply.text, options, letters=shows_letters(probe) if letters is None else bool(letters))
    if picked.index is not None:
        return options[picked.index]
    abstention = probe.expect.get("abstention")
    return str(abstention) if abstention is not None and score.reply_class == "abstained" else None


def stated_confidence(text: str) -> float | None:
    """The confidence that a reply states, 0 to 1: its last per cent, or a number behind "confidence"; None without."""
    found = [*_STATED.finditer(text)] or [*_CONFIDENCE.finditer(text)]
    return int(found[-1][1]) / 100 if found else None


def _plain(text: str) -> str | None:
    return re.sub(r"[^\w]+", " ", text.casefold()).strip() or None


def _logprob(probe: Probe, reply: Reply) -> float | None:
    if reply.choice_logprobs is not None and len(reply.choice_logprobs) > 1:
        right = probe.expect.get("value")
        numbers = [choice.logprob for choice in reply.choice_logprobs]
        if not isinstance(right, int) or not 0 <= right < len(numbers):
            return None
        return numbers[right] - max(n for i, n in enumerate(numbers) if i != right)
    tokens = [t.logprob for t in reply.logprobs or () if math.isfinite(t.logprob)]
    return sum(tokens) / len(tokens) if tokens else None


def _likelihood(reply: Reply) -> float | None:
    """The probability of the answer: among the choices, or of the generated tokens together (their product)."""
    if reply.choice_logprobs is not None and len(reply.choice_logprobs) > 1:
        numbers = [choice.logprob for choice in reply.choice_logprobs]
        most = max(numbers)
        return 1 / sum(math.exp(n - most) for n in numbers) if math.isfinite(most) else None
    tokens = [t.logprob for t in reply.logprobs or ()]
    return min(1.0, math.exp(sum(tokens))) if tokens else None
