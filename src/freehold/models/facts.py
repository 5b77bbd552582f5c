"""What the gateway tells of each request to a model: the `model.request` event, without its place in a file."""

from __future__ import annotations

from collections.abc import Callable

from freehold.base.errors import Code, FreeholdError
from freehold.models.attempt import Begun, Failure
from freehold.models.bill import Bill, Charge
from freehold.models.call import ModelCall
from freehold.project.wire_formats import WireFormat
from freehold.wire.events import ModelRequest
from freehold.wire.runs import Usage

GONE = FreeholdError(Code.INTERRUPTED, "the harness went away before the answer ended")

FactSink = Callable[[ModelRequest], None]
"""Takes a fact; the keeper numbers it and appends it to the run's events."""


def answered(call: ModelCall, begun: Begun, charge: Charge, error: str) -> ModelRequest:
    """An answer was shown; `error` when it did not come to its end."""
    return ModelRequest(
        model=begun.model.name,
        provider=begun.model.provider,
        wire_format=call.route.wire_format,
        status=begun.answer.status,
        usage=charge.usage,
        cost_usd=charge.cost_usd,
        first_byte_s=round(begun.first_byte_s, 4),
        duration_s=_since(begun.bill),
        fallback_from=begun.fallback_from,
        error=error,
    )


def failed(call: ModelCall, bill: Bill, failure: Failure, charge: Charge) -> ModelRequest:
    """A model was asked and nothing of its answer was shown, but for the words with which it refused."""
    return ModelRequest(
        model=failure.model.name,
        provider=failure.model.provider,
        wire_format=call.route.wire_format,
        status=failure.status,
        usage=charge.usage,
        cost_usd=charge.cost_usd,
        first_byte_s=None,
        duration_s=_since(bill),
        error=failure.error.message,
    )


def refused(wire_format: WireFormat, model: str, status: int, error: FreeholdError) -> ModelRequest:
    """No model was asked, or none of those asked answered; `status` is what the harness was told."""
    return ModelRequest(
        model=model,
        provider="",
        wire_format=wire_format,
        status=status,
        usage=Usage(),
        cost_usd=0.0,
        first_byte_s=None,
        duration_s=0.0,
        error=error.message,
    )


def _since(bill: Bill) -> float:
    return round(bill.clock.monotonic() - bill.opened_at, 4)
