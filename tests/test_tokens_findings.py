"""What `show` finds in hand-made cases: the code, the stage that caused it, and the bytes that it is about."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Library

from weakspot.findings.changes import changes
from weakspot.findings.document import MOST_OF_A_KIND
from weakspot.findings.folding import folding
from weakspot.findings.viewing import view_text
from weakspot.records import TokenFinding
from weakspot.tokens.face import Tokenizer
from weakspot.tokens.load_hf import from_json

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789 .é"


def letters(**parts: Any) -> Library:
    """A BPE of single letters without merges; the parts are set on it."""
    vocab = {letter: number for number, letter in enumerate(LETTERS)}
    made = Library(models.BPE({**vocab, "<unk>": len(vocab)}, [], unk_token="<unk>"))
    for name, part in parts.items():
        setattr(made, name, part)
    return made


def stripping() -> Library:
    """Its decoder takes the first blank off."""
    return letters(decoder=decoders.Sequence([decoders.Fuse(), decoders.Strip(" ", 1, 0)]))


def cleaning() -> Library:
    """Its decoder takes a blank before a full stop away."""
    return letters(decoder=decoders.Sequence([decoders.Fuse(), decoders.Replace(" .", ".")]))


def lowering() -> Library:
    """Lower case before anything else."""
    return letters(normalizer=normalizers.Lowercase(), decoder=decoders.Fuse())


def dropping() -> Library:
    """Its pre-tokenizer drops white space for good: nothing puts it back."""
    return letters(pre_tokenizer=pre_tokenizers.WhitespaceSplit(), decoder=decoders.Fuse())


def cutting() -> Library:
    """Cuts every text to five ids, without a word."""
    made = letters(decoder=decoders.Fuse())
    made.enable_truncation(5)
    return made


def taking_space() -> Library:
    """Its added token takes the white space on its left with it."""
    made = letters(decoder=decoders.Fuse())
    made.add_tokens([AddedToken("<m>", lstrip=True, normalized=False), AddedToken("<think>", normalized=False)])
    made.add_special_tokens([AddedToken("<end>", normalized=False)])
    return made


MADE: Mapping[str, Callable[[], Library]] = {
    "stripping": stripping,
    "cleaning": cleaning,
    "lowering": lowering,
    "dropping": dropping,
    "cutting": cutting,
    "taking": taking_space,
}
"""Small tokenizers, each with one thing that loses something."""

Case = tuple[str, str, str, str, int, int]
LOSSES: list[Case] = [
    # normalizer
    ("lowering", "aBc", "case-lost", "normalizer", 1, 2),
    ("bert-minilm", "naïve", "accents-lost", "normalizer", 2, 4),
    ("bert-minilm", "ΣΊΣ", "case-lost", "normalizer", 0, 6),
    ("bert-minilm", "a\u200bb", "invisible-removed", "normalizer", 1, 4),
    ("bert-minilm", "東京", "space-added", "normalizer", 3, 3),
    ("bert-minilm", "a\tb", "white-space-lost", "normalizer", 1, 2),
    ("bert-minilm", "a\ufffdb", "character-removed", "normalizer", 1, 4),
    ("deberta-v3", "x² y", "digits-flattened", "normalizer", 1, 3),
    ("deberta-v3", "ﬁle", "compatibility-folded", "normalizer", 0, 3),
    ("deberta-v3-spm", "a  b", "white-space-lost", "normalizer", 2, 3),
    ("deberta-v3-spm", " a", "white-space-lost", "normalizer", 0, 1),
    ("qwen3", "xe\u0301", "composed", "normalizer", 1, 4),
    ("llama2", "<s>a", "space-added", "normalizer", 3, 3),
    ("mistral-spm", "a▁b", "literal-space-mark", "normalizer", 1, 4),
    # pre-tokenizer
    ("dropping", "a b", "white-space-lost", "pre-tokenizer", 1, 2),
    ("bert-minilm", "a  b", "white-space-lost", "pre-tokenizer", 2, 3),
    ("bert-minilm", " a", "white-space-lost", "pre-tokenizer", 0, 1),
    ("taking", "a <m>b", "white-space-lost", "pre-tokenizer", 1, 2),
    ("deberta-v3", "a [MASK] b", "white-space-lost", "pre-tokenizer", 1, 2),
    # model
    ("bert-minilm", "x 🤦 y", "unknown-token", "model", 2, 6),
    ("bert-minilm", "y " + "x" * 101, "unknown-token", "model", 2, 103),
    ("deberta-v3", "x\x00y", "unknown-token", "model", 1, 2),
    ("lowering", "aßb", "unknown-token", "model", 1, 3),
    # decoder
    ("stripping", " a", "leading-space-stripped", "decoder", 0, 1),
    ("cleaning", "a .", "decoder-clean-up", "decoder", 1, 2),
    ("bert-minilm", "a .", "decoder-clean-up", "decoder", 1, 2),
    ("bert-minilm", "x+y", "space-added", "decoder", 1, 2),
    ("stripping", " a", "drift", "decoder", 0, 2),
    ("deberta-v3", "x\x00y", "drift", "decoder", 0, 3),
    # truncation
    ("cutting", "abcdefgh", "truncation", "truncation", 5, 8),
    ("bert-minilm", "word " * 130, "truncation", "truncation", 640, 650),
    # input
    ("gpt2", "a\ud83db", "lone-surrogate", "input", 1, 4),
    ("gpt2", "caf\udce9\udce8!", "invalid-utf8", "input", 3, 9),
]
"""Losses: tokenizer, text, code, stage, start, end (bytes)."""

ODDITIES: list[Case] = [
    # tokens
    ("llama2", "x𓀀", "byte-fallback", "model", 1, 5),
    ("mistral-spm", "a\n", "byte-fallback", "model", 1, 2),
    ("gpt2", "x 🤦", "split-character", "model", 2, 6),
    ("gpt2", "ภาษา", "shattered-word", "model", 0, 12),
    ("gpt2", "a xqzvkjwq b", "shattered-word", "model", 2, 10),
    ("cl100k", "is 1234567 x", "digit-grouping", "model", 3, 10),
    ("gpt2", "1234567", "digit-grouping", "model", 0, 7),
    ("cl100k", '{"a":[1]}', "structural-merge", "model", 0, 2),
    ("cl100k", '{"a":[1]}', "structural-merge", "model", 3, 6),
    ("deberta-v3", "a<0x0A>", "literal-byte-token", "model", 1, 7),
    ("mistral-spm", "a<0x0A>", "literal-byte-token", "model", 1, 7),
    ("gpt2", "aĠb", "literal-byte-letter", "vocabulary", 1, 3),
    # special tokens
    ("taking", "a<end>b", "special-token", "pre-tokenizer", 1, 6),
    ("taking", "a<think>b", "special-token", "pre-tokenizer", 1, 8),
    ("llama2", "é</s>", "special-token", "pre-tokenizer", 2, 6),
    ("qwen3", "<think>", "special-token", "pre-tokenizer", 0, 7),
    # characters
    ("gpt2", "x раssword", "look-alike", "input", 2, 12),
    ("gpt2", "Ωmega", "mixed-script", "input", 0, 6),
    ("gpt2", "a\u200bb", "zero-width", "input", 1, 4),
    ("gpt2", "so\u00adft", "soft-hyphen", "input", 2, 4),
    ("gpt2", "\ufeffa", "byte-order-mark", "input", 0, 3),
    ("gpt2", "a\u202eb", "bidi-control", "input", 1, 4),
    ("gpt2", "a\U000e0041\U000e0042", "tag-character", "input", 1, 9),
    ("gpt2", "a\x00", "nul", "input", 1, 2),
    ("gpt2", "\x1b[31m", "control-character", "input", 0, 1),
    ("gpt2", "é\ue000", "private-use", "input", 2, 5),
    ("gpt2", "\ufdd0", "noncharacter", "input", 0, 3),
    ("gpt2", "a\U000e0100", "variation-selector", "input", 1, 5),
    ("gpt2", "a\u00a0b", "odd-space", "input", 1, 3),
    ("gpt2", "ก\u200dข", "joiner", "input", 3, 6),
    ("gpt2", "a\ufffdb", "replacement-character", "input", 1, 4),
    ("gpt2", "xe\u0301", "decomposed", "input", 1, 4),
    ("gpt2", "x ﬁ", "look-alike-form", "input", 2, 5),
    # the end
    ("gpt2", "Hello ", "unstable-end", "model", 5, 6),
    ("mistral-spm", "a  ", "unstable-end", "model", 1, 3),
]
"""What is worth knowing though nothing is lost."""

NOTHING: list[tuple[str, str, str]] = [
    ("gpt2", "Hello", "unstable-end"),
    ("gpt2", "the water house", "shattered-word"),
    ("llama2", "1234567", "digit-grouping"),  # a token a digit
    ("gpt2", "x 123 y", "digit-grouping"),
    ("gpt2", "👩‍👩‍👧", "joiner"),
    ("gpt2", "🏴\U000e0067\U000e0062\U000e007f", "tag-character"),
    ("gpt2", "пароль password", "look-alike"),
    ("gpt2", "東京タワー", "mixed-script"),
    ("gpt2", "é", "decomposed"),
    ("gpt2", "No signs here, none.", "structural-merge"),
    ("mistral-spm", "<s>", "special-token"),
    ("cl100k", "<|endoftext|>", "special-token"),
    ("mistral-spm", "é", "byte-fallback"),
    ("llama2", "<unk> <pad>", "split-character"),
    ("bert-minilm", "word " * 120, "truncation"),
    ("qwen3", "é", "composed"),
    ("gpt2", "▁", "literal-space-mark"),
]
"""Texts in which a detector has nothing to find: tokenizer, text, code."""


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest) -> Callable[[str], Tokenizer]:
    """A made tokenizer, or a real one, by its name."""
    made: dict[str, Tokenizer] = {}

    def find(name: str) -> Tokenizer:
        if name in MADE:
            if name not in made:
                made[name] = from_json(MADE[name]().to_str(), name)
            return made[name]
        found: Tokenizer = request.getfixturevalue("real_tokenizer")(name)
        return found

    return find


def named(case: Case) -> str:
    """A case's name."""
    return f"{case[0]}-{case[2]}"


def marked(cases: list[Case]) -> list[Any]:
    """The cases, those of real tokenizers marked."""
    return [
        pytest.param(case, id=named(case), marks=() if case[0] in MADE else pytest.mark.tokenizers) for case in cases
    ]


def find(tokenizer: Tokenizer, text: str, code: str) -> list[TokenFinding]:
    """The findings of a code."""
    return [finding for finding in view_text(tokenizer, text).findings if finding.code == code]


@pytest.mark.parametrize("case", marked(LOSSES))
def test_losses_have_their_stage_and_place(case: Case, opened: Callable[[str], Tokenizer]) -> None:
    """What does not come back is found with its code, the stage that lost it and its bytes, and the text is lossy."""
    name, text, code, stage, start, end = case
    found = find(opened(name), text, code)
    assert [(finding.stage, finding.start, finding.end) for finding in found] == [(stage, start, end)]
    if code != "truncation":
        assert not view_text(opened(name), text).lossless


@pytest.mark.parametrize("case", marked(ODDITIES))
def test_oddities_have_their_stage_and_place(case: Case, opened: Callable[[str], Tokenizer]) -> None:
    """What is odd though it comes back is found with its code, stage and bytes."""
    name, text, code, stage, start, end = case
    found = find(opened(name), text, code)
    assert (stage, start, end) in [(finding.stage, finding.start, finding.end) for finding in found]


@pytest.mark.tokenizers
@pytest.mark.parametrize(("name", "text", "code"), NOTHING)
def test_ordinary_text_is_left_alone(name: str, text: str, code: str, opened: Callable[[str], Tokenizer]) -> None:
    """What is usual for a language, a format or a tokenizer is no finding."""
    assert find(opened(name), text, code) == []


def test_protection_is_told_truly(opened: Callable[[str], Tokenizer]) -> None:
    """A special token that the library's protection stops has severity 4, one that comes in all the same 5."""
    tokenizer = opened("taking")
    (stopped,), (passes,) = find(tokenizer, "<end>", "special-token"), find(tokenizer, "<think>", "special-token")
    assert (stopped.severity, stopped.evidence["protected"]) == (4, True)
    assert (passes.severity, passes.evidence["protected"]) == (5, False)
    ids = tokenizer.ids("<end><think>", parse_special=False)
    assert stopped.evidence["id"] not in ids
    assert passes.evidence["id"] in ids


@pytest.mark.tokenizers
def test_hidden_text_is_spelt_out(opened: Callable[[str], Tokenizer]) -> None:
    """The evidence of tag characters holds the message that they hide."""
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "say yes")
    (finding,) = find(opened("gpt2"), f"Hi{hidden}", "tag-character")
    assert finding.evidence["hidden"] == "say yes"


@pytest.mark.tokenizers
def test_numbers_say_how_they_are_cut(opened: Callable[[str], Tokenizer]) -> None:
    """A number cut from the left is told apart from one cut unevenly, with its groups."""
    (left,), (uneven,) = (find(opened(name), "1234567", "digit-grouping") for name in ("cl100k", "gpt2"))
    assert (left.evidence["how"], left.evidence["groups"]) == ("from-left", [3, 3, 1])
    assert (uneven.evidence["how"], uneven.evidence["groups"]) == ("uneven", [3, 2, 2])


def test_more_than_20_of_a_kind_are_one_more(opened: Callable[[str], Tokenizer]) -> None:
    """Of 100 losses of a kind far apart 20 are told, and a last one covers and counts the other 80."""
    text = "Axxxxxxxxx" * 100
    found = find(opened("lowering"), text, "case-lost")
    assert len(found) == MOST_OF_A_KIND + 1
    assert found[-1].evidence["more"] == 80
    assert (found[-1].start, found[-1].end) == (200, 991)


def test_losses_close_together_are_one(opened: Callable[[str], Tokenizer]) -> None:
    """Neighbouring losses of a kind are one finding that counts them."""
    (finding,) = find(opened("lowering"), "aBcDe", "case-lost")
    assert (finding.start, finding.end, finding.evidence["times"]) == (1, 4, 2)


def test_unknown_tokens_name_what_they_became(opened: Callable[[str], Tokenizer]) -> None:
    """The evidence of an unknown token holds the input and the token that stands in its place."""
    (finding,) = find(opened("lowering"), "aßb", "unknown-token")
    assert (finding.evidence["input"], finding.evidence["output"]) == ("ß", "<unk>")


def test_stages_stack(opened: Callable[[str], Tokenizer]) -> None:
    """Two losses of two stages in one text are told apart, each with its own stage."""
    data = json.loads(lowering().to_str())
    data["pre_tokenizer"] = {"type": "WhitespaceSplit"}
    view = view_text(from_json(json.dumps(data), "both"), "aB c")
    assert [(f.code, f.stage, f.start, f.end) for f in view.findings if "output" in f.evidence] == [
        ("case-lost", "normalizer", 1, 2),
        ("white-space-lost", "pre-tokenizer", 2, 3),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("abc", "abc", []),
        ("a b", "ab", [(1, 2, 1, 1)]),
        ("ab", "a b", [(1, 1, 1, 2)]),
        ("x:\n\t    y", "x : y", [(1, 1, 1, 2), (2, 7, 3, 3)]),
        ("a\x00 b", "a b", [(1, 2, 1, 1)]),
        ("e\u0301x", "éx", [(0, 2, 0, 1)]),
        ("½", "1⁄2", [(0, 1, 0, 3)]),
        ("a ▁ b", "a   b", [(2, 3, 2, 3)]),
        ("", "x", [(0, 0, 0, 1)]),
        ("x", "", [(0, 1, 0, 0)]),
        ("\u3099 \u3000。", " 。", [(0, 1, 0, 0), (2, 3, 1, 1)]),
    ],
)
def test_changes_are_where_they_are(old: str, new: str, expected: list[tuple[int, ...]]) -> None:
    """The script of changes takes no letter for lost to save a blank."""
    assert [tuple(change) for change in changes(old, new)] == expected


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("Ab", "ab", "case-lost"),
        ("é", "e", "accents-lost"),
        ("É", "e", "case-lost"),
        ("ΣΑΣ", "σασ", "case-lost"),
        ("e\u0301", "é", "composed"),
        ("²", "2", "digits-flattened"),
        ("１", "1", "compatibility-folded"),
        ("ﬁ", "fi", "compatibility-folded"),
        ("\u180e\u034f", "", "invisible-removed"),
        ("\u0301", "", "accents-lost"),
        ("x", "", "character-removed"),
        (" \n", " ", "white-space-lost"),
        ("か\u3099 \u3000", "が ", "composed"),
        ("a", "z", "rewritten"),
    ],
)
def test_the_least_rewriting_is_told(old: str, new: str, code: str) -> None:
    """A rewriting is called by the least that explains it."""
    assert folding(old, new).code == code
