"""What a run has used so far, added up from its own `model.request` events."""

from __future__ import annotations

from freehold.wire.events import ModelRequest
from freehold.wire.runs import ModelUse, Usage


class Spent:
    """Tokens and dollars, together and by model; a cost is None once a model without a known price has answered."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.cost_usd: float | None = 0.0
        self.models: dict[str, ModelUse] = {}

    def add(self, request: ModelRequest) -> None:
        self.usage += request.usage
        self.cost_usd = _more(self.cost_usd, request)
        before = self.models.get(request.model, ModelUse())
        used = ModelUse(before.usage + request.usage, _more(before.cost_usd, request))
        self.models = {**self.models, request.model: used}  # what was shown of it stays as it was


def _more(before: float | None, request: ModelRequest) -> float | None:
    if before is not None and request.cost_usd is not None:
        return round(before + request.cost_usd, 6)
    return None if request.usage.tokens else before
