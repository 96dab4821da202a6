"""Bad input for the importers: each is one clear sentence with a hint, never a traceback, never a hang."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weakspot.errors import ImportFailed, WeakspotError
from weakspot.exchange import reading
from weakspot.exchange.importing import read_foreign
from weakspot.exchange.reading import Archive, beside, json_lines, read_json
from weakspot.exchange.safe_yaml import Tagged, parse_yaml
from weakspot.records import Probe, Reply
from weakspot.scorers import score_reply

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"
TASK = "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: rows.jsonl}}\ntest_split: test\n"
PLAIN = TASK + 'doc_to_text: "{{q}}"\ndoc_to_target: "{{a}}"\n'


def told(path: Path, *, tool: str = "") -> str:
    """The one sentence that a file is refused with."""
    with pytest.raises(WeakspotError) as found:
        read_foreign(path, tool)
    assert found.value.hint
    assert "\n" not in found.value.message
    assert len(found.value.message) < 500
    return found.value.message


def written(folder: Path, name: str, content: bytes | str) -> Path:
    """A file of that content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def task(folder: Path, text: str) -> Path:
    """A task file with a row beside it."""
    written(folder, "rows.jsonl", '{"q": "1+1?", "a": "2"}\n')
    return written(folder, "task.yaml", text)


@pytest.mark.parametrize(
    "name", ["samples_t_2026-01-01T00-00-00.jsonl", "task.yaml", "task.json", "scenario_state.json", "a.csv"]
)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (POINTER, "Git-LFS pointer"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a PNG picture"),
        (b"\x80\x04\x95pickle", "a Python pickle"),
        (b'{"doc_id": 1, "x": "\0"}', "holds a NUL"),
        (b'prompt,"\xff\xfe"\n', "no UTF-8 text: byte 9 is 0xff"),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    """What is empty, a pointer, binary, in another encoding or with a NUL is said so, whichever importer it is for."""
    assert words in told(written(tmp_path, name, content))


@pytest.mark.parametrize("tool", ["lm-eval", "lm-eval-task", "helm", "bigbench", "table"])
def test_of_another_kind(tmp_path: Path, tool: str) -> None:
    """A well-formed file of another tool is refused by each importer it is forced on."""
    assert told(written(tmp_path, "x.json", '{"colour": "red"}'), tool=tool)


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.999])
@pytest.mark.parametrize(
    "file",
    [
        "lm_eval/results/tiny-b/samples",
        "helm/last_word_model1/scenario_state",
        "helm/last_word_model1/per_instance_stats",
    ],
)
def test_truncated(tmp_path: Path, file: str, cut: float) -> None:
    """A file that was cut off anywhere is refused, with the place where it breaks; nothing is taken over by halves."""
    source = next((Path(__file__).parent / "data" / file).parent.glob(Path(file).name + "*"))
    for other in source.parent.iterdir():
        written(tmp_path, other.name, other.read_bytes())
    data = source.read_bytes()
    path = written(tmp_path, source.name, data[: int(len(data) * cut)])
    said = told(tmp_path if "helm" in file else path)
    assert "is no JSON" in said
    assert "line" in said


def test_nothing_there(tmp_path: Path) -> None:
    """A path that leads nowhere, a NUL in it, an empty folder and a folder of something else."""
    assert "no file or folder" in told(tmp_path / "nowhere")
    assert "a\\x00b" in told(Path("a\0b"))
    assert "no kind that is known" in told(tmp_path)


def test_huge_files_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limits nothing is loaded: a whole document, one line, the number of lines."""
    monkeypatch.setattr(reading, "MAX_LINE", 1000)
    path = written(tmp_path, "a.jsonl", '{"prompt": "' + "x" * 2000 + '"}\n')
    with pytest.raises(ImportFailed, match=r"Line 1 .* is longer"):
        list(json_lines(path))
    with pytest.raises(ImportFailed, match="larger than 0 MiB"):
        read_json(path, 1000)
    monkeypatch.setattr(reading, "MAX_LINES", 3)
    many = written(tmp_path, "b.jsonl", '{"prompt": "x"}\n' * 4)
    with pytest.raises(ImportFailed, match="more than 3 lines"):
        list(json_lines(many))


def test_sparse_terabyte(tmp_path: Path) -> None:
    """A file of a terabyte of nothing is refused at once."""
    path = written(tmp_path, "task.json", '{"examples": [')
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    assert "NUL" in told(path) or "larger" in told(path)


def test_nested_json(tmp_path: Path) -> None:
    """Brackets without end are a sentence, not a crash."""
    assert "nested too deeply" in told(written(tmp_path, "a.json", "[" * 100_000), tool="bigbench")


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, "with its aliases written out"),
        ("a: &a [*a]\n", "alias to itself"),
        ("a: !!python/object/apply:os.system [id]\n", "!!python/object/apply:os.system"),
        ("a: !!binary aGk=\n", "!!binary"),
        ("a: !ruby/hash {b: 1}\n", "!ruby/hash"),
        ("? [a, b]\n: c\n", "a key that is no text"),
        ("a: !!int x\n", "where a number is meant"),
        ("a: [1, 2\n", "is no YAML"),
        ("a: 1\n--- \nb: 2\n", "is no YAML"),
        ("# nothing\n", "holds nothing"),
        ("[" * 200_000 + "]" * 200_000, "nested too deeply"),
        ("- " * 5000, "nested too deeply"),
    ],
)
def test_hostile_yaml(text: str, words: str) -> None:
    """Bombs, objects, loops and broken files are refused by line; none of them runs or fills the memory."""
    with pytest.raises(ImportFailed) as found:
        parse_yaml(text, "task.yaml")
    assert words in found.value.message


def test_plain_yaml() -> None:
    """Plain YAML comes out as PyYAML's safe loader gives it, dates as they are written, a known tag with its line."""
    text = "a: &x {n: 1, f: 1.5, t: yes, z: null, d: 2026-01-02}\nb: {<<: *x, n: 2}\nc:\n  - !function u.f\n"
    found = parse_yaml(text, "t", tags=("!function",))
    assert found["a"] == {"n": 1, "f": 1.5, "t": True, "z": None, "d": "2026-01-02"}
    assert found["b"] == {**found["a"], "n": 2}
    assert found["c"] == [Tagged("!function", "u.f", "t", 4)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("include: ../../secret.yaml\ntask: t\n", "leads out of"),
        ("include: /etc/passwd\ntask: t\n", "leads out of"),
        ("include: task.yaml\ntask: t\n", "includes itself"),
        ("include: gone.yaml\ntask: t\n", "which is not there"),
        (PLAIN.replace("rows.jsonl", "../../../etc/passwd"), "leads out of"),
        (PLAIN.replace("rows.jsonl", "https://host/x"), "lies on a network"),
        (PLAIN + "process_docs: !function utils.f\n", "line 7: process_docs is !function utils.f"),
        (PLAIN + "output_type: loglikelihood_rolling\n", "the output_type loglikelihood_rolling"),
        (PLAIN + "use_prompt: promptsource\n", "use_prompt"),
        (PLAIN + "colour: red\n", "a key 'colour'"),
        (PLAIN + "num_fewshot: many\n", "num_fewshot is no number"),
        (PLAIN + "num_fewshot: 5\n", "there are only 1"),
        (PLAIN + "metric_list: [{metric: bleu}]\n", "the metric bleu"),
        (PLAIN + "filter_list: [{name: x, filter: [{function: format_span}]}]\n", "the filter 'format_span'"),
        (PLAIN.replace("{{q}}", "{{nothing}}"), "'nothing' is undefined"),
        (PLAIN.replace("{{q}}", "{{q"), "the template"),
        (PLAIN.replace("{{q}}", "{{q.__class__.__mro__}}"), "unsafe"),
        (PLAIN.replace("{{q}}", "{{'x' * 99999999999}}"), "memory"),
        ("task: [a, b]\ndataset_path: json\n", "is a group of tasks"),
    ],
)
def test_tasks_that_ask_too_much(tmp_path: Path, text: str, words: str) -> None:
    """A task that leads out of its folder, brings code or asks for what is not supported is refused by what it is."""
    assert words in told(task(tmp_path, text), tool="lm-eval-task")


def test_a_template_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops in loops are stopped by the clock."""
    monkeypatch.setattr("weakspot.exchange.lm_eval_render.START_S", 1.0)
    loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    assert "took longer than 1 s" in told(task(tmp_path, PLAIN.replace("{{q}}", loops)))


def test_links_lead_nowhere(tmp_path: Path) -> None:
    """A link out of the folder is as good as a path out of it."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ImportFailed, match="leads out of"):
        beside(tmp_path / "in", "link")


def test_zip_bombs_and_stray_names(tmp_path: Path) -> None:
    """A member that unpacks to far more than its size is not unpacked; a name that leads out of the archive is refused."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.json", b"0" * (20 << 20))
        archive.writestr("fine.json", b'{"a": 1}')
    bomb = Archive(written(tmp_path, "a.eval", packed.getvalue()))
    assert bomb.json("fine.json") == {"a": 1}
    with pytest.raises(ImportFailed, match="a zip bomb"):
        bomb.read("log.json")
    with pytest.raises(ImportFailed, match="no member 'x'"):
        bomb.read("x")
    with zipfile.ZipFile(tmp_path / "b.eval", "w") as archive:
        archive.writestr("../out.json", b"1")
    with pytest.raises(ImportFailed, match="leads out of it"):
        Archive(tmp_path / "b.eval")
    with pytest.raises(ImportFailed, match="is no zip"):
        Archive(written(tmp_path, "c.eval", b"PK\x03\x04" + b"x" * 40))


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = (
    "doc_id",
    "resps",
    "arguments",
    "target",
    "metrics",
    "filter",
    "acc",
    "doc",
    "examples",
    "input",
    "target_scores",
    "canary",
    "prompt",
    "messages",
    "response",
    "score",
    "model",
    "id",
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tool=st.sampled_from(["lm-eval", "bigbench", "table"]),
    rows=st.lists(st.dictionaries(st.sampled_from(KEYS), ODD, max_size=6), min_size=1, max_size=3),
)
def test_no_shape_is_a_crash(tmp_path: Path, tool: str, rows: list[dict[str, object]]) -> None:
    """Whatever JSON stands under the keys that importers read, the end is a result or one of our own errors."""
    path = written(tmp_path, "x.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    try:
        read_foreign(path, tool)
    except WeakspotError as error:
        assert "\n" not in error.message  # noqa: PT017 - either end is fine


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet="ab:&*-[]{}!<>?|#'\"\n 1,", max_size=60))
def test_no_yaml_is_a_crash(text: str) -> None:
    """Whatever stands in a YAML file, the end is a value or one of our own errors."""
    try:
        parse_yaml(text, "t")
    except ImportFailed as error:
        assert error.hint  # noqa: PT017 - either end is fine


def test_a_slow_pattern_gives_no_verdict() -> None:
    """A filter of a task whose pattern takes exponential time is stopped after 2 seconds: no verdict, never a hang."""
    expect = {"type": "filtered_match", "values": ["x"], "filters": [{"function": "regex", "pattern": "(a+)+$"}]}
    probe = Probe(id="p", category="c", expect=expect, prompt="q")
    score = score_reply(probe, "it", Reply(text="a" * 40 + "!"), lambda _: None)
    assert score.passed is None
    assert "took longer than 2 s" in score.reason
