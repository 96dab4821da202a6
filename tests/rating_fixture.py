"""A small finished run to rate: two scripted models, three categories, hostile answers."""

from pathlib import Path

import msgspec

from weakspot.api.conclude import conclude
from weakspot.artifacts.reference import parse
from weakspot.records import ModelInfo, Probe, Provenance, Reply, Response, to_json
from weakspot.runs.plan import Plan, probes_hash
from weakspot.store.run import RunStore

ESCAPES = (
    "\x1b[31mred\x1b[0m \x1b]0;owned\x07 [bold red]markup[/] [@click=app.quit]x[/] \u202eesrever \u200bhidden =1+1"
)
LONG = "start of it " + "x" * 1_000_000 + " end of it"
CATEGORIES = ("facts", "letters", "bias")


def suite_lines(number: int = 30) -> list[dict[str, object]]:
    """Probes of which `good` passes two thirds and `bad` one third."""
    return [
        {
            "id": f"q{i:02d}",
            "category": CATEGORIES[i % 3],
            "messages": [{"role": "user", "content": f"Question <{i:02d}>: say {'yes' if i % 2 else 'no'}, please."}],
            "expect": {"type": "contains", "value": "yes", "ignore_case": True},
            "reviewed": True,
        }
        for i in range(number)
    ]


def make_run(folder: Path, number: int = 30) -> Path:
    """The run folder of `good` and `bad`, scored and counted; q00's answer by `bad` is hostile, q01's is long.

    Replies are put into the store as a run would; only the report, which takes seconds, is left out.
    """
    probes = [msgspec.convert(line, Probe) for line in suite_lines(number)]
    candidates = tuple(parse(f"scripted:echo?name={name}") for name in ("good", "bad"))
    plan = Plan("made-up", False, candidates, number, probes_hash(probes), False, "2026-01-01T00:00:00+00:00")
    meta = {"plan": to_json(plan), "environment": b"{}", "id": b"0badcafe"}
    run = folder / "run"
    made = Provenance("scripted", "scripted", "1")
    with RunStore.create(run, meta, [(probe.id, to_json(probe)) for probe in probes]) as store:
        for name, reply in (("good", _good), ("bad", _bad)):
            store.set_meta(f"info/{name}", to_json(ModelInfo(made)))
            answered = [Response(p.id, name, "", (Reply(reply(i), "stop"),), made) for i, p in enumerate(probes)]
            store.add_responses([(r.probe, name, True, to_json(r)) for r in answered])
        conclude(store, plan, probes)
    return run


def _good(i: int) -> str:
    return "Yes, of course." if i % 3 else "No idea at all."


def _bad(i: int) -> str:
    if i < 2:
        return (ESCAPES, LONG)[i]
    return "Yes, of course." if i % 3 == 1 else "Something else."
