"""Opens tiktoken's files of ranks (`*.tiktoken`, Llama 3's `tokenizer.model`) and Mistral's `tekken.json`.

The model data's `merges` are empty: the rank of a pair is the id of the token that it joins to.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from weakspot.artifacts.bytelevel import byte_letters
from weakspot.errors import CorruptFile, UnknownTokenizer
from weakspot.records import TokenKind
from weakspot.tokens.engine_tiktoken import TiktokenEngine
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.parts import BPE, Pipeline
from weakspot.tokens.tiktoken_encodings import RankEncoding, recognise
from weakspot.tokens.vocabulary import Token, Vocabulary, plain_bytes

MOST_BYTES = 512 << 20
MOST_IDS = 1 << 22
UNUSED = re.compile(r"<\|reserved_(special_token_)?\d+\|>|<\|extra_\d+\|>|<SPECIAL_\d+>")
LETTERS = {byte: letter for letter, byte in byte_letters().items()}
AGAIN = "Fetch the file again."
FIRST_TEKKEN = (
    *("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]"),
    *("[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]"),
    *("[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"),
)
"""The special tokens of a tekken.json that lists none, as mistral-common has them."""


class _Entry(msgspec.Struct):
    rank: int
    token_bytes: str
    token_str: str | None = None


class _Special(msgspec.Struct):
    rank: int
    token_str: str
    is_control: bool = True


class _Config(msgspec.Struct):
    pattern: str
    default_vocab_size: int
    default_num_special_tokens: int
    version: str = ""


class _Tekken(msgspec.Struct):
    config: _Config
    vocab: list[_Entry]
    special_tokens: list[_Special] | None = None


def load_tiktoken(path: Path, name: str) -> Tokenizer:
    """A tokenizer out of a file of ranks: a token in base64 and its rank on each line.

    Args:
        path: the file.
        name: as the user named it.

    Raises:
        CorruptFile: it is damaged, or contradicts itself.
        UnknownTokenizer: it is far too large to be one.
    """
    ranks = _ranks(_read(path), path.name)
    encoding, assumed = recognise(ranks, path.name)
    remarks = [said for said in (assumed, encoding.remark) if said]
    return _tokenizer(name, "tiktoken", encoding, ranks, remarks=remarks, where=path.name)


def load_tekken(path: Path, name: str) -> Tokenizer:
    """A tokenizer out of Mistral's `tekken.json`.

    Args:
        path: the file.
        name: as the user named it.

    Raises:
        CorruptFile: it is damaged, or contradicts itself.
        UnknownTokenizer: it is JSON, but no tekken.json.
    """
    where = path.name
    try:
        data = msgspec.json.decode(_read(path), type=_Tekken)
    except msgspec.ValidationError as error:
        raise UnknownTokenizer(f"{where} is JSON, but no tekken.json: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CorruptFile(f"{where} is no whole JSON: {error}.", hint=AGAIN) from None
    shift, size = data.config.default_num_special_tokens, data.config.default_vocab_size
    if not 0 <= shift < size <= min(MOST_IDS, shift + len(data.vocab)):
        raise CorruptFile(
            f"{where} contradicts itself: of {size} ids {shift} are special, and it lists {len(data.vocab)} tokens."
        )
    special, unused = _tekken_special(data, where)
    ranks = _tekken_ranks(data.vocab[: size - shift], shift, where)
    encoding = RankEncoding("tekken", data.config.pattern, special, bos=special.get("<s>"))
    left_out = len(data.vocab) - len(ranks)
    remarks = [f"The file lists {left_out:,} tokens more than its own size takes in."] if left_out else []
    if unused:
        remarks.append(f"{unused:,} of the special ids have no name in the file; they are called <SPECIAL_n>.")
    return _tokenizer(name, "tekken", encoding, ranks, remarks=remarks, where=where)


def _read(path: Path) -> bytes:
    if path.stat().st_size > MOST_BYTES:
        raise UnknownTokenizer(f"{path.name} has more than {MOST_BYTES >> 20} MiB: that is no tokenizer.")
    return path.read_bytes()


def _ranks(data: bytes, where: str) -> dict[bytes, int]:
    ranks: dict[bytes, int] = {}
    seen: dict[int, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        token = _base64(words[0])
        if len(words) != 2 or not token or not words[1].isdigit() or len(words[1]) > 9:
            shown = line[:40].decode("ascii", "replace")
            raise CorruptFile(f"{where} is damaged: line {number} is no token and rank: {shown!r}.", hint=AGAIN)
        rank = int(words[1])
        if rank >= MOST_IDS:
            raise CorruptFile(f"{where} gives the rank {rank} in line {number}, and so many tokens can't be.")
        if rank in seen or token in ranks:
            other = seen.get(rank) or seen[ranks[token]]
            what = f"the rank {rank}" if rank in seen else "the same token"
            raise CorruptFile(f"{where} is damaged: lines {other} and {number} have {what}.", hint=AGAIN)
        ranks[token] = rank
        seen[rank] = number
    if not ranks:
        raise CorruptFile(f"{where} holds no ranks.", hint=AGAIN)
    return ranks


def _base64(word: bytes | str) -> bytes:
    """The bytes that are written so; none where they are not."""
    try:
        return base64.b64decode(word, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _tekken_ranks(entries: Sequence[_Entry], shift: int, where: str) -> dict[bytes, int]:
    ranks: dict[bytes, int] = {}
    for number, entry in enumerate(entries):
        token = _base64(entry.token_bytes)
        problem = ""
        if entry.rank != number:
            problem = f"has the rank {entry.rank}"
        elif not token:
            problem = f"is no base64: {entry.token_bytes[:40]!r}"
        elif token in ranks:
            problem = f"is that of rank {ranks[token] - shift} again"
        if problem:
            raise CorruptFile(f"{where} is damaged: token {number} {problem}.", hint=AGAIN)
        ranks[token] = number + shift
    return ranks


def _tekken_special(data: _Tekken, where: str) -> tuple[dict[str, int], int]:
    """The special tokens, and how many of their ids the file gives no name."""
    count = data.config.default_num_special_tokens
    listed = [(token.token_str, token.rank) for token in data.special_tokens or ()]
    if data.special_tokens is None:
        listed = [(text, number) for number, text in enumerate(FIRST_TEKKEN[:count])]
    names = dict(listed)
    if sorted(names.values()) != list(range(len(listed))) or len(listed) > count or "" in names:
        raise CorruptFile(f"{where} is damaged: its special tokens do not have the ids 0 to {count - 1}, one each.")
    fillers = {f"<SPECIAL_{number}>": number for number in range(len(listed), count)}
    if names.keys() & fillers.keys():
        raise CorruptFile(f"{where} is damaged: a special token stands twice.")
    return names | fillers, len(fillers)


def _tokenizer(
    name: str,
    format: str,  # noqa: A002 - the field's word for it
    encoding: RankEncoding,
    ranks: dict[bytes, int],
    *,
    remarks: Sequence[str],
    where: str,
) -> Tokenizer:
    lacking = [byte for byte in range(256) if bytes((byte,)) not in ranks]
    if lacking:
        raise CorruptFile(
            f"{where} is damaged: the byte 0x{lacking[0]:02X} has no token, so not every text can be encoded.",
            hint=AGAIN,
        )
    vocabulary = _vocabulary(ranks, encoding.special)
    engine = TiktokenEngine(
        _opened(encoding, ranks, where),
        pattern=encoding.pattern,
        special=encoding.special,
        composes=encoding.composes,
        prefix=() if encoding.bos is None else (encoding.bos,),
    )
    holes = vocabulary.missing
    some = ", ".join(map(str, holes[:3])) + (", …" if len(holes) > 3 else "")
    return Tokenizer(
        name=name,
        format=format,
        engine=engine,
        vocabulary=vocabulary,
        model=BPE(
            vocab={token.decode("latin-1"): rank for token, rank in ranks.items()}, alphabet="bytes", ignore_merges=True
        ),
        pipeline=_pipeline(encoding, len(vocabulary)),
        remarks=[*remarks, f"{len(holes)} of the ids have no token ({some})."] if holes else remarks,
    )


def _opened(encoding: RankEncoding, ranks: Mapping[bytes, int], where: str) -> Any:
    import regex
    import tiktoken

    try:
        regex.compile(encoding.pattern)
        return tiktoken.Encoding(
            encoding.name,
            pat_str=encoding.pattern,
            mergeable_ranks=dict(ranks),
            special_tokens=dict(encoding.special),
        )
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - the Rust library panics with a BaseException of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160].rstrip(".")
        raise CorruptFile(f"{where} can't be opened by the tiktoken library: {reason}.", hint=AGAIN) from None


def _vocabulary(ranks: Mapping[bytes, int], special: Mapping[str, int]) -> Vocabulary:
    """Tokens are written in byte-level BPE's letters, as the same encoding's tokenizer.json writes them."""
    tokens = [
        Token(rank, "".join(map(LETTERS.__getitem__, token)), token, "normal", score=rank)
        for token, rank in ranks.items()
    ]
    for text, number in special.items():
        kind: TokenKind = "unused" if UNUSED.fullmatch(text) else "control"
        tokens.append(Token(number, text, plain_bytes(text), kind, special=True))
    return Vocabulary(tokens)


def _pipeline(encoding: RankEncoding, size: int) -> Pipeline:
    known = f"{encoding.name}, " if encoding.name not in ("unknown", "tekken") else ""
    framed = encoding.bos is not None
    return Pipeline(
        normalizer="NFC" if encoding.composes else "none",
        pre_tokenizer=f"the regular expression {encoding.pattern}",
        model=f"BPE, {known}{size:,} tokens, lowest rank first, whole words before merges",
        post_processor="BOS before, where asked for" if framed else "none",
        decoder="joins bytes; what is no UTF-8 becomes U+FFFD",
    )
