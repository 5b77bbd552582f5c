"""What HTTP requests on a run's socket lead to, and how their errors are answered."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from aiohttp import web

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.pace import Pace
from freehold.egress.proxy import EgressProxy
from freehold.keeper.mcp_relay import McpRelay
from freehold.keeper.run_api import RunApi
from freehold.keeper.run_session import RunSession

LARGEST_REQUEST = 64 * 1024 * 1024
"""Bytes, for handlers that read a body whole; each has a smaller bound of its own."""

REQUESTS_PER_SECOND, REQUEST_BURST = 200.0, 2000.0
"""Of one run, whatever they ask for: each costs the keeper 0.1 ms, which it owes to all runs. A harness makes a few."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_BEGUN = web.RequestKey("begun", bool)
_log = logging.getLogger(__name__)


class Gateway(Protocol):
    """Answers `/model/…` (`freehold.models.gateway.ModelGateway`); its handler is cancelled when the client leaves."""

    async def handle(self, request: web.Request) -> web.StreamResponse: ...


def run_application(
    api: RunApi, session: RunSession, gateway: Gateway, egress: EgressProxy, mcp: McpRelay | None, clock: Clock
) -> web.Application:
    """Everything that is not CONNECT."""
    pace = Pace(REQUESTS_PER_SECOND, REQUEST_BURST)

    def guarded(handler: Handler) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if delay_s := pace.take(clock.monotonic()):
                await clock.sleep(delay_s)
            # A client that is told of a proxy asks it for the whole URL (RFC 9112 §3.2.2).
            if not request.raw_path.startswith("/"):
                raise egress.refuse_plain(request.raw_path)
            return await handler(request)

        return _answering_errors(handle)

    routes = [
        *api.routes(),
        web.get("/v1/run/session", session.serve),
        web.route("*", "/model/{tail:.*}", gateway.handle),
        *([web.route("*", "/mcp/{name}", mcp.handle)] if mcp else []),
    ]
    known = {route.path: route.method for route in routes}
    # No middlewares: aiohttp keeps the last 1024 handlers that went through them, and with each its run, for ever.
    application = web.Application(client_max_size=LARGEST_REQUEST)
    application.on_response_prepare.append(_note_begun)
    application.add_routes([web.route(route.method, route.path, guarded(route.handler)) for route in routes])
    application.router.add_route("*", "/{tail:.*}", guarded(_nothing_there(known)))
    return application


def _nothing_there(known: Mapping[str, str]) -> Handler:
    """What is asked for by a method or a path that there is not."""

    async def refuse(request: web.Request) -> web.StreamResponse:
        if method := known.get(request.path):
            raise web.HTTPMethodNotAllowed(request.method, [method])
        raise web.HTTPNotFound

    return refuse


async def _note_begun(request: web.Request, _: web.StreamResponse) -> None:
    request[_BEGUN] = True


def _answering_errors(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except FreeholdError as error:
            return _answer(request, error, error.http_status)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            code = {404: Code.NOT_FOUND, 405: Code.PROTOCOL, 413: Code.TOO_LARGE}.get(error.status, Code.PROTOCOL)
            message = f"{request.method} {request.path[:200]}: {error.reason}"
            return _answer(
                request, FreeholdError(code, message, "docs/interfaces.md lists what there is"), error.status
            )
        except ConnectionError:
            raise  # the client left
        except Exception:
            _log.exception("a request on a run socket failed", extra={"path": request.path})
            return _answer(request, FreeholdError(Code.INTERNAL, "internal error", "the keeper's log says more"), 500)

    return handle


def _answer(request: web.Request, error: FreeholdError, status: int) -> web.Response:
    if request.get(_BEGUN):
        # An answer that has begun cannot be taken back: only cutting it says that it is not whole.
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError(error.message)
    response = web.json_response(error.as_dict(), status=status)
    if not request.raw_path.startswith("/"):
        response.force_close()
    return response
