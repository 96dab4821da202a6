"""How llama.cpp cuts a text before byte-pair encoding: the kinds of `tokenizer.ggml.pre`.

Each kind is a row of regular expressions. The first cuts the text into its matches and what lies between them, the
next one cuts those pieces, and so on (`unicode_regex_split` in llama.cpp's src/unicode.cpp; the kinds are those of
`llm_tokenizer_bpe` in src/llama-vocab.cpp, looked up in a copy of autumn 2026). Where llama.cpp simplified the pattern
of the model's own tokenizer, this follows llama.cpp, because that is what feeds the model.
"""

from typing import NamedTuple


class PreKind(NamedTuple):
    """One way of cutting.

    Attributes:
        patterns: regular expressions, applied one after another.
        ignore_merges: whether a word that is a token as a whole is taken as it is.
        adds_bos: whether llama.cpp puts BOS in front where the file does not say.
        bytelevel: whether the model sees bytes as letters; if not, U+2581 for a space and <0xXX> for lone bytes.
    """

    patterns: tuple[str, ...]
    ignore_merges: bool = False
    adds_bos: bool = False
    bytelevel: bool = True


# Parts that many kinds share. English endings, in lower case and in both:
_ENDINGS = "'s|'t|'re|'ve|'m|'ll|'d"
_ANY_ENDINGS = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
_WORD = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_MARKS = r" ?[^\s\p{L}\p{N}]+[\r\n]*"
_MARKS_SLASH = r" ?[^\s\p{L}\p{N}]+[\r\n/]*"
_LINES = r"\s*[\r\n]+"
_BLANKS = r"\s+(?!\S)|\s+"
_ASCII_MARK_WORD = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"
_DIGIT, _THREE_DIGITS = r"\p{N}", r"\p{N}{1,3}"
_CJK = "[一-龥぀-ゟ゠-ヿ]+"

_GPT2 = rf"{_ENDINGS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)"


def _modern(digits: str, *, marks: str = _MARKS, lines: str = _LINES, endings: str = _ANY_ENDINGS) -> str:
    """The pattern of cl100k and its children; they differ in how many digits stand together, and in little else."""
    return "|".join((endings, _WORD, digits, marks, lines, _BLANKS))


def _cased(digits: str, upper: str, lower: str, ending: str = "") -> str:
    """The pattern of o200k and its children: words end where a capital follows a small letter."""
    first, second = f"{upper}*{lower}+", f"{upper}+{lower}*"
    edge = r"[^\r\n\p{L}\p{N}]?"
    return "|".join((f"{edge}{first}{ending}", f"{edge}{second}{ending}", digits, _MARKS_SLASH, _LINES, _BLANKS))


_NOT_SMALL, _NOT_CAPITAL = r"((?=[\p{L}])([^a-z]))", r"((?=[\p{L}])([^A-Z]))"
_NOT_SMALL_M, _NOT_CAPITAL_M = r"((?=[\p{L}\p{M}])([^a-z]))", r"((?=[\p{L}\p{M}])([^A-Z]))"
# Written as Lu, Lt, Lm, Lo, M and Ll, Lm, Lo, M; but llama.cpp knows letters only as a whole, so that it cuts no
# "iPhone" in two where the models' own tokenizers do (seen by trial on 173 texts).
_UPPER = _LOWER = r"[\p{L}\p{M}]"


def _deepseek3(behind: str = _LINES, marks: str = r" ?[\p{P}\p{S}]+[\r\n]*") -> str:
    word = r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    return "|".join((_ASCII_MARK_WORD, word, marks, behind, _BLANKS))


# The letters that DeepSeek's first tokenizers count as such: those with case.
_CASED_LETTERS = (
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1f7dᾀ-ᾴᾶ-ᾼ"
    "\u1fbeῂ-ῄῆ-ῌῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212a-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗ"
    "Ａ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
)
_HANGUL_AND_HAN = "[一-龥ࠀ-一가-퟿]+"
_BLOOM = " ?[^(\\s|.,!?…。，、।۔،)]+"
_LONG_BLANKS = "|".join(rf"\s{{{size}}}(?!\S)" for size in (512, 256, 128, 64, 32, 16, 8, 4)) + r"|\s{1,2}(?!\S)|\s{1}"

GPT2 = PreKind((_GPT2,))
LLAMA3 = PreKind((_modern(_THREE_DIGITS),), ignore_merges=True, adds_bos=True)
DEFAULT = PreKind((r"[\p{P}\$\+<=>\^~\|]+", _GPT2, r"\p{N}+", "[0-9][0-9][0-9]"))
"""What llama.cpp takes where a file states no kind."""
_DIGITS_APART = PreKind((_DIGIT, _GPT2))
_THREE_APART = PreKind((_modern(_THREE_DIGITS),))
_QWEN2 = PreKind((_modern(_DIGIT),))
_DEEPSEEK3 = PreKind((_THREE_DIGITS, _CJK, _deepseek3()))
_GPT4O = PreKind((_cased(_THREE_DIGITS, _NOT_SMALL, _NOT_CAPITAL, _ANY_ENDINGS + "?"),))
_BAILING_ENDINGS = "'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])"
_EXAONE_WORD = r"[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+"

KINDS: dict[str, PreKind] = {
    "default": DEFAULT,
    "llama-bpe": LLAMA3,
    "deepseek-llm": PreKind(
        (
            "[\r\n]",
            rf"\s?[{_CASED_LETTERS}]+",
            r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
            r"\s+$",
            _HANGUL_AND_HAN,
            r"\p{N}+",
        )
    ),
    "deepseek-coder": PreKind(("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", _HANGUL_AND_HAN, _DIGIT)),
    "deepseek-v3": _DEEPSEEK3,
    "spark2_5": PreKind(
        (_THREE_DIGITS, _CJK, _deepseek3(r"[\r\n]", r" ?[\p{P}\p{S}]+"), _DIGIT),
    ),
    "falcon": PreKind((r"[\p{P}\$\+<=>\^~\|`]+", _GPT2, "[0-9][0-9][0-9]")),
    "mpt": GPT2,
    "starcoder": _DIGITS_APART,
    "gpt-2": GPT2,
    "jais-2": PreKind(
        ("|".join((_ANY_ENDINGS, _WORD, _THREE_DIGITS, _MARKS, _LINES, _LONG_BLANKS, r"\s{1,2}(?!\S)|\s{1}")),)
    ),
    "refact": _DIGITS_APART,
    "command-r": _DIGITS_APART,
    "qwen2": _QWEN2,
    "qwen35": PreKind(
        (
            "|".join(
                (
                    _ANY_ENDINGS,
                    r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+",
                    _DIGIT,
                    r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*",
                    _LINES,
                    _BLANKS,
                )
            ),
        )
    ),
    "stablelm2": _QWEN2,
    "olmo": GPT2,
    "dbrx": _THREE_APART,
    "smaug-bpe": _THREE_APART,
    "poro-chat": PreKind((_BLOOM,)),
    "bloom": PreKind((_BLOOM,)),
    "gpt3-finnish": PreKind((_BLOOM,)),
    "viking": PreKind((_BLOOM, _DIGIT)),
    "chatglm-bpe": _THREE_APART,
    "jais": GPT2,
    "tekken": PreKind((_cased(_DIGIT, _NOT_SMALL, _NOT_CAPITAL),), ignore_merges=True, adds_bos=True),
    "smollm": _DIGITS_APART,
    "codeshell": _DIGITS_APART,
    "exaone": _DIGITS_APART,
    "exaone4": GPT2,
    "exaone-moe": PreKind(
        (
            "|".join(
                (_ANY_ENDINGS, _EXAONE_WORD, _DIGIT, r" ?[^\s\p{L}\p{N}]+[\r\n/]?", r"\s*[\r\n]", _BLANKS),
            ),
        )
    ),
    "chameleon": PreKind(
        (
            "<sentinel:[0-9]+>",
            "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z",
            "([\\t\\n]|    |  )",
            _DIGIT,
            r"[\p{P}!-/:-@\[-`{-~]",
            _GPT2,
        ),
        adds_bos=True,
    ),
    "minerva-7b": _DIGITS_APART,
    "mellum2": _DIGITS_APART,
    "gpt-4o": _GPT4O,
    "granite-embed-multi-97m": PreKind(
        (_cased(_THREE_DIGITS, _NOT_SMALL_M, _NOT_CAPITAL_M, _ANY_ENDINGS + "?"),), ignore_merges=True
    ),
    "tiny_aya": PreKind((r"\d{1,3}(?=(?:\d{3})*\b)", _cased(_THREE_DIGITS, _UPPER, _LOWER, _ANY_ENDINGS + "?"))),
    "trillion": GPT2,
    "granite-docling": GPT2,
    "bailingmoe": PreKind((_modern(_DIGIT, lines=r"\s*[\r\n]", endings=_BAILING_ENDINGS),)),
    "seed-coder": PreKind((_modern(_DIGIT, marks=r" ?[^\s\p{L}\p{N}\r\n]+"),)),
    "youtu": PreKind(
        (
            "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+",
            _cased(_DIGIT, _UPPER, _LOWER, _ANY_ENDINGS + "?"),
        ),
        ignore_merges=True,
    ),
    "laguna": PreKind((r"[^\n]+|[\n]+", _modern(_DIGIT))),
    "minicpm5": PreKind((_THREE_DIGITS, _modern(r"\p{N}+")), ignore_merges=True),
    "gemma4": PreKind((r"[^\n]+|[\n]+",), adds_bos=True, bytelevel=False),
    "sarvam-moe": PreKind((r"[^\n]+|[\n]+",), bytelevel=False),
}

ALIASES: dict[str, str] = {
    **dict.fromkeys(
        ("llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"), "llama-bpe"
    ),
    **dict.fromkeys(
        ("phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum", "modern-bert"),
        "gpt-2",
    ),
    **dict.fromkeys(("jina-v1-en", "jina-v2-code", "roberta-bpe"), "gpt-2"),
    **dict.fromkeys(("deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "hunyuan", "solar-open", "grok-2"), "qwen2"),
    **dict.fromkeys(("hunyuan-dense", "joyai-llm"), "deepseek-v3"),
    **dict.fromkeys(("llama4", "kanana2", "talkie", "minimax-m2"), "gpt-4o"),
    **dict.fromkeys(("bailingmoe2", "llada-moe"), "bailingmoe"),
    "glm4": "chatglm-bpe",
    "cohere2moe": "tiny_aya",
    "granite-embed-multi-311m": "gemma4",
}


def pre_kind(name: str | None) -> tuple[PreKind, str | None]:
    """The way of cutting that a file asks for, and a sentence where it had to be assumed."""
    if not name:
        return DEFAULT, (
            "The file does not say how to cut a text before byte-pair encoding (tokenizer.ggml.pre); "
            "llama.cpp's default was assumed, and the model may have learned another way."
        )
    found = KINDS.get(ALIASES.get(name, name))
    if found is None:
        return GPT2, (
            f"The file wants texts cut in a way named {name[:60]!r}, which is not known here; GPT-2's was assumed, "
            "so ids may differ from the model's own."
        )
    return found, None
