"""Token features of a run's responses, and which of them go with failures."""

import msgspec

FEATURES_VERSION = 1
"""Raised when a measure changes its meaning; features that were saved under another version are measured again."""

CAUTION = "This is association, not cause: an experiment must confirm it."


class TokenMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """What a tokenizer makes of one text, in numbers (see `weakspot.findings.measures` for how each is counted).

    Attributes:
        bytes: the text's length in UTF-8.
        tokens: how many ids it becomes, without BOS and the like.
        bytes_per_token: None without tokens.
        words: runs of letters, marks and digits with a letter in them.
        fertility: pieces per word, mean over the words; None without words.
        unknown: tokens that stand for what the vocabulary does not have.
        byte_fallback: tokens that hold a part of a character, or a <0xXX>.
        rarest: the latest learned token's rank, 0 for the first that was learned; None where all are letters or bytes.
        rarest_token: that token as the vocabulary writes it.
        numbers: runs of two digits or more.
        uneven_numbers: those that are cut in groups which are neither equal nor, counted from the right, equal.
        structural_merges: tokens in which a structural character of JSON or code is joined with others.
        unstable_boundary: of some short continuations, how many change the tokens before them.
        special_ids: control tokens that the plain text turned into.
        lossy: whether the decoder gives back another text.
        pieces: words to their pieces; a word that is not here is one piece.
    """

    bytes: int
    tokens: int
    bytes_per_token: float | None
    words: int
    fertility: float | None
    unknown: int
    byte_fallback: int
    rarest: int | None
    rarest_token: str
    numbers: int
    uneven_numbers: int
    structural_merges: int
    unstable_boundary: int
    special_ids: int
    lossy: bool
    pieces: dict[str, int] = {}


class TokenFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """The token features of one response.

    Attributes:
        probe: the probe's id.
        candidate: the candidate's name.
        user: of the text that the probe says as the user (or of its raw prompt), one turn a line.
        prompt: of the whole prompt as the engine was fed it, template and all; None where the run holds no ids of it.
        same_ids: whether this tokenizer makes of the recorded prompt the ids that the engine recorded; None without.
    """

    probe: str
    candidate: str
    user: TokenMeasures
    prompt: TokenMeasures | None = None
    same_ids: bool | None = None


class CandidateFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """The token features of one candidate's responses, as they are saved in a run.

    Attributes:
        candidate: its name.
        tokenizer: what the tokenizer was opened by; empty where there is none.
        fingerprint: of that tokenizer.
        missing: why there are no features; empty where there are.
        rows: a row a response, in the order of the probes.
        remarks: what is to be known about the tokenizer.
        version: `FEATURES_VERSION` when they were measured.
    """

    candidate: str
    tokenizer: str = ""
    fingerprint: str = ""
    missing: str = ""
    rows: tuple[TokenFeatures, ...] = ()
    remarks: tuple[str, ...] = ()
    version: int = FEATURES_VERSION


class FeatureLink(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one feature goes with one candidate's failures, within categories.

    Attributes:
        candidate: its name.
        feature: the feature's field name.
        label: the feature in words.
        n: counted items with a verdict and this feature.
        failed: how many of them failed.
        effect: in pairs of a failed and a passed item of one category, how much more often the failed one has the
            larger value than the smaller one, -1 to 1; None where no category has both.
        low: lower end of the 95% interval, not adjusted.
        high: upper end.
        test: where p comes from.
        p: two-sided; None where nothing could be tested.
        p_adjusted: Holm's, over all features and candidates that could be shown at all.
        smallest_detectable: the smallest true effect shown with 80% power; None where none could have been.
        shown: whether `p_adjusted` is at most 0.05.
        verdict: a sentence.
    """

    candidate: str
    feature: str
    label: str
    n: int
    failed: int
    effect: float | None
    low: float | None
    high: float | None
    test: str
    p: float | None
    p_adjusted: float | None
    smallest_detectable: float | None
    shown: bool
    verdict: str


class TokenHypothesis(msgspec.Struct, frozen=True, kw_only=True):
    """A supposition about one failure.

    Attributes:
        probe: the probe's id.
        candidate: who failed.
        other: who passed; empty where the run has no second tokenizer.
        term: the word.
        pieces: its pieces in the tokenizer of who failed.
        other_pieces: its pieces in the other; None without one.
        text: the supposition in words.
    """

    probe: str
    candidate: str
    other: str
    term: str
    pieces: int
    other_pieces: int | None
    text: str


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Items of one candidate that no test counts.

    Attributes:
        used: items that the tests count.
        unscored: counted items without a verdict.
        uninformative: counted items whose own positive control failed.
        controls: controls, which are never counted.
        unmeasured: counted items without features, for want of a response.
    """

    used: int
    unscored: int
    uninformative: int
    controls: int
    unmeasured: int


class TokenLink(msgspec.Struct, frozen=True, kw_only=True):
    """Which token features go with failures: what `weakspot tokens link --json` prints.

    Attributes:
        caution: association is not cause; on every output.
        links: a row for each candidate and feature, those of the smallest p first.
        hypotheses: suppositions about single failures.
        left_out: by candidate, what no test counts.
        notes: candidates without a tokenizer, tokenizers that cut alike, what the suppositions weigh.
        tests: how many tests the adjustment counts.
    """

    caution: str = CAUTION
    links: tuple[FeatureLink, ...]
    hypotheses: tuple[TokenHypothesis, ...]
    left_out: dict[str, LeftOut]
    notes: tuple[str, ...] = ()
    tests: int = 0
