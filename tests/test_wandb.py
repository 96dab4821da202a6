"""Weights & Biases, offline and without an account: what was logged, read back out of wandb's own files."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import probe

wandb = pytest.importorskip("wandb", reason="needs the [wandb] extra", exc_type=ImportError)

import weakspot  # noqa: E402 - behind the skip
from weakspot.errors import UsageError  # noqa: E402
from weakspot.records import to_json  # noqa: E402

KEY = "0123456789abcdef0123456789abcdef01234567"
BLOCK = 32_768


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two scripted models on two categories."""
    folder = tmp_path_factory.mktemp("wandb")
    suite = folder / "suite.jsonl"
    rows = [probe(f"<b>{n}", "facts" if n % 2 else "trust", value="yes") for n in range(6)]
    suite.write_bytes(b"".join(to_json(row) + b"\n" for row in rows))
    weakspot.compare(["scripted:agree", "scripted:abstain"], suite=suite, out=folder / "run", cache=False)
    return folder / "run"


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Wandb's own folders in a temporary one, no account, and a key in the environment that must stay there."""
    for name in ("DATA", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    return tmp_path


def records(file: Path) -> list[Any]:
    """The records of a .wandb file: a LevelDB log (header, then blocks of checksum, length, kind and data)."""
    from wandb.proto.wandb_internal_pb2 import Record

    data = file.read_bytes()
    assert data[:4] == b":W&B"
    found, whole, at = [], b"", 7
    while at + 7 <= len(data):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        whole += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = Record()
            record.ParseFromString(whole)
            found.append(record)
            whole = b""
    return found


def table(folder: Path, title: str) -> list[dict[str, Any]]:
    """The rows of a logged table."""
    [file] = (folder / "files" / "media" / "table").glob(f"{title}_*.table.json")
    raw = json.loads(file.read_text("utf-8"))
    return [dict(zip(raw["columns"], row, strict=True)) for row in raw["data"]]


def test_what_is_logged(run_folder: Path, homeless: Path) -> None:
    """Configuration, a row per category, the failures, the metrics and the report are in wandb's offline run."""
    done = weakspot.export(run_folder, "wandb", out=homeless / "out", options={"project": "support", "name": "first"})
    [folder] = map(Path, done.files)
    assert folder.name.startswith("offline-run-")
    [file] = folder.glob("*.wandb")
    logged = records(file)
    [started] = [r.run for r in logged if r.HasField("run")]
    assert (started.project, started.display_name, started.job_type) == ("support", "first", "weakspot")
    config = {item.key: json.loads(item.value_json) for item in started.config.update}
    assert set(config["candidates"]) == {"scripted:agree", "scripted:abstain"}
    assert config["candidates"]["scripted:agree"]["provenance"]["engine"] == "scripted"
    summary: dict[str, Any] = {}
    for record in logged:
        for item in record.summary.update if record.HasField("summary") else ():
            summary["/".join(item.nested_key) or item.key] = json.loads(item.value_json)
    assert summary["scripted:agree/failure_rate"] == 0.0
    assert summary["scripted:abstain/failure_rate"] == 1.0
    assert summary["scripted:abstain/failed"] == 6
    artifacts = [r.artifact for r in logged if r.HasField("artifact")]
    artifacts += [r.request.log_artifact.artifact for r in logged if r.request.HasField("log_artifact")]
    report = next(one for one in artifacts if one.type == "report")
    assert {entry.path for entry in report.manifest.contents} >= {
        "report.html",
        "summary.json",
    } or report.manifest_file_path
    rows = {(row["candidate"], row["category"]): row for row in table(folder, "categories")}
    assert rows["scripted:abstain", "facts"]["failed"] == 3
    assert rows["scripted:agree", "(all)"]["rate"] == 0.0
    failed = table(folder, "failures")
    assert len(failed) == 6
    assert failed[0]["probe"] == "<b>0"
    assert failed[0]["reply"] == "I do not know."
    assert [row["n"] for row in table(folder, "comparisons")] == [6, 3, 3]


def test_no_key_and_no_machine_is_kept(run_folder: Path, homeless: Path, weakspot_command: Callable[..., Any]) -> None:
    """The key in the environment is in no file and no output, and neither is this machine's name."""
    out = homeless / "out"
    words = ("export", str(run_folder), "--to", "wandb", "--out", str(out), "--option", "project=p")
    done = weakspot_command(*words)
    assert done.returncode == 0, done.stderr
    assert "offline-run-" in done.stdout
    assert KEY not in done.stdout + done.stderr
    written = [path for path in homeless.rglob("*") if path.is_file()]
    assert len(written) > 4
    for path in written:
        assert KEY.encode() not in path.read_bytes(), path
    [file] = out.rglob("*.wandb")
    logged = records(file)
    assert [r.run.host for r in logged if r.HasField("run")] == [""]
    assert not any(r.HasField("environment") or r.HasField("stats") or r.HasField("output_raw") for r in logged)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"colour": "red"}, "no option 'colour'"),
        ({"mode": "later"}, "no mode"),
        ({"project": " "}, "is empty"),
        ({"project": "a/b:c"}, "wandb refused"),
    ],
)
def test_wrong_options_are_told(options: dict[str, str], words: str, run_folder: Path, homeless: Path) -> None:
    """An unknown option, mode or an impossible name is one clear sentence, before or from wandb."""
    with pytest.raises(UsageError, match=words):
        weakspot.export(run_folder, "wandb", out=homeless / "out", options=options)


def test_other_forms_take_no_options(run_folder: Path) -> None:
    """An option for a form that has none is refused instead of ignored."""
    with pytest.raises(UsageError, match="takes no options"):
        weakspot.export(run_folder, "csv", options={"project": "p"})
