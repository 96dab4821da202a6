"""`weakspot probes` as a user runs it, and what the checker warns of."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weakspot import compare, load_probes, rates_by, registry, survey_probes
from weakspot.cli.main import main
from weakspot.cli.probes_show import sheet, shown
from weakspot.errors import UsageError
from weakspot.records import Message, Probe

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def out(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command prints."""
    assert main(list(words)) == code
    return capsys.readouterr().out


def line(name: str, **more: Any) -> str:
    """A good line of a probe file, but for what `more` says."""
    base = {
        "id": name,
        "category": "c",
        "messages": [{"role": "user", "content": f"Say {name}, please."}],
        "expect": {"type": "exact", "value": "y"},
        "source": "own",
        "reviewed": True,
    }
    return json.dumps(base | more)


def warned(tmp_path: Path, *lines: str) -> list[str]:
    """The warnings for these lines."""
    file = tmp_path / "x.jsonl"
    file.write_text("\n".join(lines), "utf-8")
    return [problem.message for _, problem in survey_probes(file).problems if problem.severity == "warning"]


def test_list_shows_all_suites(capsys: pytest.CaptureFixture[str]) -> None:
    """`probes list` names every suite with its size, its categories and what it tests; --json has the same."""
    text = out(capsys, "probes", "list")
    found = json.loads(out(capsys, "probes", "list", "--json"))
    assert [one["name"] for one in found] == registry.names("suites")
    for one in found:
        assert f"{one['name']:<15}{one['counted']:>5} counted" in text
        assert one["about"] in text
        assert sum(row["counted"] for row in one["categories"]) == one["counted"]


def test_list_of_one_suite_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    """`probes list --suite` counts by category and together, for several suites as well."""
    text = out(capsys, "probes", "list", "--suite", "refusal", "--suite", "multilingual")
    counted = sum(probe.counted for probe in load_probes("refusal,multilingual"))
    assert f"together              {counted:>5} counted" in text
    assert all(word in text for word in ("over-refusal", "under-refusal", "multilingual"))


def test_list_of_generators(capsys: pytest.CaptureFixture[str]) -> None:
    """`probes list --generators` names every generator with its settings."""
    text = out(capsys, "probes", "list", "--generators")
    assert all(f"\n{name} " in f"\n{text}" for name in registry.names("generators"))
    assert "--set depths=0,25,50,75,100" in text


def test_make_writes_the_same_file_twice(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`probes make` gives the same bytes for the same words, and `probes check` finds nothing wrong with them."""
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for file in files:
        words = ("make", "injection", "--seed", "7", "--n", "9", "--set", "tokens=12", "--out", str(file))
        assert "counted" in out(capsys, "probes", *words)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len({json.loads(one)["group"] for one in files[0].read_text("utf-8").splitlines()}) == 9
    told = out(capsys, "probes", "check", str(files[0]))
    assert told.endswith("0 errors, 0 warnings\n")
    assert "injection" in told


@pytest.mark.parametrize(
    "words",
    [
        ["make", "injection"],
        ["make", "injection", "--set", "tokens", "--out", "x"],
        ["make", "no-such", "--out", "x"],
        ["make"],
        ["check", "no-such-file.jsonl"],
        ["show", "no-such", "--suite", "refusal"],
        ["rates"],
    ],
)
def test_mistakes_are_told(words: list[str], weakspot_command: Run) -> None:
    """A mistake gets a sentence, a hint and exit code 2, and writes nothing."""
    done = weakspot_command("probes", *words)
    assert done.returncode == 2
    assert done.stderr.startswith("weakspot: ")
    assert done.stdout == ""


def test_show_puts_arms_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    """`probes show` finds an id in any suite and shows every arm of its group; --json has the probe alone."""
    text = out(capsys, "probes", "show", "bias/scene-03-open")
    assert all(part in text for part in ("bias/scene-03-told-a", "bias/scene-03-told-b", "treatment, counted"))
    found = json.loads(out(capsys, "probes", "show", "bias/scene-03-open", "--json"))
    assert found["id"] == "bias/scene-03-open"


def test_show_escapes_what_cannot_be_seen() -> None:
    """Other scripts stay as they are; control characters, zero-width and bidirectional marks become escapes."""
    assert shown("мост ดอกไม้ 🐸 é") == "мост ดอกไม้ 🐸 é"
    assert shown("a\x1b[31m\u200b\u202e\xa0\tb") == "a\\x1b[31m\\u200b\\u202e\\xa0\\tb"
    probe = Probe(
        "x\x1b",
        "c",
        {"type": "exact", "value": "\x1b"},
        messages=(Message("user", "one\ntwo\x07"),),
        tags={"k": "\x9b"},
    )
    page = sheet(probe, [probe])
    assert not any(ord(c) < 32 and c != "\n" for c in page)
    assert "\x9b" not in page
    assert "  user       one\n             two\\x07\n" in page


def test_check_takes_suites_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """`probes check` takes a suite's name, counts what it read, and says what guessing would pass."""
    text = out(capsys, "probes", "check", "bias")
    assert f"{len(load_probes('bias'))} probes read\n" in text
    assert "guessing passes about" in text
    found = json.loads(out(capsys, "probes", "check", "bias", "--json"))
    assert (found["read"], found["errors"], found["problems"]) == (len(load_probes("bias")), 0, [])


def test_check_tells_errors_with_their_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """In a folder, each wrong line is told with its file, an id in two files is told, and the exit code is 8."""
    (tmp_path / "a.jsonl").write_text(line("one") + "\n{broken\n")
    (tmp_path / "b.jsonl").write_text(line("one", tags={"x": "y"}, messages=[{"role": "user", "content": "hm"}]))
    text = out(capsys, "probes", "check", str(tmp_path), code=8)
    assert "a.jsonl line 2: error:" in text
    assert "id 'one' stands in two files" in text
    assert "2 errors" in text


def test_an_answer_in_the_question_is_warned_of(tmp_path: Path) -> None:
    """A lone question that holds its answer is doubtful; a text to be read, or a choice, is not."""
    leaks = line(
        "a",
        messages=[{"role": "user", "content": "Is Paris the capital?"}],
        expect={"type": "contains", "value": "Paris"},
    )
    reads = line(
        "b",
        messages=[{"role": "user", "content": "Paris is big. Which city is?"}],
        expect={"type": "contains", "value": "Paris"},
    )
    picks = line(
        "d",
        messages=[{"role": "user", "content": "Yes or no?"}],
        expect={"type": "choice", "options": ["yes", "no"], "value": "no"},
    )
    assert warned(tmp_path, leaks, reads, picks) == ["the question holds the answer 'Paris'"]


def test_a_treatment_without_control_is_warned_of(tmp_path: Path) -> None:
    """A treatment whose group has no other arm, and a control that belongs to no group, are doubtful."""
    told = warned(tmp_path, line("a", arm="treatment", group="g"), line("b", arm="control"))
    assert told == [
        "arm is treatment, but its group has no control",
        "arm is control, but it has no group: nothing is held against it",
    ]


def test_one_sided_choices_are_warned_of(tmp_path: Path) -> None:
    """Ten yes-or-no items of which nine want "yes" are passed by a model that always says so."""

    def pick(number: int, value: str) -> str:
        return line(f"q{number}", expect={"type": "choice", "options": ["yes", "no"], "value": value})

    nine = [pick(number, "yes") for number in range(9)]
    assert warned(tmp_path, *nine, pick(9, "no")) == ["'yes' is right in 9 of 10 choices between these options"]
    assert warned(tmp_path, *nine[:7], *(pick(number, "no") for number in range(7, 10))) == []
    assert warned(tmp_path, *nine) == []


def test_guessing_floors(tmp_path: Path) -> None:
    """The floor of a category is the mean chance of its items with options; items without options do not count."""
    file = tmp_path / "x.jsonl"
    options = {"type": "choice", "options": ["a", "b", "c", "d"], "value": "a"}
    same = {"type": "same_as", "probe": "open", "options": ["yes", "no"]}
    file.write_text("\n".join([line("open"), line("four", expect=options), line("two", expect=same)]))
    (floor,) = survey_probes(file).floors
    assert (floor.choices, floor.rate) == (2, 0.375)


def test_rates_by_a_tag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rates by a tag add up to the rate of the category, and leave out what the positive control left out."""
    file = tmp_path / "s.jsonl"
    items = [
        line(
            f"{language}{n}",
            messages=[{"role": "user", "content": f"{language} {n}"}],
            expect={"type": "contains", "value": str(n) if language == "de" else "no"},
            tags={"language": language} | ({"control": "bad"} if n == 3 else {}),
        )
        for language in ("de", "fr")
        for n in range(4)
    ]
    bad = line("bad", expect={"type": "contains", "value": "never"}, arm="positive-control", group="g")
    file.write_text("\n".join([*items, bad]))
    run = compare(["scripted:echo"], suite=file, out=tmp_path / "run")
    found = {row.value: row.rate for row in rates_by(tmp_path / "run", "language")}
    assert {v: (r.failed, r.n, r.uninformative) for v, r in found.items()} == {"de": (0, 3, 1), "fr": (3, 3, 1)}
    whole = run.summary.models["scripted:echo"].categories["c"]
    assert (whole.failed, whole.n) == (3, 6)
    text = out(capsys, "probes", "rates", str(tmp_path / "run"), "--by", "language")
    assert "fr                scripted:echo        3 / 3" in text
    with pytest.raises(UsageError, match="no-such"):
        rates_by(tmp_path / "run", "no-such")
