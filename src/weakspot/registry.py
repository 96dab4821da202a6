"""Names to code, one lazy line each: built-ins and third parties come in by the same door.

A third party registers under the entry-point group `weakspot.<kind>` (for example `weakspot.scorers`) with the
same `module:Object` form. Nothing is imported until it is asked for, so that `weakspot --help` answers at once.
This is the only module that imports first-party code at run time.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from weakspot.errors import UsageError

BUILT_IN: dict[str, dict[str, str]] = {
    "backends": {
        "gguf": "weakspot.models.llamacpp:LlamaCpp",
        "endpoint": "weakspot.models.openai:OpenAIEndpoint",
        "hf": "weakspot.models.transformers:Transformers",
        "scripted": "weakspot.models.scripted:Scripted",
    },
    "scorers": {
        "exact": "weakspot.scorers.exact:Exact",
        "contains": "weakspot.scorers.contains:Contains",
        "any_of": "weakspot.scorers.any_of:AnyOf",
        "number": "weakspot.scorers.number:Number",
        "regex": "weakspot.scorers.regex:Regex",
        "choice": "weakspot.scorers.choice:Choice",
        "json_schema": "weakspot.scorers.json_schema:JsonSchema",
        "canary_absent": "weakspot.scorers.canary:CanaryAbsent",
        "canary_present": "weakspot.scorers.canary:CanaryPresent",
        "abstains": "weakspot.scorers.stance:Abstains",
        "refuses": "weakspot.scorers.stance:Refuses",
        "complies": "weakspot.scorers.stance:Complies",
        "same_as": "weakspot.scorers.same_as:SameAs",
        "rubric": "weakspot.scorers.rubric:Rubric",
    },
    "suites": {
        "core": "weakspot.probes:suites/core",
    },
    "commands": {
        "models": "weakspot.cli.models:run",
        "tokens": "weakspot.cli.tokens:run",
        "probes": "weakspot.cli.probes:run",
        "plan": "weakspot.cli.plan:run",
        "compare": "weakspot.cli.compare:run",
        "resume": "weakspot.cli.resume:run",
        "report": "weakspot.cli.report:run",
    },
    "tokenizers": {
        "tokenizer.json": "weakspot.tokens.load_hf:load_tokenizer_json",
        "sentencepiece": "weakspot.tokens.load_sentencepiece:load_sentencepiece",
        "tiktoken": "weakspot.tokens.load_tiktoken:load_tiktoken",
        "tekken": "weakspot.tokens.load_tiktoken:load_tekken",
        "gguf": "weakspot.tokens.load_gguf:load_gguf",
    },
    "token_actions": {
        "show": "weakspot.cli.tokens_show:run",
        "explain": "weakspot.cli.tokens_explain:run",
        "audit": "weakspot.cli.tokens_audit:run",
        "diff": "weakspot.cli.tokens_diff:run",
        "glitch": "weakspot.cli.tokens_glitch:run",
        "injection": "weakspot.cli.tokens_injection:run",
        "train": "weakspot.cli.tokens_train:run",
        "extend": "weakspot.cli.tokens_extend:run",
        "bpe": "weakspot.cli.tokens_bpe:run",
        "features": "weakspot.cli.tokens_features:run",
        "link": "weakspot.cli.tokens_link:run",
    },
    "token_calls": {
        "load": "weakspot.tokens.loading:load_tokenizer",
        "show": "weakspot.api.tokens_show:show",
        "explain": "weakspot.api.tokens_explain:explain",
        "audit": "weakspot.api.tokens_audit:audit",
        "diff": "weakspot.api.tokens_diff:diff",
        "corpus_layout": "weakspot.corpora.reading:Layout",
        "log_plan": "weakspot.corpora.auditing:LogPlan",
        "glitch": "weakspot.api.tokens_glitch:glitch",
        "injection": "weakspot.api.tokens_injection:injection",
        "train": "weakspot.api.tokens_train:train",
        "extend": "weakspot.api.tokens_extend:extend",
        "bpe": "weakspot.api.tokens_bpe:bpe",
        "open_bpe": "weakspot.api.tokens_bpe:open_bpe",
        "features": "weakspot.api.tokens_features:features",
        "link": "weakspot.api.tokens_link:link",
    },
    "faces": {
        "progress": "weakspot.cli.progress:ProgressSink",
        "to_builtins": "weakspot.records.codec:to_builtins",
    },
    "calls": {
        "compare": "weakspot.api.compare:compare",
        "resume": "weakspot.api.compare:resume",
        "plan": "weakspot.api.plan:plan",
        "report": "weakspot.api.report:report",
        "list_models": "weakspot.api.models:list_models",
        "pull_model": "weakspot.api.pull:pull_model",
        "show_model": "weakspot.api.show:show_model",
        "load_probes": "weakspot.api.probes:load_probes",
        "check_probes": "weakspot.api.probes:check_probes",
        "probe_schema": "weakspot.api.probes:probe_schema",
    },
}


def names(kind: str) -> list[str]:
    """All names of a kind, built-ins first."""
    return [*BUILT_IN.get(kind, {}), *(n for n, _ in _third_party(kind) if n not in BUILT_IN.get(kind, {}))]


def target(kind: str, name: str) -> str:
    """The `module:Object` behind a name.

    Raises:
        UsageError: nothing is registered under this name.
    """
    if (built_in := BUILT_IN.get(kind, {}).get(name)) is not None:
        return built_in
    for other, value in _third_party(kind):
        if other == name:
            return value
    raise UsageError(f"There is no {kind[:-1]} named {name!r}.", hint=f"Known: {', '.join(names(kind)) or 'none'}.")


def load(kind: str, name: str) -> Any:
    """The object behind a name, imported now."""
    module, _, attribute = target(kind, name).partition(":")
    found: Any = import_module(module)
    return getattr(found, attribute) if attribute else found


def _third_party(kind: str) -> Iterator[tuple[str, str]]:
    from importlib.metadata import entry_points  # 25 ms: only when a name is not built in

    for point in entry_points(group=f"weakspot.{kind}"):
        yield point.name, point.value
