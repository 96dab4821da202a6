"""lm-eval task files of the hub made to read a local file, the same for the real lm-eval and for ours."""

import re
from pathlib import Path

LOCAL: dict[str, dict[str, str]] = {
    "super_glue/boolq/default.yaml": {"train": "boolq_train.jsonl", "validation": "boolq_val.jsonl"},
    "gsm8k/gsm8k.yaml": {"train": "arith_train.jsonl", "test": "arith_test.jsonl"},
    "mmlu/default/mmlu_anatomy.yaml": {"test": "mmlu_test.jsonl", "dev": "mmlu_dev.jsonl"},
    "truthfulqa/truthfulqa_mc1.yaml": {"validation": "tqa_val.jsonl"},
}
"""Task file, below the folder of formats -> split -> file in tests/data/lm_eval/tasks."""


def localised(formats: Path, folder: Path, data: Path, shots: int = 2) -> dict[str, Path]:
    """Copies of the task files of `LOCAL` in `folder` that read local files; where a task says nothing of examples, `shots`."""
    found = {}
    for number, (name, splits) in enumerate(LOCAL.items()):
        target = folder / str(number)
        target.mkdir()
        for file in (formats / name).parent.iterdir():
            text = re.sub(r'(?m)^"?dataset_(name|path)"?:.*\n', "", file.read_text("utf-8"))
            (target / file.name).write_text(text, "utf-8")
        lines = [f"    {split}: {file}\n" for split, file in splits.items()]
        for file in splits.values():
            (target / file).write_bytes((data / file).read_bytes())
        task = target / Path(name).name
        text = task.read_text("utf-8") + "\ndataset_path: json\ndataset_kwargs:\n  data_files:\n" + "".join(lines)
        task.write_text(text if "num_fewshot" in text else text + f"num_fewshot: {shots}\n", "utf-8")
        found[name] = task
    return found
