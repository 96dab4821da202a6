"""Chat templates: messages to text, in a sandbox, since a template comes with the weights and is as hostile."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from weakspot.errors import CorruptFile, RequestRejected, UsageError
from weakspot.records import Message

LONGEST = 1 << 20
BASE_DEFAULT = "plain"
BASE_STOPS = ("\nQuestion:",)
"""Where a base model begins to write the next question by itself."""


class Template:
    """A chat template. `name` is `gguf` (from the file), a bundled name or a path; `sha256` is over its source."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = source
        self.sha256 = hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = lambda form: datetime.now(UTC).strftime(form)
        environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": False}
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise CorruptFile(
                f"The chat template {name!r} can't be read: {error}.", hint="Name another one: ?template=plain"
            ) from error

    def render(self, messages: Sequence[Message], special: dict[str, str]) -> str:
        """The prompt text up to where the model goes on. `special` holds bos_token and eos_token.

        Raises:
            RequestRejected: the template refuses these messages (an unknown role, two user turns in a row).
        """
        plain: list[dict[str, Any]] = [{"role": m.role, "content": m.content or ""} for m in messages]
        try:
            text = self._template.render(messages=plain, add_generation_prompt=True, tools=None, **special)
        except (jinja2.TemplateError, TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
            raise RequestRejected(
                f"The chat template {self.name!r} refused the messages: {error}.",
                hint="Templates differ in the roles they know; try ?template=plain.",
            ) from error
        if len(text) > LONGEST:
            raise RequestRejected(f"The chat template {self.name!r} made a prompt of {len(text)} characters.")
        return text


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def bundled_names() -> list[str]:
    """Templates that come with Weakspot."""
    folder = resources.files("weakspot.models") / "templates"
    return sorted(item.name.removesuffix(".jinja") for item in folder.iterdir() if item.name.endswith(".jinja"))


def choose(named: str | None, from_file: str | None) -> Template:
    """The template that was asked for, else the file's own, else the plain completion template of a base model."""
    if named is None:
        return Template("gguf", from_file) if from_file else _bundled(BASE_DEFAULT)
    if named in bundled_names():
        return _bundled(named)
    path = Path(named).expanduser()
    if not path.is_file():
        raise UsageError(f"There is no template {named!r}.", hint=f"Bundled: {', '.join(bundled_names())}; or a path.")
    return Template(path.name, path.read_text("utf-8", "replace"))


def _bundled(name: str) -> Template:
    source = resources.files("weakspot.models").joinpath(f"templates/{name}.jinja").read_text("utf-8")
    return Template(name, source)


def with_system(messages: Sequence[Message], system: str | None) -> tuple[Message, ...]:
    """The messages, led by the candidate's own system prompt where the probe brings none."""
    if not system or (messages and messages[0].role == "system"):
        return tuple(messages)
    return (Message("system", system), *messages)


def stops(wanted: Sequence[str], *, base: bool, multiline: bool) -> tuple[str, ...]:
    """Stop strings: the probe's own; a base model, which knows no end of turn, also stops at the newline."""
    extra = (*(() if multiline else ("\n",)), *BASE_STOPS) if base else ()
    return tuple(dict.fromkeys((*wanted, *extra)))
