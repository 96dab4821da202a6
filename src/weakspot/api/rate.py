"""`weakspot.rate`, `weakspot.export_ratings`, `weakspot.import_ratings`: grading a finished run by hand."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import msgspec

from weakspot.errors import ImportFailed
from weakspot.rating.answers import answers, ratings
from weakspot.rating.queue import Wanted
from weakspot.rating.session import RatingSession, saved_queue
from weakspot.rating.sheet import SavedSheet, columns, read, rows, sheet_name
from weakspot.records import Probe, from_json, to_json
from weakspot.rendering.csv import cell
from weakspot.rendering.expected import expected
from weakspot.rendering.files import write_atomic
from weakspot.scorers.rubrics import rubric_for, rubric_lines
from weakspot.store.run import RunStore

LARGEST_SHEET = 200_000_000
"""Bytes: a sheet of 6,000 answers of the longest kind."""


class SheetWritten(msgspec.Struct, frozen=True):
    """A sheet that was written: where, how many rows, and how many of them have a verdict already."""

    file: str
    rows: int
    rated: int


class SheetTaken(msgspec.Struct, frozen=True):
    """A sheet that was read: how many ratings it gave, how many replaced an earlier one, and by whom."""

    taken: int
    replaced: int
    raters: tuple[str, ...]


def rate(
    run: str | Path,
    *,
    rater: str = "me",
    blind: bool = False,
    sample: int | None = None,
    seed: int = 0,
    only: Sequence[str] = (),
) -> RatingSession:
    """A rater's session on a finished run, to be used in a `with` block; every grade is committed at once.

    Started again with the same arguments it goes on where it stopped. No model is needed, and an imported run will do.

    Args:
        run: the run folder.
        rater: who rates; the name stands in the run and its report.
        blind: hide which model answered, and shuffle. Automatic verdicts are hidden in any case until rated.
        sample: how many answers, drawn by category and automatic verdict; None for all.
        seed: of the sample and the order.
        only: filters that must all hold: failed, passed, unscored, disagree, category=NAME, candidate=NAME.

    Raises:
        NotARun: the folder holds no finished run.
        UsageError: the arguments make no sense, or leave nothing to rate.
    """
    store = RunStore.open(Path(run).expanduser())
    try:
        return RatingSession(store, Wanted(rater, blind, sample, seed, tuple(only)), rubric)
    except BaseException:
        store.close()
        raise


def rubric(probe: Probe) -> tuple[tuple[str, str], ...]:
    """What passes, and the anchors of each severity, for an item's kind of failure: one text for judges and hands."""
    return rubric_lines(rubric_for(probe.category))


def export_ratings(
    run: str | Path,
    file: str | Path,
    *,
    rater: str = "me",
    blind: bool = False,
    sample: int | None = None,
    seed: int = 0,
    only: Sequence[str] = (),
) -> SheetWritten:
    """A rater's queue as CSV for a spreadsheet: fill in `verdict`, `severity` and `note`, then `import_ratings`.

    No cell is taken for a formula; a blind sheet names neither models nor probes, which the run remembers. Arguments
    as for `rate`.

    Raises:
        NotARun, UsageError: as for `rate`.
        DiskFull: no room for the file.
    """
    wanted = Wanted(rater, blind, sample, seed, tuple(only))
    with RunStore.open(Path(run).expanduser()) as store:
        every, given = answers(store), ratings(store)
        of_key = {answer.key: answer for answer in every}
        keys = tuple(key for key in saved_queue(store, every, given, wanted) if key in of_key)
        saved = SavedSheet(wanted, keys)
        name = sheet_name(store.meta("id") or b"", saved)
        store.set_meta(f"rating-sheet/{name}", to_json(saved))
    own = {(r.probe, r.candidate): r for r in given if r.rater == rater and r.kind == "hand"}
    made = list(rows(name, saved, of_key, own, lambda probe: expected(probe.expect)))
    place = Path(file).expanduser()
    write_atomic(place, _csv(made, columns(blind=blind)))
    return SheetWritten(str(place), len(made), sum(1 for row in made if row["verdict"] in ("passed", "failed")))


def _csv(made: Sequence[dict[str, object]], names: Sequence[str]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([cell(row[name]) for name in names] for row in made)
    return out.getvalue().encode("utf-8-sig", "replace")  # Excel takes UTF-8 for Latin-1 without the mark


def import_ratings(run: str | Path, file: str | Path, *, rater: str | None = None) -> SheetTaken:
    """Take over a sheet that `export_ratings` wrote and a person filled in: all of its rows, or none.

    Args:
        run: the run folder that it was made from.
        file: the CSV.
        rater: who filled it in; by default the one whom it was made for.

    Raises:
        NotARun: the folder holds no finished run.
        ImportFailed: the file can't be read, or some lines are wrong; they are named, and nothing is taken.
        UsageError: the rater's name is none.
    """
    if rater is not None:
        Wanted(rater).check()
    place = Path(file).expanduser()
    try:
        data = place.read_bytes() if place.stat().st_size <= LARGEST_SHEET else None
    except OSError as error:
        raise ImportFailed(f"{place} can't be read: {error.strerror}.", hint="Name the filled-in CSV.") from error
    if data is None:
        raise ImportFailed(f"{place} is larger than any sheet of ratings.", hint="Name the filled-in CSV.")
    with RunStore.open(Path(run).expanduser()) as store:
        known = {answer.key for answer in answers(store)}

        def find(name: str) -> SavedSheet | None:
            raw = store.meta(f"rating-sheet/{name}")
            return None if raw is None else from_json(raw, SavedSheet)

        taken = [rating for rating in read(data, find, rater) if (rating.probe, rating.candidate) in known]
        before = {(r.rater, r.probe, r.candidate) for r in ratings(store)}
        store.add_ratings([(r.rater, r.probe, r.candidate, to_json(r)) for r in taken])
    replaced = sum((r.rater, r.probe, r.candidate) in before for r in taken)
    return SheetTaken(len(taken), replaced, tuple(sorted({r.rater for r in taken})))
