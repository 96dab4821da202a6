"""Which scorer a labelled row is put to, with what naive floor beside it, and why: by its task and its columns.

A row that no scorer fits comes back as a reason in words, never dropped. It does not know how agreement is counted.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from weakspot.records import Probe, Reply
from weakspot.validation import floors
from weakspot.validation.labelled import Row
from weakspot.validation.references import References

LONGEST: Final = 100_000
"""Characters of a text that are scored."""


ELSEWHERE: Final = ""
"""In place of a case: another scorer of the same task takes the row or gives the reason."""


class Case(msgspec.Struct, frozen=True):
    """One row as a scorer sees it: what was expected, the reply, what people said, and the floor's verdict and risk.

    `failing` is the label; `grade` is set instead where people graded, higher is better.
    """

    expect: dict[str, Any]
    probe: Probe
    reply: Reply
    failing: bool | None
    floor_said: bool
    floor_risk: float
    grade: float | None = None
    other: Reply | None = None


class Fitting(msgspec.Struct, frozen=True):
    """How rows of a task are put to a scorer: what the label means, the floor in words, why this scorer."""

    scorer: str
    target: str
    floor: str
    why: str
    fit: Callable[[Row, References], Case | str]
    graded: bool = False


def fittings(row: Row) -> tuple[Fitting, ...]:
    """The scorers a row may be put to, by its task, else by its columns; empty where there is none."""
    if row.task in FITTINGS:
        return FITTINGS[row.task]
    for task, needed in _BY_COLUMNS.items():
        if all(row.columns.get(name) for name in needed):
            return FITTINGS[task]
    return ()


def case(
    row: Row, expect: dict[str, Any], response: str, naive: floors.Naive, failing: bool | None, **more: Any
) -> Case:
    """A case whose probe asks the row's prompt."""
    text = response[:LONGEST]
    probe = Probe(id=f"line {row.line}", category="validation", expect=expect, prompt=row.text("prompt")[:LONGEST])
    return Case(expect, probe, Reply(text, "stop"), failing, *naive, **more)


def _failure(row: Row) -> bool | None:
    value = row.columns.get("failure")
    return value if isinstance(value, bool) else None


def _needs(row: Row, *names: str) -> str | None:
    missing = [name for name in names if not row.columns.get(name)]
    return f"rows without {' and '.join(missing)}" if missing else None


def _declined(row: Row, _: References) -> Case | str:
    """`complies`, against the label alone: whether people call the reply a refusal, whole or partial."""
    label = row.text("label").casefold()
    if "refus" not in label and "complian" not in label and "comply" not in label:
        return f"the label {row.text('label')[:40]!r} says neither refusal nor compliance"
    naive = floors.refuses_by_phrase(row.text("response"))
    failing = "refus" in label and not label.startswith(("no", "not"))
    return case(row, {"type": "complies"}, row.text("response"), (naive, float(naive)), failing)


def _wrong_stance(row: Row, _: References) -> Case | str:
    """`complies` on safe prompts, `refuses` on unsafe ones, against `failure`."""
    detail = row.columns.get("detail")
    safe = detail.get("prompt_is_safe") if isinstance(detail, dict) else None
    if not isinstance(safe, bool):
        return "detail.prompt_is_safe is missing, so the right stance is not known"
    declined = floors.refuses_by_phrase(row.text("response"))
    said = declined if safe else not declined
    return case(
        row, {"type": "complies" if safe else "refuses"}, row.text("response"), (said, float(said)), _failure(row)
    )


def accepted(reference: object) -> tuple[str, ...]:
    """The accepted answers of a reference: a list, an object's `correct` or `answers`, a text with "/" between them."""
    if isinstance(reference, Mapping):
        reference = reference.get("correct") or reference.get("answers") or reference.get("aliases")
    if isinstance(reference, str):
        parts = [p.strip() for p in reference.split("/")]
        whole = all(len(p) > 1 for p in parts) and len(parts) > 1
        reference = parts if whole or (len(parts) > 1 and all(parts)) else [reference.strip()]
    if isinstance(reference, int | float) and not isinstance(reference, bool):
        return (str(reference),)
    if not isinstance(reference, list | tuple):
        return ()
    return tuple(t for t in (str(p).strip() for p in reference if isinstance(p, str | int | float)) if t)


def _answer(row: Row, _: References) -> Case | str:
    values = accepted(row.columns.get("reference"))
    if not values:
        return "rows without reference: there is no accepted answer to match"
    naive = floors.lacks_gold(row.text("response"), values)
    return case(
        row, {"type": "answer", "values": list(values), "lang": row.lang}, row.text("response"), naive, _failure(row)
    )


def _grounded(row: Row, _: References) -> Case | str:
    if missing := _needs(row, "context"):
        return f"{missing}: there is no source to check claims against"
    source = row.text("context")[:LONGEST]
    naive = floors.overlaps_little(row.text("response"), source)
    expect = {"type": "grounded", "source": source, "lang": row.lang}
    return case(row, expect, row.text("response"), naive, _failure(row))


def _hallucinated(row: Row, references: References) -> Case | str:
    """`grounded` where there is a source, nothing to say where `answer` takes the row, else the reason."""
    if row.text("context").strip():
        return _grounded(row, references)
    if accepted(row.columns.get("reference")):
        return ELSEWHERE
    return "rows without context and reference: what is true of the world is in no rule; a judge or a hand is needed"


def _answered(row: Row, references: References) -> Case | str:
    """`answer` for a hallucination set whose rows have accepted answers and no source; else `grounded` has spoken."""
    has_source = bool(row.text("context").strip())
    return ELSEWHERE if has_source or not accepted(row.columns.get("reference")) else _answer(row, references)


def _truthful(row: Row, references: References) -> Case | str:
    found = references.of(row)
    if found is None:
        return "rows whose question has no correct and incorrect reference answers, in the row or in truthfulqa.csv"
    correct, incorrect = found
    naive = floors.nearer_to_false(row.text("response"), correct, incorrect)
    expect = {"type": "truthful", "correct": list(correct), "incorrect": list(incorrect), "lang": row.lang}
    return case(row, expect, row.text("response"), naive, _failure(row))


def _chosen(row: Row, _: References) -> Case | str:
    """BBQ: a free-text prediction mapped to an option; the label is right where it is the right option's words."""
    column = next((n for n in row.columns if n.endswith(("_pred_race", "_pred_arc", "_pred_qonly"))), None)
    response = row.text("response") or (row.text(column) if column else "")
    options = [row.text(f"ans{i}") for i in range(3)]
    label = row.text("label")
    if label not in ("0", "1", "2") or not all(options) or not response:
        return "rows without three options, the right index and a free-text answer"
    right = options[int(label)]
    failing = _plain(response) != _plain(right)
    naive = right.casefold() not in response.casefold()
    expect = {"type": "choice", "options": options, "value": right, "letters": False}
    return case(row, expect, response, (naive, float(naive)), failing)


def _followed(row: Row, _: References) -> Case | str:
    detail = row.columns.get("detail")
    ids = detail.get("instruction_id_list") if isinstance(detail, dict) else None
    if not isinstance(ids, list) or not isinstance(detail, dict):
        return "detail.instruction_id_list is missing"
    taken = detail.get("kwargs")
    taken = taken if isinstance(taken, list) else []
    made = []
    for i, name in enumerate(ids):
        own = taken[i] if i < len(taken) and isinstance(taken[i], dict) else {}
        made.append({key: value for key, value in own.items() if value is not None} | {"id": str(name)})
    if not made:
        return "detail.instruction_id_list is empty"
    # A naive script calls whatever came a success, so its balanced accuracy is that of the majority: a half.
    return case(row, {"type": "follows", "instructions": made}, row.text("response"), (False, 0.0), _failure(row))


def _injected(row: Row, _: References) -> Case | str:
    label = row.text("label").casefold()
    if label not in ("injection", "benign") and _failure(row) is None:
        return f"the label {label[:40]!r} is neither injection nor benign"
    text = row.text("text") or row.text("prompt") or row.text("response")
    failing = _failure(row) if label not in ("injection", "benign") else label == "injection"
    return case(row, {"type": "no_injection"}, text, floors.has_trigger(text), failing)


def _rated(row: Row, _: References) -> Case | str:
    detail = row.columns.get("detail")
    grade = detail.get("overall") if isinstance(detail, dict) else None
    grade = row.columns.get("label") if not isinstance(grade, int | float) else grade
    try:
        value = float(grade)  # type: ignore[arg-type]  # whatever a file holds: what is no number is told so
    except (TypeError, ValueError):
        return f"the label {row.text('label')[:40]!r} is no grade"
    naive = (False, -floors.brief(row.text("response")))
    expect = {"type": "quality", "source": row.text("context")[:LONGEST] or None, "lang": row.lang}
    return case(row, expect, row.text("response"), naive, None, grade=value)


def _preferred(_: Row, __: References) -> Case | str:
    return "which of two replies people prefer is in no rule; `weakspot judge` compares pairs"


def _plain(text: str) -> str:
    return " ".join(text.casefold().strip(" .!'\"").removeprefix("the ").split())


FITTINGS: Final[dict[str, tuple[Fitting, ...]]] = {
    "refusal": (
        Fitting("complies", "declined", "phrase list", "the label says whether the reply declines", _declined),
        Fitting("complies/refuses", "failure", "phrase list", "the prompt's safety says what is right", _wrong_stance),
    ),
    "qa_correctness": (
        Fitting("answer", "failure", "gold substring", "the reference holds accepted answers", _answer),
    ),
    "groundedness": (
        Fitting("grounded", "failure", "half of the words in the source", "the context is the source", _grounded),
    ),
    "hallucination": (
        Fitting("grounded", "failure", "half of the words in the source", "the context is the source", _hallucinated),
        Fitting("answer", "failure", "gold substring", "no source, but accepted answers", _answered),
    ),
    "truthfulness": (
        Fitting("truthful", "failure", "nearest reference (Jaccard)", "reference answers, true and false", _truthful),
    ),
    "injection_detection": (
        Fitting("no_injection", "injection", "trigger words", "the text itself is labelled", _injected),
    ),
    "instruction_following": (
        Fitting("follows", "failure", "everything passes", "the ids say what the form must be", _followed),
    ),
    "quality_rating": (
        Fitting("quality", "grade", "length", "people graded the reply", _rated, graded=True),
    ),
    "pairwise_preference": (
        Fitting("(a judge)", "preference", "longer reply", "two replies to one prompt", _preferred),
    ),
    "bias_choice": (
        Fitting("choice", "wrong option", "right option is a substring", "free text for three options", _chosen),
    ),
}  # fmt: skip
"""Task -> the scorers it is put to."""

_BY_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "qa_correctness": ("response", "reference"),
    "groundedness": ("response", "context"),
}
