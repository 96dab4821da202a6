"""`filtered_match`: an answer is drawn out of the reply by filters, then it must equal one of several values.

This is what lm-evaluation-harness calls `filter_list` and the metric `exact_match` (`lm_eval/filters/`,
`lm_eval/api/metrics.py`), value for value, so that a task taken over from there scores the same replies the same way.
Patterns that may be slow run in a child process with a time limit, as in `regex`.
"""

import re
import string
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.compare import evidence, shorten
from weakspot.scorers.regex import LONGEST, TIME_LIMIT_S, in_child, may_be_slow
from weakspot.scorers.severity import Fault
from weakspot.scorers.verdict import Finding, verdict

FALLBACK: Final = "[invalid]"
Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step. `regex` takes match number `select` of `pattern` (its first group that holds something, stripped), or
    `fallback` where there is none; `map` looks the text up in `mapping`, or gives `fallback`; the others need nothing.
    """

    function: Literal["regex", "remove_whitespace", "lowercase", "uppercase", "map"]
    pattern: str = ""
    select: int = 0
    fallback: str = FALLBACK
    mapping: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.function == "regex":
            _compiled(self.pattern)


class FilteredMatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when what the filters leave of the reply equals one of `values`, letter by letter.

    Before that, on both sides: every match of each of `remove` (patterns) is cut out, then case, ASCII punctuation and
    digits are left out of account where asked. A pattern that takes over 2 seconds gives no verdict.
    """

    values: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    filters: tuple[Filter, ...] = ()
    remove: tuple[Pattern, ...] = ()
    ignore_case: bool = False
    ignore_punctuation: bool = False
    ignore_digits: bool = False

    def __post_init__(self) -> None:
        for pattern in self.remove:
            _compiled(pattern)

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply, with the answer that was drawn out of it."""
        try:
            answer = self.drawn(reply.text[:LONGEST])
            wanted = {self._plain(value) for value in self.values}
            passed = self._plain(answer) in wanted
        except TimeoutError:
            said = f"A pattern of the filters took longer than {TIME_LIMIT_S:g} s on this reply."
            return verdict("filtered_match", Finding(None, said, evidence("filters", reply.text)), reply, probe)
        start = reply.text.rfind(answer) if answer else -1
        noted = evidence("what the filters leave", reply.text, (start, start + len(answer)) if start >= 0 else None)
        one = shorten(self.values[0]) if len(self.values) == 1 else "one of " + shorten(", ".join(self.values))
        said = f"The answer drawn out is {shorten(answer)!r}" + ("." if passed else f", not {one!r}.")
        fault: Fault = "no_answer" if answer == FALLBACK else "wrong"
        return verdict("filtered_match", Finding(passed, said, noted, fault), reply, probe)

    def drawn(self, text: str) -> str:
        """What the filters leave of a text.

        Raises:
            TimeoutError: a pattern took too long.
        """
        for step in self.filters:
            text = _applied(step, text)
        return text

    def _plain(self, text: str) -> str:
        for pattern in self.remove:
            text = run_pattern("sub", pattern, text)
        text = text.lower() if self.ignore_case else text
        text = text.translate(_NO_PUNCTUATION) if self.ignore_punctuation else text
        return text.translate(_NO_DIGITS) if self.ignore_digits else text


_NO_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
_NO_DIGITS: Final = str.maketrans("", "", string.digits)
_CHILD: Final = (
    "import json,re,sys; w, p, t = json.load(sys.stdin); "
    "json.dump(re.findall(p, t) if w == 'findall' else re.sub(p, '', t), sys.stdout)"
)


def _applied(step: Filter, text: str) -> str:
    if step.function == "regex":
        return _selected(step, run_pattern("findall", step.pattern, text))
    if step.function == "map":
        return step.mapping.get(text, step.fallback)
    return {"remove_whitespace": text.strip, "lowercase": text.lower, "uppercase": text.upper}[step.function]()


def _selected(step: Filter, found: Sequence[Any]) -> str:
    """The match that is meant; of several groups the first that is not empty."""
    if not found:
        return step.fallback
    try:
        match = found[step.select]
    except IndexError:  # lm-eval ends with an error here; to us it is no match
        return step.fallback
    if not isinstance(match, str):
        match = next((group for group in match if group), step.fallback)
    return str(match).strip()


def run_pattern(what: Literal["findall", "sub"], pattern: str, text: str) -> Any:
    """`re.findall(pattern, text)`, or the text without the matches; in a child with a time limit where it may be slow.

    Raises:
        TimeoutError: it took longer than `regex.TIME_LIMIT_S`.
    """
    if not may_be_slow(pattern, len(text)):
        return re.findall(pattern, text) if what == "findall" else re.sub(pattern, "", text)
    return in_child(_CHILD, [what, pattern, text])


def _compiled(pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"pattern is no regular expression: {error}") from None
