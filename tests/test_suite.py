"""Loading suites, and the quick third."""

import json
from collections import Counter
from pathlib import Path

import pytest

from conftest import probe
from weakspot.errors import ProbeError, UsageError
from weakspot.probes.suite import load_suite, quick_third


def line(name: str, **more: object) -> str:
    """One line of a probe file."""
    return json.dumps({"id": name, "category": "c", "prompt": "x", "expect": {"type": "exact", "value": "y"}, **more})


def test_folder_is_read_in_order(tmp_path: Path) -> None:
    """A folder's files are one suite, in the order of their names."""
    (tmp_path / "b.jsonl").write_text(line("2") + "\n")
    (tmp_path / "a.jsonl").write_text("\ufeff" + line("1") + "\r\n\r\n")
    (tmp_path / "notes.txt").write_text("not a probe")
    assert [p.id for p in load_suite(str(tmp_path))] == ["1", "2"]


def test_duplicate_ids_over_files(tmp_path: Path) -> None:
    """The same id in two files of a suite is told."""
    (tmp_path / "a.jsonl").write_text(line("1"))
    (tmp_path / "b.jsonl").write_text(line("1"))
    with pytest.raises(ProbeError) as caught:
        load_suite(str(tmp_path))
    assert any("'1'" in problem for problem in caught.value.problems)


def test_what_is_no_suite(tmp_path: Path) -> None:
    """An unknown name, an empty file and bytes that are no UTF-8 each get a sentence."""
    with pytest.raises(UsageError, match="no suite"):
        load_suite("no-such-suite")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(ProbeError, match="no probes"):
        load_suite(str(tmp_path / "empty.jsonl"))
    (tmp_path / "latin.jsonl").write_bytes(b"\xe9\xe8")
    with pytest.raises(ProbeError) as caught:
        load_suite(str(tmp_path / "latin.jsonl"))
    assert "UTF-8" in caught.value.problems[0]


def test_a_wrong_line_is_named_by_its_own_file(tmp_path: Path) -> None:
    """In a suite of several files, a broken line is told by the file that holds it and its number there."""
    (tmp_path / "a.jsonl").write_text("\n".join(line(str(n)) for n in range(5)))
    (tmp_path / "b.jsonl").write_text(line("x") + "\n{broken")
    with pytest.raises(ProbeError, match=r"b\.jsonl") as caught:
        load_suite(str(tmp_path))
    assert caught.value.problems[0].startswith("line 2:")


def test_quick_is_a_stratified_third_of_whole_sets() -> None:
    """The quick selection takes a third of each category's units, keeps matched sets whole, and is always the same."""
    probes = [
        probe(f"{category}-{unit}-{arm}", category=category, group=f"{category}-{unit}", arm=arm)
        for category, units in (("a", 30), ("b", 9))
        for unit in range(units)
        for arm in ("treatment", "positive-control")
    ]
    quick = quick_third(probes)
    assert Counter(p.category for p in quick) == {"a": 20, "b": 6}
    assert all(count == 2 for count in Counter(p.group for p in quick).values())
    assert quick == quick_third(probes)


def test_quick_brings_twins_along() -> None:
    """A twin that an item is compared with is taken even when it belongs to another set."""
    probes = [probe("0", expect={"type": "same_as", "probe": "1"}), probe("1"), probe("2"), probe("3")]
    assert [p.id for p in quick_third(probes)] == ["0", "1", "3"]
