"""What a probe asked, as text. It does not know what was expected."""

from weakspot.records import Probe


def question(probe: Probe) -> str:
    """The last message of the user, or the raw prompt."""
    asked = [m.content for m in probe.messages or () if m.role == "user" and m.content is not None]
    return asked[-1] if asked else probe.prompt or ""


def everything(probe: Probe) -> str:
    """All that the model was shown: every message, or the raw prompt."""
    return "\n".join(m.content for m in probe.messages or () if m.content) or probe.prompt or ""
