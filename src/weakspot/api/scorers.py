"""`weakspot.list_scorers`, `validate_scorers`."""

import inspect
from pathlib import Path
from typing import Literal

import msgspec

from weakspot import registry
from weakspot.scorers.severity import RULES
from weakspot.validation.labelled import labelled_files, read_labelled
from weakspot.validation.measuring import (
    Ablated,
    Agreement,
    LeftOut,
    Span,
    Validation,
    ablation,
    agreement,
    rules,
    trials,
)
from weakspot.validation.references import find_references

Halves = Literal["all", "tuned", "held-back", "each"]


class ScorerInfo(msgspec.Struct, frozen=True):
    """A scorer as it is listed: `fields` are its configuration, `rules` what can be left out of it."""

    name: str
    says: str
    fields: tuple[str, ...]
    severity: str
    rules: dict[str, str] = {}


def list_scorers() -> list[ScorerInfo]:
    """Every scorer, built-in and third-party, with the first sentence of what it says of itself."""
    out = []
    for name in registry.names("scorers"):
        scorer = registry.load("scorers", name)
        says = " ".join((inspect.getdoc(scorer) or "").partition("\n\n")[0].split())
        fields = tuple(getattr(scorer, "__struct_fields__", ()))
        out.append(ScorerInfo(name, says, fields, RULES.get(name, ""), rules(name)))
    return out


def validate_scorers(
    data: str | Path,
    *,
    half: Halves = "all",
    references: str | Path | None = None,
    ablate: bool = False,
    resamples: int = 2000,
    seed: int = 0,
) -> Validation:
    """How well the scorers agree with people's labels, beside naive floors on the same rows.

    Args:
        data: a folder of labelled .jsonl and .csv files (or one with a folder `labelled`), or one file.
        half: which rows: all, the half that the scorers were made on, the half held back, or each half apart.
        references: TruthfulQA's table, for rows without reference answers; else it is looked for beside the data.
        ablate: also measure every scorer without each of its rules.
        resamples: draws of the bootstrap over groups.
        seed: the draws are the same for the same seed.

    Raises:
        ImportFailed: a row is not readable; the sentence names file and line.
        UsageError: there is no data, or the table of references is none.
    """
    folder = Path(data)
    known = find_references(folder, Path(references) if references else None)
    halves: tuple[Span, ...] = ("tuned", "held-back") if half == "each" else (half,)
    rows: list[Agreement] = []
    left: list[LeftOut] = []
    ablated: list[Ablated] = []
    for path in labelled_files(folder):
        made, lost = trials(read_labelled(path), known)
        left += lost
        for trial in made:
            rows += [agreement(trial, part, resamples=resamples, seed=seed) for part in halves]
            ablated += [a for part in halves if ablate for a in ablation(trial, part, resamples=resamples, seed=seed)]
    source = None if known.source is None else str(known.source)
    return Validation(tuple(rows), tuple(left), tuple(ablated), source)
