"""The user's own code as a candidate: `python:module:object`, or an object handed to `weakspot.compare`.

Taken as they are, told apart by what they can do and never by their class, so no library is needed here:

    invoke, ainvoke   a LangChain runnable: a chain, an agent, a chat model
    query, aquery     a LlamaIndex query engine
    a callable        text -> text, or messages -> text, plain or async

The module is imported when the candidate is opened, with the current folder on the path. That runs its code, which is
why nothing but a reference that the user wrote leads here: saved runs and TOML files of candidates don't.
A plain function runs in a thread of its own. After a timeout its request counts as failed, but the thread goes on, as
threads do; it does not hold up the end of the program.
"""

import asyncio
import contextvars
import hashlib
import importlib
import inspect
import os
import platform
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from weakspot.errors import ModelError, RequestRejected, UnknownModel, UsageError
from weakspot.models.python_shapes import Input, input_of, read_output
from weakspot.models.template import with_system
from weakspot.records import Candidate, ModelInfo, Provenance, Reply, Request, Timings

TIMEOUT: Final = 300.0
"""Seconds for one answer, where ?timeout= says nothing: a chain may call a model several times."""
GIVEN: Final = "given"
WAYS: Final = (("ainvoke", "invoke"), ("aquery", "query"))

_given: dict[str, Any] = {}


def offer(thing: Any, name: str = "") -> str:
    """A reference to an object of this process, which holds as long as the process does.

    Raises:
        UsageError: the object is nothing that could answer.
    """
    _way(thing, repr(type(thing).__name__))
    found = name or str(getattr(thing, "__name__", "") or type(thing).__name__)
    found = "".join(c if c.isalnum() else "_" for c in found).strip("_") or "object"
    found = found if found.isidentifier() else f"_{found}"
    taken = found
    number = 2
    while _given.get(taken, thing) is not thing:
        taken, number = f"{found}_{number}", number + 1
    _given[taken] = thing
    return f"python:{GIVEN}:{taken}?name={taken}"


class PythonObject:
    """A candidate that is Python code.

    Options: system, takes (text or messages), input and output (the keys of a dict that goes in and comes out),
    concurrency (1), timeout (300 s). Samplers are the code's own business.

    Raises:
        UsageError: the reference is none of the form `python:module:object`.
    """

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._options = candidate.options
        self._timeout = float(self._options.get("timeout", TIMEOUT))
        module, _, path = candidate.location.partition(":")
        if candidate.kind != "python" or not module or not path:
            raise UsageError(f"{candidate.reference!r} names no Python object.", hint="Like python:my_app.chain:chain.")
        if self._options.get("takes") not in (None, "text", "messages"):
            raise UsageError("The option takes is text or messages.", hint="It says what a callable is given.")
        self._module, self._path = module, path
        self._thing: Any = None
        self._input: Input | None = None
        self._info: ModelInfo | None = None

    @property
    def info(self) -> ModelInfo:
        """What was opened."""
        if self._info is None:
            raise RuntimeError("open() comes first")
        return self._info

    async def open(self, context: int | None = None) -> None:
        """Import the module and find the object; `context` is the code's own business.

        Raises:
            UnknownModel: there is no such module or object, or the module fails when it is imported.
            UsageError: the object is nothing that could answer.
        """
        del context
        self._thing, source = self._find()
        _way(self._thing, self._candidate.location)
        self._input = input_of(self._thing, self._options)
        concurrency = int(self._options.get("concurrency", 1))
        self._info = ModelInfo(
            provenance=Provenance(
                backend="python",
                engine=self._candidate.location,
                engine_version=f"Python {platform.python_version()}, source {source}",
                slots=concurrency,
                system=self._options.get("system"),
            ),
            kind="chat",
            concurrency=concurrency,
        )

    def _find(self) -> tuple[Any, str]:
        """The object, and a hash of the file that it comes from, so that a resumed run tells changed code."""
        where = self._candidate.location
        if self._module == GIVEN:
            if self._path not in _given:
                raise UnknownModel(f"No object {self._path!r} was given.", hint="Call weakspot.compare with it again.")
            return _given[self._path], "unknown"
        module = _imported(self._module)
        found: Any = module
        for part in self._path.split("."):
            if (found := getattr(found, part, None)) is None:
                raise UnknownModel(f"{self._module} has no {self._path!r}.", hint=_names(module))
        if inspect.isclass(found):
            raise UsageError(f"{where} is a class.", hint="Name an object of it, or a function that answers.")
        return found, _hash(module)

    async def generate(self, request: Request) -> Reply:
        """One answer. Raises ModelError where the code raises, takes too long, or returns no text."""
        if self._thing is None or self._input is None:
            raise RuntimeError("open() comes first")
        if request.choices:
            raise RequestRejected(
                "Python code gives no log-likelihoods of choices.", hint="Weigh choices with ?backend=hf."
            )
        messages = with_system(request.messages, self._options.get("system"))
        given = self._input.make(messages, request.prompt)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                output = await self._call(given)
        except TimeoutError:
            raise ModelError(
                f"{self._candidate.location} gave no answer within {self._timeout:g} s.", hint="Set ?timeout=SECONDS."
            ) from None
        except (Exception, SystemExit) as error:
            raise _said(self._candidate.location, error) from error
        text, sources = read_output(output, self._options.get("output"), self._candidate.location)
        seconds = time.perf_counter() - began
        return Reply(
            text=text,
            finish_reason="stop",
            prompt_text=self._input.shown(given),
            timings=Timings(total_s=seconds),
            sources=sources,
        )

    async def _call(self, given: Any) -> Any:
        method, is_async = _way(self._thing, self._candidate.location)
        if is_async:
            return await method(given)
        result = await _in_thread(method, given)
        return await result if inspect.isawaitable(result) else result

    async def close(self) -> None:
        """Let go of the object."""
        self._thing = None


def _way(thing: Any, where: str) -> tuple[Callable[[Any], Any], bool]:
    """How to call an object, and whether that gives an awaitable."""
    for slow, plain in WAYS:
        for name in (slow, plain):
            if callable(method := getattr(thing, name, None)) and not inspect.isclass(thing):
                return method, inspect.iscoroutinefunction(method)
    if callable(thing):
        inner = thing if inspect.isroutine(thing) else getattr(thing, "__call__", thing)  # noqa: B004 - the method
        return thing, inspect.iscoroutinefunction(inner)
    raise UsageError(
        f"{where} can't answer: a {type(thing).__name__}.",
        hint="A function, a LangChain runnable (invoke) or a LlamaIndex query engine (query) can.",
    )


async def _in_thread(call: Callable[[Any], Any], given: Any) -> Any:
    """Run in a daemon thread: one that hangs is left behind when the program ends."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def tell(put: Callable[[Any], None], what: Any) -> None:
        if not done.done():
            put(what)

    def work() -> None:
        try:
            put, what = done.set_result, context.run(call, given)
        except StopIteration as error:  # no future can hold one
            put, what = done.set_exception, RuntimeError(f"StopIteration: {error}")
        except BaseException as error:  # noqa: BLE001 - handed over to the waiting task
            put, what = done.set_exception, error if isinstance(error, Exception) else RuntimeError(repr(error))
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, put, what)

    threading.Thread(target=work, name="weakspot-python", daemon=True).start()
    waiting: Awaitable[Any] = done
    return await waiting


def _imported(name: str) -> Any:
    here = os.getcwd()  # noqa: PTH109 - as sys.path holds it
    if here not in sys.path:
        sys.path.insert(0, here)
        importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise UnknownModel(
                f"There is no module {name!r}.", hint=f"Looked in {here} and where Python looks."
            ) from None
        raise UnknownModel(f"{name} needs a module that is not there: {error.name}.", hint="Install it.") from error
    except (Exception, SystemExit) as error:
        raise UnknownModel(
            f"{name} failed when it was imported: {type(error).__name__}: {str(error)[:200]}.",
            hint="`python -c 'import ...'` shows where.",
        ) from error


def _names(module: Any) -> str:
    found = [name for name, value in vars(module).items() if not name.startswith("_") and not inspect.ismodule(value)]
    return f"It has: {', '.join(found[:12])}." if found else "It has no public names."


def _hash(module: Any) -> str:
    try:
        return hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest()[:16]
    except (OSError, TypeError, AttributeError):
        return "unknown"


def _said(where: str, error: BaseException) -> ModelError:
    if isinstance(error, ModelError):
        return error
    text = str(error).strip().partition("\n")[0][:300]
    return ModelError(
        f"{where} raised {type(error).__name__}{': ' + text if text else ''}.", hint="It is in your code."
    )
