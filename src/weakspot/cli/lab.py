"""`weakspot lab ACTION`: only names and sentences; each action's own module is loaded when it is called."""

import sys

from weakspot import registry
from weakspot.errors import UsageError

ACTIONS: dict[str, str] = {
    "run": "train a grid of small models on the same tasks, measure them by length, report",
    "resume": "go on with a grid that was stopped",
    "report": "what the finished cells show, as a page, Markdown or JSON",
    "list": "the tasks, the shapes with their parts, the presets",
    "probes": "a task's sequences as a probe file, for `weakspot compare`",
}
FIRST_STEPS = """\
Begin with one seed of three architectures that copy (needs the extra [torch]):
  weakspot lab run --preset quick --workers 2

weakspot lab ACTION --help shows an action's options and examples.
From Python: import weakspot; weakspot.lab_run("quick", workers=2)"""


def run(words: list[str]) -> int:
    """Run the action that the first word names."""
    if not words or words[0] in ("-h", "--help", "help"):
        lines = ["Trains small models whose architecture alone differs, and shows which part makes them fail.", ""]
        lines += [f"  {name:<9}{sentence}" for name, sentence in ACTIONS.items()]
        sys.stdout.write("\n".join([*lines, "", FIRST_STEPS]) + "\n")
        return 0
    if words[0] not in registry.BUILT_IN["lab_actions"]:
        known = ", ".join(registry.BUILT_IN["lab_actions"])
        raise UsageError(f"There is no action {words[0]!r}.", hint=f"weakspot lab has: {known}.")
    return int(registry.load("lab_actions", words[0])(words[1:]))
