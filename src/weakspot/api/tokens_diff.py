"""`weakspot.tokens.diff`: the same corpus under two tokenizers, paired by document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from weakspot.api.tokens_audit import BRIEF, FINDINGS, PLAIN, check_options, key_for, opened_tokenizer, results_folder
from weakspot.artifacts.fetch import Progress, silent
from weakspot.corpora.auditing import Auditor
from weakspot.corpora.reading import Corpus, Layout
from weakspot.corpora.summing import Made, comparison, summary
from weakspot.errors import UsageError
from weakspot.records import to_json
from weakspot.records.audit import AuditDiff
from weakspot.rendering.audit import diff_fragment, diff_html
from weakspot.tokens.face import Tokenizer
from weakspot.version import __version__

LOGS = (f"{FINDINGS}-first", f"{FINDINGS}-second")


@dataclass(frozen=True)
class Diff:
    """A comparison; draws itself in a notebook.

    Attributes:
        diff: the figures.
        folder: where the logs and the report lie; None where they were not kept.
    """

    diff: AuditDiff
    folder: Path | None = None

    def _repr_html_(self) -> str:
        """For notebooks."""
        return diff_fragment(self.diff)

    def html(self) -> str:
        """The report as a whole page that loads nothing and runs no script."""
        return diff_html(self.diff, __version__)


def diff(
    paths: str | Path | Sequence[str | Path],
    tokenizers: Sequence[str | Tokenizer],
    *,
    out: str | Path | None = None,
    layout: Layout = PLAIN,
    reference: str = "",
    prices: Mapping[str, float] | None = None,
    processes: int = 1,
    progress: Progress = silent,
) -> Diff:
    """Put the same documents under two tokenizers, and compare tokens and findings document by document.

    Args:
        paths: text, JSONL, Parquet (each also .gz or .zst), and folders of such files.
        tokenizers: two references, or tokenizers that were loaded before.
        out: a folder for both logs, diff.json and report.html; a comparison that was stopped goes on there.
        layout: how documents lie in their files (`weakspot.corpora.reading.Layout`).
        reference: the group that premiums are over; empty: English.
        prices: per million tokens, by the tokenizer as it is named; the price per million characters follows.
        processes: how many processes encode.
        progress: hears of bytes read.

    Raises:
        UsageError: not two tokenizers, a price for none of them, no such path, or `out` holds other results.
        RunInUse, Interrupted, UnknownTokenizer, CorruptFile, MissingExtra, DiskFull: as `weakspot.tokens.audit`.
    """
    check_options(processes, BRIEF)
    if isinstance(tokenizers, str | Tokenizer) or len(tokenizers) != 2:
        raise UsageError("Two tokenizers are compared.", hint="weakspot tokens diff -t A -t B PATH")
    corpus = Corpus([paths] if isinstance(paths, str | Path) else paths, layout)
    opened = [opened_tokenizer(one, progress) for one in tokenizers]
    priced = _priced(prices or {}, [one.name for one in opened])
    key = key_for(corpus, opened, BRIEF)
    with results_folder(out, key, LOGS) as folder:
        auditor = Auditor(corpus, opened, folder, key, BRIEF)
        state = auditor.run(processes, progress)
        first, second = (
            summary(
                state,
                number,
                one,
                engine=auditor.engines[number],
                corpus=corpus.paths,
                reference=reference,
                about=Made("" if out is None else f"{LOGS[number]}.jsonl", processes),
            )
            for number, one in enumerate(opened)
        )
        found = Diff(comparison(state, (first, second), priced), None if out is None else folder.path)
        if out is not None:
            folder.write("diff.json", to_json(found.diff))
            folder.write("report.html", found.html().encode("utf-8", "replace"))
    return found


def _priced(prices: Mapping[str, float], names: Sequence[str]) -> dict[int, float]:
    """Prices by the tokenizer's number; the first may also be called A, the second B."""
    found: dict[int, float] = {}
    for name, price in prices.items():
        places = [n for n, own in enumerate(names) if own == name] or [n for n in range(2) if "AB"[n] == name]
        if not places:
            raise UsageError(
                f"There is a price for {name!r}, which is not compared.", hint=f"Compared are {' and '.join(names)}."
            )
        if not 0 <= price < float("inf"):
            raise UsageError(f"{price} is no price.", hint="--price NAME=2.50, per million tokens.")
        found |= dict.fromkeys(places, price)
    return found
