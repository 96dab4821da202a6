"""What judging models said of a run, and what their self-test showed."""

from typing import Literal

import msgspec

from weakspot.records.codec import SCHEMA_VERSION

Belief = Literal["believed", "better than chance", "not shown", "worse than chance"]


class Share(msgspec.Struct, frozen=True):
    """`count` of `n`, with a 95% interval; `value` is None where n is 0. `p` belongs to the test that `test` names."""

    n: int
    count: int
    value: float | None
    low: float | None
    high: float | None
    p: float | None = None
    test: str = ""


class Estimated(msgspec.Struct, frozen=True):
    """A coefficient with its 95% interval over `n` items; None where it is not defined, `note` says why."""

    n: int
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


class JudgeTest(msgspec.Struct, frozen=True, kw_only=True):
    """A judge's self-test.

    Attributes:
        judge: the judge's name; `reference` is its model reference.
        fingerprint: of all that decides its replies; a test counts for the same fingerprint only.
        created: UTC, ISO 8601.
        items: questions put to it.
        accuracy: balanced accuracy on replies with known truth.
        good: good replies that it passed; `bad` is the share of bad replies that it failed.
        invalid: questions without a verdict that can be read.
        forged: bad replies that it failed, and passed once a forged verdict stood in them.
        forged_kinds: the same by kind of forgery.
        padded: replies on which its verdict changed when filler was added.
        reworded: replies on which its verdict changed when asked twice (another fence, the same content).
        first: pairs put in both orders in which it chose by position alone.
        right_pairs: pairs that it decided rightly, in both orders.
        own: its own replies that it passed, minus another model's of equal correctness; None without another model.
        other: the other model's name.
        belief: what may be said of its pass and fail; `words` says it, a sentence each.
    """

    judge: str
    reference: str
    fingerprint: str
    created: str
    items: int
    accuracy: Estimated
    good: Share
    bad: Share
    invalid: Share
    forged: Share
    forged_kinds: dict[str, Share] = {}
    padded: Share
    reworded: Share
    first: Share
    right_pairs: Share
    own: Share | None = None
    other: str = ""
    belief: Belief
    words: tuple[str, ...]
    schema_version: int = SCHEMA_VERSION


class JudgeTally(msgspec.Struct, frozen=True, kw_only=True):
    """One judge's verdicts on a run.

    Attributes:
        judge: its name.
        reference: its model reference.
        asked: responses put to it.
        passed: how many it passed; the rest failed or got no verdict.
        failed: how many it failed.
        invalid: replies of the judge that are no verdict.
        errors: questions to which no reply came.
        own: candidates with the judge's own weights: it judged itself there.
        rule: responses on which it agrees with the rule's verdict, of those that have one.
        test: its self-test, None where it has not been through one.
        caution: why its verdicts are not to be believed as they stand; empty where they may be.
    """

    judge: str
    reference: str
    asked: int
    passed: int
    failed: int
    invalid: int
    errors: int
    own: tuple[str, ...] = ()
    rule: Share
    test: JudgeTest | None = None
    caution: str = ""


class Judging(msgspec.Struct, frozen=True, kw_only=True):
    """All judges of one run.

    Attributes:
        created: UTC, ISO 8601.
        selection: which responses were asked about: unscored, failed or all.
        available: how many there were; `asked` after sampling.
        judges: one a judge.
        alpha: Krippendorff's alpha between them, nominal, on pass or fail; None with one judge.
        majority: what the majority says, by verdict: passed, failed, even, none.
        notes: what a reader must know, a sentence each.
        earlier: judges of earlier calls whose verdicts stand in the run too.
    """

    created: str
    selection: str
    available: int
    asked: int
    judges: tuple[JudgeTally, ...]
    alpha: Estimated | None = None
    majority: dict[str, int] = {}
    notes: tuple[str, ...] = ()
    earlier: tuple[JudgeTally, ...] = ()
    schema_version: int = SCHEMA_VERSION

    @property
    def believed(self) -> tuple[str, ...]:
        """The raters ("judge:NAME") whose verdicts may stand in where a rule gave none."""
        return tuple(f"judge:{tally.judge}" for tally in (*self.judges, *self.earlier) if not tally.caution)


class Pairwise(msgspec.Struct, frozen=True, kw_only=True):
    """Two candidates' replies put side by side to one judge, each pair in both orders.

    Attributes:
        judge: its name.
        a: the one candidate; `b` the other.
        pairs: items with replies of both.
        a_better: pairs in which it took a's reply in both orders; `b_better` likewise.
        ties: pairs that it called equal in both orders.
        inconsistent: pairs in which its choice hung on the order: they count as ties.
        invalid: pairs without two verdicts that can be read.
        win: a's share of the pairs decided in both orders, with the exact sign test against one half.
        first: of all single choices that took a side, how many took the reply shown first.
        by_position: pairs chosen by position alone, of those with two verdicts.
        verdict: a sentence.
        caution: as in `JudgeTally`.
    """

    judge: str
    a: str
    b: str
    pairs: int
    a_better: int
    b_better: int
    ties: int
    inconsistent: int
    invalid: int
    win: Share
    first: Share
    by_position: Share
    verdict: str
    caution: str = ""
    schema_version: int = SCHEMA_VERSION
