"""The page of `weakspot inspect`: complete, self-contained, and safe whatever a model's files say."""

import json
import re
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

import make_gguf
import weakspot
from weakspot.records import Inspections
from weakspot.rendering.inspection_page import HEIGHT, WIDTH, chart, inspections_html

TABLE = {row["name"]: row for row in json.loads((Path(__file__).parent / "data" / "architectures.json").read_text())}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>\x1b[31m"


@pytest.fixture
def inspected(tmp_path: Path) -> Callable[..., Inspections]:
    """The inspection of families of the table, each from its configuration alone."""

    def found(*names: str) -> Inspections:
        for name in names:
            (tmp_path / name).mkdir()
            (tmp_path / name / "config.json").write_text(json.dumps(TABLE[name]["config"]), "utf-8")
        return weakspot.inspect([tmp_path / name for name in names], context=8192)

    return found


def test_the_page_loads_nothing_and_runs_nothing(inspected: Callable[..., Inspections]) -> None:
    """No script, no address, a policy that forbids both, and both colour themes."""
    text = inspections_html(inspected("Gemma 3 1B", "Jamba v0.1", "BERT base"))
    assert "<script" not in text
    assert not re.search(r"(src|href)=[\"'](?!#)", text)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text


def test_every_layer_has_its_cell(inspected: Callable[..., Inspections]) -> None:
    """Windows, states and whole contexts are told apart, and formulas, risks and sources stand on the page."""
    found = inspected("Gemma 3 1B", "Jamba v0.1")
    text = inspections_html(found)
    cells = re.findall(r'<li class="cell (\w+)"', text)
    assert cells.count("sliding") == 22
    assert cells.count("recurrent") == 28
    assert cells.count("full") == 4 + 4
    assert found.models[0].kv_cache.formula is not None
    assert "min(n, 512)" in text
    assert "Longformer" in text


def test_foreign_text_is_escaped(tmp_path: Path) -> None:
    """An architecture, tokens and a template that hold markup or escapes show as text."""
    metadata = make_gguf.llama(**{"general.architecture": HOSTILE, "tokenizer.chat_template": HOSTILE + "{{ x }}"})
    metadata["tokenizer.ggml.tokens"][1] = HOSTILE
    path = tmp_path / "evil<b>.gguf"
    path.write_bytes(make_gguf.write(metadata, []))
    text = inspections_html(weakspot.inspect([path]))
    for evil in ("<script", "<img", "<b>.gguf", "\x1b"):
        assert evil not in text
    assert "&lt;script&gt;" in text


def test_the_lines_rise_and_bend_where_a_window_ends(inspected: Callable[..., Inspections]) -> None:
    """Lines stay inside the drawing and rise; the end of a line is the cache's own size; no cache, no chart."""
    found = inspected("Gemma 3 1B", "GPT-2 small", "BERT base")
    drawn = chart(found.models)
    assert drawn is not None
    assert len(drawn.lines) == 2
    ends = []
    for line in drawn.lines:
        points = [tuple(map(float, point.split(","))) for point in line.points.split()]
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
        assert all(later[1] <= earlier[1] for earlier, later in pairwise(points))
        ends.append(points[0][1] - points[-1][1])
    sizes = [model.kv_cache.at["8192"] for model in found.models[:2]]
    assert ends[0] / ends[1] == pytest.approx(sizes[0] / sizes[1], rel=0.01)
    assert chart(found.models[2:]) is None


def test_the_command_writes_the_page(
    tmp_path: Path, weakspot_command: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    """`--html FILE` writes the page beside the usual output; a place that can't be written to is told in a sentence."""
    (tmp_path / "config.json").write_text(json.dumps(TABLE["GPT-2 small"]["config"]), "utf-8")
    done = weakspot_command("inspect", str(tmp_path), "--html", str(tmp_path / "page.html"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["models"][0]["family"] == "gpt2"
    assert "How they are built" in (tmp_path / "page.html").read_text("utf-8")
    failed = weakspot_command("inspect", str(tmp_path), "--html", str(tmp_path / "page.html" / "no"))
    assert failed.returncode == 2
    assert "can't be written" in failed.stderr


def test_an_inspection_shows_itself_in_a_notebook(inspected: Callable[..., Inspections]) -> None:
    """`_repr_html_` holds the form and the cache's formula side by side, with no script and no style sheet."""
    found = inspected("Gemma 3 1B", "Llama 3 8B")
    text = found._repr_html_()  # type: ignore[attr-defined]
    assert "min(n, 512)" in text
    assert "Llama 3 8B" in text
    assert "<script" not in text
    assert "<style" not in text
    hostile = weakspot.inspect([_hostile_folder(found)])._repr_html_()  # type: ignore[attr-defined]
    assert "<img" not in hostile


def _hostile_folder(found: Inspections) -> Path:
    """A folder whose name is markup, beside those of the fixture."""
    folder = Path(found.models[0].reference).parent / "<img src=x onerror=y>"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(TABLE["Llama 3 8B"]["config"]), "utf-8")
    return folder
