"""One face for every tokenizer: where text is lost, why a word splits there, and what it costs.

Every action of `weakspot tokens` is a call here (`weakspot.tokens.show(...)`), loaded when it is first used; no module
of this room is named like one.
"""

from typing import Any

from weakspot import registry


def __getattr__(name: str) -> Any:
    if name in registry.BUILT_IN["token_calls"]:
        return registry.load("token_calls", name)
    raise AttributeError(f"module 'weakspot.tokens' has no attribute {name!r}")
