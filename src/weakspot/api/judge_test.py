"""`weakspot.judge_test`: is a judging model to be believed? It is tried on replies whose truth is known."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from weakspot.api.judge_asking import Asking, ask, ask_twice, fingerprint, ready, tests_folder
from weakspot.api.judge_tallies import now
from weakspot.contracts import Sink
from weakspot.judging.measuring import belief, measure, words
from weakspot.judging.questions import grade_question, pair_question
from weakspot.judging.trials import FULL, QUICK, Made, Trial, made_items, own_trial, trial_pairs, trials
from weakspot.judging.verdicts import Choice, Verdict, read_choice, read_verdict, unread
from weakspot.records import Candidate, Generation, Message, Probe, Response, to_json
from weakspot.records.judging import JudgeTest
from weakspot.rendering.files import write_atomic
from weakspot.scorers import score_reply
from weakspot.scorers.rubrics import built_in, rubric_text

ANSWER_TOKENS = 32


def judge_test(
    judge: str,
    *,
    other: str | None = None,
    quick: bool = False,
    seed: int = 0,
    out: str | Path | None = None,
    cache: bool = True,
    accept_licence: bool = False,
    sink: Sink | None = None,
) -> JudgeTest:
    """Try a judge on known replies, forged verdicts, filler, asking twice, swapped pairs and its own replies.

    The result is kept by the judge's fingerprint, and `weakspot.judge` finds it there.

    Args:
        judge: a model reference.
        other: another model, whose replies are held against the judge's own; without it that part is left out.
        quick: a third of the items.
        seed: of the generated items.
        out: a folder that keeps the questions and replies; without it they go when the test is done.
        cache: whether replies of earlier runs may be used (local models only).
        accept_licence: accept the terms of bundled models that have terms of their own.
        sink: told of progress.

    Raises:
        UsageError, UnknownModel, ModelError, Interrupted, DiskFull.
    """
    candidates, told = ready([judge, *([other] if other else [])], sink, accept_licence=accept_licence)
    one = candidates[0]
    work = Path(out).expanduser() if out is not None else tests_folder() / f"work-{_short(one)}"
    items = made_items(QUICK if quick else FULL, seed)
    asked = trials(built_in(), items, examples=4 if quick else 99)
    if len(candidates) > 1:
        asked += _own(Asking(work, tuple(candidates), told, cache), items)
    verdicts, choices, mark = _asked(Asking(work, (one,), told, cache), asked, items)
    found = measure(asked, verdicts, choices)
    test = JudgeTest(
        judge=one.name,
        reference=one.reference,
        fingerprint=mark,
        created=now(),
        items=len(verdicts) + len(choices),
        accuracy=found.accuracy,
        good=found.good,
        bad=found.bad,
        invalid=found.invalid,
        forged=found.forged,
        forged_kinds=found.forged_kinds,
        padded=found.padded,
        reworded=found.reworded,
        first=found.first,
        right_pairs=found.right_pairs,
        own=found.own,
        other=candidates[1].name if len(candidates) > 1 else "",
        belief=belief(found),
        words=words(found),
    )
    write_atomic(tests_folder() / f"{mark}.json", to_json(test))
    if out is None:
        shutil.rmtree(work, ignore_errors=True)
    return test


def _asked(
    asking: Asking, asked: Sequence[Trial], items: Sequence[Made]
) -> tuple[dict[str, Verdict], dict[str, Choice], str]:
    """Verdicts and choices by key, and the judge's fingerprint."""
    texts = {name: rubric_text(rubric) for name, rubric in built_in().items()}
    pairs = trial_pairs(items)

    def questions(again: bool) -> list[Probe]:
        graded = [grade_question(t.key, t.answer, texts[t.rubric], again=again) for t in asked]
        return graded + [pair_question(pair, again=again) for pair in pairs]

    judge = asking.judges[0]
    found, infos = ask_twice(asking, questions, _read, unread)
    verdicts = {key: one for key, one in found[judge.name].items() if isinstance(one, Verdict)}
    choices = {pair.key: one for pair in pairs if isinstance(one := found[judge.name][pair.key], Choice)}
    return verdicts, choices, fingerprint(judge, infos[judge.name])


def _read(response: Response | None) -> Verdict | Choice:
    pair = response is not None and response.probe.startswith("pair/")
    return read_choice(response) if pair else read_verdict(response)


def _own(asking: Asking, items: Sequence[Made]) -> list[Trial]:
    """Both models' own replies to items with a checkable answer, where both are right or both wrong."""
    of_key = {item.key: item for item in items if item.value}
    probes = [_plain(item) for item in of_key.values()]
    told = ask(asking, probes)
    mine, theirs = (told.responses[candidate.name] for candidate in asking.judges)
    found = []
    for probe in probes:
        pair = [(who, replies.get(probe.id)) for who, replies in (("own", mine), ("other", theirs))]
        replies = {who: r.final for who, r in pair if r is not None and r.final is not None}
        passed = {who: score_reply(probe, who, reply, lambda _: None).passed for who, reply in replies.items()}
        if len(passed) < 2 or None in passed.values() or passed["own"] != passed["other"]:
            continue
        item = of_key[probe.id.removeprefix("ask/")]
        found += [
            own_trial(f"own/{item.key}/{who}", item, who, reply.text, good=bool(passed[who]))
            for who, reply in replies.items()
        ]
    return found


def _plain(item: Made) -> Probe:
    return Probe(
        id=f"ask/{item.key}",
        category=item.category,
        expect={"type": "contains", "value": item.value, "ignore_case": True},
        messages=(Message("user", item.asked),),
        generation=Generation(max_tokens=ANSWER_TOKENS, temperature=0.0),
        reviewed=True,
    )


def _short(judge: Candidate) -> str:
    """Names a judge's working folder; its own name may hold anything."""
    return hashlib.sha256(to_json(judge)).hexdigest()[:16]
