"""Documents out of text, JSONL, Parquet, folders and packed files, one after the other in constant memory.

    for document in read_corpus(["notes/", "more.jsonl.gz"]):
        document.text

A text file is one document up to 64 KiB; a longer one is cut at blank lines, else at line ends, and a line of more than
1 MiB inside itself, between two characters. What is no UTF-8 is read as U+FFFD, a byte each, counted and located.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from weakspot.corpora.documents import Parts, Row
from weakspot.corpora.files import Found, LeftOut, check_paths, find_files
from weakspot.corpora.jsonl import json_rows
from weakspot.corpora.parquet import parquet_rows
from weakspot.corpora.text_blocks import text_rows
from weakspot.errors import CorruptFile, UsageError
from weakspot.records.audit import AuditedSource
from weakspot.tokens.text import without_surrogates

BLOCK = 1 << 16
BY_FILE, BY_FOLDER = ":file", ":folder"


@dataclass(frozen=True)
class Layout:
    """How documents lie in their files.

    Attributes:
        field: the field of JSONL, or the column of Parquet, that holds the text.
        group: the field that names a document's group (a language); `:file` takes the file's name, `:folder` the
            first folder under the one that was named; empty: no groups.
        pair: the field that is equal for texts which say the same in different groups; empty: none.
        block: bytes from which a text file is cut.
    """

    field: str = "text"
    group: str = ""
    pair: str = ""
    block: int = BLOCK


class Document(NamedTuple):
    """One text of a corpus.

    Attributes:
        source: its file, as the user named it, and inside a folder its path from there.
        number: its number there, from 0.
        text: the text; U+FFFD stands for each byte that is no UTF-8 and for each lone surrogate.
        group: its language or another group; may be empty.
        pair: what it shares with texts of other groups that say the same; may be empty.
        given: the text with such bytes as `surrogateescape` gives them, and lone surrogates as they are.
        goes_on: whether the reader cut it off the text that follows.
    """

    source: str
    number: int
    text: str
    group: str = ""
    pair: str = ""
    given: str = ""
    goes_on: bool = False


@dataclass
class Source:
    """One file while it is read; `record` says how it went."""

    found: Found
    layout: Layout
    documents: int = 0
    bytes: int = 0
    read: int = 0
    parts: Parts = field(default_factory=Parts)

    def __iter__(self) -> Iterator[Document]:
        """The documents, in order."""
        for row in self._rows():
            given = row.text
            text = given if given.isascii() else without_surrogates(given)
            self.bytes += len(text) if text.isascii() else len(text.encode())
            self.documents += 1
            group = row.group if row.group is not None else self._group()
            yield Document(self.found.name, self.documents - 1, text, group, row.pair, given, row.goes_on)

    @property
    def record(self) -> AuditedSource:
        """What was read so far."""
        parts = self.parts
        return AuditedSource(
            name=self.found.name,
            kind=self.found.kind + self.found.packed,
            documents=self.documents,
            bytes=self.bytes,
            invalid_bytes=parts.invalid,
            invalid_at=tuple(parts.invalid_at),
            remark=parts.remark or ("" if self.documents else "No text is in it."),
        )

    def _rows(self) -> Iterator[Row]:
        layout = self.layout
        fields = (layout.field, layout.group if layout.group[:1] != ":" else "", layout.pair)
        if self.found.kind == "text":
            return text_rows(self.found, layout.block, self.parts, self._has_read)
        rows = (
            parquet_rows(self.found.path, fields, self.parts)
            if self.found.kind == "parquet"
            else json_rows(self.found, fields, self.parts, self._has_read)
        )
        return rows if self.found.named else self._if_it_fits(rows)

    def _if_it_fits(self, rows: Iterator[Row]) -> Iterator[Row]:
        """A file that was met in a folder and lacks the text's field is left out: it may be something else."""
        try:
            yield from rows
        except (UsageError, CorruptFile) as error:
            self.parts.tell(f"Left out: {error.message}")

    def _has_read(self, position: int) -> None:
        self.read = position

    def _group(self) -> str:
        if self.layout.group == BY_FILE:
            stem = self.found.path.name.removesuffix(self.found.packed)
            return Path(stem).stem
        return self.found.folder if self.layout.group == BY_FOLDER else ""


class Corpus:
    """A corpus that can be read more than once, a file at a time and always in the same order.

    Args:
        paths: files and folders.
        layout: how documents lie in them.

    Raises:
        UsageError: nothing is there under a path.
    """

    def __init__(self, paths: Sequence[str | Path], layout: Layout = Layout()) -> None:
        self.paths = check_paths(paths)
        self.layout = layout
        self.left_out = LeftOut()

    def sources(self) -> Iterator[Source]:
        """The files, in order; each is opened when it is read."""
        self.left_out = LeftOut()
        for found in find_files(self.paths, self.left_out):
            yield Source(found, self.layout)

    def size(self) -> int:
        """The bytes of all files as they lie on the disk."""
        return sum(found.path.stat().st_size for found in find_files(self.paths, LeftOut()))


def read_corpus(
    paths: Sequence[str | Path],
    layout: Layout = Layout(),
    *,
    tell: Callable[[AuditedSource], None] = lambda _: None,
) -> Iterator[Document]:
    """The documents of files and folders, in constant memory.

    Args:
        paths: text files, JSONL, Parquet, each of them also .gz or .zst, and folders of such files; in folders, binary
            files, hidden entries and those of version control are left out.
        layout: how documents lie in their files.
        tell: hears, at the end of each file, what was read of it and what was amiss.

    Raises:
        UsageError: nothing is there under a path, or a file lacks the field that holds the text.
        MissingExtra: Parquet or .zst, whose packages are missing.
        CorruptFile: a Parquet file that is none.
    """
    for source in Corpus(paths, layout).sources():
        yield from source
        tell(source.record)
