"""From losses before and after to the records of `tokens extend`."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from weakspot.api.tokens_train import measured_change
from weakspot.records.training import ExtensionPlan, LossReport, NewTokenReport, Part
from weakspot.vocabularies.byte_loss import Losses
from weakspot.vocabularies.extension import Grown
from weakspot.vocabularies.word_choice import NewWord

PARTS: tuple[Part, ...] = ("domain", "general")
State = Literal["extended", "tuned"]


def loss_reports(
    before: dict[str, Losses], after: dict[str, Losses], words: Sequence[int], state: State
) -> list[LossReport]:
    """One record a part; `words` are the ids of the new words."""
    return [_loss_report(part, before[part], after[part], words, state) for part in PARTS if part in before]


def _loss_report(part: Part, before: Losses, after: Losses, words: Sequence[int], state: State) -> LossReport:
    fresh = set(words)
    changed = [old.ids != new.ids for old, new in zip(before.encoded, after.encoded, strict=True)]
    held = [not fresh.isdisjoint(row.ids) for row in after.encoded]
    changed_documents = before.by_document([float(x) for x in changed]) > 0
    with_words = before.by_document([float(x) for x in held]) > 0
    old, new = before.bits_per_byte, after.bits_per_byte
    return LossReport(
        part=part,
        state=state,
        documents=int(changed_documents.size),
        bytes=int(before.sizes.sum()),
        tokens_before=int(before.document_tokens.sum()),
        tokens_after=int(after.document_tokens.sum()),
        tokens=measured_change(before.document_tokens, after.document_tokens),
        bits_per_byte_before=old,
        bits_per_byte_after=new,
        perplexity_per_byte_before=2**old,
        perplexity_per_byte_after=2**new,
        bits=measured_change(before.document_bits, after.document_bits),
        changed_documents=int(np.count_nonzero(changed_documents)),
        changed_without_words=int(np.count_nonzero(changed_documents & ~with_words)),
    )


def word_reports(words: Sequence[NewWord], ids: Sequence[int], before: Losses, after: Losses) -> list[NewTokenReport]:
    """One record a word, with what its occurrences in the measured text cost before and after."""
    cost: dict[int, list[float]] = {number: [0.0, 0.0, 0.0] for number in ids}
    for old, old_bits, new, new_bits in zip(before.encoded, before.bits, after.encoded, after.bits, strict=True):
        starts, ends = np.asarray(old.starts, np.int64), np.asarray(old.ends, np.int64)
        for at, number in enumerate(new.ids):
            if number in cost:
                inside = (starts >= new.starts[at]) & (ends <= new.ends[at])
                cost[number][0] += 1
                cost[number][1] += float(old_bits[inside].sum())
                cost[number][2] += float(new_bits[at])
    found = []
    for word, number in zip(words, ids, strict=True):
        fired, old_cost, new_cost = cost[number]
        found.append(
            NewTokenReport(
                id=number,
                text=word.plain,
                pieces=word.pieces,
                count=word.occurs,
                saved=word.saved,
                fired=int(fired),
                bits_before=old_cost if fired else None,
                bits_after=new_cost if fired else None,
            )
        )
    return found


def remarks(plan: ExtensionPlan, grown: Grown, words: int, never: int, reports: Sequence[LossReport]) -> list[str]:
    """What a reader of the figures has to know."""
    said = ["Bits per byte are those of the ids each tokenizer gives: an upper bound on those of the text, both times."]
    if words < plan.add:
        said.append(f"The corpus has only {words:,} words that qualify, of the {plan.add:,} that were asked for.")
    if never:
        said.append(f"{never:,} new words do not become one token even where they stand alone.")
    if grown.way == "whole-word":
        said.append("A new word fires only as a whole: with an ending it is cut as before.")
    if grown.way == "merges":
        said.append("Steps between merges fire in other words too that hold the same pieces side by side.")
    if not any(report.part == "general" for report in reports):
        said.append("No general text was given, so what it loses there is not known.")
    if not plan.tune and any(report.bits.verdict == "worse" for report in reports):
        said.append("The new rows are a guess until the model is trained with them: fewer tokens, but worse ones.")
    return said
