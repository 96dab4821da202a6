"""What a lab's report says of made-up results whose truth is known: patterns, gate, crossings, and every face of it."""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

import lab_fakes
import weakspot
from weakspot.cli.main import main
from weakspot.lab import arms, crossing
from weakspot.lab.names import SHAPES
from weakspot.lab.reporting import report_of
from weakspot.records.lab import Cell, CellResult, LabReport, LengthRate, LengthResult, Pattern
from weakspot.rendering.lab_markdown import lab_markdown
from weakspot.rendering.lab_page import lab_fragment, lab_html

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>\x1b[31m|`*\u202e"
CROSSED = weakspot.LabOptions(preset="crossings", tasks=("copy", "brackets"), tests=16, steps=30)


def cell(shape: str, seed: int = 0, *, task: str = "copy") -> Cell:
    """A cell of ten trained lengths, tested to twenty."""
    return Cell(task, shape, seed, 100, tests=32)


def result(of: Cell, rates: Mapping[int, float], *, learned: bool = True) -> CellResult:
    """A result whose exact match at each length is what is said, and 1 elsewhere at trained lengths."""
    lengths = []
    for length in range(of.low, of.far + 1):
        right = round(of.tests * rates.get(length, 1.0 if length <= of.high else 0.0))
        outcomes = "1" * right + "0" * (of.tests - right)
        lengths.append(LengthResult(length, right, of.tests, right, of.tests, (0,) * 10, outcomes=outcomes))
    made = lab_fakes.result_of(of)
    known = {"lengths": {"free": tuple(lengths)}, "in_length": 0.99 if learned else 0.5}
    return msgspec.structs.replace(made, **known)


def rates(values: Mapping[int, float]) -> list[LengthRate]:
    """Rates by length."""
    return [LengthRate(length, rate, None, None, 0, 1, 3) for length, rate in values.items()]


@pytest.mark.parametrize(
    ("beyond", "pattern", "half"),
    [
        ({11: 1.0, 12: 0.9, 20: 0.6}, "holds", None),
        ({11: 0.05, 12: 0.0, 20: 0.0}, "cliff", 11),
        ({11: 0.6, 12: 0.1, 20: 0.0}, "cliff", 12),
        ({11: 0.6, 12: 0.11, 13: 0.0}, "short slope", 12),
        ({11: 0.9, 14: 0.6, 15: 0.49}, "short slope", 15),
        ({11: 0.9, 15: 0.5, 16: 0.49}, "long slope", 16),
        ({11: 0.3, 12: 0.9, 13: 0.9}, "short slope", 11),
    ],
)
def test_patterns_follow_the_stated_rule(beyond: Mapping[int, float], pattern: Pattern, half: int | None) -> None:
    """Cliff, slopes and holding are told apart at their very limits."""
    assert arms.falling(rates({10: 1.0, **beyond}), 10) == (pattern, half)


def test_a_fall_that_began_in_the_trained_lengths_is_no_cliff() -> None:
    """A cliff needs exact match of 0.9 at the longest trained length."""
    assert arms.falling(rates({10: 0.89, 11: 0.0}), 10) == ("short slope", 11)


@pytest.mark.parametrize(("learned", "said"), [((1, 1, 1), True), ((1, 1, 0), True), ((1, 0, 0), False), ((0,), False)])
def test_the_gate_is_two_thirds_of_the_seeds(learned: Sequence[int], said: bool) -> None:
    """With fewer than two of three seeds trained nothing is said beyond the trained lengths; with two, of those two."""
    found = arms.arms([result(cell("gpt", seed), {15: 1.0}, learned=bool(ok)) for seed, ok in enumerate(learned)])
    (arm,) = found
    beyond = [one for one in arm.rates if one.length > 10]
    assert arm.passed == sum(learned)
    assert (arm.pattern != "undertrained") is said
    assert all((one.rate is not None) is said for one in beyond)
    assert all(one.seeds == (sum(learned) if said else 0) for one in beyond)
    assert arm.half_length == (11 if said else None)


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ((9, 1, 0, 0, 0, 0, 0, 0, 0, 0), "at the answer's start"),
        ((0, 0, 0, 0, 2, 8, 0, 0, 0, 0), "near the trained length"),
        ((1, 1, 1, 1, 1, 1, 1, 1, 1, 1), "spread evenly"),
        ((0, 0, 0, 0, 0, 0, 0, 1, 3, 5), "near the answer's end"),
        ((0, 5, 4, 0, 0, 0, 0, 0, 0, 0), "in the answer's first third"),
        ((4, 0, 0, 4, 0, 0, 0, 0, 4, 0), "at no one place"),
        ((0,) * 10, "no errors"),
    ],
)
def test_where_errors_begin_is_said_in_words(errors: tuple[int, ...], said: str) -> None:
    """The place of the first wrong token, at twice the trained length."""
    assert arms.errors_begin([LengthResult(20, 0, 10, 0, 200, errors)], 10) == said


def test_answers_of_one_length_have_no_trained_length_to_fail_near() -> None:
    """Recall answers eight keys whatever the number of pairs, so no place in its answer is where training ended."""
    made = [
        msgspec.structs.replace(result(cell("gpt", seed, task="recall"), {}), lengths={"free": ()}) for seed in (0,)
    ]
    errors = (0, 0, 0, 0, 2, 8, 0, 0, 0, 0)
    found = LengthResult(20, 0, 10, 0, 200, errors, outcomes="0" * 10)
    (arm,) = arms.arms([msgspec.structs.replace(one, lengths={"free": (found,)}) for one in made])
    assert arm.errors_begin == "at no one place"


def crossed(made: Sequence[CellResult]) -> dict[tuple[str, str], crossing.Crossing]:
    """Crossings by their pair."""
    return {(c.first, c.second): c for c in crossing.crossings(made)}


def steady(shape: str, rate: float, learned: Sequence[bool] = (True,) * 3) -> list[CellResult]:
    """Three seeds with the same rate beyond the trained lengths, four points apart."""
    out = []
    for seed, ok in enumerate(learned):
        here = min(1.0, max(0.0, rate + 0.04 * (seed - 1)))
        out.append(result(cell(shape, seed), dict.fromkeys(range(11, 21), here), learned=ok))
    return out


def test_one_part_in_the_same_block_is_confirmed() -> None:
    """A large steady difference between two position codes of the lab's decoder is confirmed by their crossing."""
    (found,) = crossed([*steady("block-learned", 0.1), *steady("block-alibi", 0.9)]).values()
    assert found.standing == "confirmed by"
    assert found.part == "positions"
    assert found.difference == pytest.approx(0.8, abs=0.02)
    assert found.n == 3 * 10 * 32
    assert "Only positions (learned to alibi) differs" in found.sentence


def test_another_kind_is_confirmed_for_nothing() -> None:
    """An encoder-decoder of as many parameters differs in layers and feed-forward too: no single part is confirmed."""
    (found,) = crossed([*steady("block-t5", 0.1), *steady("encdec-t5", 0.9)]).values()
    assert found.part == "kind"
    assert found.standing == "consistent with"
    assert "feed-forward differ too" in found.sentence
    assert "speaks" not in found.sentence


def test_a_training_that_failed_is_a_seed_that_did_not_pass() -> None:
    """Two of three seeds that ended in an error leave an arm undertrained, and nothing of it is compared."""
    one, other = [result(cell("block-rope"), {})], steady("block-alibi", 0.9)
    failed = {("copy", "block-rope"): 2}
    (arm, _) = sorted(arms.arms([*one, *other], failed), key=lambda arm: arm.seeds - arm.passed, reverse=True)
    assert (arm.shape, arm.passed, arm.seeds, arm.pattern) == ("block-rope", 1, 3, "undertrained")
    (found,) = crossing.crossings([*one, *other], failed)
    assert found.standing == "undertrained"
    (without,) = arms.arms(one)
    assert without.pattern != "undertrained"


def test_whole_architectures_confirm_nothing() -> None:
    """The same difference between GPT and T5 is consistent with each part, and the crossing that speaks is named."""
    made = [*steady("gpt", 0.1), *steady("t5", 0.9), *steady("block-learned", 0.1), *steady("block-t5", 0.9)]
    found = crossed(made)
    assert found["gpt", "t5"].standing == "consistent with"
    assert "confirmed for none" in found["gpt", "t5"].sentence
    assert "For positions speaks block-learned to block-t5 (confirmed by)" in found["gpt", "t5"].sentence
    assert "no crossing here speaks of kind, block" in found["gpt", "t5"].sentence
    assert found["gpt", "block-learned"].part == "block"
    assert found["gpt", "block-learned"].standing == "no difference shown"


def test_a_difference_between_blocks_is_not_laid_to_one_part() -> None:
    """Norms, feed-forward and initialisation change together: a block's difference is consistent with, at most."""
    found = crossed([*steady("gpt", 0.1), *steady("block-learned", 0.9)])
    assert found["gpt", "block-learned"].standing == "consistent with"


def test_undertrained_arms_are_not_compared() -> None:
    """However far apart they are, an arm below the gate says nothing beyond its trained lengths."""
    made = [*steady("block-learned", 0.1, (True, False, False)), *steady("block-alibi", 0.9)]
    (found,) = crossed(made).values()
    assert found.standing == "undertrained"
    assert (found.difference, found.p_adjusted) == (None, None)
    assert "block-learned did not learn" in found.sentence


def test_seeds_that_disagree_confirm_nothing() -> None:
    """Where one seed goes the other way no difference is shown, whatever the sequences say."""
    first = [result(cell("block-rope", s), dict.fromkeys(range(11, 21), r)) for s, r in enumerate((0.1, 0.1, 0.6))]
    second = [result(cell("block-alibi", s), dict.fromkeys(range(11, 21), r)) for s, r in enumerate((0.9, 0.9, 0.5))]
    (found,) = crossed([*first, *second]).values()
    assert found.standing == "no difference shown"
    assert "no difference shown" in found.sentence


def test_one_seed_and_lost_outcomes_confirm_nothing() -> None:
    """With one seed, or without knowing which sequences were right, there is a difference and no claim."""
    (one,) = crossed([steady("block-rope", 0.1)[0], steady("block-alibi", 0.9)[0]]).values()
    assert one.standing == "no difference shown"
    assert "nothing is known of another training" in one.sentence
    made = []
    for full in (*steady("block-rope", 0.1), *steady("block-alibi", 0.9)):
        bare = tuple(msgspec.structs.replace(length, outcomes="") for length in full.lengths["free"])
        made.append(msgspec.structs.replace(full, lengths={"free": bare}))
    (lost,) = crossed(made).values()
    assert lost.standing == "no difference shown"
    assert "was not kept" in lost.sentence


def test_the_correction_runs_over_all_crossings() -> None:
    """The same two arms have a larger adjusted p among more comparisons."""
    few = crossed([*steady("block-learned", 0.3), *steady("block-alibi", 0.6)])["block-learned", "block-alibi"]
    more = [made for name in SHAPES if name.startswith("block") for made in steady(name, 0.3)]
    more = [r for r in more if r.cell.shape != "block-alibi"] + steady("block-alibi", 0.6)
    many = crossed(more)["block-learned", "block-alibi"]
    assert (few.p_adjusted or 0) < (many.p_adjusted or 0)


@pytest.mark.slow
def test_whole_reports_of_equal_shapes_confirm_nothing() -> None:
    """From results to sentences: of 60 grids of six equal position codes, seeds all or nothing, at most 5% confirm."""
    dice = np.random.default_rng(8)
    shapes = [name for name in SHAPES if name.startswith("block-")]
    confirmed = 0
    for _ in range(60):
        made = []
        for shape in shapes:
            for seed in range(3):
                rate = float(np.clip(dice.beta(0.3, 0.3), 0, 1))
                made.append(result(cell(shape, seed), dict.fromkeys(range(11, 21), rate)))
        confirmed += any(c.standing == "confirmed by" for c in crossing.crossings(made))
    assert confirmed <= 3


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished lab of crossings on two tasks, which the tests only read."""
    folder = tmp_path_factory.mktemp("report") / "lab"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        weakspot.lab_run(CROSSED, out=folder, runner="lab_fakes:run_cell")
    return folder


def test_the_page_is_whole_and_loads_nothing(lab: Path) -> None:
    """Every section with content, both themes, no script, no address; every arm and every crossing stands on it."""
    page = (lab / "report.html").read_text("utf-8")
    report = report_of(lab)
    assert "<script" not in page
    assert not re.search(r"(src|href)=[\"'](?!#)", page)
    assert "default-src 'none'" in page
    for anchor in re.findall(r'href="#(\w+)"', page):
        assert f'id="{anchor}"' in page
    for section in ("lengths", "crossings", "tradeoff", "patterns", "decodings", "curves", "method", "reproduce"):
        assert f'<section id="{section}"' in page
    assert page.count('class="standing') == len(report.crossings)
    assert {arm.shape for arm in report.arms} <= set(re.findall(r"<b>([\w-]+)</b>", page))
    assert "confirmed by" in page
    assert "weakspot lab run --preset crossings" in page


def test_lines_lie_inside_their_panels(lab: Path) -> None:
    """Every point of every line and band is inside of the drawing."""
    page = (lab / "report.html").read_text("utf-8")
    shapes = re.findall(r'<poly(?:line|gon) class="[kf]\d" points="([^"]+)"', page)
    assert len(shapes) > 20
    for points in shapes:
        for point in points.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 360
            assert 0 <= y <= 210


def hostile(report: LabReport) -> LabReport:
    """The report with markup and escapes wherever a file on disk could have put text."""
    cells = tuple(
        msgspec.structs.replace(r, cell=msgspec.structs.replace(r.cell, task=HOSTILE, shape=HOSTILE))
        for r in report.cells
    )
    found = tuple(msgspec.structs.replace(a, task=HOSTILE, shape=HOSTILE, errors_begin=HOSTILE) for a in report.arms)
    return msgspec.structs.replace(
        report,
        name=HOSTILE,
        command=HOSTILE + "\n```\n# no heading",
        cells=cells,
        arms=found,
        crossings=tuple(
            msgspec.structs.replace(c, task=HOSTILE, part=HOSTILE, first=HOSTILE, sentence=HOSTILE)
            for c in report.crossings
        ),
        failed={HOSTILE: HOSTILE},
        notes=(HOSTILE,),
        machine=HOSTILE,
        weakspot=HOSTILE,
        counts={HOSTILE: HOSTILE},
        about={HOSTILE: HOSTILE},
    )


@pytest.mark.parametrize("face", [lab_html, lab_fragment, lab_markdown])
def test_foreign_text_is_escaped(lab: Path, face: Callable[[LabReport], str]) -> None:
    """Names, errors and commands that hold markup, escapes or table bars show as text in every face."""
    text = face(hostile(report_of(lab)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    if face is lab_markdown:
        fence = re.search(r"^(`{4,})text$", text, re.MULTILINE)
        assert fence is not None
        outside = text[: fence.start()] + text.split(fence[1] + "\n")[-1]
        assert "<script" not in outside.replace("\\<", "")
    else:
        assert "<script" not in text
        assert "<img" not in text
        assert "&lt;script&gt;" in text


def test_few_seeds_are_said_aloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one seed the report says that its intervals are over sequences alone, and no part is confirmed."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    asked = msgspec.structs.replace(CROSSED, tasks=("copy",), seeds=1)
    report = weakspot.lab_run(asked, out=tmp_path / "lab", runner="lab_fakes:run_cell").report
    assert any("say nothing of another training" in note for note in report.notes)
    assert {c.standing for c in report.crossings} == {"no difference shown"}
    assert "No part is confirmed" in (tmp_path / "lab" / "report.md").read_text("utf-8")


def test_the_command_line_prints_records(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json is the report's record, whole; the terminal shows each arm and standing without a control character."""
    assert main(["lab", "report", str(lab), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == set(LabReport.__struct_fields__)
    assert msgspec.convert(found, LabReport) == report_of(lab)
    assert main(["lab", "report", str(lab), "--html", str(lab / "a.html"), "--markdown", str(lab / "b.md")]) == 0
    out = capsys.readouterr().out
    assert "block-alibi" in out
    assert "confirmed" in out
    assert "\x1b" not in out
    assert (lab / "a.html").read_text("utf-8") == (lab / "report.html").read_text("utf-8")
    assert (lab / "b.md").read_text("utf-8").startswith("# Lab: crossings")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["report", "nowhere"], 10),
        (["resume", "nowhere"], 10),
        (["run", "--seeds", "0", "--out", "x"], 2),
        (["run", "--tasks", "dance", "--out", "x"], 2),
        (["run", "--workers", "0", "--out", "x"], 2),
        (["run", "--preset", "huge"], 2),
        (["dance"], 2),
        (["probes", "copy", "--lengths", "a", "--out", "x"], 2),
        (["probes", "copy", "--lengths", "1", "--n", "0", "--out", "x"], 2),
        (["probes", "dance", "--out", "x"], 2),
    ],
)
def test_bad_words_are_told(
    words: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, one hint, the kind's exit code, and nothing made."""
    monkeypatch.chdir(tmp_path)
    assert main(["lab", *words]) == code
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert told[0].startswith("weakspot: ")
    assert list(tmp_path.iterdir()) == []


def test_what_there_is_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Tasks with their lengths, shapes with their parts, presets with their size; the same as a record."""
    assert main(["lab", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in found["shapes"]} == set(SHAPES)
    assert next(row for row in found["presets"] if row["name"] == "standard")["cells"] == 18
    assert main(["lab", "list"]) == 0
    out = capsys.readouterr().out
    assert "positions: alibi" in out
    assert "levels of nesting" in out


def test_the_faces_need_no_torch() -> None:
    """Listing, planning and reporting load neither torch nor transformers."""
    import subprocess

    script = "import sys, weakspot; weakspot.lab_list(); import weakspot.lab.reporting; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
