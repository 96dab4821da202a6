"""What a probe asked, as text. It does not know what was expected."""

import re
from typing import Final

from weakspot.records import Probe

_SHORTEST: Final = 12
"""Characters of a question below which a reply may hold it by chance."""
_LONGEST: Final = 2000
_OPENING: Final = 20_000
"""Characters of a reply in which a repeated question is looked for: the search may take question times reply."""


def question(probe: Probe) -> str:
    """The last message of the user, or the raw prompt."""
    asked = [m.content for m in probe.messages or () if m.role == "user" and m.content is not None]
    return asked[-1] if asked else probe.prompt or ""


def everything(probe: Probe) -> str:
    """All that the model was shown: every message, or the raw prompt."""
    return "\n".join(m.content for m in probe.messages or () if m.content) or probe.prompt or ""


def beyond(text: str, probe: Probe, *, cut: bool = True) -> str:
    """`text` with blanks in place of the question where it repeats that whole, so that spans stay true.

    A text that is nothing but the beginning of the question (a repetition that was cut) is blank altogether, unless
    `cut` is false: where a question begins with its ground, that beginning may be a right answer. Letter case and
    white space do not count. A question under 12 characters, or over 2,000, is left in.
    """
    asked = question(probe).split()
    said = " ".join(text.split())
    if not _SHORTEST <= len(" ".join(asked)) <= _LONGEST or len(said) < _SHORTEST:
        return text
    if cut and " ".join(asked).casefold().startswith(said.casefold()):
        return " " * len(text)
    whole = r"(?<!\w)" + r"\s+".join(map(re.escape, asked))
    opening = re.sub(whole, lambda found: " " * len(found[0]), text[:_OPENING], flags=re.IGNORECASE)
    return opening + text[_OPENING:]
