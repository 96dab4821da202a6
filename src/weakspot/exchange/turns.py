"""Chat messages of other tools as ours: parts joined to text, tool calls written out, pictures named."""

import json
from typing import Any, get_args

from weakspot.records import Message
from weakspot.records.probe import Role

ROLES = get_args(Role)
OTHER_NAMES = {"assistant": "assistant", "ai": "assistant", "bot": "assistant", "human": "user", "developer": "system"}
PARTS = {"image": "a picture", "audio": "a sound", "video": "a film", "document": "a document", "reasoning": ""}


def messages(given: Any) -> tuple[tuple[Message, ...], set[str]]:
    """Our messages for a text or for chat messages (`role`, `content`), and the kinds of content that were lost.

    An answer that stands last is left out, as it is what is asked for.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(given, str):
        return (Message("user", given),), set()
    if not isinstance(given, list):
        raise TypeError(f"an input is a {type(given).__name__}, where a text or messages are wanted")
    found, lost = [], set()
    for one in given:
        if isinstance(one, str):
            found.append(Message("user", one))
            continue
        said, kinds = text(one.get("content"))
        lost |= kinds
        found.append(Message(role(one.get("role")), said + calls(one.get("tool_calls"))))
    while len(found) > 1 and found[-1].role in ("assistant", "system"):
        if found[-1].role == "system":  # a prompt of system messages alone is asked as the user's
            found[-1] = Message("user", found[-1].content)
        else:
            found.pop()
    if not found or found[-1].role in ("assistant", "system"):
        found = [Message("user", "\n\n".join(m.content or "" for m in found))]
    return tuple(found), lost


def role(name: Any) -> Role:
    """Our name of a role; what is unknown is a user's."""
    low = str(name).lower()
    known: Role = low if low in ROLES else OTHER_NAMES.get(low, "user")  # type: ignore[assignment]  # of ROLES
    return known


def text(content: Any) -> tuple[str, set[str]]:
    """The text of a content: itself, or its parts in order; a part that is no text is named in brackets."""
    if content is None:
        return "", set()
    if isinstance(content, str):
        return content, set()
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return str(content), set()
    said, lost = [], set()
    for part in content:
        if isinstance(part, str):
            said.append(part)
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            said.append(part["text"])
        else:
            kind = str(part.get("type", "unknown")) if isinstance(part, dict) else "unknown"
            word = PARTS.get(kind.partition("_")[0], f"a part of type {kind[:30]!r}")
            if word:
                lost.add(word)
                said.append(f"[{word}]")
    return "\n".join(said), lost


def calls(given: Any) -> str:
    """Tool calls, one a line, as `name({...})`: what the model did belongs to what it said."""
    said = []
    for one in given if isinstance(given, list) else []:
        if isinstance(one, dict):
            function = one.get("function")
            inner = function if isinstance(function, dict) else one
            name = inner.get("name") or (function if isinstance(function, str) else "tool")
            arguments = inner.get("arguments")
            written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
            said.append(f"\n[calls {name}({written})]")
    return "".join(said)
