"""Every path of the system before that is still served."""

from __future__ import annotations

from starlette.routing import Route

from freehold.gateway.gateway import Gateway


def legacy_routes(gateway: Gateway) -> list[Route]:  # noqa: ARG001
    return []
