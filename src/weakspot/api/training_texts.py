"""The corpus of `tokens train` and `tokens extend`: paths, or a function that gives documents."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from weakspot.corpora.reading import Corpus as Files
from weakspot.corpora.reading import Layout
from weakspot.records.audit import AuditedSource
from weakspot.vocabularies.held_back import Texts

Corpus = Sequence[str | Path] | Callable[[], Iterable[str]]

BLOCK = 2048
"""Bytes from which a text file is cut into documents: some are held back, and an interval wants many of them, so the
blocks are smaller than an audit's. Rows of JSONL and Parquet stay whole."""
MOST_REMARKS = 5


class FileTexts:
    """The documents of files, in constant memory, and what was amiss when they were read.

    Args:
        paths: text files, JSONL, Parquet, each of them also .gz or .zst, and folders of such files.
        field: the field of JSONL, or the column of Parquet, that holds the text.

    Raises:
        UsageError: nothing is there under a path.
    """

    def __init__(self, paths: Sequence[str | Path], field: str = "text") -> None:
        self._files = Files(paths, Layout(field, block=BLOCK))
        self._amiss: dict[str, str] = {}

    def __call__(self) -> Iterator[str]:
        """The documents, from the first one on.

        Raises:
            UsageError: a file lacks the field that holds the text.
            MissingExtra: Parquet or .zst, whose packages are missing.
            CorruptFile: a Parquet file that is none.
        """
        for source in self._files.sources():
            for document in source:
                yield document.text
            if said := _amiss(source.record):
                self._amiss[source.record.name] = said

    def remarks(self) -> Iterator[str]:
        """What was amiss so far, a sentence each: the first five files, how many more, what was left out of folders."""
        for name in list(self._amiss)[:MOST_REMARKS]:
            yield f"{name}: {self._amiss[name]}"
        if (more := len(self._amiss) - MOST_REMARKS) > 0:
            yield f"In {more:,} more {'file' if more == 1 else 'files'} something was amiss."
        for name in self._files.paths:
            if said := self._files.left_out.remark(name):
                yield f"{name}: {said}"


def open_texts(corpus: Corpus, field: str = "text") -> Texts:
    """A function that reads the documents, and can be called again; for paths a `FileTexts`.

    Raises:
        UsageError: nothing is there under a path.
    """
    if callable(corpus):
        return corpus
    return FileTexts([corpus] if isinstance(corpus, str | Path) else corpus, field)


def remarks_on(texts: Texts) -> list[str]:
    """What was amiss in the files that were read; a function tells nothing."""
    return list(texts.remarks()) if isinstance(texts, FileTexts) else []


def _amiss(record: AuditedSource) -> str:
    said = []
    if record.invalid_bytes:
        many = "byte is" if record.invalid_bytes == 1 else "bytes are"
        said.append(
            f"{record.invalid_bytes:,} {many} no UTF-8, the first at byte {record.invalid_at[0]:,}, and read as U+FFFD."
        )
    if record.remark and record.documents:
        said.append(record.remark)
    return " ".join(said)
