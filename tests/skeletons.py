"""How alike the sentences of probes are once names, numbers and quotations are masked."""

import re
from collections.abc import Sequence

from weakspot.records import Probe

SHINGLE = 3
ALIKE = 0.6
FILLER = 400


def skeleton(probe: Probe) -> tuple[str, ...]:
    """The words of a probe's own sentences: quotations, numbers and capitalised words inside a sentence are masked.

    Of a long dialogue only the last turn counts, and of a long text the end, where the question stands: what goes
    before is material that a matched set shares on purpose.
    """
    said = [m.content or "" for m in probe.messages or () if m.role in ("user", "tool")] or [probe.prompt or ""]
    text = "\n".join(said if sum(map(len, said)) < FILLER else said[-1:])[-FILLER:]
    text = re.sub(r"\"[^\"]*\"|“[^”]*”|'[^' ]*'", " Q ", text)
    text = re.sub(r"\d[\d.,:]*", " 0 ", text)
    text = re.sub(r"(?<=[a-z,;] )[A-Z][\w-]*", "N", text)
    return tuple(re.findall(r"\w+", text.lower()))


def shingles(words: Sequence[str]) -> frozenset[tuple[str, ...]]:
    """Runs of three words; a short text is one run."""
    if len(words) < SHINGLE:
        return frozenset({tuple(words)})
    return frozenset(tuple(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1))


def alike(one: frozenset[tuple[str, ...]], two: frozenset[tuple[str, ...]]) -> float:
    """Jaccard similarity, 0 to 1."""
    return len(one & two) / len(one | two) if one | two else 1.0


def crowds(probes: Sequence[Probe]) -> dict[str, list[str]]:
    """For every probe, the others whose skeleton is alike (matched sets count once, by their first counted item)."""
    first: dict[str, Probe] = {}
    for probe in probes:
        if probe.counted:
            first.setdefault(probe.group or probe.id, probe)
    units = [(probe.id, shingles(skeleton(probe))) for probe in first.values()]
    return {name: [other for other, two in units if alike(one, two) >= ALIKE] for name, one in units}
