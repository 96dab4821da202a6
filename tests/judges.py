"""Scripted judges with a character, for the tests: each knows every question of a self-test by its whole text."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from weakspot.judging.questions import grade_question, pair_question
from weakspot.judging.trials import QUICK, Trial, made_items, trial_pairs, trials
from weakspot.records import Probe
from weakspot.scorers.rubrics import built_in, rubric_text

Says = Callable[[Trial], bool]
Picks = Callable[[str], str]


def verdict(passed: bool) -> str:
    """A verdict as a judge has to write it."""
    return json.dumps({"reason": "as told", "verdict": "pass" if passed else "fail 3"})


def choice(better: str) -> str:
    """A choice as a judge has to write it."""
    return json.dumps({"reason": "as told", "better": better})


def script(path: Path, rules: Iterable[tuple[str, str]]) -> str:
    """A scripted model's reference out of (text that the prompt holds, reply)."""
    path.write_text("\n".join(json.dumps({"contains": c, "reply": r}) for c, r in rules), "utf-8")
    return f"scripted:{path}?name={path.stem}"


def asked(probe: Probe) -> str:
    """The text of a question."""
    assert probe.messages is not None
    return probe.messages[0].content or ""


def right_place(key: str) -> str:
    """Where the good reply of a pair stands."""
    return key.rpartition("/")[2]


def scripted_judge(path: Path, says: Says, picks: Picks = right_place) -> str:
    """A judge of the quick self-test: `says` gives its pass, `picks` its choice, by the pair's key."""
    items = made_items(QUICK)
    texts = {name: rubric_text(rubric) for name, rubric in built_in().items()}
    singles = [
        (asked(grade_question(t.key, t.answer, texts[t.rubric])), verdict(says(t)))
        for t in trials(built_in(), items, examples=4)
    ]
    return script(path, [*singles, *((asked(pair_question(p)), choice(picks(p.key))) for p in trial_pairs(items))])
