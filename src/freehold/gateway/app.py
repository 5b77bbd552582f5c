"""The gateway's application: its routes, and what stands around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Scope

from freehold.base.errors import Code, FreeholdError
from freehold.gateway.answer_page import answer_routes
from freehold.gateway.answers import ErrorPage, as_answer, as_json
from freehold.gateway.api.table import ENDPOINTS
from freehold.gateway.bodies import DEADLINE_S, Bodies
from freehold.gateway.endpoint_routes import routes_of
from freehold.gateway.gateway import Gateway
from freehold.gateway.guards import ROUTE, Guards
from freehold.gateway.health import health_routes
from freehold.gateway.legacy.table import legacy_routes
from freehold.gateway.login import login_routes
from freehold.gateway.openapi import document
from freehold.gateway.plain_deliveries import PlainDeliveries
from freehold.gateway.trusted_hosts import TrustedHosts
from freehold.gateway.webhook_routes import note_refused_body, webhook_routes
from freehold.wire.service import API

_FOR_PROGRAMS = ("/api/", "/webhooks/", "/control/")
_CODES = {404: Code.NOT_FOUND, 405: Code.USAGE}


def make_app(
    gateway: Gateway,
    hosts: Callable[[Scope], TrustedHosts],
    *,
    web: bool = False,
    pages: Sequence[BaseRoute] = (),
    error_page: ErrorPage | None = None,
    body_deadline_s: float = DEADLINE_S,
) -> ASGIApp:
    """`pages` are those of the console, which are served with `web`; without it, a browser finds nothing here.
    `error_page` tells a browser what the gateway itself refuses."""
    described = document(ENDPOINTS)

    async def openapi(request: Request) -> Response:
        request.scope[ROUTE] = f"{API}/openapi.json"
        return as_json(described)

    routes: list[BaseRoute] = [
        *health_routes(gateway),
        *webhook_routes(gateway),
        *login_routes(gateway, error_page),
        *answer_routes(gateway),
        Route(f"{API}/openapi.json", openapi, methods=["GET"]),
        *routes_of(gateway, ENDPOINTS, API),
        *legacy_routes(gateway),
        *((pages or [Route("/", _front, methods=["GET"])]) if web else ()),
    ]
    inner = Starlette(routes=routes, exception_handlers={HTTPException: _not_served(error_page)})
    inner.router.redirect_slashes = False
    held: Counter[str] = Counter()
    taking = Bodies(
        inner,
        deadline_s=body_deadline_s,
        held=held,
        refused=lambda scope, error: note_refused_body(gateway, scope, error),
    )
    return PlainDeliveries(
        Guards(taking, hosts, gateway.metrics.answered, lambda: gateway.name_on_servers), gateway, held
    )


async def _front(request: Request) -> Response:
    request.scope[ROUTE] = "/"
    return as_json({"api": API, "document": f"{API}/openapi.json", "health": "/health"})


def _not_served(error_page: ErrorPage | None) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        page = None if request.url.path.startswith(_FOR_PROGRAMS) else error_page
        words = "there is nothing at this address" if error.status_code == 404 else error.detail
        hint = "It may be mistyped." if page else f"{API}/openapi.json says what there is."
        told = FreeholdError(_CODES.get(error.status_code, Code.USAGE), words, hint)
        response = as_answer(request.headers, told, page, error.status_code)
        if error.status_code == 405:
            response.headers["Allow"] = ", ".join(sorted(_methods_at(request)))
        return response

    return answer


def _methods_at(request: Request) -> set[str]:
    """Of all routes of the path, not only of the first one, which is what the framework names."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    return {
        method
        for route in routes
        for method in route.methods or ()
        if route.matches(dict(request.scope))[0] is not Match.NONE
    }
