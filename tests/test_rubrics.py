"""The rubrics: one text for rules, judges and hands."""

import html
from pathlib import Path

import pytest

import weakspot
from conftest import probe
from weakspot.errors import UsageError
from weakspot.records import to_json
from weakspot.scorers import ANCHORS
from weakspot.scorers.rubrics import built_in, load_rubrics, rubric_for, rubric_lines, rubric_text
from weakspot.scorers.severity import LEVELS, RAISED

MODES = [
    *("hallucination", "bias", "injection", "sycophancy", "structured-output", "long-context", "tokenization"),
    *("refusal", "multilingual", "consistency", "factual-recall"),
]

OWN = """
[billing]
title = "Billing"
asks = "Is the amount right?"
good = { question = "q", reply = "r", why = "w" }
anchors = [
  { level = 1, says = "s1", question = "q", reply = "r1", why = "w" },
  { level = 2, says = "s2", question = "q", reply = "r2", why = "w" },
  { level = 3, says = "s3", question = "q", reply = "r3", why = "w" },
  { level = 4, says = "s4", question = "q", reply = "r4", why = "w" },
  { level = 5, says = "s5", question = "q", reply = "r5", why = "w" },
]
"""


def test_every_failure_mode_has_a_rubric() -> None:
    """Each failure mode has a rubric with the levels 1 to 5, and none of its examples is used twice in it."""
    assert set(MODES) | {"general"} == set(built_in())
    for rubric in built_in().values():
        assert [anchor.level for anchor in rubric.anchors] == [1, 2, 3, 4, 5]
        assert len({(e.question, e.reply) for e in (rubric.good, *rubric.anchors)}) == 6


def test_text_holds_the_rules_anchors() -> None:
    """The text of every rubric holds the sentences by which the rules give their levels, in order, and its examples."""
    for rubric in built_in().values():
        text = rubric_text(rubric)
        places = [text.index(f"fail {level}  {sentence}") for level, sentence in sorted(ANCHORS.items())]
        assert places == sorted(places)
        assert all(anchor.reply in text and anchor.why in text for anchor in rubric.anchors)


def test_screen_and_judge_read_the_same_words() -> None:
    """The pieces for a screen hold nothing that the judge's text does not hold, and all levels."""
    for rubric in built_in().values():
        pieces = dict(rubric_lines(rubric))
        assert list(pieces) == ["pass", "1", "2", "3", "4", "5"]
        flat = " ".join(rubric_text(rubric).split())
        assert all(piece.partition(" Here: ")[2] in flat for level, piece in pieces.items() if level != "pass")


def test_levels_agree_with_the_rules() -> None:
    """Where the rules raise a fault in a category, the category's rubric says so of the same level."""
    assert RAISED["bias", "hedged_invention"] == 5
    assert "careful words" in rubric_for("bias").anchors[4].says
    assert RAISED["sycophancy", "wrong"] == 4
    assert "user's error" in rubric_for("sycophancy").anchors[3].says
    assert LEVELS["breach"] == 5
    assert "carried out the instruction" in rubric_for("injection").anchors[4].says


def test_unknown_category_gets_the_general_one() -> None:
    """A category without a rubric of its own is graded by the general one."""
    assert rubric_for("astrology").name == "general"
    assert rubric_for("bias").name == "bias"


def test_own_file(tmp_path: Path) -> None:
    """A user's file adds a rubric and leaves the built-in ones in place; one of a built-in's name replaces it."""
    file = tmp_path / "own.toml"
    file.write_text(OWN + OWN.replace("[billing]", "[bias]"), "utf-8")
    found = load_rubrics(file)
    assert rubric_for("billing", found).title == "Billing"
    assert rubric_for("bias", found).title == "Billing"
    assert rubric_for("injection", found) == built_in()["injection"]
    assert "s3 E.g. asked “q”, replied “r3”: w" in weakspot.show_rubric("billing", file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[billing\n", "is no TOML"),
        ("", "holds no rubric"),
        ("billing = 3\n", "rubric 'billing'"),
        (OWN.replace("level = 5", "level = 4"), "levels [1, 2, 3, 4, 4]"),
        (OWN.replace("level = 5", "level = 9"), "rubric 'billing'"),
        (OWN.replace('why = "w" },\n  { level = 2', 'because = "w" },\n  { level = 2'), "anchors"),
        (OWN.replace('title = "Billing"', 'title = ""'), "title"),
        (OWN.replace('"s1"', f'"{"x" * 3000}"'), "2000"),
    ],
)
def test_bad_file(tmp_path: Path, text: str, said: str) -> None:
    """A broken rubric file is refused in one sentence that says where."""
    file = tmp_path / "own.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=r"own\.toml") as caught:
        load_rubrics(file)
    assert said in caught.value.message


def test_unreadable_file(tmp_path: Path) -> None:
    """A file that is not there, not text or far too large is refused."""
    with pytest.raises(UsageError, match="can't be read"):
        load_rubrics(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_rubrics(tmp_path / "bytes.toml")
    (tmp_path / "big.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(UsageError, match="larger"):
        load_rubrics(tmp_path / "big.toml")


def test_the_report_prints_the_rubrics_of_its_categories(tmp_path: Path) -> None:
    """A report holds the rubric of each failure mode that was asked about, once, and no other."""
    items = [probe("h", category="hallucination"), probe("i", category="hallucination"), probe("x", category="odd")]
    (tmp_path / "s.jsonl").write_bytes(b"".join(to_json(item) + b"\n" for item in items))
    weakspot.compare(["scripted:echo"], suite=tmp_path / "s.jsonl", out=tmp_path / "run", cache=False)
    page = html.unescape((tmp_path / "run" / "report.html").read_text("utf-8"))
    assert page.count(built_in()["hallucination"].asks) == 1
    assert page.count(built_in()["general"].asks) == 1
    assert built_in()["injection"].asks not in page


def test_both_kinds_of_refusal_share_a_rubric() -> None:
    """A category without a rubric of its own takes that of its last word."""
    assert rubric_for("over-refusal") == rubric_for("under-refusal") == built_in()["refusal"]
    assert rubric_for("made-up") == built_in()["general"]
