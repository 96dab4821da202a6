"""The rows of a comparison's page and terminal tables, as text, capped so that any page opens."""

from typing import NamedTuple

from weakspot.records.audit import AuditDiff, AuditSummary, DifferingDocument, GroupCost, Offender, PairedCode
from weakspot.rendering import formats
from weakspot.rendering.audit_codes import ANY_LOSS, STAGES, is_loss, meaning
from weakspot.rendering.audit_figures import change, change_interval, money, share, times, times_interval
from weakspot.rendering.audit_tables import MOST_GROUPS, OFFENDERS, by_cost, digit_bars
from weakspot.rendering.audit_words import WHOLE
from weakspot.rendering.diff_words import as_times, cheaper, diff_names, fewer, row_anchor
from weakspot.rendering.text import one_line

MOST_DOCUMENTS = 100
MOST_OFFENDERS = 15
NOT_SHOWN = "no difference shown"


class CostRow(NamedTuple):
    """One group's tokens under both; `winner` is the place (0, 1) of the cheaper one, None where none is shown."""

    anchor: str
    name: str
    documents: str
    first: str
    second: str
    change: str
    interval: str
    verdict: str
    winner: int | None


class CodePairRow(NamedTuple):
    """One kind of finding under both."""

    anchor: str
    code: PairedCode
    name: str
    meaning: str
    p: str
    adjusted: str
    verdict: str
    winner: int | None


class PremiumRow(NamedTuple):
    """One group's premium under both, each with its interval."""

    name: str
    first: str
    first_interval: str
    second: str
    second_interval: str


class PriceRow(NamedTuple):
    """What text costs under one of the two."""

    name: str
    per_million_tokens: str
    per_million_characters: str


class DocumentRow(NamedTuple):
    """A document on which the two differ."""

    document: DifferingDocument
    ratio: str


class OffenderPair(NamedTuple):
    """Offenders of one kind under both."""

    title: str
    sides: tuple[list[Offender], list[Offender]]


def cost_rows(diff: AuditDiff, *, by_change: bool = False) -> tuple[list[CostRow], int]:
    """The whole corpus, then the groups in the record's order or by their change, and how many are left out."""
    names, rows, large = diff_names(diff), [], as_times(diff)
    kept = list(enumerate(diff.costs[: MOST_GROUPS + 1]))
    if by_change:
        kept[1:] = sorted(kept[1:], key=lambda item: (item[1].change, item[1].group))
    for place, cost in kept:
        winner = cheaper(diff, cost)
        said = f"{winner} needs fewer" if winner else NOT_SHOWN
        rows.append(
            CostRow(
                row_anchor(place),
                one_line(cost.group, 60) if cost.group else WHOLE,
                formats.count(cost.documents),
                formats.count(cost.first),
                formats.count(cost.second),
                change(cost.change, as_times=large),
                change_interval(cost.low, cost.high, as_times=large),
                said,
                names.index(winner) if winner else None,
            )
        )
    return rows, max(0, len(diff.costs) - len(rows))


def code_pairs(diff: AuditDiff) -> list[CodePairRow]:
    """Any loss first, then the kinds of findings in the record's order."""
    names, rows = diff_names(diff), []
    for place, code in enumerate(diff.codes):
        winner = fewer(diff, code)
        said = f"{winner} has fewer" if winner else NOT_SHOWN
        name = "any loss" if code.code == ANY_LOSS else one_line(code.code, 40)
        index = names.index(winner) if winner else None
        numbers = formats.p_value(code.p_value), formats.p_value(code.adjusted)
        rows.append(CodePairRow(f"k-{place}", code, name, meaning(code.code), *numbers, said, index))
    return sorted(rows, key=lambda row: row.code.code != ANY_LOSS)


def premium_rows(diff: AuditDiff) -> tuple[list[PremiumRow], int]:
    """Premiums of the groups that have one under both, the costliest under the first tokenizer first."""
    reference = diff.first.reference_group
    if not reference or reference != diff.second.reference_group:
        return [], 0
    second = {cost.group: cost for cost in diff.second.groups}
    both = [
        (cost, second[cost.group])
        for cost in by_cost(diff.first.groups, reference)
        if cost.group in second and cost.group != reference and formats.known(cost.premium)
    ]
    rows = [PremiumRow(one_line(cost.group, 60), *_premium(cost), *_premium(other)) for cost, other in both]
    return rows[:MOST_GROUPS], max(0, len(rows) - MOST_GROUPS)


def _premium(cost: GroupCost) -> tuple[str, str]:
    return times(cost.premium), times_interval(cost.premium_low, cost.premium_high)


def price_rows(diff: AuditDiff) -> list[PriceRow]:
    """One row a price; the tokenizers' names are told apart where they are the same."""
    names = diff_names(diff)
    return [
        PriceRow(
            names[place] if place < len(names) and len(diff.prices) == len(names) else one_line(price.tokenizer, 80),
            money(price.per_million_tokens),
            money(price.per_million_characters),
        )
        for place, price in enumerate(diff.prices)
    ]


def document_rows(diff: AuditDiff) -> list[DocumentRow]:
    """The documents on which the two differ most, in the record's order."""
    return [
        DocumentRow(one, times(one.second / one.first if one.first else None))
        for one in diff.documents[:MOST_DOCUMENTS]
    ]


def offender_pairs(diff: AuditDiff) -> list[OffenderPair]:
    """The most frequent offenders of each kind under both; kinds without any are left out."""
    found = []
    for kind, title, _ in OFFENDERS:
        sides = [[o for o in s.offenders if o.kind == kind][:MOST_OFFENDERS] for s in (diff.first, diff.second)]
        if any(sides):
            found.append(OffenderPair(title, (sides[0], sides[1])))
    return found


def side_by_side(diff: AuditDiff) -> list[tuple[str, str, str]]:
    """What one summary says beside the other: name and both values, without a verdict."""
    ones, others = _facts(diff.first), _facts(diff.second)
    return [
        (name, ones.get(name, formats.NONE), others.get(name, formats.NONE)) for name in dict.fromkeys([*ones, *others])
    ]


def _facts(summary: AuditSummary) -> dict[str, str]:
    whole = summary.whole
    facts = {
        "Documents changed": _part(whole.lossy_documents, whole.documents),
        "Bytes per token": formats.decimal(whole.bytes_per_token, 2),
        "Tokens per word (fertility)": formats.decimal(whole.fertility, 2),
        "Unknown tokens": _part(summary.unknown, whole.tokens),
        "Parts of characters as tokens": _part(summary.byte_fallback, whole.tokens),
        "Vocabulary that text can become": formats.count(summary.vocabulary),
        "Used by this corpus": _part(summary.used, summary.vocabulary),
        "Rényi efficiency": formats.decimal(summary.renyi_efficiency, 3),
        "Numbers are mostly cut": _mostly(summary),
    }
    for stage in STAGES:
        lost = sum(count.findings for count in summary.codes if count.stage == stage and is_loss(count))
        if lost:
            facts[f"Losses by the {stage}" if stage != "input" else "Losses in the input"] = formats.count(lost)
    for level in (5, 4):
        many = sum(count.findings for count in summary.codes if count.severity == level)
        facts[f"Findings of kinds with severity {level}"] = formats.count(many)
    return facts


def _mostly(summary: AuditSummary) -> str:
    bars = digit_bars(summary)
    return f"{bars[0].name} ({bars[0].share})" if bars else formats.NONE


def _part(part: int, whole: int) -> str:
    return f"{part:,} ({share(part, whole)})" if whole else formats.count(part)
