"""`weakspot.list_attacks` and `weakspot.show_attack`: what there is, and what an attack makes of a probe."""

import msgspec

from weakspot import registry
from weakspot.errors import UsageError
from weakspot.probes.edits import attack_named, attacked, misfit, situation_of
from weakspot.probes.suite import load_suite
from weakspot.records import Probe


class AttackInfo(msgspec.Struct, frozen=True):
    """One attack: what it does, the kinds of items whose expectation stays valid under it, and its controls."""

    name: str
    title: str
    situations: tuple[str, ...]
    placebo: bool
    decoding_control: bool
    source: str = ""


class AttackShown(msgspec.Struct, frozen=True):
    """One probe before and after: `made` holds the attacked probe, its placebo and its control; `reason` why not."""

    attack: str
    situation: str
    before: Probe
    made: tuple[Probe, ...]
    reason: str = ""


def list_attacks() -> list[AttackInfo]:
    """Every registered attack."""
    found = [attack_named(name) for name in registry.names("attacks")]
    return [
        AttackInfo(
            name=attack.name,
            title=attack.title,
            situations=tuple(sorted(attack.situations)),
            placebo=attack.placebo is not None,
            decoding_control=attack.control is not None,
            source=attack.source,
        )
        for attack in found
    ]


def show_attack(name: str, probe: str, *, suite: str = "core", seed: int = 0) -> AttackShown:
    """What an attack makes of one probe of a suite.

    Raises:
        UsageError: there is no such attack, or no such probe in the suite.
        ProbeError: the suite cannot be read.
    """
    attack = attack_named(name)
    before = next((item for item in load_suite(suite) if item.id == probe), None)
    if before is None:
        raise UsageError(f"There is no probe {probe!r} in {suite}.", hint=f"weakspot probes list --suite {suite}")
    reason = misfit(attack, before)
    made = () if reason else tuple(attacked(attack, before, seed))
    if not reason and not made:
        reason = "it finds nothing in the text that it could change"
    return AttackShown(name, situation_of(before), before, made, reason)
