"""`weakspot.agreement`: raters against each other, and hands against the automatic verdicts."""

from pathlib import Path

from weakspot.rating.agreeing import agreement as held_together
from weakspot.rating.answers import answers, ratings
from weakspot.records.agreement import Agreement
from weakspot.store.run import RunStore


def agreement(run: str | Path) -> Agreement:
    """How far the raters of a run agree, and how far the automatic verdicts agree with them.

    Between two raters: per cent, Cohen's kappa and Gwet's AC1 on pass or fail, quadratically weighted kappa on grades
    (a pass 0, a failure its severity). Over all people: Krippendorff's alpha. Against the automatic verdict, overall,
    by category and by scorer: counts, balanced accuracy, recalls and kappa, weighed so that a sample by strata speaks
    for the run. All with 95% intervals by drawing items again; and who overrode what.

    Raises:
        NotARun: the folder holds no finished run.
    """
    with RunStore.open(Path(run).expanduser()) as store:
        return held_together(answers(store), ratings(store))


def agreement_if_rated(store: RunStore) -> Agreement | None:
    """The same of an open run; None where nobody has rated it."""
    given = ratings(store)
    return held_together(answers(store), given) if given else None
