"""A probe for the eye: the conversation, what is expected, and the other arms of its matched set beside it."""

import json
import unicodedata
from collections.abc import Sequence

from weakspot.cli.main import visible
from weakspot.records import Probe, to_builtins

LONGEST = 1200
"""Characters of a message that are shown; of a longer one the beginning and the end."""
_MARKS = {"treatment": "counted", None: "counted"}


def sheet(probe: Probe, suite: Sequence[Probe]) -> str:
    """The probe in full, then each other arm of its group; lines end with a newline. Control characters are escaped."""
    others = [one for one in suite if one.group is not None and one.group == probe.group and one.id != probe.id]
    parts = [_one(probe)]
    if others:
        parts.append(f"The other arms of {visible(probe.group or '')}:")
        parts += [_one(one) for one in others]
    twin = next((one for one in suite if one.id == probe.expect.get("probe") and one not in others), None)
    if twin is not None:
        parts += ["Its twin:", _one(twin)]
    return "\n\n".join(parts) + "\n"


def _one(probe: Probe) -> str:
    arm = f"{probe.arm or 'stands alone'}, {_MARKS.get(probe.arm, 'not counted')}"
    lines = [f"{visible(probe.id)}  [{visible(probe.category)}; {arm}]"]
    if probe.prompt is not None:
        lines += _said("prompt", probe.prompt)
    for message in probe.messages or ():
        lines += _said(message.role, "(the model writes)" if message.content is None else message.content)
    expect = {key: value for key, value in probe.expect.items() if key != "type"}
    lines.append(f"  expects    {visible(str(probe.expect['type']))} {shown(json.dumps(expect, ensure_ascii=False))}")
    how = {k: v for k, v in to_builtins(probe.generation).items() if v not in (None, False, (), [])}
    lines.append(f"  generation {shown(json.dumps(how, ensure_ascii=False))}")
    if probe.tags:
        lines.append(f"  tags       {shown(', '.join(f'{key}={value}' for key, value in probe.tags.items()))}")
    told = [
        probe.source or "no source",
        probe.licence or "no licence",
        "reviewed" if probe.reviewed else "not reviewed",
    ]
    lines.append(f"  from       {shown(', '.join(told))}")
    return "\n".join(lines)


def _said(role: str, text: str) -> list[str]:
    cut = text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} […] {text[-LONGEST // 2 :]}"
    first, *rest = shown(cut, lines=True).split("\n")
    return [f"  {role:<10} {first}", *(f"  {'':<10} {line}" for line in rest)]


def shown(text: str, *, lines: bool = False) -> str:
    """Text with non-ASCII as it is, and what cannot be seen or would steer a terminal as an escape."""
    return "".join(c if _plain(c) or (lines and c == "\n") else _escape(c) for c in text)


def _plain(c: str) -> bool:
    """Printable; combining marks of a script belong to it, other white space than a blank would not be seen."""
    return c == " " or (c.isprintable() and not c.isspace() and unicodedata.category(c) != "Cf")


def _escape(c: str) -> str:
    return c.encode("unicode_escape").decode("ascii")
