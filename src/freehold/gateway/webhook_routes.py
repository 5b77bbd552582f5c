"""`POST` and `GET /webhooks/{source}`: open to everybody, because a delivery proves itself."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from freehold.base.errors import Code, FreeholdError
from freehold.gateway.answers import as_error, as_json
from freehold.gateway.gateway import Gateway
from freehold.gateway.guards import ROUTE
from freehold.webhooks.delivery import Delivery

PATH = "/webhooks/{source}"
_PREFIX = "/webhooks/"

_logger = logging.getLogger(__name__)


class Deliveries:
    """Around an application behind `Bodies`: takes deliveries in itself. At a burst, finding the route and making a
    request of it would be a third of all the work."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        source = scope["path"][len(_PREFIX) :]
        is_one = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(_PREFIX)
        if not is_one or not source or "/" in source:
            await self._app(scope, receive, send)
            return
        scope[ROUTE] = PATH
        came = await receive()
        if came["type"] == "http.request":
            response = await _take(self._gateway, _delivery(self._gateway, source, scope, came.get("body", b"")))
            await response(scope, receive, send)


def webhook_routes(gateway: Gateway) -> list[Route]:
    """What senders ask for with `GET`, and which methods there are."""

    async def deliver(request: Request) -> Response:
        request.scope[ROUTE] = PATH
        delivery = _delivery(gateway, request.path_params["source"], request.scope, await request.body())
        if request.method == "POST":
            return await _take(gateway, delivery)
        try:
            return _answer(gateway.webhooks.challenge(delivery))
        except FreeholdError as error:
            return _not_taken(gateway, error, delivery.source)

    return [Route(PATH, deliver, methods=["GET", "POST"])]


def _delivery(gateway: Gateway, source: str, scope: Scope, body: bytes) -> Delivery:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    query = scope["query_string"]
    asked = parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else ()
    return Delivery.of(source, headers, body, gateway.service.clock.now(), asked)


async def _take(gateway: Gateway, delivery: Delivery) -> Response:
    try:
        return _answer(await gateway.webhooks.take(delivery))
    except FreeholdError as error:
        return _not_taken(gateway, error, delivery.source)


def note_refused_body(gateway: Gateway, scope: Scope, error: FreeholdError) -> None:
    """What was asked for was refused before its body was whole: a delivery is counted."""
    source = scope["path"][len(_PREFIX) :]
    if scope["path"].startswith(_PREFIX) and source and "/" not in source:
        gateway.note_refused(source, error)


def _not_taken(gateway: Gateway, error: FreeholdError, source: str) -> Response:
    gateway.metrics.failed(error)
    gateway.note_refused(source, error)
    return _refusal(error, source)


def _answer(answer: object) -> Response:
    return Response() if answer == {} else as_json(answer)


def _refusal(error: FreeholdError, source: str) -> Response:
    """A sender that proved nothing is told nothing but that; why stands in the log."""
    told = {"source": source[:100], "why": error.message}
    if error.code is Code.DENIED:
        _logger.warning("a delivery was refused", extra={**told, "hint": error.hint})
        return as_error(FreeholdError(Code.DENIED, "the delivery was refused"), 401)
    if error.code is Code.NOT_FOUND:
        return as_error(FreeholdError(Code.NOT_FOUND, "there is no such webhook source"))
    _logger.warning("a delivery was not taken", extra=told)
    if error.code is Code.CREDENTIAL:
        return as_error(FreeholdError(Code.OVERLOADED, "the delivery cannot be checked now", "Send it again later."))
    return as_error(FreeholdError(error.code, error.message))
