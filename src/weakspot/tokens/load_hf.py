"""Opens a `tokenizer.json`: BPE, byte-level BPE, Unigram, WordPiece, WordLevel.

What a file bakes in that would change a measurement - padding, truncation, dropout - is undone, and told.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from weakspot.errors import CorruptFile, UnknownTokenizer
from weakspot.records import TokenKind
from weakspot.tokens.engine_hf import TokenizersEngine
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.parts import BPE, FastSource, ModelData, Unigram, WordLevel, WordPiece
from weakspot.tokens.pipeline_words import pipeline_words
from weakspot.tokens.segmenting import AddedToken
from weakspot.tokens.vocabulary import (
    BYTE_TOKEN,
    ToBytes,
    Token,
    Vocabulary,
    bytelevel_bytes,
    metaspace_bytes,
    plain_bytes,
    wordpiece_bytes,
)

MOST_BYTES = 512 << 20
MOST_IDS = 1 << 24  # the library makes room for the largest id at once, and takes the process with it when it can't
UNUSED = re.compile(r"\[unused\d+\]|<unused\d+>|<\|reserved_special_token_\d+\|>|<\|reserved_\d+\|>")


def load_tokenizer_json(path: Path, name: str) -> Tokenizer:
    """A tokenizer out of a `tokenizer.json`.

    Raises:
        CorruptFile: it is damaged, or contradicts itself.
        UnknownTokenizer: it is JSON, but no tokenizer.
    """
    if path.stat().st_size > MOST_BYTES:
        raise UnknownTokenizer(f"{path.name} has more than {MOST_BYTES >> 20} MiB: that is no tokenizer.json.")
    return from_json(path.read_bytes(), name, path=path)


def from_json(
    text: str | bytes,
    name: str,
    *,
    format: str = "tokenizer.json",  # noqa: A002 - the field's word for it
    remarks: Sequence[str] = (),
    path: Path | None = None,
    vocabulary: Vocabulary | None = None,
) -> Tokenizer:
    """A tokenizer out of the text of a `tokenizer.json`.

    Args:
        text: the file's contents.
        name: as the user named it.
        format: the kind of file it came from, where the JSON was made of something else.
        remarks: what the caller has to say about the file.
        path: where it lies, if it does.
        vocabulary: kinds as another file states them, in place of those that the JSON gives.

    Raises:
        CorruptFile, UnknownTokenizer.
    """
    raw = text.encode() if isinstance(text, str) else text
    data = _decoded(raw, name)
    said = [*remarks, *_undone(data)]
    if data["model"].get("dropout"):
        data["model"]["dropout"] = None
        raw, path = msgspec.json.encode(data), None
    added = _added_tokens(data, name)
    model = _model_data(data, name)
    own = vocabulary or _vocabulary(data, model, added)
    if own.missing:
        said.append(_missing(own.missing))
    if (lacking := _lacks_unknown(data, model)) is not None:
        said.append(f"The unknown token {lacking!r} is no token of the model: a text that needs it can't be encoded.")
    source = FastSource(path=path) if path is not None else FastSource(json=raw.decode())
    engine = TokenizersEngine(_opened(raw, name), added, source)
    return Tokenizer(
        name=name,
        format=format,
        engine=engine,
        vocabulary=own,
        model=model,
        pipeline=pipeline_words(data),
        remarks=said,
    )


def _decoded(raw: bytes, name: str) -> dict[str, Any]:
    try:
        data = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CorruptFile(f"{name} is no whole JSON: {error}.", hint="Fetch the file again.") from None
    if not isinstance(data, dict) or not isinstance(data.get("model"), dict) or "vocab" not in data["model"]:
        raise UnknownTokenizer(
            f"{name} is JSON, but no tokenizer.json: it has no model with a vocabulary.",
            hint="A tokenizer.json is what the tokenizers library saves; vocab.json alone says too little.",
        )
    return data


def _undone(data: dict[str, Any]) -> list[str]:
    said = []
    if (cut := data.get("truncation")) is not None:
        longest = cut.get("max_length") if isinstance(cut, dict) else "?"
        said.append(f"The file cuts every text to {longest} ids without a word; that was undone.")
    if data.get("padding") is not None:
        said.append("The file pads every text; that was undone.")
    if data["model"].get("dropout"):
        said.append(f"The file drops merges at random (dropout {data['model']['dropout']}); that was undone.")
    return said


def _opened(raw: bytes, name: str) -> Any:
    from tokenizers import Tokenizer as Library

    try:
        return Library.from_buffer(raw)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - the Rust library panics with a BaseException of its own
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise CorruptFile(
            f"{name} can't be opened by the tokenizers library: {reason}.",
            hint="The file may be damaged, or newer than the installed tokenizers.",
        ) from None


def _added_tokens(data: dict[str, Any], name: str) -> list[AddedToken]:
    fields = ("special", "normalized", "single_word", "lstrip", "rstrip")
    found = []
    try:
        for entry in data.get("added_tokens") or ():
            flags = {field: bool(entry.get(field, False)) for field in fields}
            found.append(AddedToken(int(entry["id"]), str(entry["content"]), **flags))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CorruptFile(f"{name} has an added token without id and content.") from None
    if not all(0 <= token.id < MOST_IDS for token in found):
        raise CorruptFile(f"{name} has an added token with an id outside 0 to {MOST_IDS:,}.")
    return found


def _model_data(data: dict[str, Any], name: str) -> ModelData:
    model = data["model"]
    kind = model.get("type") or _guessed_type(model)
    try:
        if kind == "Unigram":
            return _unigram(model)
        vocab = {str(token): int(number) for token, number in model["vocab"].items()}
        if not all(0 <= number < MOST_IDS for number in vocab.values()):
            raise CorruptFile(f"{name} has an id outside 0 to {MOST_IDS:,}.", hint="The file may be damaged.")
        if len(set(vocab.values())) < len(vocab):
            raise CorruptFile(f"{name} gives one id to two tokens: {_shared(vocab)}.", hint="Ask who made the file.")
        if kind == "BPE":
            return _bpe(model, vocab, bytelevel=_has(data, "ByteLevel"))
        unknown = vocab.get(str(model.get("unk_token")))
        if kind == "WordLevel":
            return WordLevel(vocab, unknown)
        if kind == "WordPiece":
            if unknown is None:
                raise CorruptFile(f"{name} lacks its own unknown token {model.get('unk_token')!r}.")
            prefix = str(model.get("continuing_subword_prefix", "##"))
            return WordPiece(vocab, unknown, prefix, int(model.get("max_input_chars_per_word", 100)))
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise CorruptFile(f"{name} has a damaged {kind} model: {type(error).__name__}: {error}.") from None
    raise UnknownTokenizer(f"{name} has a model of the kind {kind!r}.", hint="BPE, Unigram, WordPiece and WordLevel.")


def _guessed_type(model: Mapping[str, Any]) -> str:
    """Old files leave the type out."""
    if "merges" in model:
        return "BPE"
    return "Unigram" if isinstance(model.get("vocab"), list) else "WordPiece"


def _bpe(model: Mapping[str, Any], vocab: dict[str, int], *, bytelevel: bool) -> BPE:
    merges: dict[tuple[str, str], int] = {}
    for rank, merge in enumerate(model.get("merges") or ()):
        left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
        merges[(left, right)] = rank  # of a pair that stands twice the library keeps the last
    return BPE(
        vocab=vocab,
        merges=merges,
        alphabet="byte-letters" if bytelevel else "characters",
        byte_fallback=bool(model.get("byte_fallback")),
        ignore_merges=bool(model.get("ignore_merges")),
        unknown=vocab.get(str(model["unk_token"])) if model.get("unk_token") is not None else None,
        fuse_unknown=bool(model.get("fuse_unk")),
        prefix=str(model.get("continuing_subword_prefix") or ""),
        suffix=str(model.get("end_of_word_suffix") or ""),
    )


def _unigram(model: Mapping[str, Any]) -> Unigram:
    vocab: dict[str, tuple[int, float]] = {}
    for number, (token, score) in enumerate(model["vocab"]):
        vocab[str(token)] = (number, float(score))  # of a token that stands twice the library keeps the last
    unknown = model.get("unk_id")
    return Unigram(vocab, None if unknown is None else int(unknown), byte_fallback=bool(model.get("byte_fallback")))


def _lacks_unknown(data: dict[str, Any], model: ModelData) -> str | None:
    """The unknown token that the file names and does not have; the library fails at the first text that needs it."""
    named = data["model"].get("unk_token")
    if named is None or model.unknown is not None or not isinstance(model, BPE | WordLevel):
        return None
    return None if isinstance(model, BPE) and model.alphabet == "byte-letters" else str(named)


def _shared(vocab: Mapping[str, int]) -> str:
    seen: dict[int, str] = {}
    for token, number in vocab.items():
        if number in seen:
            return f"{seen[number]!r} and {token!r} are both {number}"
        seen[number] = token
    return ""


def _missing(ids: Sequence[int]) -> str:
    some = ", ".join(map(str, ids[:3])) + (", …" if len(ids) > 3 else "")
    return f"{len(ids)} of the ids have no token ({some}); a model may still give them."


def _vocabulary(data: dict[str, Any], model: ModelData, added: Sequence[AddedToken]) -> Vocabulary:
    to_bytes = _byte_scheme(data, model)
    fallback = isinstance(model, BPE | Unigram) and model.byte_fallback
    tokens: dict[int, Token] = {}
    for text, number, score in _entries(data["model"], model):
        kind: TokenKind = "normal"
        if number == model.unknown:
            kind = "unknown"
        elif fallback and BYTE_TOKEN.fullmatch(text):
            kind = "byte"
        elif UNUSED.fullmatch(text):
            kind = "unused"
        tokens[number] = Token(number, text, to_bytes(text), kind, score=score)
    for token in added:
        own: TokenKind = "control" if token.special else "added"
        if UNUSED.fullmatch(token.content):
            own = "unused"
        elif token.id == model.unknown:
            own = "unknown"
        # Gemma flags runs of U+2581 that are the model's own tokens as added: they stand for what the model's do.
        twin = tokens.get(token.id)
        held = twin.data if twin is not None and twin.text == token.content else plain_bytes(token.content)
        tokens[token.id] = Token(token.id, token.content, held, own, token.special)
    return Vocabulary(list(tokens.values()))


def _entries(raw: Mapping[str, Any], model: ModelData) -> Iterator[tuple[str, int, float | None]]:
    """Token, id, score; a Unigram token that stands twice has both ids."""
    if isinstance(model, Unigram):
        for number, (text, score) in enumerate(raw["vocab"]):
            yield str(text), number, float(score)
    else:
        for text, number in model.vocab.items():
            yield text, number, None


def _byte_scheme(data: dict[str, Any], model: ModelData) -> ToBytes:
    if isinstance(model, WordPiece):
        return lambda text: wordpiece_bytes(text, model.prefix)
    if _has(data, "ByteLevel"):
        return bytelevel_bytes
    if isinstance(model, BPE) and model.suffix:
        return lambda text: plain_bytes(text.removesuffix(model.suffix) + (" " if text.endswith(model.suffix) else ""))
    if _has(data, "Metaspace") or "\u2581" in str((data.get("normalizer"), data.get("decoder"))):
        fallback = isinstance(model, BPE | Unigram) and model.byte_fallback
        return metaspace_bytes if fallback else lambda text: plain_bytes(text.replace("\u2581", " "))
    return plain_bytes


def _has(data: Mapping[str, Any], kind: str) -> bool:
    """Whether a step of this kind stands anywhere in the pipeline."""
    stages = [data.get(stage) for stage in ("normalizer", "pre_tokenizer", "decoder")]
    while stages:
        step = stages.pop()
        if isinstance(step, dict):
            if step.get("type") == kind:
                return True
            for field in ("normalizers", "pretokenizers", "decoders"):
                stages.extend(step.get(field) or ())
    return False
