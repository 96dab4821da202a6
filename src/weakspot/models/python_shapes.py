"""What a Python candidate is given, and what comes back: text, messages, dicts and the objects of known libraries.

Objects are read by their attributes, so that no library has to be installed. It calls nothing of the user's.
"""

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from weakspot.errors import BadReply, RequestRejected
from weakspot.records import Message, SourceText

ANSWERS: Final = ("answer", "output", "result", "response", "text", "output_text", "content", "generation")
"""Keys under which a dict holds its answer, the first that is there."""
SOURCES: Final = ("context", "source_documents", "source_nodes", "documents", "sources")
MOST_SOURCES: Final = 50
LONGEST_SOURCE: Final = 10_000
"""Characters of a source that are kept."""


class Input(msgspec.Struct, frozen=True):
    """What to give: `messages` or a text; under `key` of a dict where that is not empty."""

    messages: bool = False
    key: str = ""

    def make(self, messages: Sequence[Message], prompt: str | None) -> Any:
        """The input for one request; a dialogue becomes a transcript where text is wanted."""
        if self.messages:
            turns = messages if prompt is None else [Message("user", prompt)]
            value: Any = [{"role": turn.role, "content": turn.content or ""} for turn in turns]
        else:
            value = prompt if prompt is not None else transcript(messages)
        return {self.key: value} if self.key else value

    def shown(self, given: Any) -> str:
        """The input as it stands in the record."""
        value = given[self.key] if self.key else given
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def transcript(messages: Sequence[Message]) -> str:
    """One text: a single question as it is (a system message before it), a dialogue with its speakers named."""
    system = [m.content or "" for m in messages if m.role == "system"]
    turns = [m for m in messages if m.role != "system"]
    if len(turns) == 1 and turns[0].role == "user":
        return "\n\n".join([*system, turns[0].content or ""])
    return "\n\n".join([*system, "\n".join(f"{m.role.capitalize()}: {m.content or ''}" for m in turns)])


def input_of(thing: Any, options: Mapping[str, Any]) -> Input:
    """What an object takes: as the options say, else as its own schema or signature does, else a text."""
    takes, key = options.get("takes"), str(options.get("input", ""))
    found = _by_schema(thing) if callable(getattr(thing, "get_input_jsonschema", None)) else _by_signature(thing)
    if not key:
        key = found.key
    messages = found.messages if takes is None else takes == "messages"
    return Input(messages, key)


def _by_schema(thing: Any) -> Input:
    """A LangChain runnable says what it takes: a prompt template an object of its variables, a chat model messages."""
    try:
        schema = thing.get_input_jsonschema()
    except Exception:  # noqa: BLE001 - a runnable without a schema that can be told: a text will do
        return Input()
    if not isinstance(schema, dict):
        return Input()
    properties = schema.get("properties")
    if schema.get("type") == "object" and isinstance(properties, dict) and properties:
        needed = [str(name) for name in schema.get("required") or properties]
        if len(needed) != 1:
            raise RequestRejected(
                f"It takes {', '.join(needed)[:200]}, and a probe has one text.", hint="Name one by ?input=KEY."
            )
        return Input(_is_array(properties.get(needed[0])), needed[0])
    return Input(any(_is_array(part) for part in schema.get("anyOf", ())) or _is_array(schema))


def _is_array(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "array"


def _by_signature(thing: Any) -> Input:
    """A function whose first parameter is named messages, or is annotated as a list, takes messages."""
    try:
        first = next(iter(inspect.signature(thing).parameters.values()), None)
    except (TypeError, ValueError):
        return Input()
    if first is None:
        return Input()
    told = first.annotation if isinstance(first.annotation, str) else str(getattr(first.annotation, "__origin__", ""))
    is_list = first.annotation in (list, Sequence) or any(word in told.lower() for word in ("list", "sequence"))
    return Input(first.name in ("messages", "history", "conversation") or is_list)


def read_output(output: Any, key: str | None, where: str) -> tuple[str, tuple[SourceText, ...]]:
    """The text of what came back, and the sources that came with it.

    Raises:
        BadReply: there is no text in it.
    """
    sources = _sources(output)
    value = output
    if isinstance(output, Mapping):
        value = _answer(output, key)
    text = _text(value)
    if text is None:
        told = f"a dict of {', '.join(map(str, output))[:200]}" if isinstance(output, Mapping) else _kind(output)
        raise BadReply(f"{where} returned no text but {told}.", hint="Return a text, or name its key by ?output=KEY.")
    return text, sources


def _kind(value: Any) -> str:
    return "nothing (None)" if value is None else f"a {type(value).__name__}"


def _answer(output: Mapping[Any, Any], key: str | None) -> Any:
    if key:
        return output.get(key)
    for name in ANSWERS:
        if _text(output.get(name)) is not None:
            return output[name]
    turns = output.get("messages")  # an agent's state
    return turns[-1] if isinstance(turns, list | tuple) and turns else None


def _text(value: Any) -> str | None:
    """A text; a message's content; a query engine's response."""
    if isinstance(value, str):
        return value
    content = getattr(value, "content", None)
    if isinstance(value, Mapping):
        content = value.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list | tuple):  # a message in parts
        parts = [
            part if isinstance(part, str) else part.get("text") for part in content if isinstance(part, str | dict)
        ]
        return "".join(part for part in parts if isinstance(part, str))
    response = getattr(value, "response", None)
    return response if isinstance(response, str) else None


def _sources(output: Any) -> tuple[SourceText, ...]:
    found = getattr(output, "source_nodes", None)
    if isinstance(output, Mapping):
        found = next((output[name] for name in SOURCES if isinstance(output.get(name), list | tuple)), None)
    if not isinstance(found, list | tuple):
        return ()
    return tuple(_source(one) for one in found[:MOST_SOURCES])


def _source(one: Any) -> SourceText:
    """A LangChain document, a LlamaIndex node with its score, a dict, or a text."""
    node = getattr(one, "node", one)
    text = getattr(node, "page_content", None) or getattr(node, "text", None)
    metadata = getattr(node, "metadata", None)
    if isinstance(one, Mapping):
        text, metadata = one.get("page_content") or one.get("text") or one.get("content"), one.get("metadata", one)
    if isinstance(one, str):
        text = one
    score = getattr(one, "score", None)
    names = metadata if isinstance(metadata, Mapping) else {}
    name = next((names[key] for key in ("source", "file_name", "file_path", "title", "id") if key in names), "")
    return SourceText(
        text=str(text if text is not None else one)[:LONGEST_SOURCE],
        name=str(name or getattr(node, "node_id", "") or "")[:500],
        score=float(score) if isinstance(score, int | float) and score == score else None,  # noqa: PLR0124 - nan
    )
