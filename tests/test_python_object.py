"""The user's own Python code as a candidate: functions of every shape, what goes wrong with them, and where it runs."""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import weakspot
from conftest import probe
from weakspot.artifacts.reference import parse, parse_all
from weakspot.errors import BadReply, ModelError, RequestRejected, UnknownModel, UsageError
from weakspot.models.python_object import PythonObject, offer
from weakspot.records import Message, Reply, Request, to_json

CODE = """
import asyncio, time

def shout(text):
    return text.upper()

async def later(text: str) -> str:
    await asyncio.sleep(0)
    return "later " + text

def turns(messages):
    return " | ".join(m["role"] + ": " + m["content"] for m in messages)

class Bot:
    def __call__(self, text):
        return "bot " + text
    def method(self, text):
        return "method " + text

bot = Bot()
number = 7

def nothing(text):
    pass

def wrong(text):
    return {"rows": 3}

def told(text):
    return {"answer": "A", "detail": "B", "context": ["first page", {"text": "second", "metadata": {"source": "b.txt"}}]}

def broken(text):
    raise ValueError("no such order\\nwith a second line")

def leaves(text):
    raise SystemExit(3)

def slow(text):
    time.sleep(30)

async def sleeper(text):
    await asyncio.sleep(30)

def stops(text):
    raise StopIteration("x")
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module in the current folder, which is not on Python's path."""
    name = f"app_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(CODE, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    return name


def ask(reference: str, *requests: Request) -> list[Reply]:
    """The replies of an opened candidate to requests put side by side."""

    async def run() -> list[Reply]:
        model = PythonObject(parse(reference))
        try:
            await model.open()
            return list(await asyncio.gather(*(model.generate(request) for request in requests)))
        finally:
            await model.close()

    return asyncio.run(run())


def said(reference: str, text: str = "hello") -> str:
    """The reply to one question."""
    return ask(reference, Request(messages=(Message("user", text),)))[0].text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("shout", "HELLO"),
        ("later", "later hello"),
        ("turns", "user: hello"),
        ("bot", "bot hello"),
        ("bot.method", "method hello"),
        ("told", "A"),
        ("told?output=detail", "B"),
        ("shout?takes=text", "HELLO"),
    ],
)
def test_shapes_of_code(app: str, path: str, expected: str) -> None:
    """A function, a coroutine, an object that can be called and a method answer; of a dict its answer is taken."""
    assert said(f"python:{app}:{path}") == expected


def test_what_a_function_is_given(app: str) -> None:
    """Text code gets one question as it is and a dialogue as a transcript; message code gets the turns."""
    dialogue = Request(
        messages=(Message("system", "Be brief."), Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    )
    raw = Request(prompt="Once upon")
    text = ask(f"python:{app}:bot", dialogue, raw)
    assert [reply.text for reply in text] == ["bot Be brief.\n\nUser: a\nAssistant: b\nUser: c", "bot Once upon"]
    told = ask(f"python:{app}:turns?system=Be%20kind.", dialogue, raw, Request(messages=(Message("user", "a"),)))
    assert [reply.text for reply in told] == [
        "system: Be brief. | user: a | assistant: b | user: c",
        "user: Once upon",
        "system: Be kind. | user: a",
    ]
    assert told[0].prompt_text == (
        '[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "a"}, '
        '{"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]'
    )


def test_sources_are_kept(app: str) -> None:
    """What a chain's own retrieval found comes along with the reply."""
    [reply] = ask(f"python:{app}:told", Request(prompt="x"))
    assert [(source.text, source.name) for source in reply.sources] == [("first page", ""), ("second", "b.txt")]


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("broken", ModelError, r"raised ValueError: no such order\.$"),
        ("leaves", ModelError, "raised RuntimeError: SystemExit"),
        ("stops", ModelError, "StopIteration"),
        ("nothing", BadReply, "nothing"),
        ("wrong", BadReply, "a dict of rows"),
        ("slow?timeout=0.1", ModelError, "no answer within 0.1 s"),
        ("sleeper?timeout=0.1", ModelError, "no answer within 0.1 s"),
        ("missing", UnknownModel, "has no 'missing'"),
        ("bot.missing", UnknownModel, "has no 'bot.missing'"),
        ("number", UsageError, "can't answer: a int"),
        ("Bot", UsageError, "is a class"),
    ],
)
def test_what_goes_wrong_is_told(app: str, path: str, error: type[Exception], words: str) -> None:
    """Code that raises, ends the program, hangs or returns no text gives one clear error, and so does a wrong name."""
    with pytest.raises(error, match=words) as caught:
        said(f"python:{app}:{path}")
    assert getattr(caught.value, "hint", "")


def test_modules_that_cannot_be_imported(app: str, tmp_path: Path) -> None:
    """No such module, one that needs another, and one that fails on import are told apart."""
    (tmp_path / "needs_other.py").write_text("import not_there_at_all", "utf-8")
    (tmp_path / "fails.py").write_text("1 / 0", "utf-8")
    for name, words in (
        ("no_module_so", "no module"),
        ("needs_other", "needs a module"),
        ("fails", "ZeroDivisionError"),
    ):
        with pytest.raises(UnknownModel, match=words):
            said(f"python:{name}:x")


@pytest.mark.parametrize(
    "reference", ["python:", "python:a", "python::x", "python:a:", "python:a b:c", "python:../x:y", "python:a:b.(c)"]
)
def test_references_that_name_nothing(reference: str) -> None:
    """A reference that is no module and object is refused before anything is imported."""
    with pytest.raises(UnknownModel):
        parse(reference)


def test_no_file_may_name_code(tmp_path: Path) -> None:
    """A TOML file of candidates that names Python code is refused: code runs where the user names it himself."""
    file = tmp_path / "c.toml"
    file.write_text('[candidates.mine]\nmodel = "python:os:system"\n', "utf-8")
    with pytest.raises(UsageError, match="no file may name"):
        parse_all([str(file)])


def test_choices_are_refused(app: str) -> None:
    """Code has no log-likelihoods, and says so."""
    with pytest.raises(RequestRejected, match="no log-likelihoods"):
        ask(f"python:{app}:shout", Request(prompt="x", choices=("a", "b")))


def test_requests_run_side_by_side() -> None:
    """With a concurrency, plain functions answer in threads of their own; without one nothing is said to be parallel."""

    def sleepy(text: str) -> str:
        time.sleep(0.2)
        return text

    reference = offer(sleepy)
    began = time.perf_counter()
    assert [reply.text for reply in ask(reference, *(Request(prompt=str(n)) for n in range(8)))] == list("01234567")
    assert time.perf_counter() - began < 1.4
    assert _concurrency(reference) == 1
    assert _concurrency(f"{reference}&concurrency=4") == 4


def _concurrency(reference: str) -> int:
    async def run() -> int:
        model = PythonObject(parse(reference))
        await model.open()
        return model.info.concurrency

    return asyncio.run(run())


def _suite(folder: Path, names: str) -> Path:
    path = folder / "suite.jsonl"
    path.write_bytes(b"".join(to_json(probe(name)) + b"\n" for name in names))
    return path


def test_a_run_over_functions(tmp_path: Path, own_cache: Path) -> None:
    """`compare` takes callables beside references; a function that raises costs its own items, as error records."""

    def yes(text: str) -> str:
        return "yes"

    def moody(text: str) -> str:
        if "Question b" in text:
            raise ValueError("b is not for me")
        return "no"

    given: list[Any] = [yes, moody]
    run = weakspot.compare(given, suite=_suite(tmp_path, "abc"), out=tmp_path / "run", cache=False)
    first, second = (run.summary.models[name].pooled for name in ("yes", "moody"))
    assert (first.n, first.failed) == (3, 0)
    assert (second.n, second.failed, second.unscored, second.classes["error"]) == (2, 2, 1, 1)


def test_a_saved_run_never_brings_code_in(
    app: str, tmp_path: Path, own_cache: Path, weakspot_command: Callable[..., Any]
) -> None:
    """A run folder names its code but resuming it runs none, unless the user says that the code is his."""
    suite = _suite(tmp_path, "ab")
    done = weakspot_command("compare", f"python:{app}:shout", "--suite", str(suite), "--out", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    with pytest.raises(UsageError, match="is Python code"):
        weakspot.resume(tmp_path / "run")
    again = weakspot.resume(tmp_path / "run", trust_code=True)
    assert again.summary.models[f"python:{app}:shout"].pooled.n == 2
