"""`weakspot.rates_by`: the failure rates of a run by a tag - the language, the depth, the channel, the level."""

from pathlib import Path

import msgspec

from weakspot.errors import NotARun, UsageError
from weakspot.records import Probe, Rate, Score, from_json
from weakspot.runs.compare import Sheet
from weakspot.store.run import RunStore


class TagRate(msgspec.Struct, frozen=True):
    """The failure rate of one candidate on the counted items of a category whose tag has this value."""

    category: str
    value: str
    candidate: str
    rate: Rate


def rates_by(folder: str | Path, tag: str) -> tuple[TagRate, ...]:
    """Failure rates by the values of a tag, in the order of the suite, candidates side by side.

    Items whose own positive control failed are left out as everywhere, so that in the suite `multilingual` the rate of
    a language is its gap to English. The intervals are not corrected for how many values there are: a table to look
    at, from which one value picked for being the highest proves nothing.

    Args:
        folder: the run folder.
        tag: the name of a tag, such as "language", "kind", "level", "length" or "channel".

    Raises:
        NotARun: the folder holds no run, or one that was stopped before the end.
        UsageError: no counted item of the run has this tag.
    """
    place = Path(folder).expanduser()
    with RunStore.open(place) as store:
        if store.meta("summary") is None:
            raise NotARun(f"The run in {place} was stopped before its end.", hint=f"Go on: weakspot resume {place}")
        try:
            probes = [from_json(row, Probe) for row in store.probes()]
            scores = {(s.probe, s.candidate): s for s in (from_json(row, Score) for row in store.scores())}
        except msgspec.MsgspecError as error:
            raise NotARun(f"The run in {place} is damaged: {error}.", hint="Make the run again.") from error
    keys = dict.fromkeys((p.category, p.tags[tag]) for p in probes if p.counted and tag in p.tags)
    if not keys:
        known = sorted({name for probe in probes if probe.counted for name in probe.tags})
        raise UsageError(
            f"No counted item of this run has the tag {tag!r}.", hint=f"Tags: {', '.join(known) or 'none'}."
        )
    marked = [msgspec.structs.replace(p, category=_key(p.category, p.tags.get(tag, ""))) for p in probes]
    sheet = Sheet(marked, scores)
    names = dict.fromkeys(candidate for _, candidate in scores)
    return tuple(
        TagRate(category, value, name, sheet.rate(name, _key(category, value)))
        for category, value in keys
        for name in names
    )


def _key(category: str, value: str) -> str:
    return f"{category}\0{value}"
