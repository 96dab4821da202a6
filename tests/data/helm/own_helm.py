"""A scenario of HELM's that needs no download; `simple/model1` answers with the last word of its prompt. See README.md."""

from helm.benchmark.adaptation.common_adapter_specs import get_generation_adapter_spec
from helm.benchmark.metrics.common_metric_specs import get_exact_match_metric_specs
from helm.benchmark.run import main
from helm.benchmark.run_spec import RunSpec, run_spec_function
from helm.benchmark.scenarios.scenario import (
    CORRECT_TAG,
    TEST_SPLIT,
    TRAIN_SPLIT,
    Input,
    Instance,
    Output,
    Reference,
    Scenario,
    ScenarioSpec,
)

WORDS = ["apple", "river", "stone", "cloud", "tiger", "piano", "lemon", "chair"]


class LastWord(Scenario):
    """Four of seven items can be answered by the last word."""

    name = "last_word"
    description = "Which word is asked for."
    tags: list[str] = []  # noqa: RUF012 - HELM's own form

    def get_instances(self, output_path: str) -> list[Instance]:
        """Eight items, the last of them the solved example."""
        found = []
        for n, word in enumerate(WORDS):
            right = word if n % 3 else WORDS[(n + 3) % 8]
            text = f"{right if n % 3 == 0 else 'Say'} the word {word}"
            references = [Reference(Output(text=right), tags=[CORRECT_TAG])]
            found.append(Instance(Input(text=text), references, split=TRAIN_SPLIT if n == 7 else TEST_SPLIT))
        return found


@run_spec_function("last_word")
def last_word() -> RunSpec:
    """The scenario with exact match."""
    return RunSpec(
        name="last_word",
        scenario_spec=ScenarioSpec(class_name="own_helm.LastWord", args={}),
        adapter_spec=get_generation_adapter_spec(
            instructions="Answer with a word.", input_noun=None, output_noun=None, max_tokens=5, max_train_instances=1
        ),
        metric_specs=get_exact_match_metric_specs(),
        groups=["last_word"],
    )


if __name__ == "__main__":
    main()
