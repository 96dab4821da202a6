"""The verdict of an audit in words: what was audited, what comes back, the worst that was found, what it costs.

Every sentence is made of the summary's numbers; where there is no number, the sentence says so or is not there.
"""

from weakspot.records.audit import AuditSummary, CodeCount, GroupCost
from weakspot.rendering import formats
from weakspot.rendering.anchors import Link, Sentence
from weakspot.rendering.audit_codes import is_loss, losses
from weakspot.rendering.audit_figures import share, times, times_interval
from weakspot.rendering.text import one_line

LONGEST_NAME = 80
MOST_REMARKS = 10
WHOLE = "Whole corpus"


def name_of(summary: AuditSummary) -> str:
    """The tokenizer's name on one line."""
    return ending(summary.tokenizer, LONGEST_NAME) or "(no name)"


def ending(path: str, limit: int) -> str:
    """A path or reference on one line; of a long one the end is kept, where the name is."""
    if len(path) <= limit or "/" not in path[-limit:]:
        return one_line(path, limit)
    return f"…{one_line(path[1 - limit :], limit)}"


def group_name(group: str) -> str:
    """A group's name on one line; the empty one is the whole corpus."""
    return one_line(group, LONGEST_NAME) if group else WHOLE


def headline(summary: AuditSummary) -> str:
    """The verdict in one line."""
    documents, lossy = summary.whole.documents, summary.whole.lossy_documents
    name, so_far = name_of(summary), "" if summary.complete else "So far: "
    if not documents:
        return f"{so_far}Nothing was audited: the corpus gave no documents"
    if not lossy:
        what = "the one document" if documents == 1 else f"all {documents:,} documents"
        return f"{so_far}{name} gives back {what} unchanged"
    if lossy == documents:
        return f"{so_far}{name} changes {'the one document' if documents == 1 else f'all {documents:,} documents'}"
    return f"{so_far}{name} changes text in {lossy:,} of {documents:,} documents"


def verdict(summary: AuditSummary) -> list[Sentence]:
    """The sentences under the headline."""
    if not summary.whole.documents:
        return [_audited(summary)]
    said = [_audited(summary), _lossless(summary), _worst(summary), _cost(summary)]
    if summary.groups:
        said.append(_premium(summary))
    return [*said, *_unseen(summary)]


def cautions(summary: AuditSummary) -> list[Sentence]:
    """What to know before trusting the numbers."""
    found: list[Sentence] = []
    if not summary.complete:
        text = "The numbers are of what was read so far; the rest of the corpus may look different."
        found.append(Sentence(text, (), "Stopped before the end."))
    found += [Sentence(one_line(remark, 400), (), "The tokenizer:") for remark in summary.remarks[:MOST_REMARKS]]
    if len(summary.remarks) > MOST_REMARKS:
        found.append(Sentence(f"{len(summary.remarks) - MOST_REMARKS:,} more remarks on the tokenizer."))
    if summary.unknown * 100 >= summary.whole.tokens > 0:
        text = (
            f"{share(summary.unknown, summary.whole.tokens)} of the tokens are the unknown token, "
            "and what is thrown away costs little: premium and bytes per token look better than they are."
        )
        found.append(Sentence(text, (Link("groups", "groups"),), "Costs flatter it:"))
    broken = [source for source in summary.sources if source.invalid_bytes]
    if broken:
        many = sum(source.invalid_bytes for source in broken)
        where = formats.plural(len(broken), "file")
        verb = "is" if many == 1 else "are"
        text = f"{formats.plural(many, 'byte')} in {where} {verb} no UTF-8; each was read as U+FFFD."
        found.append(Sentence(text, (Link("where", "sources"),), "Broken input:"))
    if left_out := _left_out(summary):
        text = f"{formats.plural(left_out, 'file')}; why stands beside each."
        found.append(Sentence(text, (Link("which", "sources"),), "Left out:"))
    if amiss := sum(bool(source.remark) for source in summary.sources) - left_out:
        text = f"{formats.plural(amiss, 'file')} could not be read as expected."
        found.append(Sentence(text, (Link("which", "sources"),), "Remarks:"))
    if summary.not_logged:
        text = (
            f"{formats.plural(summary.not_logged, 'finding')}, counted here, of kinds that had their share of the log."
        )
        found.append(Sentence(text, (Link("log", "made"),), "Not in the log:"))
    return found


def worst_code(summary: AuditSummary) -> CodeCount | None:
    """The most severe kind of finding; of several, the one in most documents, a loss before what is none."""
    return max(
        summary.codes, key=lambda c: (c.severity, is_loss(c), c.documents, c.findings), default=None
    )  # ties: as they stand


def code_anchor(summary: AuditSummary, count: CodeCount) -> str:
    """The id of a code's row in the table of findings."""
    return f"c-{summary.codes.index(count)}"


def _audited(summary: AuditSummary) -> Sentence:
    whole, files = summary.whole, len(summary.sources) + summary.more_sources - _left_out(summary)
    documents, sources = formats.plural(whole.documents, "document"), formats.plural(files, "file")
    size = f"{formats.size(whole.bytes)}, {formats.plural(whole.characters, 'character')}"
    text = f"{documents} from {sources} ({size}) became {formats.plural(whole.tokens, 'token')}."
    return Sentence(text, (Link("sources", "sources"),), "Audited:")


def _left_out(summary: AuditSummary) -> int:
    """How many files gave no document, with a remark why."""
    return sum(bool(source.remark) and not source.documents for source in summary.sources)


def _lossless(summary: AuditSummary) -> Sentence:
    documents, lossy = summary.whole.documents, summary.whole.lossy_documents
    if not lossy:
        text = "encoded and decoded, every document is what it was, byte for byte."
        return Sentence(text, (), "Nothing is lost:")
    kept = documents - lossy
    text = f"{kept:,} of {formats.plural(documents, 'document')} ({share(kept, documents)})."
    by = _by_stage(summary)
    return Sentence(text, (Link("losses", "losses"),), "Come back as they were:", by)


def _by_stage(summary: AuditSummary) -> str:
    stages: dict[str, int] = {}
    for count in losses(summary.codes):
        stages[count.stage] = stages.get(count.stage, 0) + count.findings
    if not stages:
        return ""
    total, (stage, most) = sum(stages.values()), max(stages.items(), key=lambda item: item[1])
    if most == total:
        return f"All losses are caused by the {stage}." if stage != "input" else "All losses lie in the input itself."
    return f"Most losses are caused by the {stage} ({share(most, total)} of {total:,} findings)."


def _worst(summary: AuditSummary) -> Sentence:
    count = worst_code(summary)
    if count is None:
        return Sentence("no detector found anything in the corpus.", (), "Nothing to remark:")
    often = f"{count.findings:,} {'time' if count.findings == 1 else 'times'}"
    where = f"in {formats.plural(count.documents, 'document')}"
    text = f"{one_line(count.code, 60)} (severity {count.severity} of 5, {count.stage}), {often} {where}."
    example = one_line(count.examples[0].message, 240) if count.examples else ""
    return Sentence(
        text, (Link("findings", code_anchor(summary, count)),), "Worst:", f"For example: {example}" if example else ""
    )


def _cost(summary: AuditSummary) -> Sentence:
    whole = summary.whole
    parts = []
    if formats.known(whole.bytes_per_token):
        parts.append(f"{formats.decimal(whole.bytes_per_token, 2)} bytes a token")
    if formats.known(whole.fertility):
        parts.append(f"{formats.decimal(whole.fertility, 2)} tokens a word")
    text = f"{' and '.join(parts)}." if parts else "not known, the corpus gave no tokens."
    return Sentence(text, (Link("vocabulary", "vocabulary"),), "Cost:")


def _premium(summary: AuditSummary) -> Sentence:
    link = (Link("groups", "groups"),)
    rated = [cost for cost in summary.groups if formats.known(cost.premium) and cost.group != summary.reference_group]
    if not rated:
        text = "no premium can be given, because no texts stand in a reference group and in another."
        return Sentence(text, link, f"{formats.plural(len(summary.groups), 'group')}:")
    reference = group_name(summary.reference_group)
    top = max(rated, key=lambda cost: cost.premium or 0)
    span = f" (95% interval {times_interval(top.premium_low, top.premium_high)})" if _has_interval(top) else ""
    first = f"of {len(rated):,} groups, " if len(rated) > 1 else ""
    text = f"{first}{group_name(top.group)} has the highest premium, {times(top.premium)}{span}."
    return Sentence(text, link, f"Against the same texts in {reference}:", _twice(rated))


def _twice(rated: list[GroupCost]) -> str:
    twice = sum(1 for cost in rated if (cost.premium or 0) >= 2)
    unclear = sum(1 for cost in rated if not shown(cost))
    said = []
    if twice and len(rated) > 1:
        said.append(f"{twice:,} of them {'needs' if twice == 1 else 'need'} at least twice the tokens.")
    if unclear:
        said.append(f"No difference from it is shown for {unclear:,}.")
    return " ".join(said)


def shown(cost: GroupCost) -> bool:
    """Whether the interval of a premium leaves out 1."""
    if not _has_interval(cost) or cost.premium_low is None or cost.premium_high is None:
        return False
    return not cost.premium_low <= 1 <= cost.premium_high


def _has_interval(cost: GroupCost) -> bool:
    return formats.known(cost.premium_low) and formats.known(cost.premium_high)


def _unseen(summary: AuditSummary) -> list[Sentence]:
    tokens, parts = summary.whole.tokens, []
    if summary.unknown:
        parts.append(f"{summary.unknown:,} tokens ({share(summary.unknown, tokens)}) are the unknown token")
    if summary.byte_fallback:
        part = share(summary.byte_fallback, tokens)
        parts.append(f"{summary.byte_fallback:,} tokens ({part}) are no more than parts of characters")
    if not parts:
        return [Sentence("no unknown tokens, and no characters in bytes.", (), "Vocabulary:")] if tokens else []
    return [Sentence(f"{'; '.join(parts)}.", (Link("offenders", "offenders"),), "Vocabulary:")]
