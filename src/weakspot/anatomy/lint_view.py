"""What the linter looks at, in one form for GGUF and Hugging Face folders. Nothing is judged here.

The vocabulary is read as data (texts to ids), not by a tokenizer library: only ids and texts of tokens are asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from weakspot.anatomy.card import Anatomy
from weakspot.anatomy.from_hf import text_config
from weakspot.artifacts.gguf import GGUFHeader, read_header
from weakspot.artifacts.hfconfig import optional_json, read_tokenizer_json
from weakspot.errors import WeakspotError

Render = Callable[[str, Sequence[Mapping[str, str]], Mapping[str, str]], str]
"""(template, messages, special tokens) -> prompt, in a sandbox; raises WeakspotError on what the template refuses."""
ASKED, ANSWERED, AGAIN, RULES = "ws-asked", "ws-answered", "ws-again", "ws-rules"
"""Texts of the conversation that templates are tried with; no template has a reason to change them."""
TALK: Final = (
    {"role": "user", "content": ASKED},
    {"role": "assistant", "content": ANSWERED},
    {"role": "user", "content": AGAIN},
)
_HEADS: Final = ("lm_head.weight", "embed_out.weight", "output.weight", "output_layer.weight", "head.weight")
_EMBEDDINGS: Final = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight", "shared.weight")


@dataclass(frozen=True, slots=True)
class LintView:
    """A model's files as the rules see them; what the files do not say is None or empty.

    `tokens` maps texts to ids; `rows` are those of the embedding, `head_rows` of an output matrix that is stored;
    `add_bos` is what is stated, `stops` all ids that end a reply. `opened` is one rendered question, `talk` a rendered
    conversation, `refused` why the template gave none, `system` what becomes of a system prompt.
    """

    anatomy: Anatomy
    tokens: Mapping[str, int] = field(default_factory=dict)
    token_count: int | None = None
    rows: int | None = None
    head_rows: int | None = None
    has_head: bool | None = None
    bos: int | None = None
    add_bos: bool | None = None
    stops: frozenset[int] = frozenset()
    special: Mapping[str, int] = field(default_factory=dict)
    special_texts: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    generation: Mapping[str, Any] = field(default_factory=dict)
    tokenizer_config: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    opened: str | None = None
    talk: str | None = None
    refused: str | None = None
    system: str | None = None
    context: int | None = None

    @property
    def chats(self) -> bool:
        """Whether there is a chat template."""
        return self.anatomy.template is not None

    def text_of(self, token: int | None) -> str | None:
        """The text of an id."""
        return next((text for text, number in self.tokens.items() if number == token), None)


def view_of(anatomy: Anatomy, path: Path | None, render: Render, context: int | None = None) -> LintView:
    """The view of a model whose files lie at `path` (None: a configuration alone); `context` is what was asked for."""
    if anatomy.header is not None and path is not None:
        return _from_gguf(anatomy, path, render, context)
    return _from_folder(anatomy, path, render, context)


def _from_gguf(anatomy: Anatomy, path: Path, render: Render, context: int | None) -> LintView:
    header = read_header(path)  # with its arrays: the tokens themselves
    meta = header.metadata
    listed = meta.get("tokenizer.ggml.tokens")
    texts = listed if isinstance(listed, list) else []
    ids = {
        name: value
        for name in ("bos", "eos", "eot", "eom", "unknown", "padding", "seperator", "separator")
        if type(value := meta.get(f"tokenizer.ggml.{name}_token_id")) is int
    }
    special = {f"{name}_token": _at(texts, ids.get(name)) for name in ("bos", "eos")}
    opened, talk, refused = _rendered(anatomy.template, special, render)
    head = _rows(header, "output.weight")
    return LintView(
        anatomy=anatomy,
        tokens={text: number for number, text in enumerate(texts) if isinstance(text, str)},
        token_count=len(texts) or None,
        rows=_rows(header, "token_embd.weight"),
        head_rows=head,
        has_head=head is not None,
        bos=ids.get("bos"),
        add_bos=_flag(meta.get("tokenizer.ggml.add_bos_token")),
        stops=frozenset(ids[name] for name in ("eos", "eot", "eom") if name in ids),
        special=ids,
        special_texts=special,
        metadata=meta,
        opened=opened,
        talk=talk,
        refused=refused,
        system=_system(anatomy.template, special, render),
        context=context,
    )


def _from_folder(anatomy: Anatomy, path: Path | None, render: Render, context: int | None) -> LintView:
    folder = path if path is not None and path.is_dir() else None
    config = text_config(anatomy.folder.config) if anatomy.folder is not None else {}
    settings = optional_json(folder / "tokenizer_config.json") if folder else {}
    generation = optional_json(folder / "generation_config.json") if folder else {}
    tokens = _tokens(read_tokenizer_json(folder)) if folder else {}
    texts = {name: _text(settings.get(name)) for name in ("bos_token", "eos_token", "pad_token", "unk_token")}
    given = {name: text for name, text in texts.items() if text}
    opened, talk, refused = _rendered(anatomy.template, {"bos_token": "", "eos_token": "", **given}, render)
    special = {name.removesuffix("_token"): tokens[text] for name, text in given.items() if text in tokens}
    said = {name: value for name in ("bos", "eos", "pad") for value in _ids(config.get(f"{name}_token_id"))[:1]}
    stops = {*_ids(config.get("eos_token_id")), *_ids(generation.get("eos_token_id"))}
    if "eos" in special:
        stops.add(special["eos"])
    stored = anatomy.tensors if anatomy.folder is None else anatomy.folder.tensors
    shapes = {tensor.name: tensor.shape for tensor in stored or ()}
    head = next((shape[0] for name, shape in shapes.items() if name.endswith(_HEADS) and shape), None)
    rows = next((shape[0] for name, shape in shapes.items() if name.endswith(_EMBEDDINGS) and shape), None)
    return LintView(
        anatomy=anatomy,
        tokens=tokens,
        token_count=max(tokens.values(), default=-1) + 1 or None,
        rows=rows if rows is not None else anatomy.facts.vocabulary,
        head_rows=head,
        has_head=None if stored is None else head is not None,
        bos=special.get("bos", said.get("bos")),
        add_bos=_flag(settings.get("add_bos_token")),
        stops=frozenset(stops),
        special={**{f"config's {name}": value for name, value in said.items()}, **special},
        special_texts=given,
        config=config,
        generation=generation,
        tokenizer_config=settings,
        opened=opened,
        talk=talk,
        refused=refused,
        system=_system(anatomy.template, {"bos_token": "", "eos_token": "", **given}, render),
        context=context,
    )


def _system(template: str | None, special: Mapping[str, str], render: Render) -> str | None:
    """Whether a system prompt is kept, dropped or refused."""
    if template is None:
        return None
    try:
        text = render(template, ({"role": "system", "content": RULES}, *TALK[:1]), special)
    except WeakspotError:
        return "refuses a system prompt"
    return "keeps a system prompt" if RULES in text else "drops a system prompt without a word"


def _rendered(
    template: str | None, special: Mapping[str, str], render: Render
) -> tuple[str | None, str | None, str | None]:
    """One question, a conversation, and why there is none."""
    if template is None:
        return None, None, None
    try:
        opened = render(template, TALK[:1], special)
    except WeakspotError as error:
        return None, None, error.message
    try:
        return opened, render(template, TALK, special), None
    except WeakspotError:  # some templates know one turn alone
        return opened, None, None


def _tokens(data: Mapping[str, Any]) -> dict[str, int]:
    """Texts to ids out of a tokenizer.json: the model's vocabulary, then what was added to it."""
    model = data.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    tokens: dict[str, int] = {}
    if isinstance(vocabulary, dict):
        tokens = {text: number for text, number in vocabulary.items() if type(number) is int}
    elif isinstance(vocabulary, list):  # Unigram: pieces with scores
        pieces = [entry[0] if isinstance(entry, list) and entry else None for entry in vocabulary]
        tokens = {piece: at for at, piece in enumerate(pieces) if isinstance(piece, str)}
    added = data.get("added_tokens")
    for entry in added if isinstance(added, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("content"), str) and type(entry.get("id")) is int:
            tokens[entry["content"]] = entry["id"]
    return tokens


def _at(texts: Sequence[Any], token: int | None) -> str:
    found = texts[token] if token is not None and 0 <= token < len(texts) else ""
    return found if isinstance(found, str) else ""


def _rows(header: GGUFHeader, name: str) -> int | None:
    return next((t.shape[1] for t in header.tensors if t.name == name and len(t.shape) > 1), None)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: object) -> str:
    found = value.get("content") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def _ids(value: object) -> list[int]:
    listed = value if isinstance(value, list) else [value]
    return [item for item in listed if type(item) is int]
