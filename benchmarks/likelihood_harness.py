"""The harness's side of `likelihood.py`: runs in a Python that has lm_eval, and writes what it found as JSON.

The task is made of local files: `dataset_path: json`, the first shots in order, three choices.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

TASK = """
task: weakspot_bbq
dataset_path: json
dataset_kwargs:
  data_files:
    train: {folder}/shots.jsonl
    test: {folder}/items.jsonl
output_type: multiple_choice
training_split: train
test_split: test
fewshot_split: train
fewshot_config:
  sampler: first_n
num_fewshot: {shots}
doc_to_text: "{{{{context}}}}\\nQuestion: {{{{question}}}}\\nAnswer:"
doc_to_choice: "{{{{[ans0, ans1, ans2]}}}}"
doc_to_target: label
metric_list:
  - metric: acc
  - metric: acc_norm
"""


def main() -> None:
    """Evaluate the work file named on the command line; `answer.json` goes beside it."""
    import torch
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    work = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    folder = Path(work["folder"])
    for name in ("shots", "items"):
        rows = work["rows" if name == "items" else name]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    tasks = folder / "tasks"
    tasks.mkdir()
    (tasks / "weakspot_bbq.yaml").write_text(TASK.format(folder=folder, shots=len(work["shots"])), "utf-8")
    torch.set_num_threads(work["threads"])
    model: Any = HFLM(pretrained=work["model"], dtype="float32", device="cpu", batch_size=work["batch"])
    spent, worked = [0.0], [0.0]
    inner = model.loglikelihood

    def timed(*given: Any, **more: Any) -> Any:
        began, cpu = time.perf_counter(), time.process_time()
        try:
            return inner(*given, **more)
        finally:
            spent[0] += time.perf_counter() - began
            worked[0] += time.process_time() - cpu

    model.loglikelihood = timed
    began = time.perf_counter()
    found = simple_evaluate(
        model=model,
        tasks=["weakspot_bbq"],
        task_manager=TaskManager(include_path=str(tasks)),
        bootstrap_iters=0,
        log_samples=True,
    )
    whole = time.perf_counter() - began
    samples = sorted(found["samples"]["weakspot_bbq"], key=lambda sample: sample["doc_id"])
    answer = {
        "version": version("lm_eval"),
        "likelihood_s": spent[0],
        "cpu_s": worked[0],
        "whole_s": whole,
        "results": {key: value for key, value in found["results"]["weakspot_bbq"].items() if "acc" in key},
        "rows": [
            {
                "prompt": sample["arguments"][0][0],
                "choices": [arguments[1] for arguments in sample["arguments"]],
                "values": [float(response[0]) for response in sample["filtered_resps"]],
                "acc": sample["acc"],
                "acc_norm": sample["acc_norm"],
            }
            for sample in samples
        ],
    }
    (folder / "answer.json").write_text(json.dumps(answer), "utf-8")


if __name__ == "__main__":
    main()
