"""`GET /health` for whoever looks after the machine, and `GET /metrics` for Prometheus."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from freehold import __version__
from freehold.base.errors import Code, FreeholdError
from freehold.gateway.answers import NEVER_STORED, as_error, as_json, with_error_headers
from freehold.gateway.authentication import who_asks
from freehold.gateway.gateway import Gateway
from freehold.gateway.guards import ROUTE
from freehold.gateway.local_peer import is_local
from freehold.gateway.metrics import CONTENT_TYPE
from freehold.gateway.trusted_hosts import LOOPBACK
from freehold.store.api_keys import Scope
from freehold.store.tables import switches
from freehold.wire.service import Health

DATABASE_DEADLINE_S = 5.0
UNTOLD = "what does not work is told on this machine, and to who has a key"
_PROXIED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def health_routes(gateway: Gateway) -> list[Route]:
    async def health(request: Request) -> Response:
        request.scope[ROUTE] = "/health"
        gateway.service.look()  # a push asks until its release is at work
        problems = gateway.views.problems()
        problem = await _database_problem(gateway)
        if problem:
            problems = [problem, *problems]
        # Names, places and words of configuration files are nothing for strangers.
        refused = gateway.views.refused()
        if (problems or refused) and not await _may_know(gateway, request):
            problems = [UNTOLD] if problems else []
            refused = [UNTOLD] if refused else []
        accepts = not problem and not gateway.service.database.room.problem()
        found = Health(
            status="degraded" if problems else "ok",
            version=__version__,
            release=gateway.views.release,
            refused=refused,
            problems=problems,
            accepts=accepts,
        )
        return with_error_headers(as_json(found, 503 if problem else 200))

    async def metrics(request: Request) -> Response:
        request.scope[ROUTE] = "/metrics"
        try:
            if not _is_this_machine(request):
                (await who_asks(gateway, request)).require(Scope.READ)
            await gateway.count_dead_letters()
        except FreeholdError as error:
            gateway.metrics.failed(error)
            if error.code not in (Code.UNREACHABLE, Code.DISK):
                return as_error(error)
        return Response(gateway.metrics.text(), 200, NEVER_STORED, CONTENT_TYPE)

    return [Route("/health", health, methods=["GET"]), Route("/metrics", metrics, methods=["GET"])]


async def _database_problem(gateway: Gateway) -> str:
    """Why the database cannot be used; empty when it can."""

    def work(connection: Connection) -> None:
        connection.execute(select(switches.c.name).limit(1)).first()

    try:
        async with asyncio.timeout(DATABASE_DEADLINE_S):
            await gateway.service.database.read(work)
    except FreeholdError as error:
        gateway.metrics.failed(error)
        return error.message
    except TimeoutError:
        return f"the database did not answer within {DATABASE_DEADLINE_S:.0f} s"
    return ""


async def _may_know(gateway: Gateway, request: Request) -> bool:
    if is_local(request.scope) or _is_this_machine(request):
        return True
    try:
        (await who_asks(gateway, request)).require(Scope.READ)
    except FreeholdError:  # health is told all the same, and whether the key is right elsewhere
        return False
    return True


def _is_this_machine(request: Request) -> bool:
    """Whether a program on this machine asks, and no proxy here for somebody elsewhere."""
    if any(name in request.headers for name in _PROXIED):
        return False
    name = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    return name in LOOPBACK and request.client is not None and request.client.host in ("127.0.0.1", "::1")
