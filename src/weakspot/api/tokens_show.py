"""`weakspot.tokens.show`: one text under one or more tokenizers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from weakspot.artifacts.fetch import Progress, silent
from weakspot.errors import UsageError
from weakspot.findings.viewing import view_text
from weakspot.records import TokenView
from weakspot.rendering.token_view import token_view_fragment, token_view_html
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.loading import load_tokenizer
from weakspot.version import __version__

MOST_BYTES = 16 << 20
"""A longer text is one for `weakspot tokens audit`, which streams."""


class TokenViews(Sequence[TokenView]):
    """A text under each tokenizer, in the order they were named; draws itself in a notebook.

    Attributes:
        views: the records.
    """

    def __init__(self, views: Sequence[TokenView]) -> None:
        self.views = tuple(views)

    @overload
    def __getitem__(self, index: int) -> TokenView: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[TokenView, ...]: ...
    def __getitem__(self, index: int | slice) -> TokenView | tuple[TokenView, ...]:
        return self.views[index]

    def __len__(self) -> int:
        return len(self.views)

    def __iter__(self) -> Iterator[TokenView]:
        return iter(self.views)

    def __repr__(self) -> str:
        said = (
            f"{view.tokenizer}: {len(view.ids):,} tokens, {'lossless' if view.lossless else 'lossy'}"
            for view in self.views
        )
        return f"TokenViews({'; '.join(said)})"

    def _repr_html_(self) -> str:
        """For notebooks."""
        return token_view_fragment(self.views)

    def html(self) -> str:
        """The picture as a whole page that loads nothing and runs no script."""
        return token_view_html(self.views, __version__)


def show(
    text: str | bytes | None,
    tokenizers: str | Tokenizer | Sequence[str | Tokenizer],
    *,
    file: str | Path | None = None,
    add_special: bool = False,
    parse_special: bool | None = None,
    accept_licence: bool = False,
    progress: Progress = silent,
) -> TokenViews:
    """What each tokenizer makes of a text: pieces with byte offsets, the decoded text, and findings.

    Args:
        text: a string, which may hold surrogates of `surrogateescape`, or bytes that should be UTF-8: what is not is
            counted, located and read as U+FFFD. None where a file is named.
        tokenizers: one or more references (a path, a folder, a bundled name, a model reference, `hf:org/name`), or
            tokenizers that were loaded before.
        file: a file to read the text from.
        add_special: add what the post-processor puts around a single text (BOS, EOS, CLS, SEP).
        parse_special: whether text that spells a special token becomes its id; None: as the library does by default.
        accept_licence: accept a bundled tokenizer's own terms.
        progress: where a download's progress goes.

    Raises:
        UsageError: no tokenizer is named, or the text is longer than 16 MiB.
        UnknownTokenizer, CorruptFile, and what loading raises.
    """
    named = [tokenizers] if isinstance(tokenizers, str | Tokenizer) else list(tokenizers)
    if not named:
        raise UsageError("No tokenizer is named.", hint="weakspot tokens show TEXT -t bert-minilm")
    if (text is None) == (file is None):
        raise UsageError("Name either a text or a file.", hint="weakspot tokens show --file F -t bert-minilm")
    given = _read(file) if file is not None else text or ""
    if len(given) > MOST_BYTES:
        raise UsageError(
            f"The text is longer than {MOST_BYTES >> 20} MiB.", hint="weakspot tokens audit takes files of any size."
        )
    string = given if isinstance(given, str) else given.decode("utf-8", "surrogateescape")
    opened = [
        one if isinstance(one, Tokenizer) else load_tokenizer(one, accept_licence=accept_licence, progress=progress)
        for one in named
    ]
    return TokenViews([view_text(one, string, parse_special=parse_special, add_special=add_special) for one in opened])


def _read(path: str | Path) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(f"{str(path)!r} can't be read: {reason}.", hint="Check the path.") from None
