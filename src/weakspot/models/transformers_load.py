"""From a candidate to a loaded model: every check before the library sees the files, and its errors in our words.

No code of a model's author is ever run: no remote code, no pickle, no kernels by name out of a config.json, no
adapter that would be applied without a word. A hub id is fetched as a whole first, without pickles, and then read
like any folder, offline. A GGUF file is unpacked into the data type that is computed in: the library could otherwise
fetch a compiled kernel for it.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weakspot import registry
from weakspot.artifacts.cache import fingerprint
from weakspot.artifacts.ggml_types import FILE_TYPES
from weakspot.artifacts.gguf import read_header
from weakspot.artifacts.hfconfig import HFFolder, read_hf_folder
from weakspot.artifacts.hub import WHOLE, fetch_folder
from weakspot.artifacts.locate import gguf_path
from weakspot.artifacts.safetensors import INDEX, SINGLE, parse_json
from weakspot.errors import CorruptFile, MissingExtra, ModelError, UnknownModel, UsageError, WeakspotError
from weakspot.models.transformers_text import Text, panics_as_errors
from weakspot.records import Candidate

INSTALL = 'pip install "weakspot[torch]"'
TOKENIZERS = ("tokenizer.json", "*.model", "vocab.json", "vocab.txt", "tekken.json")
READERS = ("ForMaskedLM", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering")
"""Heads of models that read and never write; the library would load some of them with another head."""
IDS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "forced_bos_token_id")
"""What of a model's own generation settings is part of the model; all else there is a sampler, and ours are set."""
GGUF_ENDS = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id")


@dataclass(frozen=True)
class Source:
    """Where a model lies and what its files say: `gguf` is the file's name, empty for a folder.

    `architecture` is config.json's `model_type` where it is one that this package or a plugin brings.
    """

    folder: Path
    gguf: str
    sha256: str
    chat_template: str | None
    licence: str
    quantisation: str
    ids: dict[str, Any]
    architecture: str = ""

    @property
    def name(self) -> str:
        """The file's or the folder's name."""
        return self.gguf or self.folder.resolve().name


@dataclass(frozen=True)
class Loaded:
    """A model ready to run.

    `ends` are the ids that end a reply, `pad` the one that fills up a batch, `limit` the longest sequence in tokens
    (None: not stated), `vocabulary` how many ids have an embedding.
    """

    model: Any
    text: Text
    source: Source
    encoder: bool
    ends: frozenset[int]
    pad: int
    limit: int | None
    vocabulary: int


def libraries() -> tuple[Any, Any]:
    """The modules torch and transformers, quietened.

    Raises:
        MissingExtra: they are not installed.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtra("This backend needs the packages torch and transformers.", hint=INSTALL) from error
    library: Any = transformers
    library.utils.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    return torch, library


def find(candidate: Candidate) -> Source:
    """The files of a candidate, checked as far as that goes without loading them.

    Raises:
        UnknownModel, CorruptFile, FetchFailed, MissingExtra: what is wrong with them.
    """
    if candidate.kind == "gguf":
        return _from_gguf(gguf_path(candidate))
    if candidate.kind != "hf":
        raise UsageError(
            f"The transformers backend can't open {candidate.reference!r}.",
            hint="It reads Hugging Face folders, hub ids and GGUF files.",
        )
    if candidate.model:
        raise UnknownModel(
            f"{candidate.model!r} can't be loaded by itself.", hint="Name the hub id alone, or a .gguf file behind #."
        )
    if candidate.location.startswith("hf:"):
        return _from_folder(fetch_folder(candidate.location.removeprefix("hf:")))
    return _from_folder(Path(candidate.location))


def _from_gguf(path: Path) -> Source:
    meta = read_header(path, skip_arrays=True).metadata
    template, file_type = meta.get("tokenizer.chat_template"), meta.get("general.file_type")
    return Source(
        folder=path.parent,
        gguf=path.name,
        sha256=fingerprint(path),
        chat_template=template if isinstance(template, str) and template else None,
        licence=str(meta.get("general.license", "")),
        quantisation=FILE_TYPES.get(file_type, "") if isinstance(file_type, int) else "",
        ids={"eos_token_id": [meta[key] for key in GGUF_ENDS if isinstance(meta.get(key), int)]},
    )


def _from_folder(folder: Path) -> Source:
    found = read_hf_folder(folder)
    _refuse(folder, found)
    own: dict[str, Any] = {}
    with contextlib.suppress(OSError):
        own = parse_json((folder / "generation_config.json").read_bytes(), "generation_config.json")
    ids = {key: own.get(key, found.config.get(key)) for key in IDS}
    return Source(
        folder=folder,
        gguf="",
        sha256=_hash(folder),
        chat_template=found.chat_template,
        licence=found.licence or "",
        quantisation="",
        ids={key: value for key, value in ids.items() if value is not None},
        architecture=_brought_along(found.config.get("model_type")),
    )


def _brought_along(kind: object) -> str:
    """A model type that the registry knows: its code is installed here, and is none of the folder's."""
    return kind if isinstance(kind, str) and kind in registry.names("architectures") else ""


def _refuse(folder: Path, found: HFFolder) -> None:
    """Tell what can't be loaded, or would be loaded otherwise than it looks.

    Raises:
        CorruptFile: with the first reason found.
    """
    config, name = found.config, found.name
    if found.tensors is None or not ((folder / SINGLE).is_file() or (folder / INDEX).is_file()):
        kind = "weights as pickle only, which is never opened" if found.pickled else f"no {SINGLE}"
        raise CorruptFile(
            f"{name!r} holds {kind}.",
            hint="Convert it: load it where you trust it, and save_pretrained writes safetensors.",
        )
    if not any(True for pattern in TOKENIZERS for _ in folder.glob(pattern)):
        raise CorruptFile(f"{name!r} holds no tokenizer.", hint="Fetch the whole folder, tokenizer.json included.")
    architectures = config.get("architectures")
    first = str(architectures[0]) if isinstance(architectures, list) and architectures else ""
    layers = config.get("num_hidden_layers", config.get("n_layer", config.get("num_layers")))
    reasons = {
        "is an adapter, or has one beside its weights": (folder / "adapter_config.json").is_file(),
        "is a distributed checkpoint": any(folder.glob("shard-*-model-*.safetensors")),
        "is quantised in a way that this backend does not read": bool(config.get("quantization_config")),
        "names its weights in config.json": bool(config.get("transformers_weights")),
        f"is a {first[:60]}, which reads text and writes none": first.endswith(READERS),
        "claims more layers than it has tensors": isinstance(layers, int) and layers > len(found.tensors),
    }
    for reason, holds in reasons.items():
        if holds:
            raise CorruptFile(f"{name!r} {reason}.", hint="Name a folder with whole, plain weights, or a GGUF file.")


def _hash(folder: Path) -> str:
    """The sha256 over `sha256sum`'s lines for all files that decide a reply: weights, configuration, tokenizer."""
    suffixes = {Path(pattern).suffix for pattern in WHOLE} - {".md"}
    files = sorted(path for path in folder.iterdir() if path.suffix in suffixes and path.is_file())
    lines = "".join(f"{fingerprint(path)}  {path.name}\n" for path in files)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def load(source: Source, dtype: str, device: str) -> Loaded:
    """The model on its device, its weights in `dtype` (a name of torch's).

    Raises:
        CorruptFile: the library can't read it, or its weights don't fill the model.
        MissingExtra: a package that this kind of model needs is not there.
    """
    torch, library = libraries()
    where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    how: dict[str, Any] = {}
    if source.gguf:
        _need_for_gguf()
        where["gguf_file"] = source.gguf
        if hasattr(library, "GgufConfig"):
            how["quantization_config"] = library.GgufConfig(dequantize=True)
    try:
        if source.architecture:
            registry.load("architectures", source.architecture)()
        with panics_as_errors(), _no_bar() if source.gguf else contextlib.nullcontext():
            config = library.AutoConfig.from_pretrained(source.folder, **where)
            config._attn_implementation = None  # config.json may name a kernel to fetch
            if hasattr(config, "_experts_implementation"):
                config._experts_implementation = None
            encoder = bool(config.is_encoder_decoder)
            kind = library.AutoModelForSeq2SeqLM if encoder else library.AutoModelForCausalLM
            text = Text(library.AutoTokenizer.from_pretrained(source.folder, **where), encoder=encoder)
            model, told = kind.from_pretrained(
                source.folder,
                config=config,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                generation_config=library.GenerationConfig(),
                output_loading_info=True,
                **where,
                **how,
            )
            _complete(source, told)
            model = model.to(device).eval()
    except WeakspotError:
        raise
    except ImportError as error:
        raise MissingExtra(f"{source.name!r} needs another package: {_first_line(error)}", hint=INSTALL) from error
    except Exception as error:  # the library raises whatever a file's content leads it to
        raise CorruptFile(
            f"transformers could not load {source.name!r}: {_first_line(error)}",
            hint="The files read well so far: they may be of a kind this version does not know, or not fit in memory.",
        ) from error
    return _described(library, source, model, text, encoder=encoder)


def _described(library: Any, source: Source, model: Any, text: Text, *, encoder: bool) -> Loaded:
    """Put only the ids that belong to the model into its generation settings."""
    vocabulary = int(model.get_input_embeddings().weight.shape[0])
    named = {key: source.ids.get(key, getattr(model.config, key, None)) for key in IDS}
    ends = named.pop("eos_token_id")
    named["pad_token_id"] = text.pad_id
    # a pad token added to the tokenizer alone is beyond the embeddings; padding is masked out, so any id does
    known = {"pad_token_id": 0} | {k: v for k, v in named.items() if type(v) is int and 0 <= v < vocabulary}
    if encoder:
        known.setdefault("decoder_start_token_id", known["pad_token_id"])  # as T5 has it
    model.generation_config = library.GenerationConfig(**known)
    limit = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    return Loaded(
        model=model,
        text=text,
        source=source,
        encoder=encoder,
        ends=text.end_ids | {end for end in (ends if isinstance(ends, list) else [ends]) if type(end) is int},
        pad=known["pad_token_id"],
        limit=limit if isinstance(limit, int) and limit > 0 else None,
        vocabulary=vocabulary,
    )


def _complete(source: Source, told: dict[str, Any]) -> None:
    """The library fills what is missing with random numbers and says so in a log line only."""
    for what in ("missing_keys", "mismatched_keys", "error_msgs"):
        if found := list(told.get(what) or ()):
            raise CorruptFile(
                f"{source.name!r} does not fill its model: {len(found)} weights are missing or of another shape "
                f"({str(found[0])[:80]!r}).",
                hint="config.json and the weights may belong to two models; fetch the whole folder again.",
            )


def _need_for_gguf() -> None:
    for package in ("gguf", "accelerate"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(
                f"Reading a GGUF file through transformers needs the package {package}.",
                hint=f"pip install {package}; or leave ?backend=hf out, and llama.cpp reads it.",
            )


@contextlib.contextmanager
def _no_bar() -> Iterator[None]:
    """Nothing else draws into the terminal: the library's GGUF reader has a bar that no setting turns off."""
    reader: Any = importlib.import_module("transformers.modeling_gguf_pytorch_utils")
    drawn = getattr(reader, "tqdm", None)
    try:
        if drawn is not None:
            reader.tqdm = lambda items, **_: items
        yield
    finally:
        if drawn is not None:
            reader.tqdm = drawn


def _first_line(error: BaseException) -> str:
    """What an error says, in one short line; the library's messages quote the files' content."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    line = "".join(letter if letter.isprintable() else "?" for letter in lines[0].strip())
    return line if len(line) <= 200 else line[:199] + "…"


def engine_failure(error: Exception) -> ModelError:
    """What the engine said of a request that it failed on: it raises bare RuntimeErrors, also for too little memory."""
    return ModelError(
        f"transformers failed on this request: {_first_line(error)}",
        hint="Where memory is short, try ?batch=4 or less.",
    )


def bfloat16_is_native(torch: Any) -> bool:
    """Whether this CPU multiplies bfloat16 itself; where it does not, bfloat16 is slower than float32."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
