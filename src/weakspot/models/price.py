"""What a run costs in money, where the user has said what tokens cost."""


def estimate_cost(
    price_in: float | None, price_out: float | None, prompt_tokens: int, completion_tokens: int
) -> float | None:
    """The cost in USD of so many tokens at prices in USD per million tokens.

    Returns:
        None where either price is missing: half a price is no lower bound that anyone can plan with.
    """
    if price_in is None or price_out is None:
        return None
    return (prompt_tokens * price_in + completion_tokens * price_out) / 1_000_000
