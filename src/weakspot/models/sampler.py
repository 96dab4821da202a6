"""Every sampler, spelled out: an engine's own defaults never act, and a record holds what did."""

from collections.abc import Mapping
from typing import Any

from weakspot.records import Request


def sampler(request: Request, options: Mapping[str, Any]) -> dict[str, Any]:
    """The sampler settings of a request, in llama.cpp's names; the request's own, else the candidate's, else greedy.

    What stands at nothing (top_k 0, min_p 0, repeat_penalty 1 and so on) is off.
    """
    given = request.temperature if request.temperature is not None else options.get("temperature", 0.0)
    top_p = request.top_p if request.top_p is not None else options.get("top_p", 1.0)
    return {
        "temperature": float(given),
        "top_k": 0,
        "top_p": float(top_p),
        "min_p": 0.0,
        "typical_p": 1.0,
        "repeat_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "dry_multiplier": 0.0,
        "xtc_probability": 0.0,
        "mirostat": 0,
    }


def recorded(settings: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as a provenance holds them: with the reply limit that a candidate sets over every item's own.

    The reply cache tells requests apart by what the provenance says, so nothing that decides a reply may be missing.
    """
    return {**settings, **({"max_tokens": int(options["max_tokens"])} if options.get("max_tokens") else {})}
