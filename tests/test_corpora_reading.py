"""Documents come out of every kind of file whole, in order and in constant memory; what is amiss is told, not dropped."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from weakspot.corpora.reading import BLOCK, Document, Layout, read_corpus
from weakspot.errors import CorruptFile, UsageError
from weakspot.records.audit import AuditedSource


def read(*paths: Path, layout: Layout | None = None) -> tuple[list[Document], list[AuditedSource]]:
    """All documents, and what was told of the files."""
    told: list[AuditedSource] = []
    return list(read_corpus(paths, layout or Layout(), tell=told.append)), told


def test_a_small_text_file_is_one_document(tmp_path: Path) -> None:
    """A text file of less than 64 KiB is one document, byte for byte."""
    text = "one\r\n\r\ntwo\n\nthree é"
    (tmp_path / "a.txt").write_bytes(text.encode())
    documents, told = read(tmp_path / "a.txt")
    assert [d.text for d in documents] == [text]
    assert (told[0].documents, told[0].bytes, told[0].remark) == (1, len(text.encode()), "")


def test_a_long_text_is_cut_at_line_ends_and_nothing_is_lost(tmp_path: Path) -> None:
    """The blocks of a long file, joined, are the file; each but the last ends at a line's end and says it goes on."""
    text = "".join(f"line {n} of this file is hére\n" + "\n" * (n % 7 == 0) for n in range(20_000))
    (tmp_path / "a.txt").write_text(text, "utf-8")
    documents, _ = read(tmp_path / "a.txt")
    assert "".join(d.text for d in documents) == text
    assert all(d.text.endswith("\n") and len(d.text.encode()) <= BLOCK for d in documents)
    assert [d.goes_on for d in documents] == [True] * (len(documents) - 1) + [False]
    assert [d.number for d in documents] == list(range(len(documents)))


def test_a_long_line_is_cut_between_characters_and_told(tmp_path: Path) -> None:
    """A line of 5 MB is cut at the size limit without breaking a character."""
    (tmp_path / "a.txt").write_text("€" * 1_700_000, "utf-8")
    documents, told = read(tmp_path / "a.txt")
    assert "".join(d.text for d in documents) == "€" * 1_700_000
    assert max(len(d.text.encode()) for d in documents) <= 1 << 20
    assert "cut inside" in told[0].remark


def test_bytes_that_are_no_utf8_are_counted_located_and_kept(tmp_path: Path) -> None:
    """Each such byte becomes one U+FFFD, and its place in the file is told."""
    (tmp_path / "a.txt").write_bytes(b"ok \xff\xfe caf\xc3\xa9 \xe2\x82 end")
    documents, told = read(tmp_path / "a.txt")
    assert documents[0].text == "ok \ufffd\ufffd café \ufffd\ufffd end"
    assert documents[0].given.encode("utf-8", "surrogateescape") == b"ok \xff\xfe caf\xc3\xa9 \xe2\x82 end"
    assert (told[0].invalid_bytes, told[0].invalid_at) == (4, (3, 4, 12, 13))


def test_places_of_bad_bytes_count_over_blocks(tmp_path: Path) -> None:
    """A bad byte behind the first block is located in the file, not in its block."""
    head = b"a line of text\n" * 10_000
    (tmp_path / "a.txt").write_bytes(head + b"x\xffy\n")
    _, told = read(tmp_path / "a.txt")
    assert told[0].invalid_at == (len(head) + 1,)


def test_an_empty_file_gives_nothing_and_is_told(tmp_path: Path) -> None:
    """An empty file has no document and a remark."""
    (tmp_path / "a.txt").touch()
    documents, told = read(tmp_path / "a.txt")
    assert documents == []
    assert told[0].remark == "No text is in it."


def test_jsonl_gives_fields_groups_and_pairs(tmp_path: Path) -> None:
    """The named fields become text, group and pair."""
    rows = [{"body": "one", "lang": "en", "id": 7}, {"body": "eins", "lang": "de", "id": 7}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    documents, _ = read(tmp_path / "a.jsonl", layout=Layout("body", "lang", "id"))
    assert [(d.text, d.group, d.pair) for d in documents] == [("one", "en", "7"), ("eins", "de", "7")]


def test_half_a_line_of_json_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    """A line that is no JSON, one that is no object and one without text are told; the others are documents."""
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n{"te\n[1]\n\n{"other": 1}\n{"text": "b"}\n{"text": "c')
    documents, told = read(tmp_path / "a.jsonl")
    assert [d.text for d in documents] == ["a", "b"]
    assert told[0].remark == (
        "Line 2 is no JSON and was left out (2 times). A line is no JSON object and was left out. "
        "A line has no text in the field 'text' and was left out."
    )


def test_a_lone_surrogate_and_a_bad_byte_in_json_are_read(tmp_path: Path) -> None:
    """What strict decoders refuse is read as U+FFFD, and the bad byte is located."""
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "x \\ud83d y"}\n{"text": "caf\xe9"}\n')
    documents, told = read(tmp_path / "a.jsonl")
    assert [d.text for d in documents] == ["x \ufffd y", "caf\ufffd"]
    assert documents[0].given == "x \ud83d y"
    assert told[0].invalid_at == (23 + 13,)


def test_a_file_without_the_field_is_an_error_that_names_what_it_has(tmp_path: Path) -> None:
    """JSONL and Parquet that lack the field say which they have; inside a folder such a file is left out and told."""
    (tmp_path / "a.jsonl").write_text('{"body": "x", "lang": "en"}\n', "utf-8")
    with pytest.raises(UsageError, match="no text in a field 'text'; line 1 has: body, lang"):
        read(tmp_path / "a.jsonl")
    documents, told = read(tmp_path)
    assert documents == []
    assert told[0].remark.startswith("Left out: ")


def test_parquet_gives_a_column_and_nulls_are_told(tmp_path: Path) -> None:
    """A Parquet column gives its texts; a missing one, one of numbers, and a file that is none are clear errors."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # an extra

    table = pa.table({"text": ["a", None, "b"], "lang": ["en", "en", "de"], "n": [1, 2, 3]})
    parquet.write_table(table, tmp_path / "a.parquet")
    documents, told = read(tmp_path / "a.parquet", layout=Layout(group="lang"))
    assert [(d.text, d.group) for d in documents] == [("a", "en"), ("b", "de")]
    assert told[0].remark == "A row has no text and was left out."
    with pytest.raises(UsageError, match="no column 'body'; it has: text, lang, n"):
        read(tmp_path / "a.parquet", layout=Layout("body"))
    with pytest.raises(UsageError, match="holds int64, not text"):
        read(tmp_path / "a.parquet", layout=Layout("n"))
    (tmp_path / "b.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(CorruptFile, match="is no Parquet file"):
        read(tmp_path / "b.parquet")


def test_folders_are_read_in_order_without_binaries_and_hidden_files(tmp_path: Path) -> None:
    """Files of a folder come by name; binaries, hidden ones and version control are left out and counted."""
    for name, data in {
        "b.txt": b"b",
        "a/x.py": b"x = 1",
        ".git/c": b"c",
        "p.png": b"\0\1",
        "node_modules/m": b"m",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    documents, _ = read(tmp_path, layout=Layout(group=":folder"))
    assert [(d.source.removeprefix(f"{tmp_path}/"), d.text) for d in documents] == [("a/x.py", "x = 1"), ("b.txt", "b")]
    assert documents[0].group == "a"


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_packed_files_are_read_and_damage_keeps_what_came_before(tmp_path: Path, packed: str) -> None:
    """A packed file reads like the plain one; cut short it gives its beginning and one sentence."""
    text = "".join(f"{n} is a number\n" for n in range(100_000))
    pack = gzip.compress if packed == ".gz" else pytest.importorskip("zstandard").compress
    data = pack(text.encode())
    (tmp_path / f"a.txt{packed}").write_bytes(data)
    (tmp_path / f"b.txt{packed}").write_bytes(data[: len(data) // 2])
    whole, told = read(tmp_path / f"a.txt{packed}")
    assert "".join(d.text for d in whole) == text
    assert told[0].remark == ""
    part, told = read(tmp_path / f"b.txt{packed}")
    joined = "".join(d.text for d in part)
    assert len(joined) > len(text) // 5
    assert text.startswith(joined)
    assert "is damaged behind" in told[0].remark
    assert "what came before was read" in told[0].remark


def test_a_gz_damaged_in_its_middle_gives_all_before_the_damage(tmp_path: Path) -> None:
    """Of a stream broken at one byte, what stands before the broken block is read."""
    text = "".join(f"{n * 7919 % 100_003} is a number\n" for n in range(100_000))
    data = bytearray(gzip.compress(text.encode()))
    data[len(data) // 2 : len(data) // 2 + 50] = b"\xff" * 50
    (tmp_path / "a.txt.gz").write_bytes(bytes(data))
    documents, told = read(tmp_path / "a.txt.gz")
    joined = "".join(d.text for d in documents)
    assert joined[: len(text) // 3] == text[: len(text) // 3]
    assert "The gzip data is damaged" in told[0].remark


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    """No such path is one clear sentence."""
    with pytest.raises(UsageError, match="There is no file or folder"):
        read(tmp_path / "none")


@pytest.mark.slow
def test_a_line_of_200_mb_takes_no_more_memory_than_one_of_2(tmp_path: Path) -> None:
    """Peak memory of reading does not grow with the length of a line."""
    peaks = []
    for size in (2, 200):
        with (tmp_path / "a.txt").open("wb") as file:
            for _ in range(size):
                file.write("é".encode() * 500_000)
        code = (
            "import resource, sys\nfrom weakspot.corpora.reading import read_corpus\n"
            "print(sum(len(d.text) for d in read_corpus([sys.argv[1]])),"
            " resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        command = [sys.executable, "-c", code, str(tmp_path / "a.txt")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        characters, peak = map(int, done.stdout.split())
        assert characters == size * 500_000
        peaks.append(peak)
    assert peaks[1] < peaks[0] + 8_000  # KB
