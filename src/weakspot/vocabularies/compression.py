"""How many tokens a tokenizer needs, document by document, and whether it loses text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weakspot.tokens.face import Tokenizer


@dataclass(frozen=True)
class Counted:
    """One row a document; each array has the shape (documents,).

    `words` are stretches between white space: in scripts without spaces between words they are sentences, and
    fertility there says little.
    """

    tokens: npt.NDArray[np.int64]
    bytes: npt.NDArray[np.int64]
    words: npt.NDArray[np.int64]
    lossy: npt.NDArray[np.bool_]

    @property
    def bytes_per_token(self) -> float:
        """Bytes of UTF-8 behind a token, over all documents."""
        return float(self.bytes.sum() / max(1, self.tokens.sum()))

    @property
    def fertility(self) -> float:
        """Tokens a word, over all documents."""
        return float(self.tokens.sum() / max(1, self.words.sum()))


def count(texts: Sequence[str], tokenizer: Tokenizer) -> Counted:
    """Count the tokens of each text, and see whether its ids decode to the text again."""
    ids = [tokenizer.ids(text) for text in texts]
    return Counted(
        tokens=np.asarray([len(row) for row in ids], np.int64),
        bytes=np.asarray([len(text.encode()) for text in texts], np.int64),
        words=np.asarray([len(text.split()) for text in texts], np.int64),
        lossy=np.asarray([tokenizer.decode(row) != text for row, text in zip(ids, texts, strict=True)], np.bool_),
    )
