"""`regex`: a Python regular expression matches somewhere in the reply.

A pattern that can take exponential or high polynomial time is searched in a child process with a time limit, so
that no pattern can hang a run: see `may_be_slow`.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.asked import beyond
from weakspot.scorers.compare import Span, evidence, shorten
from weakspot.scorers.verdict import Finding, verdict

LONGEST: Final = 20_000
"""Characters of a reply that are searched; what is behind them is not."""
TIME_LIMIT_S: Final = 2.0
_STEPS: Final = 1e8
_CHILD: Final = (
    "import json,re,sys; p, f, t = json.load(sys.stdin); m = re.search(p, t, f); json.dump(m and m.span(), sys.stdout)"
)


class Regex(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when `pattern` (Python `re`, searched anywhere, `.` stops at a line's end) matches the reply.

    Only the first 20,000 characters are searched. A search that takes over 2 seconds gives no verdict.
    With `beyond_question` a place where the reply repeats the whole question is not searched.
    """

    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    ignore_case: bool = False
    beyond_question: bool = False

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"pattern is no regular expression: {error}") from None

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply, with the first match."""
        name = f"/{shorten(self.pattern)}/"
        text = beyond(reply.text, probe, cut=False) if self.beyond_question else reply.text
        try:
            span = search(self.pattern, text[:LONGEST], ignore_case=self.ignore_case)
        except TimeoutError:
            said = f"The pattern {name} took longer than {TIME_LIMIT_S:g} s on this reply."
            return verdict("regex", Finding(None, said, evidence(f"regex {name}", reply.text)), reply, probe)
        said = f"The reply matches {name}." if span else f"Nothing in the reply matches {name}."
        finding = Finding(span is not None, said, evidence(f"regex {name}", reply.text, span))
        return verdict("regex", finding, reply, probe)


def search(pattern: str, text: str, *, ignore_case: bool = False) -> Span | None:
    """The span of the first match of `pattern` in `text`, or None.

    Raises:
        TimeoutError: the search took longer than `TIME_LIMIT_S`.
    """
    flags = int(re.IGNORECASE) if ignore_case else 0
    if not may_be_slow(pattern, len(text)):
        match = re.search(pattern, text, flags)
        return match.span() if match else None
    span = in_child(_CHILD, [pattern, flags, text])
    return (span[0], span[1]) if span else None


def in_child(program: str, given: list[Any]) -> Any:
    """What a small program of ours makes of `given`, as JSON in and out, in a process that can be stopped.

    Raises:
        TimeoutError: it took longer than `TIME_LIMIT_S`.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program of ours; the pattern goes through stdin
            [sys.executable, "-I", "-S", "-c", program],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            encoding="ascii",
            timeout=TIME_LIMIT_S,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(str(given)[:200]) from None
    return json.loads(done.stdout)


def may_be_slow(pattern: str, length: int) -> bool:
    """Whether the worst case is beyond `_STEPS`: a repeated group or a back-reference may take exponential time,
    k other repeats take up to length ** (k + 1) steps.
    """
    bare = re.sub(r"\\[^0-9]|\[\^?\]?[^\]]*\]", "x", pattern)
    if re.search(r"\)(?:[*+]|\{\d*,?\d*\})|\\[1-9]|\(\?P=", bare):
        return length > 20
    repeats = len(re.findall(r"[*+]|\{\d*,\d*\}|\{\d{2,}\}", bare))
    return float(max(length, 1)) ** (repeats + 1) > _STEPS
