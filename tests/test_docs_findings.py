import ast
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from hard_texts import HARD_TEXTS
from weakspot.artifacts.fetch import pull
from weakspot.errors import FetchFailed
from weakspot.findings.viewing import view_text
from weakspot.records.tokens import Stage
from weakspot.rendering.audit_codes import ANY_LOSS, MEANINGS
from weakspot.tokens.face import Tokenizer

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "findings.md"
SOURCE = ROOT / "src" / "weakspot" / "findings"
PROVOKED_BY = ("bert-minilm", "deberta-v3", "claude-old", "gemma3", "cl100k", "mistral-spm", "llama2")
MORE_TEXTS = (
    "caf\udce9 a\ud800b",
    "word " * 600,
    'x = {"a":{"b":"c"}};\n',
    "p\u0430ypal абвz",
    "The answer is ",
    "A\U000e0148 <unused1> <|im_start|>",
    "50 \ufffd 10² 1234567",
)
SECTION = re.compile(
    r"^### (?P<code>[a-z0-9-]+)\n\nStage: (?P<stages>[^.]+)\. Severity: (?P<severities>[^.]+)\.\n", re.MULTILINE
)


def page() -> str:
    """The page's text."""
    return PAGE.read_text("utf-8")


def documented() -> dict[str, tuple[set[str], set[int]]]:
    """Codes of the page, with their stages and severities; `1 to 3` is a range."""
    found = {}
    for match in SECTION.finditer(page()):
        words = re.sub(
            r"(\d) to (\d)", lambda m: ", ".join(map(str, range(int(m[1]), int(m[2]) + 1))), match["severities"]
        )
        severities = {int(n) for n in re.findall(r"\b[1-5]\b", words)}
        found[match["code"]] = set(match["stages"].split(", ")), severities
    return found


def written_in_source() -> set[str]:
    """Codes as the source writes them: handed to Folding, Unseen or finding(), or assigned to `code`."""
    found: set[str] = set()
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in ("Folding", "Unseen", "finding") and node.args:
                found |= _strings(node.args[0])
            if isinstance(node, ast.Assign):
                found |= {text for target in node.targets for text in _assigned(target, node.value)}
    return found


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name) and target.id == "code":
        yield from _strings(value)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and _name(target.elts[0]) == "code":
        yield from _strings(value.elts[0])


def _strings(value: ast.expr) -> set[str]:
    return {value.value} if isinstance(value, ast.Constant) and isinstance(value.value, str) else set()


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


@pytest.fixture(scope="module")
def outcomes(walk: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What every example of the page really prints; skipped where a tokenizer that it names can't be fetched."""
    try:
        for name in sorted(set(re.findall(r"-t ([a-z0-9-]+)(?= |$)", page(), re.MULTILINE))):
            pull(name)
    except FetchFailed as error:
        pytest.skip(f"a bundled tokenizer can't be fetched here: {error.message}")
    return list(walk.walk(PAGE, tmp_path_factory.mktemp("findings"), workers=2))


def test_every_code_that_the_source_writes_is_on_the_page() -> None:
    """A code that the detectors name in their source has a section."""
    assert written_in_source() - set(documented()) == set()


def test_every_code_that_a_report_explains_is_on_the_page_and_the_other_way_round() -> None:
    """The words of the audit's report and the sections of the page are of the same codes."""
    assert set(MEANINGS) - {ANY_LOSS} == set(documented())


def test_sections_name_known_stages_and_severities_once() -> None:
    """A section is of one code, of stages that records know, and of severities from 1 to 5."""
    codes = re.findall(r"^### (.+)$", page(), re.MULTILINE)
    assert len(codes) == len(set(codes))
    assert set(codes) == set(documented())
    for stages, severities in documented().values():
        assert stages <= set(get_args(Stage))
        assert severities
        assert severities <= {1, 2, 3, 4, 5}


@pytest.mark.tokenizers
def test_what_hard_texts_provoke_is_on_the_page(real_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Each code, stage and severity that hard texts bring out of real tokenizers is what the page says."""
    said = documented()
    astray = set()
    for name in PROVOKED_BY:
        for text in (*HARD_TEXTS, *MORE_TEXTS):
            for found in view_text(real_tokenizer(name), text).findings:
                stages, severities = said.get(found.code, (set(), set()))
                if found.stage not in stages or found.severity not in severities:
                    astray.add((found.code, found.stage, found.severity, name))
    assert astray == set()


@pytest.mark.tokenizers
def test_examples_print_what_the_page_shows(outcomes: list[Any], walk: ModuleType) -> None:
    """Every example of the page is real: the command below a code prints just these lines."""
    assert walk.report(PAGE, outcomes) == ""


@pytest.mark.tokenizers
def test_every_section_shows_its_code_happening(outcomes: list[Any]) -> None:
    """The example of each code brings that code about, with a stage and a severity of its section."""
    shown: dict[str, str] = {}
    for one in outcomes:
        if match := re.search(r"\| grep '?(?:\d )?([a-z0-9-]+)'?$", one.step.command):
            shown[match[1]] = "\n".join(one.lines)
    assert set(shown) == set(documented())
    for code, text in shown.items():
        stages, severities = documented()[code]
        if code == "lone-surrogate":  # shown from Python: a command line can't hold one
            assert "code='lone-surrogate'" in text
            continue
        for line in text.splitlines():
            told = re.match(r"  (\d) ([a-z0-9-]+) \[\d+-\d+\] ([a-z0-9-]+): ", line)
            assert told is not None
            assert (told[2], told[3] in stages, int(told[1]) in severities) == (code, True, True)
