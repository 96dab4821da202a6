"""Texts of a domain out of a seeded grammar, and general ones out of Python's own help."""

import json
import random
from pathlib import Path
from pydoc_data.topics import topics

STEMS = ("pembro", "niv", "trastu", "beva", "ritu", "ator", "rosuva", "amlo", "losar", "metopro", "omepra", "cefa")
ENDINGS = ("lizumab", "olumab", "zumab", "cizumab", "ximab", "vastatin", "dipine", "tan", "lol", "zole", "lexin")
FINDINGS = (
    "hepatosplenomegaly", "cholangiocarcinoma", "thrombocytopenia", "hypercholesterolaemia", "nephrolithiasis",
    "bronchiectasis", "glomerulonephritis", "pneumothorax", "diverticulitis", "osteomyelitis",
)  # fmt: skip
SENTENCES = (
    "The patient, aged {age}, presented with {finding} and was started on {drug} {dose} mg twice daily.",
    "Under {drug} the {finding} resolved within {age} days; no {other} was seen.",
    "Contraindications to {drug}: known {finding}, or previous {other}.",
    "Impression: {finding}, probably secondary to {other}. Plan: discontinue {drug}.",
)


def medical(count: int, seed: int = 0) -> list[str]:
    """Notes of three to eight sentences each."""
    dice = random.Random(seed)

    def sentence() -> str:
        return dice.choice(SENTENCES).format(
            age=dice.randint(1, 99),
            dose=dice.choice((5, 10, 25, 50, 100, 250)),
            drug=dice.choice(STEMS) + dice.choice(ENDINGS),
            finding=dice.choice(FINDINGS),
            other=dice.choice(FINDINGS),
        )

    return [" ".join(sentence() for _ in range(dice.randint(3, 8))) for _ in range(count)]


def general(count: int) -> list[str]:
    """Paragraphs of the texts behind `help()`, each once."""
    paragraphs = dict.fromkeys(part for name in sorted(topics) for part in topics[name].split("\n\n") if len(part) > 80)
    return list(paragraphs)[:count]


def write_lines(path: Path, texts: list[str], field: str = "text") -> Path:
    """A JSONL file, a text a line."""
    path.write_text("".join(json.dumps({field: text}) + "\n" for text in texts), "utf-8")
    return path
