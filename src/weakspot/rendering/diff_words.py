"""The verdict on two tokenizers over one corpus, in words; swapping the tokenizers swaps the sentences.

A difference is said only where its interval or its adjusted test shows one; where none is shown, that is said aloud.
"""

from collections.abc import Sequence

from weakspot.records.audit import AuditDiff, PairedCode, PairedCost
from weakspot.rendering import formats
from weakspot.rendering.anchors import Link, Sentence
from weakspot.rendering.audit_codes import ANY_LOSS
from weakspot.rendering.audit_figures import change, change_interval, money, share
from weakspot.rendering.audit_words import LONGEST_NAME, group_name, name_of
from weakspot.rendering.text import one_line

MOST_NAMED = 12
"""Groups or codes that a sentence names; the table has all."""

FEWEST = 8
"""With fewer documents there is no interval."""


def diff_names(diff: AuditDiff) -> tuple[str, str]:
    """Both tokenizers' names: of paths only the parts that differ, and told apart where nothing does."""
    parts = diff.first.tokenizer.split("/"), diff.second.tokenizer.split("/")
    if min(map(len, parts)) > 1 and parts[0] != parts[1]:
        first, second = (one_line(name, LONGEST_NAME) or "(no name)" for name in _differing(*parts))
    else:
        first, second = name_of(diff.first), name_of(diff.second)
    return (f"{first} (first)", f"{second} (second)") if first == second else (first, second)


def _differing(first: list[str], second: list[str]) -> tuple[str, str]:
    """Two paths without the folders before and the names behind that both share; each keeps at least one part."""
    while min(len(first), len(second)) > 1 and first[0] == second[0]:
        first, second = first[1:], second[1:]
    while min(len(first), len(second)) > 1 and first[-1] == second[-1]:
        first, second = first[:-1], second[:-1]
    return "/".join(first), "/".join(second)


def cheaper(diff: AuditDiff, cost: PairedCost) -> str | None:
    """Which tokenizer is shown to need fewer tokens; None where no difference is shown."""
    first, second = diff_names(diff)
    return {"first is cheaper": first, "second is cheaper": second}.get(cost.verdict)


def fewer(diff: AuditDiff, code: PairedCode) -> str | None:
    """Which tokenizer is shown to have a finding in fewer documents; None where no difference is shown."""
    first, second = diff_names(diff)
    return {"first has fewer": first, "second has fewer": second}.get(code.verdict)


def as_times(diff: AuditDiff) -> bool:
    """Whether changes are too large for per cent: one group needs three times the tokens under one of the two."""
    known = [cost.change for cost in diff.costs if formats.known(cost.change)]
    return any(change > 2 or change < -2 / 3 for change in known)


def saving(cost: PairedCost) -> str:
    """By how much the tokenizer with fewer tokens is below the other, as 12.3%."""
    few, many = sorted((cost.first, cost.second))
    return share(many - few, many)


def diff_headline(diff: AuditDiff) -> str:
    """The verdict in one line."""
    first, second = diff_names(diff)
    so_far = "" if diff.first.complete and diff.second.complete else "So far: "
    if not diff.costs or not diff.costs[0].documents:
        return f"{so_far}Nothing was compared: the corpus gave no documents"
    whole = diff.costs[0]
    if (winner := cheaper(diff, whole)) is None:
        return f"{so_far}No difference in tokens shown between {first} and {second}"
    other = second if winner == first else first
    lossier = _any_loss(diff)
    but = ", but changes more documents" if lossier and fewer(diff, lossier) == other else ""
    return f"{so_far}{winner} needs {saving(whole)} fewer tokens than {other}{but}"


def diff_verdict(diff: AuditDiff) -> list[Sentence]:
    """The sentences under the headline."""
    if not diff.costs or not diff.costs[0].documents:
        return []
    lossy = _any_loss(diff)
    said = [_tokens(diff, diff.costs[0])]
    if lossy:
        said.append(_lossy(diff, lossy))
    elif not (diff.first.whole.lossy_documents or diff.second.whole.lossy_documents):
        said.append(Sentence("every document comes back as it was under both.", (Link("table", "sides"),), "Losses:"))
    said += _groups(diff)
    said += _codes(diff)
    said += _prices(diff)
    return [*said, _sameness(diff)]


def diff_cautions(diff: AuditDiff) -> list[Sentence]:
    """What to know before trusting the numbers."""
    names, found = diff_names(diff), []
    for name, summary in zip(names, (diff.first, diff.second), strict=True):
        if not summary.complete:
            text = f"The numbers under {name} are of what was read so far."
            found.append(Sentence(text, (), "Stopped before the end."))
    for name, summary in zip(names, (diff.first, diff.second), strict=True):
        found += [Sentence(one_line(remark, 400), (), f"{name}:") for remark in summary.remarks[:5]]
        if summary.unknown * 100 >= summary.whole.tokens > 0:
            part = share(summary.unknown, summary.whole.tokens)
            text = f"{part} of the tokens under {name} are the unknown token: what is thrown away costs little."
            found.append(Sentence(text, (Link("sides", "sides"),), "Costs flatter it:"))
    if diff.costs and 0 < diff.costs[0].documents < FEWEST:
        text = f"With fewer than {FEWEST} documents no interval can be given, and so no difference be shown."
        found.append(Sentence(text, (), "Few documents:"))
    return found


def row_anchor(place: int) -> str:
    """The id of a group's row in the table of tokens, by its place in the record."""
    return f"g-{place}"


def _any_loss(diff: AuditDiff) -> PairedCode | None:
    return next((code for code in diff.codes if code.code == ANY_LOSS), None)


def _tokens(diff: AuditDiff, whole: PairedCost) -> Sentence:
    first, second = diff_names(diff)
    documents = formats.plural(whole.documents, "document")
    text = f"{first} makes {whole.first:,} tokens of the {documents}, {second} {whole.second:,}: "
    large = as_times(diff)
    text += change(whole.change, as_times=large)
    if whole.low is None or whole.high is None:
        return Sentence(f"{text}.", (Link("table", row_anchor(0)),), "Tokens:")
    text += f" (95% interval {change_interval(whole.low, whole.high, as_times=large)}, paired by document)."
    after = "" if cheaper(diff, whole) else "No difference shown; that is not the same as equal."
    return Sentence(text, (Link("table", row_anchor(0)),), "Tokens:", after)


def _lossy(diff: AuditDiff, code: PairedCode) -> Sentence:
    first, second = diff_names(diff)
    link = (Link("table", "findings"),)
    if not (code.first_only or code.second_only or code.both):
        return Sentence(f"none of the {code.documents:,} documents is changed by either.", link, "Losses:")
    text = (
        f"{code.first_only:,} documents are changed by {first} only, {code.second_only:,} by {second} only, "
        f"{code.both:,} by both ({formats.p_equals(code.adjusted)}, adjusted)."
    )
    winner = fewer(diff, code)
    after = f"{winner} changes fewer." if winner else "No difference shown; that is not the same as equal."
    return Sentence(text, link, "Losses:", after)


def _groups(diff: AuditDiff) -> list[Sentence]:
    first, second = diff_names(diff)
    wins: dict[str | None, list[Link]] = {first: [], second: [], None: []}
    for place, cost in enumerate(diff.costs[1:], 1):
        wins[cheaper(diff, cost)].append(Link(group_name(cost.group), row_anchor(place)))
    said = [_named(f"{name} needs fewer tokens in", links) for name, links in wins.items() if name and links]
    if wins[None]:
        said.append(_named("No difference in tokens shown in", wins[None], "That is not the same as equal."))
    return said


def _codes(diff: AuditDiff) -> list[Sentence]:
    first, second = diff_names(diff)
    wins: dict[str | None, list[Link]] = {first: [], second: [], None: []}
    for place, code in enumerate(diff.codes):
        if code.code != ANY_LOSS:
            wins[fewer(diff, code)].append(Link(one_line(code.code, 40), f"k-{place}"))
    said = [_named(f"{name} has fewer documents with", links) for name, links in wins.items() if name and links]
    if wins[None]:
        said.append(_named("No difference in documents shown for", wins[None]))
    return said


def _named(lead: str, links: Sequence[Link], after: str = "") -> Sentence:
    if len(links) <= MOST_NAMED + 1:
        return Sentence("", tuple(links), lead, after)
    more = f"and {len(links) - MOST_NAMED:,} more. {after}".rstrip()
    return Sentence("", tuple(links[:MOST_NAMED]), lead, more)


def _prices(diff: AuditDiff) -> list[Sentence]:
    if len(diff.prices) < 2:
        return []
    named = zip(diff_names(diff), diff.prices, strict=False)
    text = ", ".join(f"{money(price.per_million_characters)} under {name}" for name, price in named)
    return [Sentence(f"{text}, at the prices given.", (Link("prices", "prices"),), "A million characters cost")]


def _sameness(diff: AuditDiff) -> Sentence:
    documents = diff.costs[0].documents
    same = f"{diff.same_ids:,} of {formats.plural(documents, 'document')} get the same ids."
    if diff.same_vocabulary:
        how = "also cut the probe texts alike" if diff.same_behaviour else "cut the probe texts otherwise"
        return Sentence(f"both hold the same tokens and {how}; {same}", (), "Vocabularies:")
    return Sentence(f"not the same; {same}", (), "Vocabularies:")
