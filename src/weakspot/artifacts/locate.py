"""From a candidate to the file on disk that it stands for."""

from pathlib import Path

from weakspot.artifacts.bundled import bundled_path, is_fetched
from weakspot.artifacts.fetch import Progress, pull, silent
from weakspot.artifacts.gguf import read_header
from weakspot.artifacts.zoo import ZOO
from weakspot.errors import FetchFailed, MissingExtra, UnknownModel
from weakspot.records import Candidate


def gguf_path(candidate: Candidate) -> Path:
    """The GGUF file of a candidate that needs no fetching any more.

    Raises:
        UnknownModel: it is not there.
    """
    if candidate.location in ZOO:
        if not is_fetched(candidate.location):
            raise UnknownModel(
                f"{candidate.location} is not on this machine yet.", hint=f"weakspot models pull {candidate.location}"
            )
        return bundled_path(candidate.location)
    if candidate.location.startswith("hf:"):
        return _from_hub(candidate)
    path = Path(candidate.location)
    if not path.is_file():
        raise UnknownModel(f"There is no file {path}.", hint="It was there when the reference was read.")
    return path


def make_ready(candidate: Candidate, *, accept_licence: bool = False, progress: Progress = silent) -> None:
    """Fetch what a candidate needs and can be fetched, and read its header.

    Raises:
        CorruptFile: the file is damaged; and what `pull` raises.
    """
    if candidate.kind != "gguf":
        return
    if candidate.location in ZOO:
        pull(candidate.location, accept_licence=accept_licence, progress=progress)
    read_header(gguf_path(candidate), skip_arrays=True)  # a damaged file is told before anything is asked


def licence_of(candidate: Candidate) -> str:
    """The licence of a bundled model; empty for the user's own."""
    return ZOO[candidate.location].licence if candidate.location in ZOO else ""


def _from_hub(candidate: Candidate) -> Path:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError:
        raise MissingExtra(
            "A hub id needs the package huggingface_hub.", hint='pip install "weakspot[hub]", or name a local file.'
        ) from None
    repository = candidate.location.removeprefix("hf:")
    try:
        return Path(hf_hub_download(repository, candidate.model))
    except (HfHubHTTPError, OSError) as error:
        raise FetchFailed(
            f"{candidate.model} of {repository} could not be fetched from the hub: {type(error).__name__}.",
            hint="Check the name and the network; a gated model needs HF_TOKEN in the environment.",
        ) from error
