"""The API as the console asks it, within this process: no endpoint of its own, and no right that a key has not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request

from freehold.base.errors import FreeholdError
from freehold.console.project_api import Visitor
from freehold.gateway.access import Actor
from freehold.gateway.api.table import ENDPOINTS
from freehold.gateway.authentication import form_of, require_csrf, who_asks
from freehold.gateway.endpoint import Asked
from freehold.gateway.gateway import Gateway

_ENDPOINTS = {(endpoint.method, endpoint.path): endpoint for endpoint in ENDPOINTS}
_ACTOR = "freehold.actor"


class ConsoleApi:
    """`freehold.console.project_api.ProjectApi` of this gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def now(self) -> datetime:
        return self._gateway.service.clock.now()

    def project_name(self) -> str:
        return self._gateway.service.scheduler.agents.project.name

    async def visitor(self, request: Request) -> Visitor:
        actor = await self._actor(request)
        return Visitor(actor.name, frozenset(str(scope) for scope in actor.scopes), actor.csrf, actor.key_id)

    async def form(self, request: Request) -> dict[str, str]:
        body = await request.body()
        require_csrf(await self._actor(request), request.headers, body)
        return form_of(request.headers, body)

    async def ask(
        self,
        request: Request,
        method: str,
        path: str,
        names: Mapping[str, str],
        query: Mapping[str, str],
        body: Mapping[str, Any],
    ) -> Any:
        endpoint = _ENDPOINTS[method, path]
        actor = await self._actor(request)
        actor.require(endpoint.scope)
        try:
            return await endpoint.handle(
                Asked(self._gateway, actor, names, query, request.headers, msgspec.json.encode(body))
            )
        except FreeholdError as error:
            self._gateway.metrics.failed(error)
            raise

    async def run_events(self, run_id: str, after_seq: int) -> AsyncGenerator[bytes]:
        source = self._gateway.run_events.follow(run_id, after_seq, live=False)
        try:
            async for event in source:
                yield event.line
        finally:
            await source.aclose()

    async def _actor(self, request: Request) -> Actor:
        """Found out once a request."""
        if _ACTOR not in request.scope:
            request.scope[_ACTOR] = await who_asks(self._gateway, request)
        actor: Actor = request.scope[_ACTOR]
        return actor
