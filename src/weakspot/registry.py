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
        "python": "weakspot.models.python_object:PythonObject",
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
        "holds": "weakspot.scorers.holds:Holds",
        "filtered_match": "weakspot.scorers.filtered_match:FilteredMatch",
        "likelihood": "weakspot.scorers.likelihood:Likelihood",
        "answer": "weakspot.scorers.answer:Answer",
        "grounded": "weakspot.scorers.grounded:Grounded",
        "truthful": "weakspot.scorers.truthful:Truthful",
        "no_injection": "weakspot.scorers.no_injection:NoInjection",
        "follows": "weakspot.scorers.follows:Follows",
        "quality": "weakspot.scorers.quality:Quality",
        "rubric": "weakspot.scorers.rubric:Rubric",
    },
    "scorer_rules": {
        "answer": "weakspot.scorers.answer:ANSWER_RULES",
        "grounded": "weakspot.scorers.grounded:GROUNDED_RULES",
        "truthful": "weakspot.scorers.truthful:TRUTHFUL_RULES",
        "no_injection": "weakspot.scorers.no_injection:NO_INJECTION_RULES",
        "quality": "weakspot.scorers.quality:QUALITY_RULES",
        "refuses": "weakspot.scorers.refusing:REFUSING_RULES",
        "complies": "weakspot.scorers.refusing:REFUSING_RULES",
    },
    "suites": {
        "core": "weakspot.probes:suites/core",
        "hallucination": "weakspot.probes:suites/hallucination",
        "bias": "weakspot.probes:suites/bias",
        "injection": "weakspot.probes:suites/injection",
        "sycophancy": "weakspot.probes:suites/sycophancy",
        "structured": "weakspot.probes:suites/structured",
        "long-context": "weakspot.probes:suites/long-context",
        "tokenization": "weakspot.probes:suites/tokenization",
        "refusal": "weakspot.probes:suites/refusal",
        "multilingual": "weakspot.probes:suites/multilingual",
        "consistency": "weakspot.probes:suites/consistency",
    },
    "generators": {
        "hallucination": "weakspot.generators.hallucination:Hallucination",
        "bias": "weakspot.generators.bias:Bias",
        "injection": "weakspot.generators.injection:Injection",
        "sycophancy": "weakspot.generators.sycophancy:Sycophancy",
        "bias-stated-rates": "weakspot.generators.stated_rates:StatedRates",
        "sycophancy-matrix": "weakspot.generators.matrix:Matrix",
        "sycophancy-pressure": "weakspot.generators.pressure:Pressure",
        "structured": "weakspot.generators.structured:Structured",
        "long-context": "weakspot.generators.long_context:LongContext",
        "tokenization": "weakspot.generators.tokenization:Tokenization",
        "refusal": "weakspot.generators.refusal:Refusal",
        "multilingual": "weakspot.generators.multilingual:Multilingual",
        "consistency": "weakspot.generators.consistency:Consistency",
    },
    "attacks": {
        "typos": "weakspot.probes.edits_letters:TYPOS",
        "homoglyphs": "weakspot.probes.edits_letters:HOMOGLYPHS",
        "zero-width": "weakspot.probes.edits_letters:ZERO",
        "tag-characters": "weakspot.probes.edits_letters:TAG_CHARACTERS",
        "leetspeak": "weakspot.probes.edits_letters:LEETSPEAK",
        "casing": "weakspot.probes.edits_letters:CASING",
        "base64": "weakspot.probes.edits_codes:BASE64",
        "rot13": "weakspot.probes.edits_codes:ROT13",
        "payload-splitting": "weakspot.probes.edits_codes:SPLITTING",
        "role-play": "weakspot.probes.edits_frames:ROLE_PLAY",
        "system-override": "weakspot.probes.edits_frames:SYSTEM_OVERRIDE",
        "fake-tool-result": "weakspot.probes.edits_frames:FAKE_TOOL_RESULT",
        "refusal-suppression": "weakspot.probes.edits_frames:REFUSAL_SUPPRESSION",
        "prefix-injection": "weakspot.probes.edits_frames:PREFIX_INJECTION",
        "translation": "weakspot.probes.edits_frames:TRANSLATION",
        "many-shot": "weakspot.probes.edits_many_shot:MANY_SHOT",
    },
    "commands": {
        "models": "weakspot.cli.models:run",
        "tokens": "weakspot.cli.tokens:run",
        "inspect": "weakspot.cli.inspect:run",
        "look": "weakspot.cli.look:run",
        "lab": "weakspot.cli.lab:run",
        "probes": "weakspot.cli.probes:run",
        "attacks": "weakspot.cli.attacks:run",
        "plan": "weakspot.cli.plan:run",
        "compare": "weakspot.cli.compare:run",
        "resume": "weakspot.cli.resume:run",
        "rate": "weakspot.cli.rate:run",
        "scorers": "weakspot.cli.scorers:run",
        "judge": "weakspot.cli.judge:run",
        "gate": "weakspot.cli.gate:run",
        "import": "weakspot.cli.import_results:run",
        "report": "weakspot.cli.report:run",
        "export": "weakspot.cli.export:run",
    },
    "lab_actions": {
        "run": "weakspot.cli.lab_run:run",
        "resume": "weakspot.cli.lab_run:resume",
        "report": "weakspot.cli.lab_report:run",
        "list": "weakspot.cli.lab_list:run",
        "probes": "weakspot.cli.lab_list:probes",
    },
    "lab_engines": {
        "local": "weakspot.lab.running:local",
        "ray": "weakspot.lab.ray_engine:train",
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
    "importers": {
        "lm-eval": "weakspot.exchange.lm_eval_samples:IMPORTER",
        "lm-eval-task": "weakspot.exchange.lm_eval_task:IMPORTER",
        "helm": "weakspot.exchange.helm:IMPORTER",
        "bigbench": "weakspot.exchange.bigbench:IMPORTER",
        "inspect": "weakspot.exchange.inspect_log:IMPORTER",
        "inspect-eval": "weakspot.exchange.inspect_zip:IMPORTER",
        "promptfoo": "weakspot.exchange.promptfoo:IMPORTER",
        "promptfoo-config": "weakspot.exchange.promptfoo_config:IMPORTER",
        "garak": "weakspot.exchange.garak:IMPORTER",
        "openai-evals": "weakspot.exchange.openai_evals:IMPORTER",
        "deepeval": "weakspot.exchange.deepeval:IMPORTER",
        "table": "weakspot.exchange.table:IMPORTER",
    },
    "exporters": {
        "lm-eval": "weakspot.exchange.export_lm_eval:EXPORTER",
        "inspect": "weakspot.exchange.export_inspect:EXPORTER",
        "junit": "weakspot.exchange.export_junit:EXPORTER",
        "csv": "weakspot.exchange.export_csv:EXPORTER",
        "sarif": "weakspot.exchange.export_sarif:EXPORTER",
        "github": "weakspot.exchange.export_github:EXPORTER",
        "wandb": "weakspot.exchange.wandb_log:EXPORTER",
    },
    "architectures": {
        "weakspot-lab": "weakspot.lab.blocks_hf:register",
    },
    "faces": {
        "progress": "weakspot.cli.progress:ProgressSink",
        "lab_progress": "weakspot.cli.lab_progress:LabProgress",
        "to_builtins": "weakspot.records.codec:to_builtins",
    },
    "calls": {
        "compare": "weakspot.api.compare:compare",
        "resume": "weakspot.api.compare:resume",
        "plan": "weakspot.api.plan:plan",
        "gate": "weakspot.api.gate:gate",
        "export": "weakspot.api.export:export",
        "judge": "weakspot.api.judge:judge",
        "judge_pairs": "weakspot.api.judge:judge_pairs",
        "judge_test": "weakspot.api.judge_test:judge_test",
        "rubrics": "weakspot.api.judge:rubrics",
        "show_rubric": "weakspot.api.judge:show_rubric",
        "report": "weakspot.api.report:report",
        "rate": "weakspot.api.rate:rate",
        "export_ratings": "weakspot.api.rate:export_ratings",
        "import_ratings": "weakspot.api.rate:import_ratings",
        "agreement": "weakspot.api.agreement:agreement",
        "import_results": "weakspot.api.import_results:import_results",
        "ImportOptions": "weakspot.exchange.importing:Asked",
        "list_models": "weakspot.api.models:list_models",
        "pull_model": "weakspot.api.pull:pull_model",
        "show_model": "weakspot.api.show:show_model",
        "inspect": "weakspot.api.inspect:inspect",
        "look": "weakspot.api.look:look",
        "Experiments": "weakspot.inside.looking:Experiments",
        "LabOptions": "weakspot.lab.grid:Asked",
        "lab_run": "weakspot.api.lab:lab_run",
        "lab_resume": "weakspot.api.lab:lab_resume",
        "lab_report": "weakspot.api.lab:lab_report",
        "lab_list": "weakspot.api.lab:lab_list",
        "lab_probes": "weakspot.api.lab_probes:lab_probes",
        "list_scorers": "weakspot.api.scorers:list_scorers",
        "validate_scorers": "weakspot.api.scorers:validate_scorers",
        "load_probes": "weakspot.api.probes:load_probes",
        "list_attacks": "weakspot.api.attacks:list_attacks",
        "show_attack": "weakspot.api.attacks:show_attack",
        "check_probes": "weakspot.api.probes:check_probes",
        "survey_probes": "weakspot.api.probes:survey_probes",
        "rates_by": "weakspot.api.rates_by:rates_by",
        "list_suites": "weakspot.api.probes:list_suites",
        "list_generators": "weakspot.api.probes:list_generators",
        "make_probes": "weakspot.api.probes:make_probes",
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
