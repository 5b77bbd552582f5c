"""The short way for deliveries as nearly all of them come: small, whole at once, and sent by a program.

At a burst, what stands around the application took as long as verifying a delivery and reading it. Nothing of it is
left out here: what those layers would look at, a plain delivery does not have, and what is not plain goes through them
(`tests/transcripts/gateway/test_plain_deliveries.py` asks both ways the same).
"""

from __future__ import annotations

import time
from collections import Counter

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from freehold.base.errors import FreeholdError
from freehold.gateway import at_once
from freehold.gateway.bodies import MOST_HELD, once, purse_of
from freehold.gateway.gateway import Gateway
from freehold.gateway.guards import GUARDING, ROUTE, SLOW_S, Answered, answer_defect
from freehold.gateway.patient_protocol import WHOLE
from freehold.gateway.webhook_routes import PATH, answer_of, delivery_of, not_taken, source_in
from freehold.webhooks.delivery import Delivery
from freehold.wire.service import WebhookAnswer

_LONG_WAY = frozenset({"origin", "sec-fetch-site", "transfer-encoding"})
"""Headers that somebody has to look at: a page may have sent it, or it does not say how long it is."""


class PlainDeliveries:
    """Around the whole application, `app`. `held` are the bytes that are worked on, which `Bodies` counts too."""

    def __init__(self, app: ASGIApp, gateway: Gateway, held: Counter[str]) -> None:
        self._app = app
        self._gateway = gateway
        self._held = held
        like_all = answer_of(WebhookAnswer()).raw_headers
        self._head = [*(one for one in like_all if one[0] != b"content-length"), *GUARDING]
        self._lines = b"".join([b"%b: %b\r\n" % header for header in self._head])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope.get(WHOLE) or scope["method"] != "POST" or not (source := source_in(scope)):
            await self._app(scope, receive, send)
            return
        came = await receive()
        if came["type"] != "http.request":
            return  # whoever asked has gone
        body, purse = came["body"], purse_of(scope)
        delivery = delivery_of(self._gateway, source, scope, body)
        if not _LONG_WAY.isdisjoint(delivery.headers) or self._held[purse] + len(body) > MOST_HELD:
            await self._app(scope, once(body, receive), send)
            return
        self._held[purse] += len(body)
        try:
            await self._take(delivery, scope, receive, send)
        finally:
            self._held[purse] -= len(body)

    async def _take(self, delivery: Delivery, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        scope[ROUTE] = PATH
        answered = Answered(scope, send, began, self._gateway.metrics.answered)
        try:
            answer = await self._gateway.webhooks.take(delivery)
        except FreeholdError as error:
            await not_taken(self._gateway, error, delivery.source)(scope, receive, answered.send)
        except Exception as error:  # a defect of ours
            await answer_defect(scope, receive, answered, error)
        else:
            took_s = time.monotonic() - began
            if not isinstance(answer, WebhookAnswer) or took_s >= SLOW_S:
                await answer_of(answer)(scope, receive, answered.send)
                return
            self._gateway.metrics.answered("POST", PATH, 200, took_s)
            body = msgspec.json.encode(answer) + b"\n"
            if at_once.answer(scope, self._lines, body):
                return
            headers = [*self._head, (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
