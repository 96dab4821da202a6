"""`weakspot.tokens.injection`: what plain user text can turn into a control id, and what a chat template does then."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from weakspot.artifacts.fetch import Progress, silent
from weakspot.artifacts.gguf import read_header
from weakspot.artifacts.hfconfig import read_chat_template
from weakspot.artifacts.locate import gguf_path
from weakspot.artifacts.reference import parse
from weakspot.errors import CorruptFile, UnknownModel
from weakspot.findings.forging import chat_report
from weakspot.findings.smuggling import Smuggling, beside, find_spellings, marks, reserved
from weakspot.models.template import Template, choose
from weakspot.records import Message
from weakspot.records.injection import ChatReport, InjectionReport
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.loading import load_tokenizer

PROTECTION: Final = {
    "tokenizer.json": (
        "By default tokenizers turns text that spells an added token into its id. Its own protection, "
        "encode_special_tokens (split_special_tokens in transformers), covers only tokens that are flagged special and "
        "stops the matching alone: what the model's own pieces join to comes in."
    ),
    "gguf": (
        "llama.cpp turns text that spells a control token into its id where parse_special is on, as its server has it "
        "for prompts. Its own protection, parse_special off, lets user-defined tokens in all the same."
    ),
    "sentencepiece": (
        "sentencepiece always reads control symbols as text, and always turns user-defined symbols into their ids: "
        "there is no switch. The same vocabulary as a tokenizer.json makes its control symbols one id each."
    ),
    "tiktoken": (
        "tiktoken's encode refuses text that spells a special token unless it is told what to do; encode_ordinary and "
        "disallowed_special=() read it as text, which is the default here; allowed_special='all' turns it into ids."
    ),
    "tekken": "mistral-common never reads special tokens out of text: its own code puts their ids in.",
}
"""The default and the own protection of each format's library."""


class _Chat(NamedTuple):
    """A chat template and the texts of bos_token and eos_token that it may ask for."""

    template: Template
    special: dict[str, str]


def injection(
    reference: str | Tokenizer,
    *,
    against: Sequence[str | Tokenizer] = (),
    template: bool = True,
    accept_licence: bool = False,
    progress: Progress = silent,
) -> InjectionReport:
    """Every string that plain text can turn into a control id: by default, and past the library's own protection.

    Each token that steers the model is tried by its own text and by other spellings (case, full width, Unicode forms,
    invisible characters inside), alone, between words and inside a word. Where the reference is a model's, its chat
    template renders a conversation whose user writes these strings.

    Args:
        reference: a tokenizer or a model: a path, a folder, a bundled name, a GGUF file, `hf:org/name`; or a tokenizer
            that was loaded before.
        against: tokenizers to hold beside it: markers that only one of the two lets in are listed.
        template: whether to look at the chat template that the reference comes with.
        accept_licence: accept a bundled file's own terms.
        progress: where a download's progress goes.

    Raises:
        UnknownTokenizer, CorruptFile, UsageError, and what loading raises.
    """

    def opened(one: str | Tokenizer) -> Tokenizer:
        if isinstance(one, Tokenizer):
            return one
        return load_tokenizer(one, accept_licence=accept_licence, progress=progress)

    tokenizer = opened(reference)
    others = [opened(one) for one in against]
    found = find_spellings(tokenizer)
    tokens = [token for token in tokenizer.vocabulary if marks(token)]
    chat, notes = None, list(tokenizer.remarks)
    if template and isinstance(reference, str):
        chat, said = _chat(reference, tokenizer, found)
        notes += said
    return InjectionReport(
        tokenizer=tokenizer.name,
        fingerprint=tokenizer.fingerprint,
        format=tokenizer.format,
        library=f"{tokenizer.engine.library} {tokenizer.engine.version}",
        parses_special=tokenizer.engine.parses_special,
        protection=PROTECTION.get(tokenizer.format, ""),
        steering=len(tokens),
        reserved=sum(map(reserved, tokens)),
        plain_added=sum(token.kind == "added" and not marks(token) for token in tokenizer.vocabulary),
        counts=_counts(found),
        spellings=tuple(found.spellings),
        unreached=tuple(found.unreached),
        twins=tuple(beside(tokenizer, other) for other in others),
        chat=chat,
        notes=tuple(notes),
    )


def _counts(found: Smuggling) -> dict[str, int]:
    own = [one for one in found.spellings if not one.variant]
    used = [one for one in own if not one.reserved]
    free = [one for one in own if one.reserved]
    return {
        "default": sum(one.default for one in used),
        "protected": sum(one.protected for one in used),
        "asked": sum(one.asked for one in used),
        "folded": len(found.spellings) - len(own),
        "unreached": len(found.unreached),
        "reserved_default": sum(one.default for one in free),
        "reserved_protected": sum(one.protected for one in free),
    }


def _chat(reference: str, tokenizer: Tokenizer, found: Smuggling) -> tuple[ChatReport | None, list[str]]:
    """What the template does, and what to say where there is none."""
    if (chat := _template(reference.strip(), tokenizer)) is None:
        return None, ["No chat template lies with it."]

    def render(messages: Sequence[Message]) -> str:
        return chat.template.render(messages, chat.special)

    report = chat_report(tokenizer, render, found.spellings, template=chat.template.name, sha256=chat.template.sha256)
    if report is None:
        return None, ["The chat template does not render a lone user message whole, so it was not looked into."]
    return report, []


def _template(reference: str, tokenizer: Tokenizer) -> _Chat | None:
    """The template that a backend would use for this reference; None for a tokenizer without a model's files."""
    folder = Path(reference.partition("?")[0]).expanduser()
    try:
        candidate = parse(reference)
    except UnknownModel:  # a bundled tokenizer, or a folder that holds a tokenizer alone
        return _beside(folder, None) if folder.is_dir() else None
    named = candidate.options.get("template")
    if candidate.kind == "hf":
        return None if candidate.location.startswith("hf:") else _beside(Path(candidate.location), named)
    if tokenizer.format != "gguf":
        return None if named is None else _Chat(choose(str(named), None), {"bos_token": "", "eos_token": ""})
    return _in_gguf(gguf_path(candidate), named, tokenizer)


def _beside(folder: Path, named: Any) -> _Chat | None:
    try:
        source, special = read_chat_template(folder)
    except OSError as error:
        raise CorruptFile(f"{folder.name!r} cannot be read: {error.strerror}.", hint="Check permissions.") from error
    if named is not None:
        return _Chat(choose(str(named), source), special)
    return None if source is None else _Chat(Template("tokenizer_config.json", source), special)


def _in_gguf(path: Path, named: Any, tokenizer: Tokenizer) -> _Chat | None:
    """A vocabulary without weights and without a template has none; a base model gets the plain one of its backend."""
    header = read_header(path, skip_arrays=True)
    source = header.metadata.get("tokenizer.chat_template")
    source = source if isinstance(source, str) and source else None
    if source is None and named is None and not header.tensors:
        return None
    special = {}
    for name in ("bos", "eos"):
        token = header.metadata.get(f"tokenizer.ggml.{name}_token_id")
        special[f"{name}_token"] = tokenizer.vocabulary[token].text if isinstance(token, int) else ""
    return _Chat(choose(None if named is None else str(named), source), special)
