"""What the tests of token features and of their link to failures share: a tiny tokenizer, suites, scripted models."""

import json
from pathlib import Path

from tokenizers import Regex, decoders, models, pre_tokenizers
from tokenizers import Tokenizer as Library

ALPHABET = [chr(c) for c in range(33, 127)] + ["Ġ", "Ċ"] + [chr(c) for c in range(0xA1, 0xAD)] + ["Ã"]
MERGES = ["a b", "ab c", '{ "', "1 2", "12 3", "Ġ y", "Ġy e", "Ġye s"]


def make_tokenizer(folder: Path, name: str = "tiny", more: list[str] | None = None) -> Path:
    """A byte-level BPE of a few merges, and one special token."""
    merges = [tuple(m.split(" ")) for m in MERGES + (more or [])]
    vocab = {token: number for number, token in enumerate([*ALPHABET, *("".join(m) for m in merges)])}
    library = Library(models.BPE(vocab=vocab, merges=merges))  # type: ignore[arg-type]
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r" ?[^\s]+|\s"), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    library.decoder = decoders.ByteLevel()
    library.add_special_tokens(["<|end|>"])
    path = folder / f"{name}.json"
    library.save(str(path))
    return path


def write_suite(path: Path, rows: list[tuple[str, str, str]], **more: object) -> Path:
    """Probes of (id, category, text) that expect `ok`."""
    lines = [
        {
            "id": name,
            "category": category,
            "messages": [{"role": "user", "content": text}],
            "expect": {"type": "contains", "value": "ok"},
            **more,
        }
        for name, category, text in rows
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    return path


def write_rules(path: Path, failing: list[str]) -> str:
    """A scripted model that fails where a text holds one of these, and is right elsewhere."""
    rules = [{"contains": text, "reply": "wrong"} for text in failing] + [{"contains": "", "reply": "ok"}]
    path.write_text("\n".join(json.dumps(rule) for rule in rules), "utf-8")
    return f"scripted:{path}"
