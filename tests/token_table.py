"""The table of hard inputs x real tokenizers that is kept as test data: what `show` says of each.

    WEAKSPOT_TOKENIZERS=FOLDER python tests/token_table.py

writes tests/data/token_table.json anew; read the difference before it is committed. A row holds, for each tokenizer, the
number of ids, 12 digits of a SHA-256 over ids and spans, whether nothing was lost, and the losses as
"code stage start-end".
"""

import hashlib
import json
import os
import sys
from functools import cache
from pathlib import Path

from hard_texts import HARD_TEXTS, SURROGATE_TEXTS
from token_references import FILES
from weakspot.findings.viewing import view_text
from weakspot.records import TokenView
from weakspot.tokens.loading import load_tokenizer

TABLE = Path(__file__).parent / "data" / "token_table.json"
Row = list[int | str | bool | list[str]]


def key(text: str) -> str:
    """How an input is written in the table: as JSON, so that everything in it can be seen."""
    return json.dumps(text)


def row(view: TokenView) -> Row:
    """What the table keeps of a view."""
    digest = hashlib.sha256()
    for piece in view.pieces:
        digest.update(f"{piece.id} {piece.start} {piece.end}\n".encode())
    losses = [f"{f.code} {f.stage} {f.start}-{f.end}" for f in view.findings if "output" in f.evidence]
    return [len(view.ids), digest.hexdigest()[:12], view.lossless, losses]


@cache
def read() -> dict[str, dict[str, Row]]:
    """The table: input to tokenizer to row."""
    found: dict[str, dict[str, Row]] = json.loads(TABLE.read_text("utf-8"))
    return found


def write(folder: Path) -> None:
    """Make the table from the tokenizers in a folder, one line for each input and tokenizer."""
    texts = (*HARD_TEXTS, *SURROGATE_TEXTS)
    table: dict[str, dict[str, Row]] = {key(text): {} for text in texts}
    for name in sorted(FILES):
        tokenizer = load_tokenizer(str(folder / name / FILES[name]))
        for text in texts:
            table[key(text)][name] = row(view_text(tokenizer, text))
        sys.stderr.write(f"{name}\n")
    lines = []
    for text, rows in table.items():
        inner = ",\n".join(f"  {json.dumps(name)}: {json.dumps(kept)}" for name, kept in rows.items())
        lines.append(f" {json.dumps(text)}: {{\n{inner}\n }}")
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    write(Path(os.environ["WEAKSPOT_TOKENIZERS"]))
