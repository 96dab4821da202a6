"""Rating in a spreadsheet: out, filled in, and back in; all rows or none."""

import csv
import io
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import weakspot
from rating_fixture import make_run
from weakspot.errors import ImportFailed
from weakspot.rating.answers import ratings
from weakspot.records import Rating
from weakspot.store.run import RunStore

Row = dict[str, str]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, to be copied."""
    return make_run(tmp_path_factory.mktemp("sheet"), number=12)


@pytest.fixture
def run(small: Path, tmp_path: Path) -> Path:
    """A run of one's own."""
    return Path(shutil.copytree(small, tmp_path / "run"))


def table(file: Path) -> list[Row]:
    """The rows of a sheet."""
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline="")))


def save(rows: Sequence[Row], file: Path, delimiter: str = ",", mark: bool = True) -> Path:
    """Write rows as a spreadsheet program would."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    file.write_bytes(out.getvalue().encode("utf-8-sig" if mark else "utf-8"))
    return file


def kept(run: Path) -> list[Rating]:
    """What the run holds."""
    with RunStore.open(run) as store:
        return list(ratings(store))


def fill(rows: list[Row], how: Callable[[int], tuple[str, str, str]]) -> list[Row]:
    """Rows with verdict, severity and note by their number."""
    return [dict(row, verdict=v, severity=s, note=n) for i, row in enumerate(rows) for v, s, n in [how(i)]]


def test_a_sheet_comes_back(run: Path, tmp_path: Path) -> None:
    """Verdicts, severities and notes that were typed in stand in the run, under the rater, and empty rows do not."""
    file = tmp_path / "ada.csv"
    assert weakspot.export_ratings(run, file, rater="ada", blind=True, sample=6).rows == 6
    words = [("passed", "", ""), ("Fail", "4", "made up, “quoted”"), ("s", "", ""), ("", "", ""), ("f", "3.0", ""), ("P", "", "é")]  # fmt: skip
    taken = weakspot.import_ratings(run, save(fill(table(file), lambda i: words[i]), file))
    found = sorted(((r.passed is not None, r.passed, r.severity, r.note) for r in kept(run)), key=repr)
    assert (taken.taken, taken.replaced, taken.raters) == (5, 0, ("ada",))
    assert found == sorted(
        [
            (True, True, None, ""),
            (True, False, 4, "made up, “quoted”"),
            (False, None, None, ""),
            (True, False, 3, ""),
            (True, True, None, "é"),
        ],
        key=repr,
    )
    assert all(r.rater == "ada" and r.blind and r.kind == "hand" for r in kept(run))


@pytest.mark.parametrize(("delimiter", "mark"), [(",", False), (";", True), (";", False)])
def test_what_spreadsheets_do_to_a_file_is_tolerated(run: Path, tmp_path: Path, delimiter: str, mark: bool) -> None:
    """Semicolons, a byte order mark or none, and columns in another order make no difference."""
    file = tmp_path / "ada.csv"
    weakspot.export_ratings(run, file, rater="ada", sample=4)
    rows = [dict(reversed(row.items())) for row in fill(table(file), lambda _: ("failed", "2", "x"))]
    assert weakspot.import_ratings(run, save(rows, file, delimiter, mark)).taken == 4


def test_a_blind_sheet_names_no_model(run: Path, tmp_path: Path) -> None:
    """No candidate's name, no probe's id and no automatic verdict stands in a blind sheet; an open one has the names."""
    blind, open_eyed = tmp_path / "b.csv", tmp_path / "o.csv"
    weakspot.export_ratings(run, blind, blind=True, only=["category=bias"])
    weakspot.export_ratings(run, open_eyed, only=["category=bias"])
    text = blind.read_text("utf-8-sig")
    assert not any(word in text for word in ("good", "bad", "q02", "by rule", "contains 'yes'"))
    assert "candidate" not in table(blind)[0]
    assert {row["candidate"] for row in table(open_eyed)} == {"good", "bad"}


def test_no_cell_is_a_formula(run: Path, tmp_path: Path) -> None:
    """A hostile answer cannot begin a cell with a formula, nor can a note that comes back keep its shield."""
    file = tmp_path / "ada.csv"
    weakspot.export_ratings(run, file, rater="ada", only=["candidate=bad"])
    rows = fill(table(file), lambda i: ("passed", "", "'=1+1") if i == 0 else ("", "", ""))
    weakspot.import_ratings(run, save(rows, file))
    assert [r.note for r in kept(run)] == ["=1+1"]
    weakspot.export_ratings(run, file, rater="ada", only=["candidate=bad"])
    again = table(file)
    assert again[0]["note"] == "'=1+1"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in again for cell in row.values())
    assert "\x1b" not in file.read_text("utf-8-sig")


def test_a_long_answer_fits_a_cell(run: Path, tmp_path: Path) -> None:
    """A megabyte is cut below what a spreadsheet holds in a cell, and the cut is said."""
    file = tmp_path / "ada.csv"
    weakspot.export_ratings(run, file, only=["candidate=bad"])
    longest = max(len(row["answer"]) for row in table(file))
    assert 30_000 < longest < 32_767
    assert any("characters more in the run folder" in row["answer"] for row in table(file))


def test_one_wrong_row_and_nothing_is_taken(run: Path, tmp_path: Path) -> None:
    """Every wrong row is named by its line, and the right ones are not taken over either."""
    file = tmp_path / "ada.csv"
    weakspot.export_ratings(run, file, rater="ada", only=["candidate=good"])
    rows = fill(table(file), lambda _: ("passed", "", ""))
    rows[1]["verdict"] = "maybe"
    rows[2]["verdict"], rows[2]["severity"] = "failed", "7"
    rows[3]["severity"] = "2"
    rows[4]["id"] = "00000000-0001"
    rows[5]["id"] = rows[0]["id"]
    rows[6]["verdict"], rows[6]["severity"] = "failed", ""
    rows[7]["verdict"], rows[7]["severity"] = "", "3"
    with pytest.raises(ImportFailed) as caught:
        weakspot.import_ratings(run, save(rows, file))
    lines = [line for line in range(2, 14) if f"line {line}: " in caught.value.message]
    assert kept(run) == []
    # the answers of "asked" are one line each here, so that rows and lines run alike: row 1 is line 3
    assert lines == [3, 4, 5, 6, 7, 8, 9]
    assert "the same answer as in line 2" in caught.value.message


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"id,verdict\n1,passed\n",
        "id,verdict,severity,note\nx,passed,,ü\n".encode("utf-16"),
        b'id,verdict,severity,note\n"never closed',
        b"\x00\x01\x02",
        b"PK\x03\x04 an xlsx file",
        b"id,verdict,severity,note\n../../x-1,passed,,\n",
        b"id,verdict,severity,note\n" + b"-,passed,,\n" + b"0-0,passed,,\n",
    ],
)
def test_a_file_that_is_no_sheet_is_refused(run: Path, tmp_path: Path, data: bytes) -> None:
    """Empty, short of columns, another encoding, another format, ids of nothing: an error in words, nothing taken."""
    file = tmp_path / "odd.csv"
    file.write_bytes(data)
    with pytest.raises(ImportFailed):
        weakspot.import_ratings(run, file)
    assert kept(run) == []


def test_a_sheet_of_another_run_is_refused(run: Path, small: Path, tmp_path: Path) -> None:
    """Ids of a sheet that this run never wrote stand for nothing here."""
    other = Path(shutil.copytree(small, tmp_path / "other"))
    file = tmp_path / "ada.csv"
    weakspot.export_ratings(other, file, rater="ada")
    rows = fill(table(file), lambda _: ("passed", "", ""))
    with pytest.raises(ImportFailed, match="none of this run's sheets"):
        weakspot.import_ratings(run, save(rows, file))


def test_another_person_may_fill_a_copy(run: Path, tmp_path: Path) -> None:
    """`rater` names who filled the sheet; imported twice it replaces, and says so."""
    file = tmp_path / "ada.csv"
    weakspot.export_ratings(run, file, rater="ada", sample=4)
    save(fill(table(file), lambda _: ("passed", "", "")), file)
    weakspot.import_ratings(run, file)
    weakspot.import_ratings(run, file, rater="ben")
    assert weakspot.import_ratings(run, file, rater="ben").replaced == 4
    assert {(r.rater, r.passed) for r in kept(run)} == {("ada", True), ("ben", True)}
    assert len(kept(run)) == 8
