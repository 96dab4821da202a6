"""What a run measures beyond failure rates; each field of `Metrics` is empty where the run has no items for it.

Which items feed which metric is said by tags (docs/attacks.md, docs/suites.md):

    attack, original            attacked probes, made by `weakspot.probes.edits`
    metric: pressure            multi-turn pressure (`expect.type` holds; opinion: wrong or silent)
    metric: matrix              document: present or absent; opinion: right, wrong or silent; claimed: the user's option
    metric: counterfactual      the arms of one group, each with the group of people that it names in `shown`
    metric: bbq                 context: ambiguous or disambiguated; polarity: negative or positive; stereotyped: option
    metric: amplification       occupation; share_women: the rate that the prompt states, where it states one
    known: yes or no            pairs of a question with an answer and one without
    sample: 1, 2, ...           the same question asked again with another seed; items of one group
    confidence: stated          the reply states a confidence in per cent

Rates, differences and their ends are 0 to 1 or -1 to 1; None is "not measured", never 0.
"""

import msgspec


class Estimate(msgspec.Struct, frozen=True):
    """A number with its 95% interval and how many items stand behind it; all None where it could not be measured."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0


class PairedEffect(msgspec.Struct, frozen=True):
    """A paired difference on the same items: `difference` is the first's rate minus the second's.

    `first_only` and `second_only` count items on which one of the two only is true; `p_adjusted` is Holm's over the
    whole table it stands in; `verdict` is a sentence.
    """

    n: int
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    shown: bool
    verdict: str
    first_only: int = 0
    second_only: int = 0
    test: str = ""


class AttackEffect(msgspec.Struct, frozen=True):
    """One attack on one candidate, all items or one category (`category` empty: all).

    `plain` and `attacked` are failure rates on the same items; `effect` is attacked minus plain, `beyond` attacked
    minus placebo (what is left when the mere size of the edit is taken off). `undecoded` items were left out since the
    candidate failed to decode when asked for that alone, `uninformative` ones since it fails the item's own positive
    control. `turned` names up to 20 items that failed only under attack.
    """

    candidate: str
    attack: str
    category: str
    plain: Estimate
    attacked: Estimate
    effect: PairedEffect
    beyond: PairedEffect | None = None
    undecoded: int = 0
    uninformative: int = 0
    unscored: int = 0
    turned: tuple[str, ...] = ()


class PressureTurn(msgspec.Struct, frozen=True):
    """One turn: how many right first answers are held, hedged and given up so far in it."""

    turn: int
    holds: int
    hedges: int
    capitulates: int


class PressureEffect(msgspec.Struct, frozen=True):
    """A candidate under pressure and in neutral turns, on items whose first answer was right in both.

    `first_wrong` items had nothing to give up. `kept` is the share that holds to the end (pressed), `kept_neutral` the
    same without pressure; `effect` is giving-up under pressure minus without.
    """

    candidate: str
    items: int
    first_wrong: int
    pressed: tuple[PressureTurn, ...]
    neutral: tuple[PressureTurn, ...]
    kept: Estimate
    kept_neutral: Estimate
    effect: PairedEffect


class MatrixCell(msgspec.Struct, frozen=True):
    """Accuracy in one cell: `document` present or absent, `user` right, wrong or silent.

    `followed` is how often the reply picks the option that the user claims (`tags.claimed`), over the replies that pick
    one; empty where the user claims none.
    """

    document: str
    user: str
    accuracy: Estimate
    followed: Estimate = Estimate()


class MatrixEffect(msgspec.Struct, frozen=True):
    """The six cells of one candidate, and what a wrong opinion costs in accuracy (silent minus wrong).

    `wrong_with` and `wrong_without` are failures told wrong minus told nothing, with the document and without;
    `interaction` is the cost without it minus the cost with it.
    """

    candidate: str
    facts: int
    cells: tuple[MatrixCell, ...]
    wrong_with: PairedEffect
    wrong_without: PairedEffect
    interaction: Estimate
    interaction_p: float | None = None


class BiasPairs(msgspec.Struct, frozen=True):
    """Counterfactual sets of one attribute: how often two arms that differ in the group named differ in the rest.

    `outcome` is the share of pairs with different answers, `refusal` with a refusal in one only, `length` the mean of
    |words a - words b| as a share of their mean, `likelihood` the mean of |difference| of the mean log-probability of
    a token (nats), where the engine gives it. `groups` is by group named: its mean length in words and refusals.
    """

    candidate: str
    attribute: str
    pairs: int
    outcome: Estimate
    refusal: Estimate
    length: Estimate
    likelihood: Estimate


class BbqScore(msgspec.Struct, frozen=True):
    """BBQ scores of one candidate (Parrish et al. 2022, section 4), of one attribute (empty: all).

    `s_dis` = 2 * (biased / answers that are not unknown) - 1 in disambiguated contexts; `s_amb` =
    (1 - accuracy in ambiguous contexts) * the same ratio there; -1 to 1, 0 is no bias shown either way.
    """

    candidate: str
    attribute: str
    accuracy_ambiguous: Estimate
    accuracy_disambiguated: Estimate
    s_amb: Estimate
    s_dis: Estimate
    unread: int = 0


class Amplification(msgspec.Struct, frozen=True):
    """How far the pronouns that a candidate writes for occupations go beyond the share in the population.

    `slope` 1 would follow the reference, above 1 overstates it (least squares through 50%: women's share in replies
    against reference, both minus a half). `amplification` is the mean of (share in replies - reference) towards the
    side that the reference leans to; above 0 is amplified. `women` is women's share of the gendered replies over all;
    `unread` replies used neither "she" nor "he" first.
    """

    candidate: str
    reference: str
    occupations: int
    women: Estimate
    amplification: Estimate
    slope: Estimate
    unread: int = 0


class Bin(msgspec.Struct, frozen=True):
    """A row of a reliability table: the mean confidence and the accuracy of `n` replies."""

    n: int
    confidence: float
    accuracy: float
    low: float
    high: float


class Calibration(msgspec.Struct, frozen=True):
    """Confidence against correctness for one candidate. `source` is stated, likelihood or agreement (over samples).

    `ece` is the expected calibration error in adaptive bins (equal counts), `brier` the mean squared error, `aurc` the
    area under the risk-coverage curve; `risk` lists (coverage, error rate among the most confident so many).
    `missing` replies gave no confidence or no verdict.
    """

    candidate: str
    source: str
    n: int
    accuracy: float
    confidence: float
    ece: Estimate
    brier: Estimate
    aurc: Estimate
    bins: tuple[Bin, ...] = ()
    risk: tuple[tuple[float, float], ...] = ()
    missing: int = 0


class KnownUnknown(msgspec.Struct, frozen=True):
    """Accuracy on what can be known, abstention on what cannot: both are needed.

    `both` is the share of pairs in which the known twin is answered rightly and the unknown one is not answered;
    `silence` the share of known questions that the candidate declines (a model that always abstains is not honest).
    """

    candidate: str
    pairs: int
    known: Estimate
    abstention: Estimate
    both: Estimate
    silence: Estimate


class Consistency(msgspec.Struct, frozen=True):
    """The same question asked several times.

    `agreement` is the mean share of samples that give the most frequent answer, `majority_right` how often that answer
    is right, over the questions with a verdict on it.
    """

    candidate: str
    questions: int
    samples: int
    agreement: Estimate
    majority_right: Estimate


class ControlRate(msgspec.Struct, frozen=True):
    """The share of positive controls that a candidate did not pass, each asked plainly."""

    candidate: str
    failed: Estimate


class ControlEffect(msgspec.Struct, frozen=True):
    """Two candidates on the positive controls that both were asked, all of them or one category (empty: all)."""

    a: str
    b: str
    category: str
    effect: PairedEffect


class Metrics(msgspec.Struct, frozen=True):
    """All of them; empty where a run has no items for it."""

    attacks: tuple[AttackEffect, ...] = ()
    pressure: tuple[PressureEffect, ...] = ()
    matrix: tuple[MatrixEffect, ...] = ()
    pairs: tuple[BiasPairs, ...] = ()
    bbq: tuple[BbqScore, ...] = ()
    amplification: tuple[Amplification, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    known: tuple[KnownUnknown, ...] = ()
    consistency: tuple[Consistency, ...] = ()
    controls: tuple[ControlRate, ...] = ()
    control_pairs: tuple[ControlEffect, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return any(getattr(self, field) for field in self.__struct_fields__)
