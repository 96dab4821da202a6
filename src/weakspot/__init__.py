"""Weakspot finds where a language model breaks, shows why, and proves the fix.

Every command is a call here (`weakspot.compare(...)`), loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from weakspot import registry
from weakspot.version import __version__

if TYPE_CHECKING:
    from weakspot.api.agreement import agreement
    from weakspot.api.attacks import list_attacks, show_attack
    from weakspot.api.compare import compare, resume
    from weakspot.api.export import export
    from weakspot.api.gate import gate
    from weakspot.api.import_results import import_results
    from weakspot.api.inspect import inspect
    from weakspot.api.judge import judge, judge_pairs, rubrics, show_rubric
    from weakspot.api.judge_test import judge_test
    from weakspot.api.lab import lab_list, lab_report, lab_resume, lab_run
    from weakspot.api.lab_probes import lab_probes
    from weakspot.api.look import look
    from weakspot.api.models import list_models
    from weakspot.api.plan import plan
    from weakspot.api.probes import (
        check_probes,
        list_generators,
        list_suites,
        load_probes,
        make_probes,
        probe_schema,
        survey_probes,
    )
    from weakspot.api.pull import pull_model
    from weakspot.api.rate import export_ratings, import_ratings, rate
    from weakspot.api.rates_by import rates_by
    from weakspot.api.report import report
    from weakspot.api.scorers import list_scorers, validate_scorers
    from weakspot.api.show import show_model
    from weakspot.exchange.importing import Asked as ImportOptions
    from weakspot.inside.looking import Experiments
    from weakspot.lab.grid import Asked as LabOptions

__all__ = [
    "Experiments",
    "ImportOptions",
    "LabOptions",
    "__version__",
    "agreement",
    "check_probes",
    "compare",
    "export",
    "export_ratings",
    "gate",
    "import_ratings",
    "import_results",
    "inspect",
    "judge",
    "judge_pairs",
    "judge_test",
    "lab_list",
    "lab_probes",
    "lab_report",
    "lab_resume",
    "lab_run",
    "list_attacks",
    "list_generators",
    "list_models",
    "list_scorers",
    "list_suites",
    "load_probes",
    "look",
    "make_probes",
    "plan",
    "probe_schema",
    "pull_model",
    "rate",
    "rates_by",
    "report",
    "resume",
    "rubrics",
    "show_attack",
    "show_model",
    "show_rubric",
    "survey_probes",
    "validate_scorers",
]


def __getattr__(name: str) -> Any:
    if name == "tokens":  # a room whose calls are reached through it: weakspot.tokens.show
        return import_module("weakspot.tokens")
    if name in registry.BUILT_IN["calls"]:
        return registry.load("calls", name)
    raise AttributeError(f"module 'weakspot' has no attribute {name!r}")
