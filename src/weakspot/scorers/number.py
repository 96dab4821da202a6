"""`number`: the last number in the reply is the value, within a tolerance.

A number is what `last_number` says. Groups of exactly three digits with a space between them are one number, so
"100 200" is 100200. Fractions and units are not read: "45%" is 45 and "3/4" ends in 4. A number in English words
("twelve", "occurs twice") counts where the reply holds no numeral at all.
"""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.compare import Span, evidence
from weakspot.scorers.number_words import last_in_words
from weakspot.scorers.verdict import Finding, verdict

_LONGEST = 340
"""Digits beyond which a numeral is no finite number any more."""

_TAIL = 100_000
"""Characters at the end of a reply in which the last number is looked for."""

# A numeral does not start inside a word (GPT4, H2O) or right behind another one (3.4.5); a minus counts where it
# does not join two words or numbers (10-3, COVID-19). Groups of three are joined by a comma, an apostrophe or a
# space of any width; a comma with one, two or more than three digits behind it is a decimal comma.
_NUMERAL = re.compile(
    r"(?<![^\W_])(?<!\d\.)"
    r"(?P<sign>(?<![\w)\]])[-−+]\s?(?=[$€£¥]?[\d.]))?[$€£¥]?"
    r"(?P<body>\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?|\d{1,3}(?:['’ \u00a0\u2009\u202f]\d{3})+(?!\d)(?:[.,]\d+)?"
    r"|(?<!\d,)\d+,\d+(?!,?\d)|\d+(?:\.\d+)?|\.\d+)"
    r"(?P<exponent>[eE][-+−]?\d+(?!\w)|\s?[×x*·]\s?10(?:\s?\^\s?\{?[-−]?\d+\}?|[⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))?"
)
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when the reply's last number differs from `value` by at most the tolerance.

    The tolerance is the larger of `tolerance` (absolute) and `relative` x |value|; both are 0 by default. The
    arithmetic is decimal, so that 0.4 is within 0.1 of 0.3.
    """

    value: float
    tolerance: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    relative: Annotated[float, msgspec.Meta(ge=0)] = 0.0

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply, with the numeral it rests on."""
        last = last_number(reply.text)
        wanted = f"{self.value:g}" if abs(self.value) < 1e6 else f"{self.value:.15g}"
        if last is None:
            said = f"The reply has no number; {wanted} was expected."
            return verdict("number", Finding(False, said, evidence("number", reply.text), "no_answer"), reply, probe)
        given, span = last
        value = Decimal(repr(self.value))
        allowed = max(Decimal(repr(self.tolerance)), Decimal(repr(self.relative)) * abs(value))
        passed = abs(given - value) <= allowed
        margin = f" (give or take {allowed.normalize():f})" if allowed else ""
        said = f"The last number is {given:g}, {'as' if passed else 'not'} {wanted}{margin}{' expected' * passed}."
        return verdict("number", Finding(passed, said, evidence("last number", reply.text, span)), reply, probe)


def last_number(text: str) -> tuple[Decimal, Span] | None:
    """The last finite numeral in `text` and its span; without any the last number in words; else None."""
    found = None
    for match in _NUMERAL.finditer(text, max(0, len(text) - _TAIL)):
        value = _value(match)
        if value is not None:
            found = value, match.span()
    return found or _in_words(text)


def _in_words(text: str) -> tuple[Decimal, Span] | None:
    before = max(0, len(text) - _TAIL)
    found = last_in_words(text[before:])
    return None if found is None else (found[0], (found[1][0] + before, found[1][1] + before))


def _value(match: re.Match[str]) -> Decimal | None:
    body, exponent, sign = match["body"], match["exponent"] or "", match["sign"] or ""
    if len(body) > _LONGEST or len(exponent) > 12:
        return None
    whole = re.sub(r"['’ \u00a0\u2009\u202f]", "", body)
    whole = whole.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", whole) else whole.replace(",", ".")
    power = re.sub(r"^\s?[×x*·]\s?10|[\s^{}eE]", "", exponent).translate(_SUPERSCRIPT)
    text = f"{'-' if sign[:1] in '-−' and sign else ''}{whole}{'e' + power if power else ''}"
    return Decimal(text) if math.isfinite(float(text)) else None
