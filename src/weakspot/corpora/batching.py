"""A corpus in batches of about a megabyte, each with the place in the corpus after it, so that work can go on there."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from weakspot.corpora.reading import Corpus, Document
from weakspot.records.audit import AuditedSource

CHARACTERS = 1 << 20
MOST_DOCUMENTS = 4096


class Position(NamedTuple):
    """A place in a corpus: files that are done, and documents done of the next one."""

    source: int = 0
    document: int = 0


@dataclass
class DocumentBatch:
    """Documents that are examined together.

    Attributes:
        number: of the batch, from 0 where this process began.
        documents: the documents.
        position: the place after them.
        sources: files that ended since the batch before.
        read: bytes on the disk that were read so far.
    """

    number: int
    documents: list[Document]
    position: Position
    sources: list[AuditedSource] = field(default_factory=list)
    read: int = 0


def batches(corpus: Corpus, start: Position) -> Iterator[DocumentBatch]:
    """The corpus from a place on; the last batch has no documents and brings the last files.

    A file that was read in part is read again from its beginning, and its documents before the place are left out.
    """
    number = characters = read = index = 0
    documents: list[Document] = []
    ended: list[AuditedSource] = []
    for index, source in enumerate(corpus.sources()):
        size = source.found.path.stat().st_size if source.found.path.is_file() else 0
        if index < start.source:
            read += size
            continue
        for document in source:
            if index == start.source and document.number < start.document:
                continue
            documents.append(document)
            characters += len(document.text)
            if characters >= CHARACTERS or len(documents) >= MOST_DOCUMENTS:
                yield DocumentBatch(number, documents, Position(index, source.documents), ended, read + source.read)
                number, characters, documents, ended = number + 1, 0, [], []
        read += size
        ended.append(source.record)
    if documents:
        yield DocumentBatch(number, documents, Position(index + 1, 0), ended, read)
        ended = []
    for path in corpus.paths:
        if remark := corpus.left_out.remark(path):
            ended.append(AuditedSource(name=path, kind="folder", documents=0, bytes=0, remark=remark))
    yield DocumentBatch(number + 1, [], Position(index + 1, 0), ended, read)
