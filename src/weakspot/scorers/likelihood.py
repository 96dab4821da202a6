"""`likelihood`: the model finds the right choice likelier, as a continuation of the prompt, than any other.

The numbers come with the reply (`choice_logprobs`); how they are made is the backend's business.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.classify import Reading
from weakspot.scorers.compare import evidence, shorten
from weakspot.scorers.verdict import Finding, verdict


class Likelihood(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when the choice of the greatest log-likelihood is `value` (an index from 0, or several that are right).

    What is weighed is `delimiter` + choice behind the prompt. `normalise` divides each log-likelihood by the choice's
    characters, without the delimiter. These are `acc` and `acc_norm` of lm-evaluation-harness; of equal ones the
    first is taken, as there. No verdict where the backend gave no log-likelihoods.
    """

    choices: Annotated[tuple[Annotated[str, msgspec.Meta(min_length=1)], ...], msgspec.Meta(min_length=2)]
    value: int | Annotated[tuple[int, ...], msgspec.Meta(min_length=1)]
    delimiter: str = " "
    normalise: bool = False

    def __post_init__(self) -> None:
        if not all(0 <= right < len(self.choices) for right in self.right):
            raise ValueError(f"value is no index of the {len(self.choices)} choices, which count from 0")

    @property
    def right(self) -> tuple[int, ...]:
        """The indexes of the right choices."""
        return (self.value,) if isinstance(self.value, int) else self.value

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply, with the margin in nats."""
        given = reply.choice_logprobs
        if given is None or len(given) != len(self.choices):
            said = (
                "The backend gave no log-likelihoods of the choices; transformers does: "
                "name the model as a Hugging Face folder or hub id, or add ?backend=hf to a GGUF file."
            )
            return verdict("likelihood", Finding(None, said, evidence("likelihood", reply.text)), reply, probe)
        values = [one.logprob for one in given]
        if self.normalise:
            values = [value / len(choice) for value, choice in zip(values, self.choices, strict=True)]
        best = values.index(max(values))
        passed = best in self.right
        finding = Finding(passed, self._said(values, best), evidence("likelihood", reply.text))
        return verdict("likelihood", finding, reply, probe, Reading("answered"))

    def _said(self, values: list[float], best: int) -> str:
        """The pick, and by how much it lies before the best right choice, or before the next one."""
        right = best in self.right
        others = [n for n in range(len(values)) if n != best and (right or n in self.right)]
        next_best = max(others, key=lambda n: values[n])
        unit = "nats per character" if self.normalise else "nats"
        margin = values[best] - values[next_best]
        than = "the next" if right else f"the right {shorten(self.choices[next_best])!r}"
        return f"The likeliest choice is {shorten(self.choices[best])!r}, {margin:.3g} {unit} before {than}."
