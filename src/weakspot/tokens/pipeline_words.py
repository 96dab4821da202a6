"""The five steps of a `tokenizer.json` in words."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from weakspot.tokens.parts import Pipeline

LONGEST = 160
Step = Mapping[str, Any]


def pipeline_words(data: Step) -> Pipeline:
    """A sentence for each step of the file; an unknown kind of step is named as it stands."""
    return Pipeline(
        normalizer=_step(data.get("normalizer")),
        pre_tokenizer=_step(data.get("pre_tokenizer")),
        model=_model(data["model"]),
        post_processor=_step(data.get("post_processor"), AFTER),
        decoder=_step(data.get("decoder"), BACK),
    )


def _step(step: Any, own: Mapping[str, Callable[[Step], str]] = MappingProxyType({})) -> str:
    """`own`: words for steps whose name means another thing at this place."""
    if not isinstance(step, dict):
        return "none"
    kind = str(step.get("type"))
    if kind == "Sequence":
        parts: list[Any] = next(
            (step[key] for key in ("normalizers", "pretokenizers", "decoders", "processors") if key in step), []
        )
        return "; ".join(_step(part, own) for part in parts) or "none"
    words = own.get(kind) or WORDS.get(kind)
    said = words(step) if words else kind
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def _model(model: Step) -> str:
    size, kind = len(model["vocab"]), model.get("type") or "model"
    if "merges" not in model:
        return f"{kind}, {size:,} tokens"
    traits = [f"{len(model['merges']):,} merges"]
    traits += ["byte fallback"] if model.get("byte_fallback") else []
    traits += ["whole words before merges"] if model.get("ignore_merges") else []
    return f"BPE, {size:,} tokens, {', '.join(traits)}"


def _pattern(step: Step) -> str:
    pattern = step.get("pattern")
    if isinstance(pattern, dict):
        kind, text = next(iter(pattern.items()), ("", ""))
        return f"the regular expression {text}" if kind == "Regex" else repr(text)
    return repr(pattern)


def _bert(step: Step) -> str:
    does = ["cleans control characters and white space"] if step.get("clean_text") else []
    does += ["sets CJK characters apart"] if step.get("handle_chinese_chars") else []
    accents = step.get("strip_accents")
    does += ["lower case"] if step.get("lowercase") else []
    does += ["strips accents"] if accents or (accents is None and step.get("lowercase")) else []
    return "BERT's: " + (", ".join(does) or "nothing")


def _template(step: Step) -> str:
    words = []
    for part in step.get("single") or ():
        special = part.get("SpecialToken") if isinstance(part, dict) else None
        words.append(str(special.get("id")) if isinstance(special, dict) else "the text")
    return "adds around a text: " + " ".join(words) if words else "a template"


def _metaspace(step: Step) -> str:
    where = {"always": "before every text", "first": "before the first text", "never": "nowhere"}
    prepend = where.get(str(step.get("prepend_scheme", "always")), "?")
    cut = ", cut before each" if step.get("split", True) else ""
    return f"a space becomes {step.get('replacement', '▁')}{cut}; one is put {prepend}"


def _byte_level(step: Step) -> str:
    prefix = ", a space before the text" if step.get("add_prefix_space") else ""
    return "bytes as letters" + (", cut by GPT-2's pattern" if step.get("use_regex") else "") + prefix


WORDS: dict[str, Callable[[Step], str]] = {
    "NFC": lambda _: "NFC: characters composed",
    "NFD": lambda _: "NFD: characters taken apart",
    "NFKC": lambda _: "NFKC: compatibility forms replaced (ligatures, full width, superscripts), composed",
    "NFKD": lambda _: "NFKD: compatibility forms replaced, taken apart",
    "Lowercase": lambda _: "lower case",
    "StripAccents": lambda _: "strips accents",
    "Strip": lambda s: f"strips {'white space' if 'content' not in s else repr(s['content'])} at the ends",
    "Replace": lambda s: f"replaces {_pattern(s)} by {s.get('content')!r}",
    "Prepend": lambda s: f"puts {s.get('prepend')!r} before the text",
    "Append": lambda s: f"puts {s.get('append')!r} behind the text",
    "Precompiled": lambda _: "SentencePiece's character map (NFKC-like)",
    "Nmt": lambda _: "drops control characters, white space to blanks",
    "BertNormalizer": _bert,
    "BertPreTokenizer": lambda _: "cut at white space and punctuation, white space dropped",
    "Whitespace": lambda _: "cut into word characters and others, white space dropped",
    "WhitespaceSplit": lambda _: "cut at white space, which is dropped",
    "Punctuation": lambda s: f"punctuation set apart ({s.get('behavior')})",
    "Digits": lambda s: "each digit set apart" if s.get("individual_digits") else "digits set apart from letters",
    "Split": lambda s: f"cut by {_pattern(s)} ({str(s.get('behavior')).lower()})",
    "UnicodeScripts": lambda _: "cut where the script changes",
    "Metaspace": _metaspace,
    "ByteLevel": _byte_level,
    "TemplateProcessing": _template,
    "BertProcessing": lambda s: f"adds {s.get('cls', ['?'])[0]} before and {s.get('sep', ['?'])[0]} behind",
    "RobertaProcessing": lambda s: f"adds {s.get('cls', ['?'])[0]} before and {s.get('sep', ['?'])[0]} behind",
    "WordPiece": lambda s: f"joins {s.get('prefix')!r}" + (", cleans up spaces" if s.get("cleanup") else ""),
    "BPEDecoder": lambda s: f"{s.get('suffix')!r} becomes a space",
    "ByteFallback": lambda _: "<0xXX> tokens become bytes",
    "Fuse": lambda _: "joined",
}

AFTER: Mapping[str, Callable[[Step], str]] = {
    "ByteLevel": lambda s: "trims spaces off the offsets" if s.get("trim_offsets") else "adds nothing"
}
BACK: Mapping[str, Callable[[Step], str]] = {
    "ByteLevel": lambda _: "letters become bytes",
    "Metaspace": lambda s: f"{s.get('replacement', '▁')} becomes a space, the first one is dropped",
    "Strip": lambda s: (
        f"strips {s.get('start', 0)} x {s.get('content', ' ')!r} at the start, {s.get('stop', 0)} at the end"
    ),
}
