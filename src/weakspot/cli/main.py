"""The front door: `weakspot` alone shows the way; `weakspot COMMAND` goes in.

Only names and sentences stand here, and argparse is not even imported, so that help answers at once; a command's own
module is loaded through the registry when it is called.
"""

import os
import sys

from weakspot import registry
from weakspot.errors import ProbeError, WeakspotError
from weakspot.version import __version__

INTRO = "Weakspot finds where a language model breaks, shows why, and proves the fix."
WAY: dict[str, dict[str, str]] = {
    "understand": {
        "models": "list, fetch and look at models: `models list | pull NAME | show REF`",
        "tokens": "take a tokenizer apart: `tokens show | explain | audit | diff | glitch | ...`",
        "inspect": "how a model is built, its memory and compute, what breaks it, what it risks: headers only",
        "look": "inside one model on one prompt: attention, layers, tokens, what a head carries",
        "lab": "train GPT, LLaMA and T5 shapes on the same tasks: `lab run | report | list | ...`",
    },
    "test": {
        "probes": "the items that models are put to: `probes list | show | make | check | ...`",
        "attacks": "transforms of probes that try to make a model fail: `attacks list | show NAME --probe ID`",
        "plan": "what a comparison would ask and cost, before it starts",
        "compare": "put models through a suite, compare them, write a report",
        "resume": "go on with a run that was stopped",
        "rate": "grade a run's answers by hand, blind if wanted; hands against automatic verdicts",
        "scorers": "the automatic scorers, held against people's labels: `scorers list | validate --data DIR`",
        "judge": "let models judge answers by rubric; `judge test MODEL` says whether to believe them",
        "gate": "hold a run against limits and an older run, for a CI: exits 1 on a shown regression",
        "import": "take over other tools' tasks and results: lm-eval, HELM, BIG-bench, CSV, ...",
    },
    "share": {
        "report": "write a run's report again, without a model",
        "export": "a run for other tools: lm-eval, Inspect, JUnit, CSV, SARIF, GitHub",
    },
}
MOST_PROBLEMS = 20
FIRST_STEPS = """\
Begin with two real models (350 MB, fetched once; about 3 minutes on two cores):
  weakspot compare smollm2 gemma3-270m --suite core --quick --accept-licence

weakspot COMMAND --help shows a command's options and examples; --json gives numbers to a program.
From Python: import weakspot; weakspot.compare(["smollm2", "gemma3-270m"], quick=True)"""


def way() -> str:
    """The commands that are there, in the order of the work."""
    lines = [INTRO, ""]
    for group, commands in WAY.items():
        for number, (name, sentence) in enumerate(commands.items()):
            lines.append(f"  {group if number == 0 else '':<12}{name:<10}{sentence}")
    return "\n".join([*lines, "", FIRST_STEPS])


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(way() + "\n")
        return 0
    if words[0] in ("-V", "--version"):
        sys.stdout.write(f"weakspot {__version__}\n")
        return 0
    if words[0] not in registry.BUILT_IN["commands"]:
        known = ", ".join(registry.BUILT_IN["commands"])
        return _fail(f"There is no command {words[0]!r}.", f"There are: {known}.", 2)
    return _guarded(words)


def _guarded(words: list[str]) -> int:
    try:
        return int(registry.load("commands", words[0])(words[1:]))
    except WeakspotError as error:
        if isinstance(error, ProbeError):
            for problem in error.problems[:MOST_PROBLEMS]:
                sys.stderr.write(f"  {visible(problem)}\n")
        return _fail(error.message, error.hint, error.exit_code)
    except KeyboardInterrupt:
        return _fail("Stopped.", "", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: no noise at exit
        return 0
    except Exception as error:
        if os.environ.get("WEAKSPOT_DEBUG"):
            raise
        return _fail(
            f"Something went wrong that Weakspot did not foresee: {type(error).__name__}: {error}",
            "WEAKSPOT_DEBUG=1 shows where; please report it with the command you ran.",
            70,
        )


def _fail(message: str, hint: str, code: int) -> int:
    sys.stderr.write(f"weakspot: {visible(message)}\n")
    if hint:
        sys.stderr.write(f"  {visible(hint)}\n")
    return code


def visible(text: str) -> str:
    """Text that can't steer a terminal: control characters become visible, new lines a blank."""
    return "".join(c if c.isprintable() else " " if c in "\n\t\r" else repr(c)[1:-1] for c in text)


if __name__ == "__main__":
    sys.exit(main())
