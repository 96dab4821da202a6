"""Inspect's log (one JSON document, version 2) out of a run, one for each candidate.

`inspect_ai.log.read_eval_log` reads it (checked with 0.3). The scorer is called "weakspot"; C is passed, I failed, and
a sample without a verdict has no score. `metadata.weakspot` of each sample keeps what Inspect has no field for, so that
importing the log again gives the same items.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from weakspot.exchange.exporting import Exported, Exporter, Outcome, expected_text, plain, prompt_text
from weakspot.records import Candidate, Response

SCORER = "weakspot"
STOPS = {"stop": "stop", "length": "max_tokens", "content_filter": "content_filter", "unknown": "unknown"}


def files(run: Exported) -> Iterator[tuple[str, bytes]]:
    """One log for each candidate."""
    for candidate in run.candidates:
        log = msgspec.json.encode(_log(run, candidate))
        yield f"{plain(run.suite)}_{plain(candidate.name)}.json", msgspec.json.format(log, indent=2)


def _log(run: Exported, candidate: Candidate) -> dict[str, Any]:
    outcomes = run.outcomes[candidate.name]
    model = f"weakspot/{candidate.name}"
    info = run.infos.get(candidate.name)
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": _id(run.run_id, candidate.name, "eval"),
            "run_id": _id(run.run_id, "run"),
            "created": run.created,
            "task": run.suite,
            "task_id": _id(run.run_id, "task"),
            "task_version": 0,
            "dataset": {
                "name": run.suite,
                "samples": len(outcomes),
                "sample_ids": [o.probe.id for o in outcomes],
                "shuffled": False,
            },
            "model": model,
            "model_args": {},
            "config": {"epochs": 1},
            "packages": {"weakspot": run.weakspot},
            "metadata": {"reference": candidate.reference},
            "scorers": [{"name": SCORER, "options": {}, "metrics": [{"name": "accuracy", "options": {}}]}],
        },
        "plan": {"name": "plan", "steps": [], "config": _config(info.provenance.sampler if info else {})},
        "results": _results(outcomes),
        "stats": {"started_at": run.created, "completed_at": run.created, "model_usage": {model: _usage(outcomes)}},
        "samples": [_sample(outcome, candidate.name, model) for outcome in outcomes],
    }


def _config(sampler: dict[str, Any]) -> dict[str, Any]:
    known = ("temperature", "top_p", "top_k", "max_tokens", "seed")
    return {key: sampler[key] for key in known if isinstance(sampler.get(key), int | float)}


def _results(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Accuracy as Inspect would compute it: over all samples that have a score."""
    verdicts = [o.passed for o in outcomes if o.passed is not None]
    scored = {"name": SCORER, "scorer": SCORER, "params": {}, "scored_samples": len(verdicts)}
    accuracy = sum(verdicts) / len(verdicts) if verdicts else 0.0
    metrics = {"accuracy": {"name": "accuracy", "value": accuracy, "params": {}}} if verdicts else {}
    return {
        "total_samples": len(outcomes),
        "completed_samples": sum(o.response is not None and o.response.error is None for o in outcomes),
        "scores": [scored | {"unscored_samples": len(outcomes) - len(verdicts), "metrics": metrics}],
    }


def _sample(outcome: Outcome, candidate: str, model: str) -> dict[str, Any]:
    probe, response = outcome.probe, outcome.response
    asked = _asked(outcome)
    sample: dict[str, Any] = {
        "id": probe.id,
        "epoch": 1,
        "input": asked,
        "target": expected_text(probe),
        "messages": [*asked, *_answer(outcome)],
        "output": _output(response, model),
        "scores": {},
        "metadata": {
            "weakspot": {
                "probe": msgspec.to_builtins(probe),
                "counted": probe.counted,
                "informative": outcome.informative,
            }
        },
        "store": {},
        "events": [],
        "model_usage": {},
        "attachments": {},
        "uuid": _id(candidate, probe.id),
    }
    if outcome.score is not None and outcome.passed is not None:
        score = outcome.score
        sample["scores"] = {
            SCORER: {
                "value": "C" if outcome.passed else "I",
                "answer": outcome.reply or "",
                "explanation": score.reason,
                "metadata": {"severity": score.severity, "reply_class": score.reply_class, "scorer": score.scorer},
            }
        }
    if response is not None and response.error is not None:
        told = f"{response.error.code}: {response.error.message}"
        sample["error"] = {"message": told, "traceback": "", "traceback_ansi": ""}
    return sample


def _asked(outcome: Outcome) -> list[dict[str, Any]]:
    """The messages; turns that the model filled in between hold what it said."""
    said = iter(outcome.response.replies if outcome.response is not None else ())
    found = []
    for message in outcome.probe.messages or ():
        if message.content is None:
            turn = next(said, None)
            found.append({"role": "assistant", "content": turn.text if turn else "", "source": "generate"})
        else:
            found.append({"role": message.role, "content": message.content, "source": "input"})
    if outcome.probe.messages and outcome.probe.messages[-1].content is None:
        found.pop()  # the last turn is the answer, which follows
    return found or [{"role": "user", "content": prompt_text(outcome.probe), "source": "input"}]


def _answer(outcome: Outcome) -> list[dict[str, Any]]:
    return [] if outcome.reply is None else [{"role": "assistant", "content": outcome.reply, "source": "generate"}]


def _output(response: Response | None, model: str) -> dict[str, Any]:
    final = None if response is None else response.final
    if final is None:
        return {"model": model, "choices": []}
    usage = {"input_tokens": final.usage.prompt_tokens or 0, "output_tokens": final.usage.completion_tokens or 0}
    return {
        "model": model,
        "choices": [
            {
                "message": {"role": "assistant", "content": final.text, "source": "generate"},
                "stop_reason": STOPS[final.finish_reason],
            }
        ],
        "usage": usage | {"total_tokens": sum(usage.values())},
        "time": final.timings.total_s,
    }


def _usage(outcomes: Sequence[Outcome]) -> dict[str, int]:
    replies = [reply for o in outcomes if o.response is not None for reply in o.response.replies]
    given = sum(reply.usage.prompt_tokens or 0 for reply in replies)
    made = sum(reply.usage.completion_tokens or 0 for reply in replies)
    return {"input_tokens": given, "output_tokens": made, "total_tokens": given + made}


def _id(*parts: str) -> str:
    """An id that stays the same when the run is exported again."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:22]


EXPORTER = Exporter(title="Inspect logs", files=files)
