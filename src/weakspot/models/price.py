"""What a run costs in money, where the user has said what tokens cost."""

from weakspot.records import ModelInfo


def estimate_cost(info: ModelInfo, prompt_tokens: int, completion_tokens: int) -> float | None:
    """The cost in USD of so many tokens at `info.price_in` and `info.price_out` (USD per million tokens).

    Returns:
        None where either price is missing: half a price is no lower bound that anyone can plan with.
    """
    if info.price_in is None or info.price_out is None:
        return None
    return (prompt_tokens * info.price_in + completion_tokens * info.price_out) / 1_000_000
