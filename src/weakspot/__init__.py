"""Weakspot finds where a language model breaks, shows why, and proves the fix.

Every command is a call here (`weakspot.compare(...)`), loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from weakspot import registry
from weakspot.version import __version__

if TYPE_CHECKING:
    from weakspot.api.compare import compare, resume
    from weakspot.api.models import list_models
    from weakspot.api.plan import plan
    from weakspot.api.probes import check_probes, load_probes, probe_schema
    from weakspot.api.pull import pull_model
    from weakspot.api.report import report
    from weakspot.api.show import show_model

__all__ = [
    "__version__",
    "check_probes",
    "compare",
    "list_models",
    "load_probes",
    "plan",
    "probe_schema",
    "pull_model",
    "report",
    "resume",
    "show_model",
]


def __getattr__(name: str) -> Any:
    if name == "tokens":  # a room whose calls are reached through it: weakspot.tokens.show
        return import_module("weakspot.tokens")
    if name in registry.BUILT_IN["calls"]:
        return registry.load("calls", name)
    raise AttributeError(f"module 'weakspot' has no attribute {name!r}")
