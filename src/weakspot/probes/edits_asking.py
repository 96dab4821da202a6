"""Other ways to ask a probe, which try nothing: several samples of it, and with the wish to state a confidence.

Copies have the arm "control": they count in no rate. They feed self-consistency and calibration
(`weakspot.metrics.knowing`).
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from weakspot.probes.edits import where
from weakspot.records import Probe

SAMPLES: Final = 5
TEMPERATURE: Final = 0.7
WITH_ANSWER: Final = frozenset(("exact", "contains", "any_of", "number", "regex", "choice"))
WISH: Final = (
    "After your answer, write how sure you are that it is right, from 0% (not at all) to 100% (completely), as in: "
    "Confidence: 80%."
)
ROOM: Final = 24
"""Tokens more for the confidence."""


def samples(probes: Sequence[Probe]) -> list[Probe]:
    """Five copies of each question with an answer, at temperature 0.7 and with seeds 1 to 5."""
    return [
        msgspec.structs.replace(
            probe,
            id=f"{probe.id}+sample-{number}",
            arm="control",
            group=probe.group or probe.id,
            tags=probe.tags | {"sample": str(number), "original": probe.id},
            generation=msgspec.structs.replace(probe.generation, temperature=TEMPERATURE, seed=number),
        )
        for probe in probes
        if _answerable(probe)
        for number in range(1, SAMPLES + 1)
    ]


def stated(probes: Sequence[Probe]) -> list[Probe]:
    """A copy of each question with an answer that asks for a confidence behind it."""
    made = []
    for probe in probes:
        place = where(probe)
        if not _answerable(probe) or place is None or place.message is None:
            continue
        messages = list(probe.messages or ())
        asked = messages[place.message]
        messages[place.message] = msgspec.structs.replace(asked, content=f"{asked.content} {WISH}")
        how = probe.generation
        made.append(
            msgspec.structs.replace(
                probe,
                id=f"{probe.id}+stated",
                arm="control",
                messages=tuple(messages),
                group=probe.group or probe.id,
                tags=probe.tags | {"confidence": "stated", "original": probe.id},
                generation=msgspec.structs.replace(how, max_tokens=how.max_tokens + ROOM, multiline=True),
                reviewed=False,
            )
        )
    return made


def _answerable(probe: Probe) -> bool:
    return probe.counted and probe.expect.get("type") in WITH_ANSWER and probe.tags.get("known") != "no"


WAYS: Final[dict[str, Callable[[Sequence[Probe]], list[Probe]]]] = {"samples": samples, "stated": stated}
"""What stands behind a suite like an attack: "core+samples"."""
