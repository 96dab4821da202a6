"""Verifying under-trained tokens: a model that knows a token can repeat it.

Each token is put into several short prompts after which any model that can copy writes it again; well-trained tokens of
the same lengths go through the same prompts. A phrasing counts only where the model repeats at least half of those: a
small model that cannot repeat `apple` says nothing by failing at a glitch token. The measure is that of Land and
Bartolo 2024: the probability that the model gives the token where it belongs, at most 1% for a verified one.

It knows no backend: a `weakspot.contracts.Model` is an argument, opened by the caller.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from weakspot.contracts import Model
from weakspot.errors import ModelError
from weakspot.records import Reply, Request
from weakspot.records.glitch import PhrasingAbility, Repetition, Verdict
from weakspot.tokens.face import Tokenizer

Progress = Callable[[str, int, int], None]

VERIFIED_BELOW: Final = 0.01
ALTERNATIVES: Final = 64
"""Of so many the probabilities come back; a token outside them has at most that of the last, here mostly below 1e-4."""
REPLY_TOKENS: Final = 3
USABLE_FROM: Final = 0.5
CONTEXT: Final = 512


class Phrasing(NamedTuple):
    """A way of asking. The prompt is `before`, `shot` with the token `shots` times, `last` with the token."""

    name: str
    before: str
    shot: str
    shots: int
    last: str
    close: str

    def prompt(self, token: str) -> str:
        """The prompt for a token's text; what has to follow is the token, and then `close`."""
        return self.before + self.shot.replace("{}", token) * self.shots + self.last.replace("{}", token)


PHRASINGS: Final = (
    Phrasing(
        "trials",
        "This device repeats its input exactly.\n",
        "Input: «{}»\nOutput: «{}»\n",
        2,
        "Input: «{}»\nOutput: «",
        "»",
    ),
    Phrasing(
        "others",
        "Each word is written twice.\n«apple» «apple»\n« river» « river»\n«Market» «Market»\n",
        "",
        0,
        "«{}» «",
        "»",
    ),
    Phrasing("lines", "The same line again and again:\n", "{}\n", 4, "", "\n"),
)
"""Raw text, so that base and chat models are asked alike. Measured with SmolLM2-135M: see docs/log.md."""


class Asked(NamedTuple):
    """What was asked for one token: `trials` by phrasing; a phrasing whose text does not become the id is left out."""

    token: int
    trials: dict[str, Repetition]


class Outcome(NamedTuple):
    """A verdict, and the highest probability over the phrasings that can be used."""

    verdict: Verdict
    probability: float | None


async def ask_to_repeat(
    model: Model, tokenizer: Tokenizer, tokens: Sequence[int], progress: Progress | None = None
) -> list[Asked]:
    """Ask an open model to repeat each of some tokens in every phrasing; as many at once as the model takes.

    Args:
        model: an open model.
        tokenizer: the model's own.
        tokens: ids of tokens that are text.
        progress: told how many of how many prompts are answered.

    Raises:
        ModelError: not one prompt was answered.
    """
    jobs = [(token, phrasing) for token in tokens for phrasing in PHRASINGS if _askable(tokenizer, token, phrasing)]
    gate = asyncio.Semaphore(max(1, model.info.concurrency))
    found: dict[int, dict[str, Repetition]] = {token: {} for token in tokens}
    failures: list[ModelError] = []
    done = 0

    async def one(token: int, phrasing: Phrasing) -> None:
        nonlocal done
        async with gate:
            try:
                found[token][phrasing.name] = await _trial(model, tokenizer, token, phrasing)
            except ModelError as error:
                failures.append(error)
        done += 1
        if progress is not None:
            progress("prompts answered", done, len(jobs))

    async with asyncio.TaskGroup() as group:
        for token, phrasing in jobs:
            group.create_task(one(token, phrasing))
    if jobs and len(failures) == len(jobs):
        raise failures[0]
    return [Asked(token, found[token]) for token in tokens]


def abilities(controls: Sequence[Asked]) -> tuple[PhrasingAbility, ...]:
    """How well the model repeats well-trained tokens, phrasing by phrasing."""
    out = []
    for phrasing in PHRASINGS:
        trials = [asked.trials[phrasing.name] for asked in controls if phrasing.name in asked.trials]
        repeated = sum(trial.repeated for trial in trials)
        given = [trial.probability for trial in trials if trial.probability is not None]
        out.append(
            PhrasingAbility(
                phrasing=phrasing.name,
                controls=len(trials),
                repeated=repeated,
                probability=float(np.median(given)) if given else None,
                usable=bool(trials) and repeated >= USABLE_FROM * len(trials),
            )
        )
    return tuple(out)


def outcome(trials: Mapping[str, Repetition], usable: frozenset[str]) -> Outcome:
    """What asking showed of one token.

    Verified: the model fails at it in every phrasing in which it repeats well-trained tokens, and gives it at most 1%
    there. A phrasing outside `usable` counts for nothing.
    """
    if not trials:
        return Outcome("not-askable", None)
    counted = [trial for name, trial in trials.items() if name in usable]
    if not counted:
        return Outcome("unmeasurable", None)
    given = [trial.probability for trial in counted if trial.probability is not None]
    best = max(given) if given else None
    if any(trial.repeated for trial in counted):
        return Outcome("repeated", best)
    if best is not None and best >= VERIFIED_BELOW:
        return Outcome("doubtful", best)
    return Outcome("verified", best)


def pick_controls(
    tokenizer: Tokenizer, tokens: Sequence[int], usual: Sequence[int], most: int, seed: int = 0
) -> list[int]:
    """Well-trained tokens, as like the suspicious ones as can be: each of the same length in bytes, or the nearest
    length, with a blank in front where those have one; drawn without putting back.

    Args:
        tokenizer: for the tokens' bytes.
        tokens: the suspicious ones; where they are more than `most`, evenly thinned.
        usual: ids to draw from, unflagged.
        most: how many to draw.
        seed: of the draw.
    """
    dice = np.random.default_rng(seed)
    vocabulary = tokenizer.vocabulary
    pools: dict[tuple[bool, int], list[int]] = {}
    for token in dice.permutation(np.asarray(usual, np.int64)).tolist():
        data = vocabulary[token].data
        pools.setdefault((data[:1] == b" ", len(data)), []).append(token)
    chosen: list[int] = []
    for token in tokens[:: max(1, math.ceil(len(tokens) / max(1, most)))]:
        data = vocabulary[token].data
        near = sorted(pools, key=lambda key: (abs(key[1] - len(data)) + (key[0] != (data[:1] == b" ")), key))
        pool = next((pools[key] for key in near if pools[key]), None)
        if pool is not None:
            chosen.append(pool.pop())
    return chosen


def _askable(tokenizer: Tokenizer, token: int, phrasing: Phrasing) -> bool:
    """Whether the prompt's text holds the token as itself, and its right continuation begins with it."""
    text = _spelled(tokenizer, token)
    prompt = phrasing.prompt(text)
    before = tokenizer.ids(prompt)
    after = tokenizer.ids(prompt + text + phrasing.close)
    occurrences = (phrasing.before + phrasing.shot * phrasing.shots + phrasing.last).count("{}")
    return before.count(token) >= max(1, occurrences) and after[: len(before) + 1] == [*before, token]


def _spelled(tokenizer: Tokenizer, token: int) -> str:
    return tokenizer.vocabulary[token].data.decode("utf-8", "replace")


async def _trial(model: Model, tokenizer: Tokenizer, token: int, phrasing: Phrasing) -> Repetition:
    text = _spelled(tokenizer, token)
    request = Request(
        prompt=phrasing.prompt(text),
        max_tokens=REPLY_TOKENS + len(tokenizer.ids(text)),
        temperature=0.0,
        multiline=True,
        logprobs=ALTERNATIVES,
    )
    return _read(await model.generate(request), token, text, phrasing.name)


def _read(reply: Reply, token: int, text: str, phrasing: str) -> Repetition:
    said = reply.text.lstrip(" ")
    repeated = said.startswith(text.lstrip(" ")) or bool(reply.output_ids and reply.output_ids[0] == token)
    probability, bound = _probability(reply, token, text)
    return Repetition(phrasing=phrasing, repeated=repeated, probability=probability, bound=bound, reply=reply.text[:80])


def _probability(reply: Reply, token: int, text: str) -> tuple[float | None, bool]:
    """What the model gave the token at the first place of its reply; else the least that came back, as a bound."""
    if not reply.logprobs:
        return None, False
    first = reply.logprobs[0]
    if first.id == token:
        return math.exp(first.logprob), False
    for other, value in first.top:
        if other == text:
            return math.exp(value), False
    least = min((value for _, value in first.top), default=None)
    return (None, False) if least is None else (math.exp(least), True)
