"""`weakspot.look`: inside one model on one prompt."""

from pathlib import Path

import msgspec

from weakspot.artifacts.locate import make_ready
from weakspot.artifacts.reference import parse
from weakspot.contracts import Sink
from weakspot.errors import NotARun, UsageError, WeakspotError
from weakspot.inside.looking import Experiments, Looking, Texts, Wanted
from weakspot.models.transformers_open import Opened, open_inside
from weakspot.records import Candidate, Reply, Response, Summary, from_json
from weakspot.records.look import Look, LookAnswer
from weakspot.rendering.look import look_fragment
from weakspot.rendering.look_page import look_html
from weakspot.runs.silent import Silent
from weakspot.store.run import RunStore

NONE_ASKED = Experiments()
_UNSEEN = LookAnswer((), "", 0.0, 0, given=False)


class LookResult:
    """What was seen.

    Attributes:
        look: the record (`weakspot.records.look.Look`); its `maps` hold the pictures of the attention.
    """

    def __init__(self, look: Look) -> None:
        self.look = look

    def __repr__(self) -> str:
        return f"LookResult({self.look.model!r}, {len(self.look.tokens)} tokens, answer {self.look.answer.text!r})"

    def _repr_html_(self) -> str:
        """For notebooks."""
        return look_fragment(self.look)

    def html(self) -> str:
        """The interactive page: one file that loads nothing; its one script draws what stands in it."""
        return look_html(self.look)


def look(
    model: str,
    prompt: str | None = None,
    *,
    item: tuple[str | Path, str] | None = None,
    answer: str | None = None,
    chat: bool = False,
    experiments: Experiments = NONE_ASKED,
    accept_licence: bool = False,
    sink: Sink | None = None,
) -> LookResult:
    """Look inside a model while it reads one prompt: attention, layers, tokens, and what taking a part out does.

    The model is run by transformers in float32 (`?dtype=` changes it), whatever its file; it needs the extra [torch].

    Args:
        model: a model reference: a bundled name, a GGUF file, or a Hugging Face folder.
        prompt: the text, raw: as the tokenizer reads it, with no chat template.
        item: a run folder and the id of one of its probes, in place of a prompt; `model` is then the candidate's name
            or reference in the run.
        answer: the text that effects are measured on (the sum of its tokens' log-probabilities, in nats); by default
            the model's own likeliest next token, for an encoder-decoder its greedy answer up to 24 tokens.
        chat: put the prompt as a user message through the model's chat template.
        experiments: heads to take out, a second prompt to patch from, and whether induction is measured.
        accept_licence: accept the terms of a bundled model that has terms of its own.
        sink: told of progress.

    Raises:
        MissingExtra: torch or transformers is not installed.
        UsageError: what is asked makes no sense, or the model has no such head.
        UnknownModel, CorruptFile: a reference or a file that can't be read; NotARun: there is no such item.
        ContextExceeded, RequestRejected: a text that the model can't read.
    """
    told = sink or Silent()
    if (prompt is None) == (item is None):
        raise UsageError("Give either a prompt or a run's item.", hint='weakspot look smollm2 "The capital of France"')
    reply, candidate = _recorded(item, model) if item is not None else (None, parse(model))
    make_ready(candidate, accept_licence=accept_licence, progress=told.fetching)
    told.note(f"loading {candidate.name} in {candidate.options.get('dtype', 'float32')}")
    opened = open_inside(candidate)
    text, ids = _read(opened, prompt, reply, chat=chat)
    second = experiments.patch
    wanted = Wanted(
        ids=ids,
        start=opened.start(),
        answer=_answer(opened, answer, text, ids),
        experiments=experiments,
        other=None if second is None else (second, _read(opened, second, None, chat=chat)[1]),
        ordinary=opened.loaded.text.ordinary_ids(opened.loaded.vocabulary),
        begin=opened.loaded.text.begin(),
        ends=opened.loaded.ends,
        limit=opened.loaded.limit,
    )
    blank = Look(
        model=candidate.name,
        reference=candidate.reference,
        architecture=type(opened.loaded.model).__name__,
        layers={},
        dtype=opened.dtype,
        prompt=text,
        tokens=(),
        answer=_UNSEEN,
    )
    return LookResult(_looked(opened, wanted, blank, told))


def _looked(opened: Opened, wanted: Wanted, blank: Look, told: Sink) -> Look:
    loaded = opened.loaded
    words = Texts(opened.words, opened.joined)
    looking = Looking(opened.torch, loaded.model, words, encoder=loaded.encoder, told=told.note)
    try:
        return looking.look(wanted, blank)
    except WeakspotError:
        raise
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:  # what the library raises out of a pass
        raise opened.failed(error) from error


def _read(opened: Opened, prompt: str | None, reply: Reply | None, *, chat: bool) -> tuple[str, tuple[int, ...]]:
    """The prompt's text and ids."""
    if reply is not None and reply.prompt_ids is not None:
        ids = reply.prompt_ids
        return reply.prompt_text or opened.joined(ids), opened.checked(ids)
    text = opened.chat_text(prompt or "") if chat else prompt or ""
    return text, opened.checked(opened.loaded.text.ids(text))


def _answer(opened: Opened, answer: str | None, text: str, prompt: tuple[int, ...]) -> tuple[int, ...]:
    """The ids of an answer, which stands behind the prompt."""
    if answer is None:
        return ()
    ids = tuple(opened.answer(prompt, text, answer))
    if not ids:
        raise UsageError(
            "The answer has no tokens." if not answer else "The tokenizer has no tokens for this answer.",
            hint="Like --answer ' Paris': most answers begin with a space.",
        )
    opened.checked(ids, 1 if opened.loaded.encoder else len(prompt))
    return ids


def _recorded(item: tuple[str | Path, str], model: str) -> tuple[Reply, Candidate]:
    """The final reply of a candidate to a probe, and the candidate.

    Raises:
        NotARun: the run has no such candidate, or no reply of it to this probe that tells its ids.
    """
    folder, probe = Path(item[0]).expanduser(), item[1]
    with RunStore.open(folder) as store:
        raw = store.meta("summary")
        if raw is None:
            raise NotARun(f"The run in {folder} was stopped before its end.", hint=f"Go on: weakspot resume {folder}")
        models = from_json(raw, Summary).models
        names = [name for name, one in models.items() if model in (name, one.candidate.reference)]
        if not names:
            raise NotARun(f"The run has no candidate {model!r}.", hint=f"It has: {', '.join(models)}.")
        for line in store.responses(names[0]):
            response = from_json(line, Response)
            if response.probe == probe:
                return _with_ids(response), _fit(models[names[0]].candidate)
    raise NotARun(f"The run has no reply of {names[0]} to a probe {probe!r}.", hint="The report lists all items.")


def _fit(candidate: Candidate) -> Candidate:
    """The candidate without what only its own backend knows."""
    kept = {key: value for key, value in candidate.options.items() if key in ("template", "system", "dtype", "threads")}
    return msgspec.structs.replace(candidate, options=kept)


def _with_ids(response: Response) -> Reply:
    if response.final is None or response.final.prompt_ids is None:
        raise NotARun(
            f"The reply to {response.probe!r} tells no prompt ids.", hint="Only local models tell what they were fed."
        )
    return response.final
