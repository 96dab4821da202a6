"""The corpus of `tokens train` and `tokens extend`: paths, or a function that gives documents."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from weakspot.errors import UsageError
from weakspot.vocabularies.held_back import Texts

Corpus = Sequence[str | Path] | Callable[[], Iterable[str]]


def open_texts(corpus: Corpus) -> Texts:
    """A function that reads the documents, and can be called again.

    Raises:
        UsageError: nothing is there under a path.
    """
    if callable(corpus):
        return corpus
    paths = [Path(path) for path in ([corpus] if isinstance(corpus, str | Path) else corpus)]
    for path in paths:
        if not path.exists():
            raise UsageError(f"There is no file or folder {path}.", hint="Name text files, JSONL, Parquet or folders.")

    def texts() -> Iterator[str]:
        for path in paths:
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    yield from file.read_text("utf-8", "replace").split("\n\n")

    return texts
