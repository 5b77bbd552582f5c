"""Why a server was refused: providers say in a text that a plan is gone from a region, and texts are not matched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from freehold.base.errors import FreeholdError
from freehold.providers.api_error import ApiError, Refusal
from freehold.providers.machine import ServerSpec
from freehold.providers.offer import Catalogue


async def require_sold(error: ApiError, spec: ServerSpec, catalogue: Callable[[], Awaitable[Catalogue]]) -> None:
    """Raises NOT_SOLD, with where it is sold, when the plan, the region, or both together are not in the catalogue now.

    Nothing for errors of another kind, and for a catalogue that cannot be read: then `error` says the most.
    """
    if error.refusal not in (Refusal.INVALID, Refusal.NOT_SOLD, Refusal.NOT_FOUND):
        return
    try:
        sold = await catalogue()
    except ApiError:
        return
    try:
        sold.require_sold(spec.plan, spec.region)
    except FreeholdError as gone:
        message = f"{error.message}; {gone.message}"
        raise ApiError(Refusal.NOT_SOLD, message, gone.hint, status=error.status) from error
