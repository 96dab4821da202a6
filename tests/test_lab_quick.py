"""The quick grid of the lab, really trained, reported, and its models compared like any candidate."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the [torch] extra", exc_type=ImportError)

import weakspot
from weakspot.cli.main import main

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.mark.timeout(1500)
def test_the_quick_report_and_its_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GPT, LLaMA and T5 shapes learn to copy, fall beyond the trained lengths, and answer the same in a comparison.

    One seed confirms nothing, and the report says so; a second call trains nothing again.
    """
    out = tmp_path / "lab"
    words = ["lab", "run", "--quick", "--workers", "2", "--out", str(out), "--json"]
    assert main(words) == 0
    report = json.loads(capsys.readouterr().out)
    arms = {arm["shape"]: arm for arm in report["arms"] if arm["decoding"] == "free"}
    assert set(arms) == {"gpt", "llama", "t5"}
    for arm in arms.values():
        assert arm["passed"] == 1
        rates = {row["length"]: row["rate"] for row in arm["rates"]}
        assert rates[10] > 0.9
        assert rates[20] < 0.1
    assert all(one["standing"] != "confirmed by" for one in report["crossings"])
    page = (out / "report.html").read_text("utf-8")
    assert "<svg" in page
    assert "<script" not in page

    before = {path: path.stat().st_mtime_ns for path in (out / "cells").glob("*.json")}
    assert main(words) == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "cells").glob("*.json")} == before

    probes = tmp_path / "copy.jsonl"
    assert main(["lab", "probes", "copy", "--lengths", "3,8,20", "--n", "8", "--out", str(probes)]) == 0
    folders = [str(path) for path in sorted((out / "models").iterdir())]
    run = weakspot.compare([f"{folder}?threads=1" for folder in folders], suite=probes, out=tmp_path / "run")
    failed = {name: model.pooled.failed for name, model in run.summary.models.items()}
    assert all(8 <= count <= 11 for count in failed.values()), failed  # the eight of length 20, and few others
