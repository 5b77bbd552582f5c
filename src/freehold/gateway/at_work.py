"""A project's service with its gateway, from the moment that its database is open until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Scope

from freehold.base.files import PRIVATE_FILE
from freehold.base.sockets import listen_unix
from freehold.gateway.answers import ErrorPage
from freehold.gateway.app import make_app
from freehold.gateway.console_api import ConsoleApi
from freehold.gateway.first_key import ensure_first_key
from freehold.gateway.forwarded_peer import PATIENCE, ForwardedPeers, is_forwarded
from freehold.gateway.front import Front
from freehold.gateway.gateway import (
    Gateway,
    listening,
    make_gateway,
    read_latest_runs,
    watch_followers,
    watch_past,
    watch_standing,
)
from freehold.gateway.listening import Address
from freehold.gateway.local_peer import is_local
from freehold.gateway.log_ring import LogRing
from freehold.gateway.project_service import ProjectService, open_service
from freehold.gateway.run_events import KeeperRunEvents
from freehold.gateway.server import Serving, serving
from freehold.gateway.trusted_hosts import TrustedHosts
from freehold.project.state import state_directory
from freehold.store.credentials import FileCredentialStore
from freehold.wire.service import CONSOLE_SOCKET, GATEWAY_SOCKET


@dataclass(frozen=True)
class Asking:
    """What `freehold start` was asked for."""

    root: Path
    home: Path
    environment: str
    expose: bool
    web: bool


async def work(
    asking: Asking, at: Address, front: Front, running: Serving, stop: asyncio.Event, ready: Callable[[], None]
) -> None:  # fmt: skip
    """Until `stop`; `running` is who asks the front, and is stopped while all that it needs is still open. Raises as
    `open_service` does."""
    async with (
        open_service(asking.root, asking.home, asking.environment) as service,
        _gateway(asking, at, service, stop) as gateway,
    ):
        hosts = hosts_of(gateway, at.port, exposed=asking.expose)
        pages, error_page = _pages(gateway) if asking.web else ([], None)
        app = make_app(gateway, hosts, web=asking.web, pages=pages, error_page=error_page)
        async with _sockets(app, state_directory(asking.root), console=asking.web):
            front.open(app)
            ready()
            await stop.wait()
            service.scheduler.dispatcher.stopping = True
            gateway.streams.close()
            gateway.changes.close()
            await running.stop()


@contextlib.asynccontextmanager
async def _sockets(app: ASGIApp, state: Path, *, console: bool) -> AsyncIterator[None]:
    """Serves them in the project's state until all else has ended."""
    local, forwarded = state / GATEWAY_SOCKET, state / CONSOLE_SOCKET
    async with contextlib.AsyncExitStack() as served:
        await served.enter_async_context(serving(app, [listen_unix(local, PRIVATE_FILE)], local=True))
        if console:
            listener = listen_unix(forwarded, PRIVATE_FILE)
            await served.enter_async_context(serving(ForwardedPeers(app), [listener], patience=PATIENCE))
        yield
        for path in (local, forwarded):
            path.unlink(missing_ok=True)


def _pages(gateway: Gateway) -> tuple[list[BaseRoute], ErrorPage]:
    # Templates take memory: they are loaded only where they are served.
    from freehold.console.refusals import error_page
    from freehold.console.routes import console_routes

    api = ConsoleApi(gateway)
    return console_routes(api), error_page(api)


@contextlib.asynccontextmanager
async def _gateway(
    asking: Asking, at: Address, service: ProjectService, stop: asyncio.Event
) -> AsyncIterator[Gateway]:  # fmt: skip
    log = LogRing()
    logging.getLogger().addHandler(log)
    store = FileCredentialStore(asking.home)
    events = KeeperRunEvents(asking.root, asking.home)
    gateway = make_gateway(
        service, events, store, log=log, stop=stop.set, own_address=at.url, has_console=asking.web
    )  # fmt: skip
    works = (watch_standing(gateway), watch_followers(gateway), watch_past(gateway), gateway.notices.outbox.run())
    watching = [asyncio.create_task(one) for one in works]
    try:
        with listening(gateway):
            await ensure_first_key(service.database, store, service.clock.now())
            await read_latest_runs(gateway)
            yield gateway
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        logging.getLogger().removeHandler(log)


def hosts_of(gateway: Gateway, port: int, *, exposed: bool) -> Callable[[Scope], TrustedHosts]:
    """What the gateway answers to. Through sockets that may have been forwarded to any port, to any port."""
    names = frozenset({socket.gethostname().lower()}) if exposed else frozenset()

    def hosts(scope: Scope) -> TrustedHosts:
        if is_local(scope) or is_forwarded(scope):
            return TrustedHosts(0, gateway.public_url)
        return TrustedHosts(port, gateway.public_url, exposed, names)

    return hosts
