"""A sink for those who do not look."""


class Silent:
    """Progress that goes nowhere."""

    def start(self, candidate: str, total: int, done: int) -> None:
        """Nothing."""

    def advance(self, candidate: str, tokens: int) -> None:
        """Nothing."""

    def fetching(self, what: str, done: int, total: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""
