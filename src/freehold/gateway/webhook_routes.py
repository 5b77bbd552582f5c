"""`POST` and `GET /webhooks/{source}`: open to everybody, because a delivery proves itself."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from freehold.base.errors import Code, FreeholdError
from freehold.gateway.answers import as_error, as_json
from freehold.gateway.gateway import Gateway
from freehold.gateway.guards import ROUTE
from freehold.webhooks.delivery import Delivery

PATH = "/webhooks/{source}"

_logger = logging.getLogger(__name__)


def webhook_routes(gateway: Gateway) -> list[Route]:
    async def deliver(request: Request) -> Response:
        request.scope[ROUTE] = PATH
        delivery = Delivery.of(
            request.path_params["source"],
            request.headers.items(),
            await request.body(),
            gateway.service.clock.now(),
            request.query_params.multi_items(),
        )
        try:
            if request.method == "POST":
                return _answer(await gateway.webhooks.take(delivery))
            return _answer(gateway.webhooks.challenge(delivery))
        except FreeholdError as error:
            gateway.metrics.failed(error)
            return _refusal(error, delivery.source)

    return [Route(PATH, deliver, methods=["GET", "POST"])]


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
