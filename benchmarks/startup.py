"""Start-up: `weakspot --help` and `weakspot models list` against `python -c pass`, interleaved; aim: under 4 times.

python benchmarks/startup.py
"""

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 30
AIM = 4.0


def seconds(command: list[str]) -> float:
    """Wall time of one run of a command."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> int:
    """Print the ratios; the exit code says whether the aim is met."""
    program = shutil.which("weakspot", path=str(Path(sys.executable).parent)) or "weakspot"
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "weakspot --help": [program, "--help"],
        "weakspot models list": [program, "models", "list"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            times[name].append(seconds(command))
    medians = {name: statistics.median(found) for name, found in times.items()}
    base = medians["python -c pass"]
    worst = 0.0
    for name, median in medians.items():
        worst = max(worst, median / base)
        sys.stdout.write(f"{name:<24}{median * 1000:7.1f} ms  {median / base:5.2f} x\n")
    sys.stdout.write(f"aim: under {AIM} x: {'met' if worst < AIM else 'missed'}\n")
    return 0 if worst < AIM else 1


if __name__ == "__main__":
    sys.exit(main())
