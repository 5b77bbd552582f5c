"""The calls that a run made to other agents."""

from __future__ import annotations

from sqlalchemy import Connection

from freehold.base.clock import rfc3339
from freehold.gateway.api.runs import one
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.store import calls, triggers
from freehold.store.api_keys import Scope
from freehold.wire.calls import CallMade

MOST_CALLS = 500


async def made(asked: Asked) -> list[CallMade]:
    view = await one(asked)

    def read(connection: Connection) -> list[CallMade]:
        return [_told(connection, call) for call in calls.made_by(connection, view.run_id)[:MOST_CALLS]]

    return await asked.service.database.read(read)


def _told(connection: Connection, call: calls.StoredCall) -> CallMade:
    trigger = triggers.find(connection, call.id)
    return CallMade(
        call_id=call.id,
        agent=call.agent,
        status=call.status,
        created_at=rfc3339(call.created_at),
        ended_at=rfc3339(call.ended_at) if call.ended_at else None,
        run_id=trigger.run_id if trigger else "",
        return_value=call.return_value,
        error=call.error,
    )


ENDPOINTS = (
    Endpoint("GET", "/runs/{id}/calls", Scope.READ, "The calls that it made, the first one first", made,
             answer=list[CallMade]),
)  # fmt: skip
