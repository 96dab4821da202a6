"""Opens any tokenizer by reference, and tells a file's kind by what is in it, not by its name.

bert-minilm                        a bundled tokenizer
smollm2                            a bundled model's
path/to/tokenizer.json, *.model, *.tiktoken, tekken.json, *.gguf
path/to/folder                     a Hugging Face folder
hf:org/name, hf:org/name#file      a hub id
"""

from pathlib import Path

from weakspot import registry
from weakspot.artifacts.fetch import Progress, pull, silent
from weakspot.artifacts.reference import parse
from weakspot.artifacts.tokenizer_zoo import TOKENIZERS
from weakspot.artifacts.zoo import ZOO
from weakspot.errors import CorruptFile, FetchFailed, MissingExtra, UnknownModel, UnknownTokenizer
from weakspot.tokens.face import Tokenizer

IN_A_FOLDER = (
    "tokenizer.json",
    "tekken.json",
    "tokenizer.model",
    "spiece.model",
    "spm.model",
    "sentencepiece.bpe.model",
)
"""What a folder is looked through for, in this order; a *.tiktoken or a *.gguf that stands alone follows."""
KINDS = "tokenizer.json, SentencePiece .model, .tiktoken, tekken.json and GGUF can be read."


def load_tokenizer(reference: str, *, accept_licence: bool = False, progress: Progress = silent) -> Tokenizer:
    """Open the tokenizer that a reference names; a bundled one is fetched if need be.

    Args:
        reference: a path, a folder, a bundled name, a model reference or a hub id (`hf:org/name`).
        accept_licence: accept a bundled file's own terms.
        progress: where a download's progress goes.

    Raises:
        UnknownTokenizer: nothing is there, or a file is of an unknown kind.
        CorruptFile: the file is damaged.
        LicenceNotAccepted, FetchFailed, HashMismatch, DiskFull: a bundled file can't be had.
        MissingExtra: a hub id needs huggingface_hub.
    """
    text = reference.strip()
    if text in TOKENIZERS or text in ZOO:
        return load_file(pull(text, accept_licence=accept_licence, progress=progress), text)
    if text.startswith("hf:"):
        return load_file(_from_hub(text.removeprefix("hf:")), text)
    if text and len(text) < 4096 and "\0" not in text:
        path = Path(text).expanduser()
        if path.is_dir():
            return _from_folder(path, text)
        if path.is_file():
            return load_file(path, text)
    return _from_model_reference(text, accept_licence=accept_licence, progress=progress)


def load_file(path: Path, name: str) -> Tokenizer:
    """Open a tokenizer file by what is in it.

    Raises:
        UnknownTokenizer, CorruptFile.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise UnknownTokenizer(f"{path.name} can't be read: {error.strerror}.") from None
    if not head:
        raise CorruptFile(f"{path.name} is empty.", hint="Fetch the file again.")
    if (kind := _kind(path, head)) is None:
        raise UnknownTokenizer(f"{path.name} is no tokenizer that Weakspot knows.", hint=KINDS)
    found: Tokenizer = registry.load("tokenizers", kind)(path, name)
    return found


def _kind(path: Path, head: bytes) -> str | None:
    if head.startswith(b"GGUF"):
        return "gguf"
    if head.lstrip()[:1] == b"{":
        return "tekken" if _is_tekken(path, head) else "tokenizer.json"
    if _is_rank_line(head):
        return "tiktoken"
    if head[:1] == b"\n" or path.suffix in (".model", ".spm"):  # field 1 of a protobuf: the first piece
        return "sentencepiece"
    return None


def _is_tekken(path: Path, head: bytes) -> bool:
    return b'"token_bytes"' in head or b'"default_num_special_tokens"' in head or path.name.startswith("tekken")


def _is_rank_line(head: bytes) -> bool:
    """Whether the first line is base64, a blank and a number."""
    words = head.split(b"\n", 1)[0].split()
    return len(words) == 2 and words[1].isdigit() and all(48 <= b < 123 or b in b"+/=" for b in words[0])


def _from_folder(folder: Path, name: str) -> Tokenizer:
    found = [folder / file for file in IN_A_FOLDER if (folder / file).is_file()]
    found += sorted(folder.glob("*.tiktoken")) + sorted(folder.glob("*.gguf"))
    if not found:
        raise UnknownTokenizer(f"The folder {folder.name} holds no tokenizer.", hint=KINDS)
    tokenizer = load_file(found[0], name)
    for other in found[1:]:
        if (said := _disagreement(tokenizer, found[0], other)) is not None:
            tokenizer.remarks += (said,)
    return tokenizer


def _disagreement(tokenizer: Tokenizer, path: Path, other: Path) -> str | None:
    """Two files in one package need not be the same tokenizer."""
    try:
        second = load_file(other, other.name)
    except (CorruptFile, UnknownTokenizer) as error:
        return f"{other.name} lies beside it and can't be read: {error.message}"
    ours, theirs = tokenizer.fingerprint.split("-"), second.fingerprint.split("-")
    if ours == theirs:
        return None
    if ours[0] != theirs[0]:
        return f"{other.name} lies beside {path.name} and has another vocabulary: mind which one is used."
    return f"{other.name} lies beside {path.name}, has the same vocabulary and cuts some texts otherwise."


def _from_hub(name: str) -> Path:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
    except ImportError:
        raise MissingExtra(
            "A hub id needs the package huggingface_hub.", hint='pip install "weakspot[hub]", or name a local file.'
        ) from None
    repository, _, file = name.partition("#")
    wanted = (file,) if file else IN_A_FOLDER
    for number, candidate in enumerate(wanted):
        try:
            return Path(hf_hub_download(repository, candidate))
        except EntryNotFoundError:
            if number == len(wanted) - 1:
                raise UnknownTokenizer(f"{repository} holds none of {', '.join(wanted)}.", hint=KINDS) from None
        except (HfHubHTTPError, OSError, ValueError) as error:
            raise FetchFailed(
                f"{candidate} of {repository} could not be fetched from the hub: {type(error).__name__}.",
                hint="Check the name and the network; a gated repository needs HF_TOKEN in the environment.",
            ) from error
    raise UnknownTokenizer(f"{repository} holds no tokenizer.", hint=KINDS)


def _from_model_reference(reference: str, *, accept_licence: bool, progress: Progress) -> Tokenizer:
    """A candidate with options, or one out of a TOML file: its files' tokenizer."""
    names = ", ".join([*TOKENIZERS, *ZOO])
    try:
        candidate = parse(reference)
    except UnknownModel as error:
        raise UnknownTokenizer(
            f"{reference[:80]!r} names no tokenizer.",
            hint=f"A file, a folder, hf:org/name, or a bundled name: {names}.",
        ) from error
    if candidate.kind in ("gguf", "hf") and candidate.location != reference:
        return load_tokenizer(candidate.location, accept_licence=accept_licence, progress=progress)
    raise UnknownTokenizer(
        f"{reference[:80]!r} has no tokenizer that lies here.", hint="Name its tokenizer's file, or a bundled one."
    )
