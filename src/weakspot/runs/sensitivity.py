"""How often a reply changes with the company it is computed in, measured rather than assumed.

A batch of another shape adds up floating-point numbers in another order, so that a near-tie can fall the other way.
"""

from collections.abc import Sequence

import msgspec

from weakspot.contracts import Model
from weakspot.errors import ModelError
from weakspot.records import Probe, Response, from_json, to_json
from weakspot.runs.conversation import Conversation
from weakspot.runs.plan import turns
from weakspot.store.run import RunStore

SAMPLE = 12


class Sensitivity(msgspec.Struct, frozen=True):
    """Of `asked` items asked again, alone, `changed` got another text."""

    asked: int
    changed: int

    @property
    def rate(self) -> float | None:
        """The share that changed, or None where nothing was asked."""
        return self.changed / self.asked if self.asked else None


async def measure_sensitivity(store: RunStore, name: str, model: Model, probes: Sequence[Probe]) -> None:
    """Ask a fixed sample again, one at a time, and keep how many replies changed; only where requests run together."""
    key = f"sensitivity/{name}"
    if not model.info.local or model.info.concurrency == 1 or store.meta(key) is not None:
        return
    first = {r.probe: r for r in (from_json(row, Response) for row in store.responses(name))}
    eligible = [p for p in probes if turns(p) == 1 and p.id in first and first[p.id].final is not None]
    short = sorted(eligible, key=lambda probe: (len(str(probe.messages or probe.prompt)), probe.id))
    sample = short[len(short) // 4 :: max(1, len(short) // (SAMPLE * 2))][:SAMPLE]
    changed = asked = 0
    for probe in sample:
        request = Conversation(probe).next()
        before = first[probe.id].final
        if request is None or before is None:
            continue
        try:
            again = await model.generate(request)
        except ModelError:
            continue
        asked += 1
        changed += again.text != before.text
    store.set_meta(key, to_json(Sensitivity(asked, changed)))
