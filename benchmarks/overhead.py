"""Harness overhead: 2,000 requests, 64 at once, to a server that answers after 50 ms; wall time over the ideal.

    python benchmarks/overhead.py [--rounds 3]

"weakspot" is the whole execution as `weakspot compare` does it: connect, ask, and commit every response to the run
folder, where each is then checked to be. "aiohttp" is a bare loop over the same client that keeps nothing; the rounds
are interleaved, since the machine is never quite the same. The server runs in a process of its own. Aim: at most 1.25.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from weakspot.api.opening import contenders
from weakspot.artifacts.reference import parse
from weakspot.records import Message, Probe, Response, from_json, to_json
from weakspot.runs.execute import Execution
from weakspot.runs.silent import Silent
from weakspot.store.run import RunStore

REQUESTS = 2000
AT_ONCE = 64
DELAY_S = 0.05
IDEAL_S = REQUESTS / AT_ONCE * DELAY_S
AIM = 1.25

PROBES = [
    Probe(
        id=f"bench-{number:04}",
        category="bench",
        expect={"type": "contains", "value": "OK"},
        messages=(Message("user", f"Question {number}: is this all right? Answer with OK."),),
    )
    for number in range(REQUESTS)
]


@contextmanager
def server() -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, str(Path(__file__).parent / "server.py"), "--delay", str(DELAY_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def weakspot(reference: str) -> float:
    """Seconds of one execution.

    Raises:
        RuntimeError: a reply is missing or an error; then there is nothing to compare.
    """
    candidate = parse(reference)
    with tempfile.TemporaryDirectory() as folder:
        rows = [(probe.id, to_json(probe)) for probe in PROBES]
        with RunStore.create(Path(folder) / "run", {}, rows) as store:
            began = time.perf_counter()
            asyncio.run(Execution(store, Silent()).run(contenders([candidate]), PROBES))
            seconds = time.perf_counter() - began
        with RunStore.open(Path(folder) / "run") as store:
            kept = [from_json(row, Response) for row in store.responses(candidate.name)]
    if len({response.probe for response in kept if response.final is not None}) != REQUESTS:
        raise RuntimeError("Not every reply was recorded.")
    return seconds


async def bare(url: str) -> float:
    """Seconds of a bare loop that keeps nothing."""
    numbers = iter(range(REQUESTS))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session:

        async def worker() -> None:
            for number in numbers:
                asked = {"model": "bench", "messages": [{"role": "user", "content": f"Question {number}"}]}
                async with session.post(f"{url}/chat/completions", json=asked) as response:
                    await response.json()

        began = time.perf_counter()
        await asyncio.gather(*[worker() for _ in range(AT_ONCE)])
        return time.perf_counter() - began


def main() -> int:
    """Print the ratios; the exit code says whether the aim is met."""
    parser = argparse.ArgumentParser(description="harness overhead")
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    ratios: dict[str, list[float]] = {"aiohttp": [], "weakspot": [], "weakspot, adaptive": []}
    with server() as url:
        for _ in range(rounds):
            ratios["aiohttp"].append(asyncio.run(bare(url)) / IDEAL_S)
            ratios["weakspot"].append(weakspot(f"{url}#bench?concurrency={AT_ONCE}") / IDEAL_S)
            ratios["weakspot, adaptive"].append(weakspot(f"{url}#bench") / IDEAL_S)
    for name, found in ratios.items():
        sys.stdout.write(f"{name:<20}{statistics.median(found):6.3f} x the ideal {IDEAL_S:.2f} s ({_all(found)})\n")
    median = statistics.median(ratios["weakspot"])
    sys.stdout.write(f"aim: at most {AIM} x: {'met' if median <= AIM else 'missed'}\n")
    return 0 if median <= AIM else 1


def _all(ratios: list[float]) -> str:
    return ", ".join(f"{ratio:.3f}" for ratio in ratios)


if __name__ == "__main__":
    sys.exit(main())
