"""What breaks models in practice before a weight is blamed: all rules, over one view of the files."""

from collections.abc import Callable, Iterator
from typing import Final

from weakspot.anatomy import lint_files, lint_tokens
from weakspot.anatomy.lint_view import LintView
from weakspot.records import LintFinding

RULES: Final[tuple[Callable[[LintView], Iterator[LintFinding]], ...]] = (
    lint_tokens.bos_missing,
    lint_tokens.bos_double,
    lint_tokens.template_broken,
    lint_tokens.template_tokens,
    lint_tokens.end_of_turn,
    lint_tokens.no_stop,
    lint_tokens.tokenizer_length,
    lint_tokens.special_ids,
    lint_tokens.pre_default,
    lint_tokens.padding_side,
    lint_files.tied_flag,
    lint_files.context_beyond,
    lint_files.learned_rows,
    lint_files.rope_scaling,
    lint_files.half_precision,
    lint_files.generation_config,
    lint_files.heads,
    lint_files.pickled,
)


def lint(view: LintView) -> tuple[LintFinding, ...]:
    """Every finding, errors first."""
    found = [finding for rule in RULES for finding in rule(view)]
    return tuple(sorted(found, key=lambda finding: finding.severity != "error"))


def template_does(view: LintView) -> tuple[str, ...]:
    """What the chat template does with its input, told by rendering it and by the names that it reads."""
    source = view.anatomy.template
    if source is None:
        return ()
    bos = view.special_texts.get("bos_token", "")
    said = {
        "writes BOS itself: its text is tokenised without special tokens": bool(bos)
        and view.opened is not None
        and view.opened.startswith(bos),
        "has a system prompt of its own": view.opened is not None and "You are" in view.opened,
        "reads tools": "tools" in source,
        "has a switch for thinking": "enable_thinking" in source,
        "takes thoughts out of earlier replies": "</think>" in source and "split" in source,
        "reads the date": "strftime_now" in source or "date_string" in source,
    }
    kept = (view.system,) if view.system is not None and view.refused is None else ()
    return (*kept, *(text for text, is_so in said.items() if is_so))
