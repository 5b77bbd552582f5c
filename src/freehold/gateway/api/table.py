"""Every endpoint of `/api/v1`: the one source of its routes, its scopes and its document."""

from __future__ import annotations

from freehold.gateway.api import (
    agents,
    calls,
    chats,
    configuration,
    keys,
    left,
    locks,
    notices,
    project,
    receipts,
    runs,
    triggers,
    usage,
)
from freehold.gateway.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *project.ENDPOINTS,
    *agents.ENDPOINTS,
    *runs.ENDPOINTS,
    *calls.ENDPOINTS,
    *chats.ENDPOINTS,
    *left.ENDPOINTS,
    *triggers.ENDPOINTS,
    *locks.ENDPOINTS,
    *notices.ENDPOINTS,
    *receipts.ENDPOINTS,
    *usage.ENDPOINTS,
    *configuration.ENDPOINTS,
    *keys.ENDPOINTS,
)
