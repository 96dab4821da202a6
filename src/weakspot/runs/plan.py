"""The plan: what is asked of whom, frozen before the first request and kept with the run."""

import hashlib
from collections.abc import Sequence

import msgspec

from weakspot.records import Candidate, Probe, to_json
from weakspot.version import __version__

BYTES_PER_TOKEN = 2.5
"""Fewer than any tokenizer here needs for English (3.6-4.4 seen), so that contexts come out a little too large."""
TEMPLATE_TOKENS = 96
QUICK_SHARE = 3


class Plan(msgspec.Struct, frozen=True):
    """One run: the candidates, the items by hash, and everything else that decides what is asked.

    `use_cache` says whether replies of earlier runs may be taken; `created` is UTC, ISO 8601; `command` is what a
    shell would repeat. `origin` names the tool and version whose results were imported; its verdicts are kept as they
    are and never scored again. Empty: Weakspot asked and scored. `baseline` names the candidate that each of the
    others is held against; empty: all pairs are compared.
    """

    suite: str
    quick: bool
    candidates: tuple[Candidate, ...]
    probes: int
    probes_sha256: str
    use_cache: bool
    created: str
    command: str = ""
    origin: str = ""
    baseline: str = ""
    weakspot: str = __version__


class Estimate(msgspec.Struct, frozen=True):
    """What a run will cost one candidate, before it starts: requests, tokens (upper estimates), USD where priced."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    context: int


def probes_hash(probes: Sequence[Probe]) -> str:
    """The sha256 over all items in order: two runs with equal hashes asked the same."""
    digest = hashlib.sha256()
    for probe in probes:
        digest.update(to_json(probe) + b"\n")
    return digest.hexdigest()


def turns(probe: Probe) -> int:
    """How many replies a probe asks for."""
    messages = probe.messages or ()
    blanks = sum(1 for m in messages if m.role == "assistant" and m.content is None)
    ends_blank = bool(messages) and messages[-1].role == "assistant" and messages[-1].content is None
    return blanks + (0 if ends_blank else 1)


def context_needed(probes: Sequence[Probe]) -> int:
    """Tokens that the longest item needs in one slot, prompt and replies, estimated from its bytes."""
    return max((_size(probe) for probe in probes), default=0)


def estimate(probes: Sequence[Probe]) -> Estimate:
    """What one candidate will be asked for. A turn's prompt holds the turns before it."""
    return Estimate(
        requests=sum(turns(probe) for probe in probes),
        prompt_tokens=sum((_size(probe) - probe.generation.max_tokens) * turns(probe) for probe in probes),
        completion_tokens=sum(probe.generation.max_tokens * turns(probe) for probe in probes),
        context=context_needed(probes),
    )


def _size(probe: Probe) -> int:
    texts = [probe.prompt or ""] + [m.content or "" for m in probe.messages or ()]
    written = sum(len(text.encode("utf-8", "replace")) for text in texts) / BYTES_PER_TOKEN
    return int(written) + TEMPLATE_TOKENS + probe.generation.max_tokens * turns(probe)
