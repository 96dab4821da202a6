"""`follows`: a reply keeps to instructions on its form: how many, in what layout, made of what words.

The instructions are those of IFBench (Pyatkin et al. 2025, arXiv 2507.02833) by their ids, each a small check of our
own in
`constraints_counts`, `constraints_layout` and `constraints_words`; what an id means is said in `CHECKS`.
It does not know whether the content is any good.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec

from weakspot.records import Probe, Reply, Score
from weakspot.scorers.asked import question
from weakspot.scorers.classify import is_blank
from weakspot.scorers.compare import evidence, shorten
from weakspot.scorers.constraints_counts import COUNTS
from weakspot.scorers.constraints_layout import LAYOUTS
from weakspot.scorers.constraints_words import WORDS
from weakspot.scorers.verdict import Finding, verdict

CHECKS: Final = COUNTS | LAYOUTS | WORDS
"""Instruction id -> its check, whose docstring says what it asks for."""
_LONGEST: Final = 20_000


class Follows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Passes when the reply follows every one of `instructions`: objects with an `id` and what it takes (`N`,
    `keyword`).

    No verdict where an id is not known or what it takes is missing.
    """

    instructions: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(min_length=1)]

    def score(self, reply: Reply, probe: Probe, twin: Callable[[str], Reply | None]) -> Score:  # noqa: ARG002
        """The verdict on a reply, with one check per instruction."""
        if is_blank(reply.text):
            found = Finding(False, "The reply is empty.", evidence("follows", reply.text), "no_answer")
            return verdict("follows", found, reply, probe)
        checks = {str(i.get("id")): self._check(i, reply.text[:_LONGEST], question(probe)) for i in self.instructions}
        broken = [name for name, kept in checks.items() if kept is False]
        unknown = [name for name, kept in checks.items() if kept is None]
        noted = evidence("follows", reply.text)
        if broken:
            said = f"The reply does not follow {', '.join(shorten(n, 40) for n in broken[:3])}."
            return verdict("follows", Finding(False, said, noted, "not_done", checks), reply, probe)
        if unknown:
            said = f"No rule checks {', '.join(shorten(n, 40) for n in unknown[:3])}."
            return verdict("follows", Finding(None, said, noted, checks=checks), reply, probe)
        return verdict(
            "follows", Finding(True, "The reply follows every instruction.", noted, checks=checks), reply, probe
        )

    def _check(self, instruction: dict[str, Any], text: str, asked: str) -> bool | None:
        check = CHECKS.get(str(instruction.get("id")))
        if check is None:
            return None
        try:
            return bool(check(text, {**instruction, "asked": asked}))
        except (KeyError, TypeError, ValueError, re.error):
            return None  # what the check takes is missing or of another kind
