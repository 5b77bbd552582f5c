"""Models that were rate limited a moment ago are asked last."""

from __future__ import annotations

from freehold.models.policy import PolicyModel

OPEN_S = 60.0
"""A rate-limited model is skipped for this long (as long as Action Llama leaves it alone)."""


class Circuit:
    """Shared by the runs of one keeper; times are a monotonic clock's seconds."""

    def __init__(self) -> None:
        self._open_until: dict[tuple[str, ...], float] = {}

    def trip(self, model: PolicyModel, now: float) -> None:
        self._open_until[self._key(model)] = now + OPEN_S

    def reset(self, model: PolicyModel) -> None:
        self._open_until.pop(self._key(model), None)

    def order(self, models: tuple[PolicyModel, ...], now: float) -> tuple[PolicyModel, ...]:
        """The models worth asking, in their order; when all were limited, all of them."""
        closed = tuple(model for model in models if self._open_until.get(self._key(model), 0.0) <= now)
        return closed or models

    @staticmethod
    def _key(model: PolicyModel) -> tuple[str, ...]:
        return (model.name, model.provider, model.base_url, model.model)
