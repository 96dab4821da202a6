"""The pages of docs/learn are walked, command by command; so is what walks them."""

import importlib.util
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from weakspot import check_probes, load_probes, registry

ROOT = Path(__file__).resolve().parent.parent
LEARN = ROOT / "docs" / "learn"
PAGES = ("1-tokenizers.md", "2-stress-test.md")
MODELS = ("smollm2", "gemma3-270m")


@pytest.fixture(scope="module")
def walk() -> ModuleType:
    """`scripts/walk.py`, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("walk", ROOT / "scripts" / "walk.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["walk"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_commands_are_read_with_continuations_and_here_documents(walk: ModuleType) -> None:
    """A command ends where its backslashes and here-documents end; what stands below is its output."""
    page = "x\n```console models fails\n$ a \\\n  b\nout\n$ cat <<'EOF'\n$ not a command\nEOF\n```\n```sh\n$ c\n```\n"
    found = walk.steps(page)
    assert [(step.command, step.shown) for step in found] == [
        ("a \\\n  b", ["out"]),
        ("cat <<'EOF'\n$ not a command\nEOF", []),
    ]
    assert found[0].marks == {"models", "fails"}


def test_a_longer_fence_holds_fences(walk: ModuleType) -> None:
    """Output that has fences of its own stands between longer ones."""
    (step,) = walk.steps("````console\n$ a\n```text\nb\n```\n````\n")
    assert step.shown == ["```text", "b", "```"]


@pytest.mark.parametrize(
    ("shown", "real", "equal"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["a", "c"], False),
        (["a"], ["a", "b"], False),
        (["a", "..."], ["a", "b", "c"], True),
        (["...", "c"], ["a", "b", "c"], True),
        (["...", "c"], ["a", "b", "c", "d"], False),
        (["a", "...", "d"], ["a", "d"], True),
        (["took ⋯ s"], ["took 1.2 s"], True),
        (["took ⋯ s"], ["took 1.2 ms later"], False),
        (["a.c"], ["abc"], False),
    ],
)
def test_output_is_compared_exactly_but_for_what_is_marked(
    walk: ModuleType, shown: list[str], real: list[str], equal: bool
) -> None:
    """Lines left out and what differs from run to run are the only freedom."""
    assert walk.same(shown, real) is equal


def test_renewing_keeps_what_was_left_out(walk: ModuleType) -> None:
    """New output takes the place of the old one, and lines that were left out stay so."""
    real = ["head 2", "x", "y", "key: 8", "z", "end"]
    assert walk.renewed(["head 1", "...", "key: 7", "...", "end"], real) == ["head 2", "...", "key: 8", "...", "end"]
    assert walk.renewed(["old"], ["new", "lines"]) == ["new", "lines"]
    assert walk.renewed(["took ⋯ s", "old"], ["took 3 s", "new"]) == ["took ⋯ s", "new"]


def test_a_stale_page_is_told_and_renewed(walk: ModuleType, tmp_path: Path) -> None:
    """A wrong output is a problem, and renewing mends the page so that it is none."""
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text(
        "# P\n\n```console\n$ echo one; echo two\none\n```\n\n```console\n$ cat data.txt\nhere\n```\n", "utf-8"
    )
    (page.parent / "data.txt").write_text("here\n", "utf-8")
    first = walk.walk(page, tmp_path)
    assert [one.problems for one in first] == [["the output is another one"], []]
    assert "+two" in walk.report(page, first)
    assert walk.renew(page, first) == 1
    assert walk.report(page, walk.walk(page, tmp_path)) == ""


def test_a_command_that_fails_is_a_problem_unless_it_is_meant_to(walk: ModuleType, tmp_path: Path) -> None:
    """An exit code other than 0 is told, and what the command said on standard error is in the output."""
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo why >&2; exit 3\nwhy\n```\n```console fails\n$ exit 3\n```\n", "utf-8")
    assert [one.problems for one in walk.walk(page, tmp_path)] == [["exit code 3"], []]


def test_replies_of_another_processor_are_not_compared(walk: ModuleType, tmp_path: Path) -> None:
    """What a model says may differ between processors; whether the command works, and all other output, may not."""
    page = tmp_path / "page.md"
    blocks = "```console models\n$ echo a\nb\n```\n```console\n$ echo a\nb\n```\n```console models\n$ exit 3\n```\n"
    page.write_text(f"<!-- cpu: none like this -->\n{blocks}", "utf-8")
    stale = "the output is another one"
    assert [one.problems for one in walk.walk(page, tmp_path)] == [[], [stale], ["exit code 3"]]
    page.write_text(f"<!-- cpu: {walk.cpu()} -->\n{blocks}", "utf-8")
    assert [one.problems for one in walk.walk(page, tmp_path)] == [[stale], [stale], ["exit code 3"]]


def test_probe_files_of_the_pages_are_clean() -> None:
    """Every probe file beside the pages passes the check, and each question of the first has a partner."""
    for file in LEARN.glob("*.jsonl"):
        assert check_probes(file) == []
    groups = [probe.group for probe in load_probes(str(LEARN / "medical-and-code.jsonl"))]
    assert all(groups.count(group) >= 2 for group in groups)


def test_answers_stand_in_the_questions() -> None:
    """The walk says that the questions hold their answers: so no failure of theirs is for want of knowledge."""
    for name in ("medical-and-code.jsonl", "experiment.jsonl"):
        for line in (LEARN / name).read_text("utf-8").splitlines():
            probe = json.loads(line)
            assert probe["expect"]["value"] in probe["messages"][-1]["content"]


def test_commands_that_the_pages_name_are_there() -> None:
    """Every command, every `weakspot tokens ACTION` and every link of the pages leads somewhere."""
    for page in LEARN.glob("*.md"):
        text = page.read_text("utf-8")
        commands = set(re.findall(r"^\$ weakspot ([a-z]+)", text, re.MULTILINE))
        assert commands
        assert commands <= set(registry.BUILT_IN["commands"])
        assert set(re.findall(r"weakspot tokens ([a-z]+)", text)) <= set(registry.BUILT_IN["token_actions"])
        for link in re.findall(r"\]\(([^)#]+)", text):
            assert (page.parent / link).exists()


@pytest.mark.models
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES)
def test_walk_without_models_prints_what_the_page_shows(
    walk: ModuleType, page: str, tmp_path: Path, bundled_model: Callable[[str], Path]
) -> None:
    """The commands that need only the models' tokenizers print what stands below them."""
    for name in MODELS:
        bundled_model(name)
    assert walk.report(LEARN / page, walk.walk(LEARN / page, tmp_path, models=False)) == ""


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("page", PAGES)
def test_whole_walk_prints_what_the_page_shows(
    walk: ModuleType, page: str, tmp_path: Path, bundled_model: Callable[[str], Path]
) -> None:
    """Every command of the walk, replies of real models included, prints what stands below it."""
    for name in MODELS:
        bundled_model(name)
    assert walk.report(LEARN / page, walk.walk(LEARN / page, tmp_path)) == ""
