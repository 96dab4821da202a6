"""What a report is made of: saved records and nothing else, so that any saved run renders again without a model.

Everything optional has an empty default, and a page is made of what is there: what is missing is said, never guessed.
All strings may come from a model, a data set or an endpoint and are treated as hostile when they are shown.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, Self

import msgspec

from weakspot.records import Card, Probe, Response, Score, Summary, from_json, to_json
from weakspot.records.agreement import Agreement
from weakspot.records.judging import Judging, Pairwise
from weakspot.records.probe import Arm
from weakspot.records.rubric import FailureRubric

TokenKind = Literal["text", "control", "bytes"]


class TrailToken(msgspec.Struct, frozen=True):
    """One token of a prompt or a reply: its id in the candidate's vocabulary, and what stands behind it.

    `piece` is text; for kind `bytes` (a token that is no whole UTF-8 text) it is hex, such as "f0 9f".
    `control` marks tokens of the template or the tokenizer, such as `<|im_end|>`.
    """

    id: int | None
    piece: str
    kind: TokenKind = "text"


class FailureView(msgspec.Struct, frozen=True):
    """One failed item of one candidate with all that is known of it.

    `prompt_trail` is the last request as the engine was fed, template included; `output_trail` the scored reply.
    Both may be empty; then `trail_note` says why (an endpoint that shows no tokens, say).
    """

    probe: Probe
    candidate: str
    response: Response
    score: Score
    prompt_trail: tuple[TrailToken, ...] = ()
    output_trail: tuple[TrailToken, ...] = ()
    trail_note: str = ""


class Hypothesis(msgspec.Struct, frozen=True):
    """What one difference between two candidates could explain, and the experiment that would test it.

    `difference` says what differs ("context: 2,048 against 32,768"); `card_fields` and `categories` are what the
    sentence stands on: field names of `Card`, and categories of the summary.
    """

    text: str
    difference: str
    confounds: tuple[str, ...] = ()
    experiment: str = ""
    card_fields: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class Uninformative(msgspec.Struct, frozen=True):
    """An item left out of a candidate's rate because the candidate failed the item's own positive control."""

    probe: str
    candidate: str
    control: str
    reason: str = ""


class ItemResult(msgspec.Struct, frozen=True):
    """One cell of the table of all items; `reply` is the beginning of what the candidate said.

    `sources` are the beginnings of what its own retrieval found for it, each behind its name; mostly none.
    """

    passed: bool | None
    reply_class: str = ""
    severity: int | None = None
    reason: str = ""
    uninformative: bool = False
    reply: str = ""
    sources: tuple[str, ...] = ()


class ItemRow(msgspec.Struct, frozen=True):
    """One line of the table of all items; `results` is by candidate. Controls stand in it but are not counted.

    `asked` is the beginning of the conversation, or of the prompt.
    """

    probe: str
    category: str
    counted: bool
    results: dict[str, ItemResult]
    arm: Arm | None = None
    group: str | None = None
    asked: str = ""


class ReportInput(msgspec.Struct, frozen=True):
    """Everything that a report shows. `api` fills it from the run folder.

    Args:
        summary: the numbers.
        run_id: names the run; `created` is its date as ISO 8601.
        command: the command line that makes this run again.
        cards: by candidate; one may be missing (an endpoint shows no weights).
        failures: every failed, counted item; the page takes the worst of them.
        rubric: (severity 1-5, the sentence that anchors it); `rubrics` is the text for each failure mode of the run.
        hypotheses: what each architectural difference could explain.
        environment: name -> value: python, platform, cpu, cores, versions of packages.
        notes: sentences that a reader must know, such as "gemma3-270m is a base model".
        licences: by candidate, of its weights.
        costs: by candidate, in words with a currency ("0.12 USD, estimated"); absent for local models.
        items: every probe with its result per candidate, in the suite's order.
        uninformative: items left out, with the control that failed.
        ratings: what people and judges said of the answers; None where nobody did.
        judging: what judging models said, and their self-tests; None where none was asked.
        pairwise: two candidates side by side before a judge, one a pair and judge.
        scores: which verdicts the numbers stand on: the automatic ones, or the effective ones (hands before rules).
    """

    summary: Summary
    run_id: str = ""
    created: str = ""
    command: str = ""
    cards: dict[str, Card] = {}
    failures: tuple[FailureView, ...] = ()
    rubric: tuple[tuple[int, str], ...] = ()
    rubrics: tuple[FailureRubric, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    environment: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    licences: dict[str, str] = {}
    costs: dict[str, str] = {}
    items: tuple[ItemRow, ...] = ()
    uninformative: tuple[Uninformative, ...] = ()
    ratings: Agreement | None = None
    judging: Judging | None = None
    pairwise: tuple[Pairwise, ...] = ()
    scores: Literal["automatic", "effective"] = "automatic"

    def to_json(self) -> bytes:
        """One line of JSON; lone surrogates become U+FFFD."""
        return to_json(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            msgspec.ValidationError: the JSON does not fit; the message names the path.
        """
        return from_json(data, cls)


def trail(
    ids: Iterable[int],
    pieces: Mapping[int, bytes],
    control: Iterable[int] = (),
    *,
    named: Mapping[int, str] | None = None,
) -> tuple[TrailToken, ...]:
    """Tokens out of ids and the bytes behind them.

    Args:
        ids: in order.
        pieces: id -> bytes; an id without an entry is shown as unknown.
        control: ids that are control tokens.
        named: what to show for ids whose bytes are empty (control tokens, in some engines).
    """
    marked = frozenset(control)
    return tuple(_token(i, pieces.get(i), i in marked, (named or {}).get(i, "")) for i in ids)


def _token(token: int, raw: bytes | None, control: bool, name: str) -> TrailToken:
    if raw is None or (not raw and (control or name)):
        return TrailToken(token, name or "?", "control")
    try:
        return TrailToken(token, raw.decode("utf-8"), "control" if control else "text")
    except UnicodeDecodeError:
        return TrailToken(token, raw.hex(" "), "bytes")
