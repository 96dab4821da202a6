"""A small head that says what kind of token comes next: a brace, a comma, a string, a number, the end.

It is trained beside the model on the same final states, and its loss does not reach the model, so that free decoding
is what it would be without. In decoding the kind is chosen first, then the likeliest token of that kind.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from weakspot.lab.tasks import END, vocabulary

INNER = 32


def token_kind(piece: str) -> str:
    """The structural kind of a token of JSON."""
    if piece in "{}[],:":
        return piece
    if piece.startswith('"'):
        return "string"
    if piece == END:
        return "end"
    return "number" if piece.isdigit() else "other" if piece.startswith("<") or piece == "=>" else "literal"


class StructureHead(nn.Module):
    """From final states to a kind of token."""

    def __init__(self, task: str, width: int) -> None:
        super().__init__()
        kinds = [token_kind(piece) for piece in vocabulary(task)]
        self.names = sorted(set(kinds))
        self.inner = nn.Linear(width, INNER)
        self.out = nn.Linear(INNER, len(self.names))
        self.register_buffer("kind", torch.tensor([self.names.index(kind) for kind in kinds]))

    def scores(self, states: Tensor) -> Tensor:
        """Scores (rows, kinds) of final states (rows, width)."""
        found: Tensor = self.out(functional.gelu(self.inner(states)))
        return found

    def loss(self, states: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of the targets' kinds, in nats."""
        return functional.cross_entropy(self.scores(states), self.get_buffer("kind")[targets])

    def choose(self, states: Tensor, logits: Tensor) -> Tensor:
        """The likeliest token (rows) among those of the likeliest kind."""
        kind = self.scores(states).argmax(-1)
        others = self.get_buffer("kind")[None] != kind[:, None]
        return logits.masked_fill(others, float("-inf")).argmax(-1)
