"""A model that tries again: wraps one and is one."""

from weakspot.contracts import Model
from weakspot.models.retry import RetryPolicy, with_retry
from weakspot.records import ModelInfo, Reply, Request

PATIENCE = RetryPolicy()


class Patient:
    """Wraps a model; every request is retried by a policy. The reply says how many attempts it took."""

    def __init__(self, model: Model, policy: RetryPolicy = PATIENCE) -> None:
        self._model = model
        self._policy = policy

    @property
    def info(self) -> ModelInfo:
        """The inner model's."""
        return self._model.info

    async def open(self, context: int | None = None) -> None:
        """Open the inner model."""
        await self._model.open(context)

    async def generate(self, request: Request) -> Reply:
        """Answer one request, trying again where that can help."""
        return await with_retry(lambda: self._model.generate(request), self._policy)

    async def close(self) -> None:
        """Close the inner model."""
        await self._model.close()
