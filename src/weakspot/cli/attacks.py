"""`weakspot attacks list | show`."""

import sys

from weakspot import list_attacks, show_attack
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.records import Probe, to_builtins

EXAMPLES = """\
  weakspot attacks list
  weakspot attacks show base64 --probe injection/direct-01
  weakspot attacks show typos --probe factual-recall/geography-01 --seed 3 --json
  weakspot compare smollm2 gemma3-270m --attack typos --attack system-override

An attack is measured against the same items untouched, and against a harmless edit of the same size."""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser("attacks", "Transforms of probes that try to make a model fail.", EXAMPLES)
    parser.add_argument("action", choices=("list", "show"))
    parser.add_argument("name", nargs="?", help="an attack's name (show)")
    parser.add_argument("--probe", metavar="ID", help="the probe to transform (show)")
    parser.add_argument("--suite", default="core", help="where the probe stands (core)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of what is left to chance (0)")
    add_json(parser)
    given = parser.parse_args(words)
    if given.action == "list":
        return _list(as_json=given.json)
    if not given.name or not given.probe:
        parser.error("show needs an attack's name and --probe ID")
    shown = show_attack(given.name, given.probe, suite=given.suite, seed=given.seed)
    if given.json:
        print_json(to_builtins(shown))
        return 0
    _write("untouched", shown.before)
    for probe in shown.made:
        _write({"attack": "attacked", "placebo": "placebo"}.get(probe.arm or "", "decoding alone"), probe)
    if shown.reason:
        sys.stdout.write(f"not transformed: {visible(shown.reason)}\n")
    return 0


def _list(*, as_json: bool) -> int:
    found = list_attacks()
    if as_json:
        print_json(to_builtins(found))
        return 0
    for attack in found:
        sys.stdout.write(f"{visible(attack.name):<22}{visible(attack.title)}\n")
        sys.stdout.write(f"{'':<22}fits: {', '.join(attack.situations)}\n")
    return 0


def _write(head: str, probe: Probe) -> None:
    sys.stdout.write(f"{head}: {visible(probe.id)}\n")
    for message in probe.messages or ():
        said = "(the model)" if message.content is None else visible(message.content)
        sys.stdout.write(f"  {message.role}: {said}\n")
    if probe.prompt is not None:
        sys.stdout.write(f"  {visible(probe.prompt)}\n")
    sys.stdout.write("\n")
