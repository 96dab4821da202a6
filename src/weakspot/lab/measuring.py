"""Greedy answers to a task's test sequences, length by length, under each decoding.

Sequences whose prompts have as many tokens are decoded together, with a cache and without padding, so that no shape
sees a mask in testing that it did not see in training. A row that has ended is not looked at any more.
"""

from collections import defaultdict

import torch
from torch import Tensor

from weakspot.lab.names import known_task
from weakspot.lab.nets import Net
from weakspot.lab.structure import StructureHead
from weakspot.lab.tasks import END, END_ID, Example, examples, vocabulary, words
from weakspot.lab.tasks_forms import FORMS, Form, form_behind, is_valid
from weakspot.records.lab import Cell, LengthResult

TENTHS = 10
LONGER = 8
"""Tokens beyond the expected ones that an answer may have where its form counts: it may be well formed and wrong."""


def measure(
    cell: Cell, net: Net, head: StructureHead | None, device: str = "cpu"
) -> dict[str, tuple[LengthResult, ...]]:
    """Results of lengths low to far under each of the task's decodings; the same sequences for all."""
    net.model.eval()
    found: dict[str, list[LengthResult]] = {name: [] for name in known_task(cell.task).decodings}
    for length in range(cell.low, cell.far + 1):
        drawn = examples(cell.task, length, cell.tests, "tests")
        for name, results in found.items():
            answers = answer(cell.task, net, drawn, decoding=name, head=head, device=device)
            results.append(counted(cell.task, length, drawn, answers))
    return {name: tuple(results) for name, results in found.items()}


def answer(
    task: str,
    net: Net,
    drawn: list[Example],
    *,
    decoding: str = "free",
    head: StructureHead | None = None,
    device: str = "cpu",
) -> list[list[int]]:
    """The greedy answer to each example, as ids; the end stands last where the model wrote one."""
    groups: dict[int, list[int]] = defaultdict(list)
    for number, example in enumerate(drawn):
        groups[len(example.prompt)].append(number)
    limit = max(len(example.answer) for example in drawn) + 1 + (LONGER if task in FORMS else 0)
    answers: list[list[int]] = [[] for _ in drawn]
    for numbers in groups.values():
        rows = [drawn[number] for number in numbers]
        chooser = _chooser(task, rows, decoding, head, device)
        for number, ids in zip(numbers, _decoded(net, rows, chooser, limit, device), strict=True):
            answers[number] = ids
    return answers


class _Free:
    """The likeliest token."""

    def choose(self, states: Tensor, logits: Tensor) -> Tensor:
        """One token for each row, from states (rows, width) and scores (rows, vocabulary)."""
        del states
        return logits.argmax(-1)

    def take(self, tokens: list[int]) -> None:
        """Told what was chosen."""


class _Structure(_Free):
    """The likeliest token of the kind that the head names."""

    def __init__(self, head: StructureHead) -> None:
        self._head = head

    def choose(self, states: Tensor, logits: Tensor) -> Tensor:
        """One token for each row."""
        return self._head.choose(states, logits)


class _Constrained(_Free):
    """The likeliest token of those that keep to the task's form."""

    def __init__(self, task: str, rows: list[Example], device: str) -> None:
        self._tokens = vocabulary(task)
        self._ids = {token: number for number, token in enumerate(self._tokens)}
        self._forms: list[Form | None] = [form_behind(task, words(task, row.prompt)) for row in rows]
        self._masks: dict[tuple[str, ...], Tensor] = {}
        self._device = device

    def choose(self, states: Tensor, logits: Tensor) -> Tensor:
        """One token for each row."""
        del states
        allowed = [self._mask(form.allowed() if form is not None else (END,)) for form in self._forms]
        return (logits + torch.stack(allowed)).argmax(-1)

    def take(self, tokens: list[int]) -> None:
        """Told what was chosen; a row that has ended has no form any more."""
        for number, token in enumerate(tokens):
            form = self._forms[number]
            if token == END_ID:
                self._forms[number] = None
            elif form is not None:
                form.take(self._tokens[token])

    def _mask(self, allowed: tuple[str, ...]) -> Tensor:
        if allowed not in self._masks:
            mask = torch.full((len(self._tokens),), float("-inf"), device=self._device)
            mask[[self._ids[token] for token in allowed]] = 0.0
            self._masks[allowed] = mask
        return self._masks[allowed]


def _chooser(task: str, rows: list[Example], decoding: str, head: StructureHead | None, device: str) -> _Free:
    if decoding == "constrained":
        return _Constrained(task, rows, device)
    if decoding == "structure head":
        if head is None:
            raise RuntimeError("there is no head to decode with")
        return _Structure(head)
    return _Free()


def _decoded(net: Net, rows: list[Example], chooser: _Free, limit: int, device: str) -> list[list[int]]:
    prompts = torch.tensor([row.prompt for row in rows], device=device)
    written: list[list[int]] = [[] for _ in rows]
    going = set(range(len(rows)))
    with torch.inference_mode():
        states, kept = net.begin(prompts)
        for place in range(limit):
            chosen = chooser.choose(states, net.logits(states))
            tokens: list[int] = chosen.tolist()
            chooser.take(tokens)
            for number in tuple(going):
                written[number].append(tokens[number])
                if tokens[number] == END_ID:
                    going.discard(number)
            if not going or place + 1 == limit:
                break
            states, kept = net.step(chosen, kept)
    return written


def counted(task: str, length: int, drawn: list[Example], answers: list[list[int]]) -> LengthResult:
    """What the answers to one length's examples come to."""
    outcomes, right = "", 0
    errors = [0] * TENTHS
    for example, given in zip(drawn, answers, strict=True):
        expected = [*example.answer, END_ID]
        hits = [place < len(given) and given[place] == token for place, token in enumerate(expected)]
        outcomes += str(int(all(hits)))
        right += sum(hits[:-1])
        if not all(hits):
            errors[hits.index(False) * TENTHS // len(expected)] += 1
    return LengthResult(
        length=length,
        exact=outcomes.count("1"),
        n=len(drawn),
        right=right,
        tokens=sum(len(example.answer) for example in drawn),
        first_errors=tuple(errors),
        valid=_valid(task, drawn, answers) if task in FORMS else None,
        outcomes=outcomes,
    )


def _valid(task: str, drawn: list[Example], answers: list[list[int]]) -> int:
    """An answer without an end is of no form: it was cut."""
    count = 0
    for example, given in zip(drawn, answers, strict=True):
        if given and given[-1] == END_ID:
            count += is_valid(task, words(task, example.prompt), words(task, given[:-1]))
    return count


def in_length(cell: Cell, results: tuple[LengthResult, ...]) -> float:
    """Exact match over all trained lengths together."""
    trained = [result for result in results if cell.low <= result.length <= cell.high]
    return sum(result.exact for result in trained) / sum(result.n for result in trained)
