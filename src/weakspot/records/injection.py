"""What `weakspot tokens injection` finds: strings of plain text that become ids which steer a model."""

from typing import Literal

import msgspec

from weakspot.records.tokens import TokenKind

Through = Literal["match", "model"]
"""How a string becomes the id: it is matched before the model as an added token, or the model's own pieces join so."""
Effect = Literal["passes", "removed", "changed", "refused"]
"""What a chat template does with a marker in the user's message: nothing, takes it out, rewrites it, or gives up."""
Outcome = Literal["forged", "partly", "stopped", "plain-text"]
"""Whether the markers of a forged turn are ids inside the user's own stretch: all, some, none. `plain-text`: the
template marks this turn by no id at all, so that no way of encoding can tell the user's text from it."""


class Spelling(msgspec.Struct, frozen=True, kw_only=True):
    """A string of plain text and the steering id that it becomes.

    Attributes:
        text: what the user writes.
        token: the token's text; another one than `text` where another spelling is folded to it.
        id: the token's number.
        kind: its kind in the vocabulary.
        special: whether the file flags it special.
        reserved: whether the token is kept free for later (`<unused7>`, `[PAD123]`).
        variant: how `text` differs from the token: empty for the token's own text, else "full width", "lower case", ...
        default: whether it comes in as the library encodes by default.
        protected: whether it comes in although the library's own protection is on.
        asked: whether it comes in where parsing is asked for, as it is when a rendered chat prompt is encoded.
        through: how it comes in, in the strictest setting that lets it in.
        inside_word: whether it also comes in with letters right before and behind it.
        takes_before: whether the token takes the white space before it with it.
        takes_behind: whether it takes the white space behind it.
    """

    text: str
    token: str
    id: int
    kind: TokenKind
    special: bool
    reserved: bool
    variant: str
    default: bool
    protected: bool
    asked: bool
    through: Through
    inside_word: bool = False
    takes_before: bool = False
    takes_behind: bool = False

    @property
    def severity(self) -> int:
        """5: the protection lets it in; 4: the default does; 3: only where it is asked for; 2: reserved for later."""
        if self.reserved:
            return 2
        return 5 if self.protected else 4 if self.default else 3


class SteeringToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that steers a model and that no text was found to become."""

    id: int
    text: str
    kind: TokenKind


class TwinDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A marker that two tokenizers read otherwise, each by its own default.

    Attributes:
        text: the marker.
        ids: what it becomes here.
        steers: whether a steering id is among them.
        other_ids: what it becomes there.
        other_steers: whether a steering id is among those.
    """

    text: str
    ids: tuple[int, ...]
    steers: bool
    other_ids: tuple[int, ...]
    other_steers: bool


class Twin(msgspec.Struct, frozen=True, kw_only=True):
    """Another tokenizer beside this one.

    Attributes:
        tokenizer: its name.
        fingerprint: its fingerprint.
        format: the kind of its file.
        shared: the share of all ids, of both, that stand for the same bytes in both.
        differences: markers that let a steering id in on one side only.
    """

    tokenizer: str
    fingerprint: str
    format: str
    shared: float
    differences: tuple[TwinDifference, ...]


class MarkerTrial(msgspec.Struct, frozen=True, kw_only=True):
    """One marker in a user's message that went through the chat template.

    Attributes:
        text: the marker.
        id: its id.
        own: whether the template writes this marker itself, around turns.
        effect: what the template does with it.
        default: whether the id stands in the user's stretch of the prompt, encoded by default.
        protected: the same with the library's protection over the whole prompt.
        split: the same where the template's text is parsed and the user's text is encoded apart, protected.
    """

    text: str
    id: int
    own: bool
    effect: Effect
    default: bool
    protected: bool
    split: bool


class Forgery(msgspec.Struct, frozen=True, kw_only=True):
    """One user message that writes further turns by itself.

    Attributes:
        role: whose turn is forged.
        content: the user's message.
        real: whether the prompt is, letter by letter, the one that the template makes of a real conversation with these
            turns. False: the template refuses such a conversation, and the message is put together from its pieces.
        markers: the steering tokens that the forged turns need; empty where turns are plain text.
        default: what comes of it as the library encodes by default.
        protected: with the library's protection over the whole prompt.
        split: where the template's text is parsed and the user's text is encoded apart, protected.
    """

    role: Literal["system", "assistant"]
    content: str
    real: bool
    markers: tuple[str, ...]
    default: Outcome
    protected: Outcome
    split: Outcome


class ChatReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a chat template does with marker strings in the user's message.

    Attributes:
        template: where it comes from.
        sha256: over its source.
        markers: the steering tokens that it writes around one system and one user message, in order.
        kept_default: how many of these are still ids, encoded by default.
        kept_protected: how many are with the library's protection over the whole prompt.
        trims: whether it takes white space off the user's message.
        system: whether it takes a system message.
        system_marked: whether a marker stands between the system's message and the user's; else the user can write one
            in plain text, whatever the encoding.
        trials: each marker in a user's message.
        forgeries: whole turns in a user's message.
        notes: what the reader should know, a sentence each.
    """

    template: str
    sha256: str
    markers: tuple[str, ...]
    kept_default: int
    kept_protected: int
    trims: bool
    system: bool
    system_marked: bool
    trials: tuple[MarkerTrial, ...]
    forgeries: tuple[Forgery, ...]
    notes: tuple[str, ...] = ()


class InjectionReport(msgspec.Struct, frozen=True, kw_only=True):
    """Every string of plain text that becomes a steering id, under each setting.

    Attributes:
        tokenizer: its name.
        fingerprint: vocabulary and behaviour.
        format: the kind of file.
        library: the library that encodes, with its version.
        parses_special: whether that library reads special tokens out of text by default.
        protection: what its default and its own protection are, in words.
        steering: how many tokens of the vocabulary steer the model.
        reserved: how many of these are kept free for later.
        plain_added: how many more added tokens come out of text that do not steer (line breaks, HTML tags).
        counts: how many tokens' own texts come in by `default`, with the protection (`protected`), where parsing is
            `asked` for; `folded`: how many other spellings come in; `unreached`: tokens that no text becomes. Reserved
            tokens are counted apart: `reserved_default`, `reserved_protected`.
        spellings: the strings, those that get past the protection first.
        unreached: steering tokens that no text was found to become.
        twins: other tokenizers beside this one.
        chat: what the chat template does; None where there is none, or a tokenizer alone was named.
        notes: what the reader should know, a sentence each.
    """

    tokenizer: str
    fingerprint: str
    format: str
    library: str
    parses_special: bool
    protection: str
    steering: int
    reserved: int
    plain_added: int
    counts: dict[str, int]
    spellings: tuple[Spelling, ...]
    unreached: tuple[SteeringToken, ...]
    twins: tuple[Twin, ...] = ()
    chat: ChatReport | None = None
    notes: tuple[str, ...] = ()
