"""Text to ids and back, through the tokenizer that a model brings along.

It does not know what a prompt means. BOS follows the sibling backend's rule: it is put in front where the tokenizer
wants one and the text has none yet.
"""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from weakspot.artifacts.bytelevel import byte_letters
from weakspot.errors import RequestRejected

BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Text:
    """One face for a tokenizer of the library. `pad_id` and `end_ids` are the tokenizer's word, not checked here.

    Args:
        tokenizer: as `AutoTokenizer` gives it.
        encoder: whether an encoder reads the text; only then is an end-of-text token behind it wanted.
    """

    def __init__(self, tokenizer: Any, *, encoder: bool) -> None:
        self._tokenizer = tokenizer
        stated = tokenizer.model_max_length
        self.stated_length = int(stated) if isinstance(stated, int) and 0 < stated < 1 << 40 else None
        tokenizer.model_max_length = 1 << 62  # it only makes the library warn: the context is checked elsewhere
        self._encoder = encoder
        self._added = {int(token): str(text) for text, token in tokenizer.get_added_vocab().items()}
        decoder = repr(getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None))
        self._byte_level = "ByteLevel" in decoder
        self._word_piece = "WordPiece" in decoder
        self._letters = byte_letters() if self._byte_level else {}
        # a template that knows no BOS renders an undefined one as nothing, which hides a mistake: give it as empty
        self.special = {"bos_token": "", "eos_token": ""} | {
            name: value for name, value in tokenizer.special_tokens_map.items() if isinstance(value, str)
        }
        self.pad_id = tokenizer.pad_token_id
        end = tokenizer.eos_token_id
        self.end_ids = frozenset({end}) if isinstance(end, int) else frozenset()
        begin = tokenizer.bos_token_id
        self.prefix_id: int | None = begin if isinstance(begin, int) else end if isinstance(end, int) else None

    def ids(self, text: str) -> list[int]:
        """Ids of a text as the model is fed.

        Raises:
            RequestRejected: the tokenizer refuses the text (a lone surrogate), or nothing is left of it.
        """
        begun = bool(self.special["bos_token"]) and text.startswith(self.special["bos_token"])
        try:
            with panics_as_errors():
                found = list(self._tokenizer(text, add_special_tokens=self._encoder or not begun)["input_ids"])
        except Exception as error:  # the tokenizer raises bare Exceptions for what is wrong with its own files
            raise RequestRejected(
                "The tokenizer refused the text.", hint="It is no valid Unicode, or the tokenizer's files are damaged."
            ) from error
        if begun and self._encoder and found[:1] == found[1:2]:
            found = found[1:]
        if not self._encoder and found and found[-1] in self.end_ids and not text.endswith(self.special["eos_token"]):
            found.pop()  # a few tokenizers close every text, and nothing can be written behind an end
        if not found:
            raise RequestRejected("Nothing is left of the prompt as tokens.", hint="An empty prompt can't be answered.")
        return found

    def ordinary_ids(self, vocabulary: int) -> tuple[int, ...]:
        """Ids below `vocabulary` that stand for text: no control tokens, no added ones, none without a name."""
        known = min(vocabulary, len(self._tokenizer))
        names = self._tokenizer.convert_ids_to_tokens(list(range(known)))
        barred = {*self._added, *self._tokenizer.all_special_ids}
        return tuple(token for token, name in enumerate(names) if name and token not in barred)

    def begin(self) -> tuple[int, ...]:
        """What the tokenizer puts in front of a text."""
        bare = self.harness_ids("a", special=False)
        whole = self.ids("a")
        return tuple(whole[: len(whole) - len(bare)]) if whole[-len(bare) :] == bare else ()

    def harness_ids(self, text: str, *, special: bool | None = None) -> list[int]:
        """Ids as lm-evaluation-harness has them: `special` None adds what the tokenizer adds, but no second BOS.

        Raises:
            RequestRejected: the tokenizer refuses the text.
        """
        if special is None and self.prefix_id is not None and text.startswith(self._tokenizer.decode(self.prefix_id)):
            special = False
        how = {} if special is None else {"add_special_tokens": special}
        try:
            with panics_as_errors():
                return list(self._tokenizer.encode(text, **how))
        except Exception as error:  # the tokenizer raises bare Exceptions for what is wrong with its own files
            raise RequestRejected(
                "The tokenizer refused the text.", hint="It is no valid Unicode, or the tokenizer's files are damaged."
            ) from error

    def decode(self, ids: Sequence[int]) -> str:
        """What a reply says: control tokens left out, no space touched."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """The bytes behind each id; an id outside the vocabulary is empty."""
        known = [token for token in ids if 0 <= token < len(self._tokenizer)]
        names = dict(zip(known, self._tokenizer.convert_ids_to_tokens(known), strict=True))
        return [self._bytes(token, names.get(token) or "") for token in ids]

    def _bytes(self, token: int, name: str) -> bytes:
        if token in self._added:
            return self._added[token].encode("utf-8", "replace")
        if self._byte_level and all(letter in self._letters for letter in name):
            return bytes(self._letters[letter] for letter in name)
        if (match := BYTE_TOKEN.fullmatch(name)) is not None:
            return bytes([int(match[1], 16)])
        if self._word_piece:
            return name.removeprefix("##").encode("utf-8", "replace")
        return name.replace("\u2581", " ").encode("utf-8", "replace")


@contextlib.contextmanager
def panics_as_errors() -> Iterator[None]:
    """A panic of the tokenizer's Rust code as a RuntimeError: it comes as a BaseException that can't be imported."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise RuntimeError(str(error)) from error
        raise
