"""`weakspot.report`: a report out of a run folder, without a model, a tokenizer or a key."""

from pathlib import Path

from msgspec import MsgspecError

from weakspot.api.effective import Which, effective_input
from weakspot.api.evidence import report_input
from weakspot.api.result import RunResult
from weakspot.errors import NotARun
from weakspot.rendering import csv_rows, write_csv
from weakspot.rendering.report import write_report
from weakspot.store.run import RunStore


def report(folder: str | Path, *, scores: Which = "automatic") -> RunResult:
    """Write `report.html`, `report.md`, `summary.json` and `items.csv` of a finished run again.

    Args:
        folder: the run folder.
        scores: which verdicts are counted: "automatic" ones, or "effective" ones (a hand's before the rule's, a
            judge's only where the rule gave none). The run itself keeps both; the report says which it used.

    Raises:
        NotARun: the folder holds no run, or one that was stopped before the end.
        RunSchemaMismatch: another version wrote it.
        DiskFull: there is no room for the files.
    """
    place = Path(folder).expanduser()
    with RunStore.open(place) as store:
        if store.meta("summary") is None:
            raise NotARun(f"The run in {place} was stopped before its end.", hint=f"Go on: weakspot resume {place}")
        try:
            content = effective_input(store) if scores == "effective" else report_input(store)
        except MsgspecError as error:
            raise NotARun(f"The run in {place} is damaged: {error}.", hint="Make the run again.") from error
    paths = write_report(content, place)
    table = place / "items.csv"
    write_csv(csv_rows(content.items), table)
    paths.append(table)
    return RunResult(place, content.summary, {path.name: path for path in paths})
