"""A trained model in Hugging Face form: config.json, model.safetensors, and a tokenizer.json that cuts at spaces.

Such a folder goes through `weakspot compare` like any candidate. The structure head is no part of the model's own
folder's weights: it stands in `structure/`, where no loader looks for it.
"""

import json
from pathlib import Path
from typing import Any

from weakspot.lab.structure import StructureHead
from weakspot.lab.tasks import END, PAD, UNKNOWN, vocabulary
from weakspot.records.lab import Cell

HEAD_FOLDER = "structure"


def save(cell: Cell, model: Any, head: StructureHead | None, folder: Path) -> Path:
    """Write a trained model into a folder, which is made; the same folder."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer(cell.task).save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": END,
        "unk_token": UNKNOWN,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
    if head is not None:
        from safetensors.torch import save_file

        (folder / HEAD_FOLDER).mkdir(exist_ok=True)
        save_file(head.state_dict(), folder / HEAD_FOLDER / "head.safetensors")
    return folder


def tokenizer(task: str) -> Any:
    """A tokenizer of the library `tokenizers`: each word between spaces is a token, as the task's vocabulary has it."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    ids = {token: number for number, token in enumerate(vocabulary(task))}
    made = Tokenizer(models.WordLevel(ids, unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in (PAD, END, UNKNOWN)])
    return made
