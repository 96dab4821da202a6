"""Tokens per second of a run against the bare engine with the same prompts; aim: at least 0.9.

    python benchmarks/throughput.py [MODEL]

Both sides ask the same prompt ids with the same limits, eight at once, without a reply cache; they take turns, each
with an engine of its own, and the ratio is of the medians. The run's side tokenizes and records crash-safe.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from weakspot.artifacts.locate import gguf_path, make_ready
from weakspot.artifacts.reference import parse
from weakspot.models.llamacpp import SLOTS, LlamaCpp
from weakspot.models.template import bundled_names, stops
from weakspot.probes.suite import load_suite
from weakspot.records import Candidate, Probe, Response, from_json, to_json
from weakspot.runs.execute import Contender, Execution
from weakspot.runs.plan import context_needed, turns
from weakspot.runs.silent import Silent
from weakspot.store.run import RunStore

ROUNDS = 3
ITEMS = 80
AIM = 0.9


def harness(candidate: Candidate, probes: list[Probe]) -> tuple[float, list[Response]]:
    """Seconds that the run took for all items, model loading left out, and the responses."""
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore.create(Path(folder) / "run", {}, [(p.id, to_json(p)) for p in probes])
        store.set_meta(f"sensitivity/{candidate.name}", b'{"asked":0,"changed":0}')  # not part of the comparison
        with store:
            asyncio.run(Execution(store, Silent()).run([Contender(candidate, LlamaCpp(candidate))], probes))
            seconds = float(store.meta(f"seconds/{candidate.name}") or b"nan")
            return seconds, [from_json(row, Response) for row in store.responses(candidate.name)]


def bare(candidate: Candidate, bodies: list[dict[str, Any]], context: int) -> tuple[float, int]:
    """Seconds and generated tokens of the engine alone, called in process from as many threads as there are slots."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(gguf_path(candidate))
    params.n_parallel, params.n_ctx, params.n_gpu_layers = SLOTS, SLOTS * context, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = LlamaCpp(candidate).threads
    params.ui, params.verbosity, params.api_keys = False, -1, ["benchmark-only"]
    server = xllamacpp.Server(params)
    began = time.perf_counter()
    with ThreadPoolExecutor(SLOTS) as pool:
        answers = list(pool.map(server.handle_completions, bodies))
    seconds = time.perf_counter() - began
    return seconds, sum(answer["usage"]["completion_tokens"] for answer in answers)


def body(probe: Probe, response: Response) -> dict[str, Any]:
    """The bare engine's request for what the run asked."""
    how = probe.generation
    base = response.provenance.template in bundled_names()  # a chat model brings a template of its own
    return {
        "prompt": list(response.replies[0].prompt_ids or ()),
        "max_tokens": how.max_tokens,
        "stop": list(stops(how.stop, base=base and probe.prompt is None, multiline=how.multiline)),
        **response.provenance.sampler,
        "seed": response.provenance.seed,
    }


def main() -> int:
    """Print the ratio; the exit code says whether the aim is met."""
    candidate = parse(sys.argv[1] if len(sys.argv) > 1 else "smollm2")
    make_ready(candidate, accept_licence=True)
    single = [probe for probe in load_suite("core") if turns(probe) == 1]
    probes = single[:: max(1, len(single) // ITEMS)][:ITEMS]
    context = -(-context_needed(probes) // 256) * 256
    ours, theirs = [], []
    for _ in range(ROUNDS):
        seconds, responses = harness(candidate, probes)
        generated = sum(r.replies[0].usage.completion_tokens or 0 for r in responses)
        ours.append(generated / seconds)
        bodies = [body(probe, response) for probe, response in zip(probes, responses, strict=True)]
        bare_seconds, bare_generated = bare(candidate, bodies, context)
        theirs.append(bare_generated / bare_seconds)
        sys.stdout.write(f"run {ours[-1]:6.1f} tokens/s ({generated})  bare {theirs[-1]:6.1f} ({bare_generated})\n")
    ratio = statistics.median(ours) / statistics.median(theirs)
    sys.stdout.write(f"{candidate.name}: {ratio:.2f} of the bare engine; aim: at least {AIM}: ")
    sys.stdout.write("met\n" if ratio >= AIM else "missed\n")
    return 0 if ratio >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
