"""What to know about a text under a tokenizer even where nothing is lost; the detectors live in their own files."""

from collections.abc import Callable, Iterable

from weakspot.findings.document import Document, few
from weakspot.findings.odd_boundaries import find_unstable_end
from weakspot.findings.odd_characters import find_forms, find_invisible, find_mixed_scripts
from weakspot.findings.odd_pieces import find_literals, find_special, find_split_characters
from weakspot.findings.odd_words import find_digits, find_shattered, find_structure
from weakspot.records import TokenFinding
from weakspot.tokens.face import Encoded, Tokenizer

DETECTORS: tuple[Callable[[Document], Iterable[TokenFinding]], ...] = (
    find_special,
    find_split_characters,
    find_literals,
    find_shattered,
    find_digits,
    find_structure,
    find_invisible,
    find_mixed_scripts,
    find_forms,
    find_unstable_end,
)


def find_anomalies(tokenizer: Tokenizer, text: str, encoded: Encoded) -> list[TokenFinding]:
    """Findings of every detector that needs no decoding of the text, in the order of the text.

    After 20 findings of one code, one more covers all that is left. Unknown tokens are losses: see `find_losses`.

    Args:
        tokenizer: the tokenizer.
        text: the input, without lone surrogates.
        encoded: its ids with byte offsets.
    """
    document = Document(tokenizer, text, encoded)
    found = [finding for detector in DETECTORS for finding in few(detector(document))]
    return sorted(found, key=lambda finding: (finding.start, finding.end))
