"""What a run has used so far, added up from its own `model.request` events."""

from __future__ import annotations

from freehold.wire.events import ModelRequest
from freehold.wire.runs import Usage


class Spent:
    """Tokens and dollars; the cost is None once a model without a known price has answered."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.cost_usd: float | None = 0.0

    def add(self, request: ModelRequest) -> None:
        self.usage += request.usage
        if self.cost_usd is not None and request.cost_usd is not None:
            self.cost_usd = round(self.cost_usd + request.cost_usd, 6)
        elif request.usage.tokens:
            self.cost_usd = None
