"""What the readers of each kind of file share: rows, invalid bytes, remarks, and cutting a text that is too long."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

LONGEST = 1 << 20
"""Characters of a document at most; a longer text is cut, so that memory stays bounded."""

MOST_PLACES = 20
ESCAPED = re.compile("[\udc80-\udcff]")


class Row(NamedTuple):
    """A document before it has a number.

    The text comes with `surrogateescape`; no group means the file's; `goes_on`: the text goes on in the next row.
    """

    text: str
    group: str | None = None
    pair: str = ""
    goes_on: bool = False


@dataclass
class Parts:
    """What was amiss in one file."""

    invalid: int = 0
    invalid_at: list[int] = field(default_factory=list)
    said: dict[str, int] = field(default_factory=dict)

    def tell(self, sentence: str) -> None:
        """A remark; the same one again is counted."""
        self.said[sentence] = self.said.get(sentence, 0) + 1

    @property
    def remark(self) -> str:
        """All remarks in the order they came."""
        return " ".join(f"{text[:-1]} ({many:,} times)." if many > 1 else text for text, many in self.said.items())

    def text(self, data: bytes, offset: int) -> str:
        """Bytes as text; those that are no UTF-8 are counted and located, and come out as surrogates.

        Args:
            data: the bytes.
            offset: where they begin in the unpacked file.
        """
        try:
            return data.decode()
        except UnicodeDecodeError:
            text = data.decode("utf-8", "surrogateescape")
        done, here = 0, offset
        for match in ESCAPED.finditer(text):
            self.invalid += 1
            if len(self.invalid_at) < MOST_PLACES:
                here += len(text[done : match.start()].encode("utf-8", "surrogateescape"))
                done = match.start()
                self.invalid_at.append(here)
        return text


def cut_rows(row: Row, parts: Parts) -> Iterator[Row]:
    """The row, or its pieces where it is too long."""
    if len(row.text) <= LONGEST:
        yield row
        return
    parts.tell(f"A text of more than {LONGEST:,} characters was cut.")
    for start in range(0, len(row.text), LONGEST):
        yield row._replace(text=row.text[start : start + LONGEST], goes_on=start + LONGEST < len(row.text))
