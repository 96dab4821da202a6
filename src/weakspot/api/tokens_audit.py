"""`weakspot.tokens.audit`: a corpus under a tokenizer, in constant memory, from where it stood."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from weakspot.artifacts.fetch import Progress, silent
from weakspot.corpora.auditing import Auditor, LogPlan
from weakspot.corpora.keeping import Folder, check_format, key_of
from weakspot.corpora.reading import Corpus, Layout
from weakspot.corpora.summing import Made, summary
from weakspot.errors import UsageError
from weakspot.records import SCHEMA_VERSION, to_json
from weakspot.records.audit import AuditSummary
from weakspot.rendering.audit import audit_fragment, audit_html
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.loading import load_tokenizer
from weakspot.version import __version__

FINDINGS = "findings"
PLAIN, BRIEF = Layout(), LogPlan()


@dataclass(frozen=True)
class Audit:
    """An audit; draws itself in a notebook.

    Attributes:
        summary: the figures and findings.
        folder: where the log and the report lie; None where they were not kept.
    """

    summary: AuditSummary
    folder: Path | None = None

    def _repr_html_(self) -> str:
        """For notebooks."""
        return audit_fragment(self.summary)

    def html(self) -> str:
        """The report as a whole page that loads nothing and runs no script."""
        return audit_html(self.summary, __version__)


def audit(
    paths: str | Path | Sequence[str | Path],
    tokenizer: str | Tokenizer,
    *,
    out: str | Path | None = None,
    layout: Layout = PLAIN,
    reference: str = "",
    processes: int = 1,
    log: LogPlan = BRIEF,
    progress: Progress = silent,
) -> Audit:
    """Put a corpus under a tokenizer: what it costs, what is lost, what is odd; every finding with its document.

    Args:
        paths: text, JSONL, Parquet (each also .gz or .zst), and folders of such files.
        tokenizer: a reference, or a tokenizer that was loaded before.
        out: a folder for the log, summary.json and report.html. With the same arguments an audit that was stopped goes
            on there. None: only the summary is given back.
        layout: how documents lie in their files (`weakspot.corpora.reading.Layout`).
        reference: the group that premiums are over; empty: English.
        processes: how many processes encode.
        log: its format, and how many rows one code may have.
        progress: hears of bytes read.

    Raises:
        UsageError: no such path, or `out` holds the results of other arguments.
        RunInUse: another process writes to `out`.
        Interrupted: Ctrl-C; with `out`, the same call goes on.
        UnknownTokenizer, CorruptFile, MissingExtra, DiskFull.
    """
    check_options(processes, log)
    corpus = Corpus([paths] if isinstance(paths, str | Path) else paths, layout)
    opened = opened_tokenizer(tokenizer, progress)
    key = key_for(corpus, [opened], log)
    with results_folder(out, key, [FINDINGS]) as folder:
        auditor = Auditor(corpus, [opened], folder, key, log)
        state = auditor.run(processes, progress)
        made = Made("" if out is None else f"{FINDINGS}.{log.format}", processes)
        found = Audit(
            summary(state, 0, opened, engine=auditor.engines[0], corpus=corpus.paths, reference=reference, about=made),
            None if out is None else folder.path,
        )
        if out is not None:
            if log.format == "parquet":
                folder.to_parquet()
            folder.write("summary.json", to_json(found.summary))
            folder.write("report.html", found.html().encode("utf-8", "replace"))
    return found


def check_options(processes: int, log: LogPlan) -> None:
    """Whether the options can be met.

    Raises:
        UsageError, MissingExtra.
    """
    if not 1 <= processes <= 4 * (os.cpu_count() or 1):
        raise UsageError(f"{processes} processes can't be had.", hint=f"This machine has {os.cpu_count()} cores.")
    if log.most < 0:
        raise UsageError("A log can't have fewer than no rows of a code.", hint="--log-most 0 logs none.")
    check_format(log.format)


def opened_tokenizer(tokenizer: str | Tokenizer, progress: Progress) -> Tokenizer:
    """The tokenizer itself."""
    return tokenizer if isinstance(tokenizer, Tokenizer) else load_tokenizer(tokenizer, progress=progress)


def key_for(corpus: Corpus, tokenizers: Sequence[Tokenizer], log: LogPlan) -> str:
    """A short name for everything that the results depend on: going on with anything else would mix two audits."""
    return key_of(
        {
            "schema": SCHEMA_VERSION,
            "paths": corpus.paths,
            "bytes": corpus.size(),
            "layout": asdict(corpus.layout),
            "tokenizers": [[one.name, one.fingerprint] for one in tokenizers],
            "log": asdict(log),
        }
    )


@contextmanager
def results_folder(out: str | Path | None, key: str, logs: Sequence[str]) -> Iterator[Folder]:
    """The folder for results, locked; one that is thrown away where none is named."""
    with tempfile.TemporaryDirectory() as passing:
        folder = Folder(Path(passing) / "audit" if out is None else Path(out), key, logs)
        try:
            yield folder
        finally:
            folder.close()
