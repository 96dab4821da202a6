"""Saves a grown model and its tokenizer as a Hugging Face folder: whole or not at all."""

import errno
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakspot.errors import DiskFull, UsageError, WeakspotError


@dataclass(frozen=True)
class Bearings:
    """What a tokenizer's folder says beside tokenizer.json: special tokens by their role, and the chat template."""

    special: Mapping[str, str]
    chat_template: str | None


def check_target(folder: Path) -> None:
    """A folder that is not there yet, or is empty.

    Raises:
        UsageError: something is there.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already.", hint="Name another folder with --out; nothing is overwritten.")


def save_folder(folder: Path, model: Any, tokenizer_json: str, bearings: Bearings, probes: Sequence[str]) -> None:
    """Write safetensors, configuration and tokenizer into a folder beside it first, and then name it.

    The tokenizer's class is the one that takes tokenizer.json as it is: classes of single models build theirs anew out
    of vocabulary and merges, and lose how the new words fire. Read back, its ids must be those that were measured.

    Args:
        folder: where to.
        model: the model of transformers.
        tokenizer_json: the new tokenizer.
        bearings: special tokens and chat template of the model's former tokenizer.
        probes: texts on which the folder, read back, must give the same ids.

    Raises:
        DiskFull: there is no room; nothing is left behind.
        WeakspotError: read back, the tokenizer cuts otherwise.
    """
    check_target(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        model.save_pretrained(work)
        _save_tokenizer(work, tokenizer_json, bearings)
        _read_back(work, tokenizer_json, probes)
        if folder.exists():
            folder.rmdir()
        work.chmod(0o755)  # mkdtemp makes it for its owner alone
        work.rename(folder)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"There is no room for the model in {folder.parent}.", hint="Free some.") from error
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _save_tokenizer(folder: Path, text: str, bearings: Bearings) -> None:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    special: dict[str, Any] = {role: token for role, token in bearings.special.items() if token}
    kind: Any = PreTrainedTokenizerFast
    made = kind(tokenizer_object=Tokenizer.from_str(text), **special)
    made.chat_template = bearings.chat_template
    made.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(text, "utf-8")


def _read_back(folder: Path, text: str, probes: Sequence[str]) -> None:
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    made = Tokenizer.from_str(text)
    back: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    for probe in probes:
        if back(probe, add_special_tokens=False)["input_ids"] != made.encode(probe, add_special_tokens=False).ids:
            raise WeakspotError(
                "Read back by transformers, the new tokenizer cuts a text otherwise; nothing was kept.",
                hint="Please report it with the model's name.",
            )
