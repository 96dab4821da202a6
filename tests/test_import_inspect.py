import json
import zipfile
import zlib
from pathlib import Path

import pytest
import zstandard

from weakspot.errors import ImportFailed
from weakspot.exchange import inspect_zip
from weakspot.exchange.importing import Asked, detect, read_foreign
from weakspot.exchange.inspect_log import value_of

DATA = Path(__file__).parent / "data" / "inspect"


def verdicts(imported) -> list[bool | None]:
    """The verdicts in the order of the samples."""
    return [score.passed for score in imported.models[0].scores]


def log(**more: object) -> dict:
    """A small log."""
    output = {"choices": [{"message": {"role": "assistant", "content": "4"}, "stop_reason": "stop"}]}
    sample = {
        "id": 1,
        "epoch": 1,
        "input": "2 + 2?",
        "target": "4",
        "output": output,
        "scores": {"match": {"value": "C"}},
    }
    base = {"version": 2, "status": "success", "eval": {"task": "sums", "model": "a/b"}, "samples": [sample]}
    return base | more


def saved(folder: Path, document: object) -> Path:
    """A JSON file."""
    path = folder / "log.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["trial", "plain"])
def test_eval_and_json_agree(name: str) -> None:
    """The same log gives the same items, answers and verdicts as a Zstandard-packed .eval and as JSON."""
    packed, plain = DATA / f"{name}.eval", DATA / f"{name}.json"
    assert (detect(packed), detect(plain)) == ("inspect-eval", "inspect")
    assert read_foreign(packed) == read_foreign(plain)


def test_counts_equal_what_inspect_reports() -> None:
    """Of the real run 12 samples are taken over, and the accuracies are Inspect's: partial 0.5, includes 0.4."""
    found = read_foreign(DATA / "trial.eval")
    model = found.models[0]
    counts = [verdicts(found).count(one) for one in (True, False, None)]
    assert counts == [4, 4, 4]  # None: two P (one half) and two samples that broke
    assert model.reported["partial/accuracy"] == (4 + 0.5 * 2) / 10
    included = [score.checks["includes"] for score in model.scores if score.checks]
    assert included.count(True) / len(included) == model.reported["includes/accuracy"]
    assert model.reported["items: total_samples"] == len(found.probes) == 12


def test_another_scorer_by_name() -> None:
    """`metric` names the scorer whose verdict is taken; its accuracy is then held against ours."""
    found = read_foreign(DATA / "trial.json", asked=Asked(metric="includes"))
    assert verdicts(found).count(True) == 4
    assert found.models[0].reported["share passed: includes/accuracy"] == 0.4
    with pytest.raises(ImportFailed, match="no score named 'nope'"):
        read_foreign(DATA / "trial.json", asked=Asked(metric="nope"))


def test_threshold_makes_grades_verdicts() -> None:
    """A graded value is no verdict until a threshold is named; then P (one half) passes from 0.5 on."""
    found = read_foreign(DATA / "trial.json", asked=Asked(threshold=0.5))
    assert [verdicts(found).count(one) for one in (True, False)] == [6, 4]


def test_epochs_are_one_group_and_errors_have_no_verdict() -> None:
    """Epochs of a sample share a group; a sample that broke has Inspect's error in place of an answer."""
    found = read_foreign(DATA / "trial.eval")
    groups = {probe.id: probe.group for probe in found.probes}
    assert groups["trial/capital/1"] == groups["trial/capital/2"] == "trial/capital"
    broken = next(r for r in found.models[0].responses if r.probe == "trial/boom/1")
    assert broken.final is None
    assert "the tool fell over" in broken.error.message


def test_shared_logs(shared_data: Path) -> None:
    """The real logs of 2024 and 2025 give the accuracy that they state, and the data set its 100 items."""
    folder = shared_data / "failure-modes" / "formats" / "inspect_ai"
    for name, accuracy in (("log_formats.json", 0.0), ("log_read_sample.json", 1.0)):
        found = read_foreign(folder / name)
        assert verdicts(found) == [bool(accuracy)]
        assert found.models[0].reported["share passed: match/accuracy"] == accuracy
    dataset = read_foreign(folder / "bias_detection.jsonl")
    assert (len(dataset.probes), dataset.models) == (100, ())


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("C", 1),
        ("I", 0),
        ("N", 0),
        ("P", 0.5),
        (True, 1),
        ("yes", 1),
        ("0.25", 0.25),
        ("?", None),
        (float("nan"), None),
    ],
)
def test_values_are_read_as_inspect_reads_them(value: object, number: float | None) -> None:
    """Letters, words, numbers and truths become Inspect's own numbers; what is none has no verdict."""
    assert value_of(value) == number


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (log(version=3), "version '3'"),
        (log(samples=[]), "holds no samples"),
        (log(samples=[{"id": 1}]), "no 'id' or no 'input'"),
        (log(eval="no"), "no log of Inspect"),
        ([1], "no log of Inspect"),
        (log(samples=[{"id": 1, "input": {"a": 1}}]), "does not have the form"),
    ],
)
def test_bad_logs(tmp_path: Path, document: object, words: str) -> None:
    """Another version, a header alone and wrong shapes are one sentence each."""
    with pytest.raises(ImportFailed, match=words):
        read_foreign(saved(tmp_path, document), "inspect")


def test_cut_off_log(tmp_path: Path) -> None:
    """A log that ends in the middle is called so, with the place."""
    path = tmp_path / "log.json"
    path.write_bytes((DATA / "trial.json").read_bytes()[:5000])
    with pytest.raises(ImportFailed, match=r"is no JSON: .* at line"):
        read_foreign(path, "inspect")


def packed(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip of these members."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_deflated_header_only_and_unfinished(tmp_path: Path) -> None:
    """An .eval packed the old way is read; a header alone states its numbers; a run that was cut off says so."""
    header = {key: value for key, value in log().items() if key != "samples"}
    sample = json.dumps(log()["samples"][0]).encode()
    whole = packed(tmp_path / "a.eval", {"header.json": json.dumps(header).encode(), "samples/1_epoch_1.json": sample})
    assert verdicts(read_foreign(whole)) == [True]
    with pytest.raises(ImportFailed, match=r"holds no samples \(it is a header: status 'success'"):
        read_foreign(packed(tmp_path / "b.eval", {"header.json": json.dumps(header).encode()}))
    start = json.dumps({"version": 2, "eval": header["eval"], "plan": {}}).encode()
    cut = packed(tmp_path / "c.eval", {"_journal/start.json": start, "samples/1_epoch_1.json": sample})
    assert "may not have been finished" in read_foreign(cut).notes[0]


def zstd_member(path: Path, name: str, data: bytes, size: int, crc: int) -> None:
    """A zip of one stored member whose entries say that it is packed as Zstandard (method 93)."""
    raw = zstandard.ZstdCompressor().compress(data)
    packed(path, {name: raw}, zipfile.ZIP_STORED)
    blob = bytearray(path.read_bytes())
    for signature, method, check in ((b"PK\3\4", 8, 14), (b"PK\1\2", 10, 16)):
        at = blob.find(signature)
        blob[at + method : at + method + 2] = (93).to_bytes(2, "little")
        blob[at + check : at + check + 4] = crc.to_bytes(4, "little")
        blob[at + check + 8 : at + check + 12] = size.to_bytes(4, "little")
    path.write_bytes(bytes(blob))


def test_zip_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members that grow a thousandfold, in both packings, or that declare too much, are called bombs before they fill memory."""
    zeros = b" " * (64 << 20)
    with pytest.raises(ImportFailed, match="zip bomb"):
        read_foreign(packed(tmp_path / "a.eval", {"header.json": zeros}))
    zstd_member(tmp_path / "b.eval", "header.json", zeros, len(zeros), zlib.crc32(zeros))
    with pytest.raises(ImportFailed, match="zip bomb"):
        read_foreign(tmp_path / "b.eval")
    monkeypatch.setattr(inspect_zip, "MOST_UNPACKED", 1000)
    with pytest.raises(ImportFailed, match="unpacks to"):
        read_foreign(DATA / "trial.eval")
    monkeypatch.setattr(inspect_zip, "MOST_MEMBERS", 3)
    with pytest.raises(ImportFailed, match=r"has \d+ members"):
        read_foreign(DATA / "trial.eval")


def test_damaged_zstd(tmp_path: Path) -> None:
    """A Zstandard member whose bytes are not what its entry says is refused."""
    zstd_member(tmp_path / "a.eval", "header.json", b'{"version": 2}', 14, 1)
    with pytest.raises(ImportFailed, match="check sum"):
        read_foreign(tmp_path / "a.eval")


@pytest.mark.parametrize("name", ["../header.json", "/etc/header.json", "C:\\header.json"])
def test_names_that_lead_out(tmp_path: Path, name: str) -> None:
    """A member's name that leads out of the archive is refused, though nothing is ever unpacked to disk."""
    with pytest.raises(ImportFailed, match="leads out of it"):
        read_foreign(packed(tmp_path / "a.eval", {name: b"{}"}), "inspect-eval")


def test_truncated_and_foreign_zip(tmp_path: Path) -> None:
    """Half a zip, and a zip of something else, are one sentence each."""
    half = tmp_path / "half.eval"
    half.write_bytes((DATA / "trial.eval").read_bytes()[:3000])
    with pytest.raises(ImportFailed, match="no zip that can be read"):
        read_foreign(half)
    with pytest.raises(ImportFailed, match="no log of Inspect"):
        read_foreign(packed(tmp_path / "x.eval", {"a.txt": b"hello"}))


def test_tool_calls_and_pictures(tmp_path: Path) -> None:
    """Tool calls are written into the reply and a picture leaves a word and a note."""
    call = {"id": "1", "function": "lookup", "arguments": {"word": "x"}, "type": "function"}
    message = {"role": "assistant", "content": "let me see", "tool_calls": [call]}
    asked = [{"role": "user", "content": [{"type": "text", "text": "what?"}, {"type": "image", "image": "data:"}]}]
    sample = {"id": 1, "epoch": 1, "input": asked, "output": {"choices": [{"message": message}]}, "scores": {}}
    found = read_foreign(saved(tmp_path, log(samples=[sample])))
    assert found.models[0].responses[0].final.text == 'let me see\n[calls lookup({"word": "x"})]'
    assert found.probes[0].messages[0].content == "what?\n[a picture]"
    assert any("a picture" in note for note in found.notes)
    assert verdicts(found) == [None]
