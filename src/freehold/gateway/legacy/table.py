"""Every path of the system before that is still served (those of logging in are in `gateway/login.py`)."""

from __future__ import annotations

from starlette.routing import Route

from freehold.gateway.endpoint_routes import routes_of
from freehold.gateway.gateway import Gateway
from freehold.gateway.legacy import control, logs, stats
from freehold.gateway.legacy.words import refuse

ENDPOINTS = (*control.ENDPOINTS, *stats.ENDPOINTS, *logs.ENDPOINTS)


def legacy_routes(gateway: Gateway) -> list[Route]:
    return routes_of(gateway, ENDPOINTS, "", refuse)
