"""A probe: one question put to every candidate, and what is expected of the reply."""

from typing import Any, Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]
Arm = Literal["treatment", "control", "placebo", "positive-control", "attack"]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One turn. An assistant turn whose `content` is None is filled in by the model."""

    role: Role
    content: str | None = None


class Generation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the reply is generated; what is None is left to the candidate.

    `multiline` says that a good answer may span lines, so that a base model is not stopped at the first newline.
    """

    max_tokens: int = 24
    stop: tuple[str, ...] = ()
    multiline: bool = False
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    json_schema: dict[str, Any] | None = None


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item of a suite, as it stands on one line of a probe file (schema: `weakspot probes schema`).

    `expect` keeps its JSON form: `expect["type"]` names the scorer, the rest is that scorer's configuration.
    `group` marks items that share a source; `arm` says which part of a matched set this is (None: it stands alone
    and counts as a treatment; "attack": another item, transformed, which counts in no rate). `tags["control"]` may
    name the positive control whose failure makes this item uninformative; without it, the positive control of the
    same `group` is used.
    """

    id: str
    category: str
    expect: dict[str, Any]
    messages: tuple[Message, ...] | None = None
    prompt: str | None = None
    generation: Generation = Generation()
    tags: dict[str, str] = {}
    group: str | None = None
    arm: Arm | None = None
    source: str = ""
    licence: str = ""
    reviewed: bool = False

    @property
    def counted(self) -> bool:
        """Whether this item enters a failure rate (controls never do)."""
        return self.arm in (None, "treatment")
