"""Text as UTF-8 can hold it."""

import re

SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, one for one, so that positions stay right.

    The three libraries disagree about lone surrogates (an error, U+FFFD, or nothing); here there is one outcome.
    """
    return SURROGATE.sub("\ufffd", text) if SURROGATE.search(text) else text
