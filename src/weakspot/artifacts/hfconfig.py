"""Reads what a Hugging Face folder says of its model: config.json, tokenizer, chat template, licence, tensors.

Nothing of the folder is ever run. It does not know what a configuration means (see `weakspot.anatomy`).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from weakspot.artifacts.safetensors import StoredTensor, parse_json, read_folder
from weakspot.errors import CorruptFile, UnknownModel

PICKLES: Final = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
"""Files that hold weights in a pickle, by the names that tools give them."""
_MAX_CONFIG_BYTES: Final = 8 << 20
_MAX_TOKENIZER_BYTES: Final = 128 << 20
_MAX_TEXT_BYTES: Final = 4 << 20
_LICENCE = re.compile(r"^license:[ \t]*([^\s#]{1,60})", re.MULTILINE)


class _TokenizerModel(msgspec.Struct):
    type: str = ""
    byte_fallback: bool = False


class _TokenizerFile(msgspec.Struct):
    """The few fields of a tokenizer.json that are read; its vocabulary is passed over."""

    model: _TokenizerModel = msgspec.field(default_factory=_TokenizerModel)
    pre_tokenizer: msgspec.Raw = msgspec.Raw(b"null")
    decoder: msgspec.Raw = msgspec.Raw(b"null")


@dataclass(frozen=True, slots=True)
class HFFolder:
    """A folder, read: its configuration, its tensors (None: no safetensors), and what stands beside them.

    `pickled` says that there are weights in a pickle, which is not opened.
    """

    name: str
    config: dict[str, Any]
    tensors: tuple[StoredTensor, ...] | None
    tokenizer: str | None = None
    chat_template: str | None = None
    licence: str | None = None
    pickled: bool = False


def read_hf_folder(folder: str | Path) -> HFFolder:
    """What a local Hugging Face folder says of its model.

    Raises:
        UnknownModel: there is no such folder, or no config.json in it.
        CorruptFile: config.json or a safetensors header is damaged.
    """
    folder = Path(folder)
    try:
        if not folder.is_dir():
            raise UnknownModel(f"There is no folder {str(folder)!r}.", hint="Check the path.")
        path = folder / "config.json"
        if not path.is_file():
            raise UnknownModel(f"{folder.name!r} has no config.json.", hint="Name the folder that holds the model.")
        config = parse_json(_read(path, _MAX_CONFIG_BYTES), "config.json")
        settings = optional_json(folder / "tokenizer_config.json")
        return HFFolder(
            name=folder.resolve().name,
            config=config,
            tensors=read_folder(folder),
            tokenizer=_tokenizer_kind(folder, settings),
            chat_template=_chat_template(folder, settings),
            licence=_licence(folder / "README.md"),
            pickled=any(any(folder.glob(pattern)) for pattern in PICKLES),
        )
    except OSError as error:
        raise CorruptFile(f"{folder.name!r} cannot be read: {error.strerror}.", hint="Check permissions.") from error
    except ValueError:  # a null byte in the path
        raise UnknownModel(f"{str(folder)!r} cannot be the name of a folder.", hint="Check the path.") from None


def read_config(path: str | Path) -> dict[str, Any]:
    """A configuration file by itself.

    Raises:
        UnknownModel: there is no such file.
        CorruptFile: it is no JSON object, or absurdly long, or cannot be read.
    """
    path = Path(path)
    try:
        return parse_json(_read(path, _MAX_CONFIG_BYTES), path.name)
    except FileNotFoundError:
        raise UnknownModel(f"There is no file {str(path)!r}.", hint="Check the path.") from None
    except OSError as error:
        raise CorruptFile(f"{path.name!r} cannot be read: {error.strerror}.", hint="Check permissions.") from error
    except ValueError:  # a null byte in the path
        raise UnknownModel(f"{str(path)!r} cannot be the name of a file.", hint="Check the path.") from None


def _read(path: Path, limit: int) -> bytes:
    if not path.is_file():  # a pipe would be waited for
        raise FileNotFoundError(path)
    if path.stat().st_size > limit:
        raise CorruptFile(f"{path.name!r} is absurdly long.", hint=f"At most {limit >> 20} MiB are read.")
    return path.read_bytes()


def optional_json(path: Path) -> dict[str, Any]:
    """A side file: what is missing or damaged there leaves fields unstated, and nothing more."""
    try:
        return parse_json(_read(path, _MAX_TEXT_BYTES), path.name)
    except (OSError, CorruptFile):
        return {}


def read_tokenizer_json(folder: Path) -> dict[str, Any]:
    """A folder's tokenizer.json as data; empty where there is none, or it is damaged or too long."""
    try:
        return parse_json(_read(folder / "tokenizer.json", _MAX_TOKENIZER_BYTES), "tokenizer.json")
    except (OSError, CorruptFile):
        return {}


def _tokenizer_kind(folder: Path, settings: dict[str, Any]) -> str | None:
    try:
        found = msgspec.json.decode(_read(folder / "tokenizer.json", _MAX_TOKENIZER_BYTES), type=_TokenizerFile)
    except (OSError, CorruptFile, msgspec.MsgspecError, ValueError, RecursionError):
        name = settings.get("tokenizer_class")
        return name[:60] if isinstance(name, str) else None
    if found.model.type == "BPE":
        if b"ByteLevel" in bytes(found.pre_tokenizer) or b"ByteLevel" in bytes(found.decoder):
            return "byte-level BPE"
        return "BPE with byte fallback" if found.model.byte_fallback else "BPE"
    return found.model.type[:60] or None


def _chat_template(folder: Path, settings: dict[str, Any]) -> str | None:
    try:
        return _read(folder / "chat_template.jinja", _MAX_TEXT_BYTES).decode("utf-8", "replace")
    except (OSError, CorruptFile):
        pass  # older folders keep it in tokenizer_config.json
    template = settings.get("chat_template")
    if isinstance(template, list):  # several, by name
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default")
    return template if isinstance(template, str) and template else None


def read_chat_template(folder: Path) -> tuple[str | None, dict[str, str]]:
    """The chat template of a folder that need not hold a model, and the texts of its bos_token and eos_token."""
    settings = optional_json(folder / "tokenizer_config.json")
    special = {}
    for name in ("bos_token", "eos_token"):
        found = settings.get(name)
        found = found.get("content") if isinstance(found, dict) else found
        special[name] = found if isinstance(found, str) else ""
    return _chat_template(folder, settings), special


def _licence(readme: Path) -> str | None:
    """The licence in the model card's front matter."""
    try:
        text = _read(readme, _MAX_TEXT_BYTES).decode("utf-8", "replace")
    except (OSError, CorruptFile):
        return None
    parts = text.split("---", 2)
    found = _LICENCE.search(parts[1]) if len(parts) == 3 and not parts[0].strip() else None
    return found[1].strip("'\"") if found else None
