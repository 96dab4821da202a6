"""Asks the real lm-evaluation-harness for the requests of task files; see README.md for how it is called.

Runs in an environment of its own (lm_eval, datasets). Of each context only a hash is kept, and the first one whole.
"""

import hashlib
import json
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks._yaml_loader import load_yaml

from lm_eval_local import localised

SEED = 1234  # lm_eval's default of --seed for solved examples
HERE = Path(__file__).parent


def requests(path: Path) -> dict[str, object]:
    """The requests that lm-eval builds for a task: document, hash of the context, continuation."""
    os.chdir(path.parent)
    task = ConfigurableTask(config=load_yaml(path))
    if task.config.num_fewshot is None:
        task.set_config(key="num_fewshot", value=0)
    task.set_fewshot_seed(seed=SEED)
    task.build_all_requests()
    first = task.instances[0].args
    rows = [[i.doc_id, hashlib.sha256(i.args[0].encode()).hexdigest()[:16], i.args[1]] for i in task.instances]
    return {"kind": task.OUTPUT_TYPE, "first": first, "requests": rows}


def main(formats: str) -> None:
    """Our own tasks, and those of the folder of formats with local data."""
    found = {path.name: requests(path) for path in sorted((HERE / "tasks").glob("*.yaml"))}
    with tempfile.TemporaryDirectory() as folder:
        for name, path in localised(Path(formats), Path(folder), HERE / "tasks").items():
            found[name] = requests(path)
    written = {"lm_eval": version("lm_eval"), "datasets": version("datasets"), "tasks": found}
    (HERE / "prompts.json").write_text(json.dumps(written, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
