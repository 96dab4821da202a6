"""`weakspot import`."""

import sys
from typing import Any

from weakspot import ImportOptions, import_results
from weakspot.cli.main import visible
from weakspot.cli.parsing import Parser, add_json, print_json
from weakspot.records import to_builtins

EXAMPLES = """\
  weakspot import samples_boolq_2026-11-25.jsonl            # lm-eval's answers: a run folder
  weakspot import task.yaml --data validation.jsonl         # lm-eval's task: a probe file
  weakspot import bbh/web_of_lies.json --out web.jsonl
  weakspot import answers.csv --columns prompt=q,response=a,reference=gold
  weakspot compare smollm2 --suite web.jsonl                # then: ask your own models
  weakspot compare runs/imported-a runs/imported-b          # or compare what others answered"""


def run(words: list[str]) -> int:
    """Run the command."""
    parser = Parser(
        "import",
        "Take over another tool's tasks (as a probe file) or results (as a run folder). Its verdicts are kept as they "
        "are, and its own figures are held against ours.",
        EXAMPLES,
    )
    parser.add_argument("path", metavar="PATH", help="the file, or the folder where the tool writes folders")
    parser.add_argument("--from", dest="tool", default="", metavar="TOOL", help="which tool's it is (told by content)")
    parser.add_argument("--out", metavar="PLACE", help="the probe file or the run folder to write (a new one)")
    parser.add_argument("--data", default="", metavar="FILE", help="lm-eval tasks: a local file of the data set's rows")
    parser.add_argument("--columns", default="", metavar="OURS=THEIRS,...", help="tables: which column is what")
    parser.add_argument("--model", default="", metavar="NAME", help="what to call the model, or which one to take")
    parser.add_argument("--task", default="", metavar="NAME", help="which of several tasks to take")
    parser.add_argument("--metric", default="", metavar="NAME", help="which of the tool's metrics is the verdict")
    parser.add_argument("--threshold", type=float, metavar="X", help="graded metrics: passed from this value on")
    parser.add_argument("--few-shot", type=int, metavar="N", help="lm-eval tasks: solved examples before each item")
    add_json(parser)
    given = parser.parse_args(words)
    options = ImportOptions(
        data=given.data,
        columns=_columns(given.columns, parser),
        model=given.model,
        task=given.task,
        metric=given.metric,
        threshold=given.threshold,
        few_shot=given.few_shot,
    )
    found = to_builtins(import_results(given.path, tool=given.tool, out=given.out, options=options))
    if given.json:
        print_json(found)
    else:
        sys.stdout.write(_told(found))
    return 0


def _columns(text: str, parser: Parser) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if any(not sign or not theirs.strip() for _, sign, theirs in pairs):
        parser.error("--columns wants pairs such as prompt=question,response=answer")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


def _told(found: dict[str, Any]) -> str:
    tool = f"{found['tool']} {found['version']}".strip()
    lines = [f"{found['probes']} items of {found['suite']} ({tool})"]
    for model in found["models"]:
        counts = f"{model['answers']} answers, {model['passed']} passed, {model['failed']} failed"
        lines.append(f"{model['name']}: {counts}, {model['undecided']} undecided")
        lines += [_held(held) for held in found["reported"] if held["model"] == model["name"]]
    lines += [f"note: {note}" for note in found["notes"]]
    lines.append(("run folder: " if found["run"] else "probe file: ") + found["out"])
    return "".join(visible(line) + "\n" for line in lines)


def _held(held: dict[str, Any]) -> str:
    """One figure of the tool's beside ours."""
    stated = f"  {held['metric']}: the tool states {held['reported']:.6g}"
    if held["ours"] is None:
        return stated
    return f"{stated}, ours {held['ours']:.6g}{'' if held['agrees'] else ' - THEY DIFFER'}"
