"""lm-evaluation-harness's samples (`samples_TASK_DATE.jsonl`, as `--log_samples` of 0.4 writes them) out of a run.

One file for each candidate, under a folder of its name as the harness does; the task is the suite. `acc` is 1.0 or 0.0,
and null where an item has no verdict: the harness has no such thing, and a number would be a lie.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from weakspot.exchange.exporting import Exported, Exporter, Outcome, expected_text, plain, prompt_text


def files(run: Exported) -> Iterator[tuple[str, bytes]]:
    """One file for each candidate."""
    stamp = plain(run.created.replace(":", "-").replace("+00-00", ""))
    for candidate in run.candidates:
        lines = (msgspec.json.encode(_line(n, o)) for n, o in enumerate(run.outcomes[candidate.name]))
        yield f"{plain(candidate.name)}/samples_{plain(run.suite)}_{stamp}.jsonl", b"".join(x + b"\n" for x in lines)


def _line(number: int, outcome: Outcome) -> dict[str, Any]:
    probe, reply = outcome.probe, outcome.reply
    asked, target = prompt_text(probe), expected_text(probe)
    doc = {
        "id": probe.id,
        "category": probe.category,
        "group": probe.group,
        "arm": probe.arm,
        "expect": probe.expect,
        "messages": msgspec.to_builtins(probe.messages),
    }
    said = [] if reply is None else [reply]
    return {
        "doc_id": number,
        "doc": doc,
        "target": target,
        "arguments": {
            "gen_args_0": {
                "arg_0": asked,
                "arg_1": {"until": list(probe.generation.stop), "max_gen_toks": probe.generation.max_tokens},
            }
        },
        "resps": [said],
        "filtered_resps": said,
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": _hash(msgspec.json.encode(doc).decode()),
        "prompt_hash": _hash(asked),
        "target_hash": _hash(target),
        "acc": None if outcome.passed is None else float(outcome.passed),
        "weakspot": {
            "reason": outcome.reason,
            "reply_class": outcome.score.reply_class if outcome.score else None,
            "severity": outcome.score.severity if outcome.score else None,
            "informative": outcome.informative,
        },
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


EXPORTER = Exporter(title="lm-evaluation-harness samples", files=files)
