"""From endpoints to routes: who asks is found out and checked before anything is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from freehold.base.errors import FreeholdError
from freehold.gateway.answers import as_error, as_json
from freehold.gateway.authentication import require_csrf, who_asks
from freehold.gateway.endpoint import Asked, Endpoint
from freehold.gateway.gateway import Gateway
from freehold.gateway.guards import ROUTE, SAFE_METHODS
from freehold.gateway.throttle import ThrottledError

Refuse = Callable[[FreeholdError], Response]


def refuse(error: FreeholdError) -> Response:
    """An error in the words of `/api/v1`."""
    if isinstance(error, ThrottledError):
        return as_error(error, retry_after_s=error.retry_after_s)
    return as_error(error)


def routes_of(gateway: Gateway, endpoints: Iterable[Endpoint], prefix: str, refusal: Refuse = refuse) -> list[Route]:
    return [_route(gateway, endpoint, prefix, refusal) for endpoint in endpoints]


def _route(gateway: Gateway, endpoint: Endpoint, prefix: str, refusal: Refuse) -> Route:
    path = prefix + endpoint.path

    async def serve(request: Request) -> Response:
        request.scope[ROUTE] = path
        try:
            answer = await endpoint.handle(await _asked(gateway, endpoint, request))
        except FreeholdError as error:
            gateway.metrics.failed(error)
            return refusal(error)
        return answer if isinstance(answer, Response) else as_json(answer, endpoint.status)

    return Route(path, serve, methods=[endpoint.method])


async def _asked(gateway: Gateway, endpoint: Endpoint, request: Request) -> Asked:
    actor = await who_asks(gateway, request)
    actor.require(endpoint.scope)
    body = await request.body()
    if endpoint.method not in SAFE_METHODS:
        require_csrf(actor, request.headers, body)
    return Asked(gateway, actor, request.path_params, request.query_params, request.headers, body)
