"""`freehold start`: binds, answers `/health` at once, and then opens the project."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from freehold.base.errors import FreeholdError
from freehold.gateway.front import Front
from freehold.gateway.listening import EVERYWHERE, LOOPBACK, Address, address_of, bind, inherited
from freehold.gateway.server import serving
from freehold.gateway.single import only_one
from freehold.project.load import Project, load_project
from freehold.project.state import state_directory
from freehold.store.state_mark import claim_state

SCHEDULER_LOCK = "scheduler.lock"
TURN_S = 0.0005
"""How long a thread works before another one gets its turn. With Python's own 5 ms, a write waits that long after each
statement while requests are read: half of the time that a burst of deliveries took (`docs/why/webhook-speed.md`)."""

_logger = logging.getLogger(__name__)


async def serve(
    root: Path,
    home: Path,
    environment: str = "",
    *,
    host: str = "",
    port: int | None = None,
    expose: bool = False,
    web: bool = False,
    ready: Callable[[Address], None] = lambda _address: None,
) -> None:
    """Serve a project until SIGTERM, SIGINT or `POST /stop`: then no new work is begun, requests are finished within
    seconds, and runs go on. `ready` is told once everything answers.

    It listens on sockets that systemd passed on, else on `host` (127.0.0.1; with `expose` 0.0.0.0) and `port` (else
    `gateway.port`; 0: any free one). Raises CONFIG, CONFLICT (the port, or the project, is served already), UNREACHABLE
    or DISK (the database).
    """
    sys.setswitchinterval(TURN_S)
    project = load_project(root, home=home, environment=environment)
    _require_alone(project, root, home)
    _allow_many_files()
    if expose:
        _warn_without_tls(project)
    sockets = inherited(os.environ) or [_own_socket(project, host, port, expose=expose)]
    address = address_of(sockets[0])
    front, stop = Front(), asyncio.Event()
    with _told_by_signals(stop):
        async with serving(front, sockets) as running:
            # Half a second of imports, during which /health answers already.
            await asyncio.to_thread(importlib.import_module, "freehold.gateway.at_work")
            from freehold.gateway.at_work import Asking, work

            asking = Asking(root, home, environment, expose, web)
            await _unwrapped(work(asking, address, front, running, stop, lambda: ready(address)))


async def _unwrapped(doing: Awaitable[None]) -> None:
    """What a task group raises for one error of ours is that error."""
    try:
        await doing
    except BaseExceptionGroup as group:
        ours, others = group.split(FreeholdError)
        if others or ours is None:
            raise
        raise _first(ours) from None


def _first(group: BaseExceptionGroup[FreeholdError]) -> FreeholdError:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def _own_socket(project: Project, host: str, port: int | None, *, expose: bool) -> socket.socket:
    wanted = project.config.gateway.port if port is None else port
    return bind(host or (EVERYWHERE if expose else LOOPBACK), wanted)


def _warn_without_tls(project: Project) -> None:
    if not project.config.gateway.url.startswith("https://"):
        told = "it can be reached from elsewhere, and nothing says that it has TLS: keys could be read on their way"
        _logger.warning(told, extra={"hint": "Put a proxy with TLS before it, and set gateway.url to its address."})


def _require_alone(project: Project, root: Path, home: Path) -> None:
    """Whoever serves it already is named, before its port is found taken."""
    state = state_directory(root)
    claim_state(state, home)
    with only_one(state / SCHEDULER_LOCK, project.name):
        pass


def _allow_many_files() -> None:
    """A burst of ten thousand connections needs as many descriptors; the soft limit is often 1024."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536) if hard > 0 else 65_536, hard))


@contextlib.contextmanager
def _told_by_signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
