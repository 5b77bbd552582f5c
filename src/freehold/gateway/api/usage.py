"""What was used and what it cost, by day and agent."""

from __future__ import annotations

from datetime import timedelta

from freehold.gateway.endpoint import Asked, Endpoint
from freehold.store import run_index
from freehold.store.api_keys import Scope
from freehold.store.run_index import UsageDay


async def usage(asked: Asked) -> list[UsageDay]:
    """Today (UTC) is the last of the days."""
    days, agent = asked.number("days", 30, 3660), asked.text("agent")
    since = (asked.service.clock.now() - timedelta(days=days - 1)).date().isoformat()
    return await asked.service.database.read(lambda connection: run_index.usage(connection, since, agent))


ENDPOINTS = (
    Endpoint("GET", "/usage", Scope.READ, "What was used, by day and agent", usage, answer=list[UsageDay],
             query=("days", "agent")),
)  # fmt: skip
