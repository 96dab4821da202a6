"""A model opened to be looked into, rather than asked: the loaded weights and the ids of a prompt."""

from dataclasses import dataclass
from typing import Any

from weakspot.errors import ContextExceeded, RequestRejected, UsageError
from weakspot.models.template import Template, choose, with_system
from weakspot.models.transformers import DTYPES
from weakspot.models.transformers_load import Loaded, cores, engine_failure, find, libraries, load
from weakspot.records import Candidate, Message


@dataclass(frozen=True)
class Opened:
    """A loaded model, torch, the chat template that its candidate has, and the name of its data type."""

    torch: Any
    loaded: Loaded
    template: Template
    dtype: str
    system: str | None

    def chat_text(self, prompt: str) -> str:
        """The prompt as one user message, as the model gets it in a comparison."""
        said = with_system((Message("user", prompt),), self.system)
        return self.template.render(said, self.loaded.text.special)

    def checked(self, ids: list[int] | tuple[int, ...], more: int = 1) -> tuple[int, ...]:
        """Ids that the model can read.

        Raises:
            ContextExceeded: with `more` ids beside them they are longer than the context.
            RequestRejected: an id has no embedding, or there is none.
        """
        if not ids:
            raise RequestRejected("Nothing is left of the prompt as tokens.", hint="An empty prompt can't be read.")
        if self.loaded.limit is not None and len(ids) + more > self.loaded.limit:
            raise ContextExceeded(
                f"Prompt and answer have {len(ids) + more} tokens, and the model reads {self.loaded.limit}.",
                hint="Shorten the prompt; an answer that is not given counts as one token.",
            )
        if max(ids) >= self.loaded.vocabulary or min(ids) < 0:
            raise RequestRejected(
                f"There is an id {max(ids)}, and the model knows {self.loaded.vocabulary}.",
                hint="The tokenizer and the weights may belong to two models.",
            )
        return tuple(ids)

    def words(self, ids: Any) -> list[str]:
        """What each id stands for, as text; bytes that are no whole letter come out as U+FFFD."""
        return [piece.decode("utf-8", "replace") for piece in self.loaded.text.pieces(list(ids))]

    def joined(self, ids: Any) -> str:
        """What ids stand for together: a letter whose bytes are several tokens is whole."""
        return b"".join(self.loaded.text.pieces(list(ids))).decode("utf-8", "replace")

    def answer(self, prompt: tuple[int, ...], text: str, answer: str) -> list[int]:
        """The ids of an answer behind a prompt; an encoder-decoder's stands alone.

        Some tokenizers put a space in front of every text, so that an answer alone is cut otherwise than behind the
        prompt: where the prompt's ids stay what they were, it is cut together with the prompt.
        """
        alone = self.loaded.text.harness_ids(answer, special=False)
        if self.loaded.encoder or not answer:
            return alone
        whole = self.loaded.text.ids(text + answer)
        return whole[len(prompt) :] if tuple(whole[: len(prompt)]) == prompt else alone

    def start(self) -> tuple[int, ...]:
        """What an encoder-decoder's decoder begins with; empty for a decoder."""
        if not self.loaded.encoder:
            return ()
        own = self.loaded.model.generation_config
        forced = own.forced_bos_token_id
        return (int(own.decoder_start_token_id), *((int(forced),) if isinstance(forced, int) else ()))

    def failed(self, error: Exception) -> Exception:
        """An error of the library's in our words."""
        return engine_failure(error)


def open_inside(candidate: Candidate) -> Opened:
    """Load a candidate to look into: in float32 unless `?dtype=` says otherwise, so that small effects are no rounding.

    Raises:
        MissingExtra: torch or transformers is not installed.
        UsageError, UnknownModel, CorruptFile, FetchFailed: what is wrong with the reference or the files.
    """
    torch, _ = libraries()
    options = candidate.options
    threads = int(options.get("threads", cores()))
    dtype = str(options.get("dtype", "float32"))
    if dtype not in DTYPES:
        raise UsageError(f"There is no dtype {dtype!r}.", hint=f"Known: {', '.join(DTYPES)}.")
    if threads < 1:
        raise UsageError(f"The option threads={threads} has to be at least 1.")
    torch.set_num_threads(threads)
    source = find(candidate)
    loaded = load(source, DTYPES[dtype], "cuda:0" if torch.cuda.is_available() else "cpu")
    template = choose(options.get("template"), source.chat_template)
    return Opened(torch, loaded, template, DTYPES[dtype], options.get("system"))
