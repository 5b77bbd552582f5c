"""`POST` and `GET /webhooks/{source}`: open to everybody, because a delivery proves itself."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from freehold.base.errors import Code, FreeholdError
from freehold.gateway.answers import as_error, as_json
from freehold.gateway.gateway import Gateway
from freehold.gateway.guards import ROUTE
from freehold.webhooks.delivery import Delivery

PATH = "/webhooks/{source}"
_PREFIX = "/webhooks/"

_logger = logging.getLogger(__name__)


def webhook_routes(gateway: Gateway) -> list[Route]:
    async def deliver(request: Request) -> Response:
        request.scope[ROUTE] = PATH
        delivery = delivery_of(gateway, request.path_params["source"], request.scope, await request.body())
        try:
            if request.method == "POST":
                return answer_of(await gateway.webhooks.take(delivery))
            return answer_of(gateway.webhooks.challenge(delivery))
        except FreeholdError as error:
            return not_taken(gateway, error, delivery.source)

    return [Route(PATH, deliver, methods=["GET", "POST"])]


def source_in(scope: Scope) -> str:
    """The source, or the type of sources, that the path names; empty where it is another one."""
    path: str = scope["path"]
    source = path[len(_PREFIX) :] if path.startswith(_PREFIX) else ""
    return "" if "/" in source else source


def delivery_of(gateway: Gateway, source: str, scope: Scope, body: bytes) -> Delivery:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    query = scope["query_string"]
    asked = parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else ()
    return Delivery.of(source, headers, body, gateway.service.clock.now(), asked)


def note_refused_body(gateway: Gateway, scope: Scope, error: FreeholdError) -> None:
    """What was asked for was refused before its body was whole: a delivery is counted."""
    if source := source_in(scope):
        gateway.note_refused(source, error)


def not_taken(gateway: Gateway, error: FreeholdError, source: str) -> Response:
    gateway.metrics.failed(error)
    gateway.note_refused(source, error)
    return _refusal(error, source)


def answer_of(answer: object) -> Response:
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
