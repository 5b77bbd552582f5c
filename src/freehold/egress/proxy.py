"""The egress proxy of one run: serves CONNECT by its rules, and tells a fact for every connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from freehold.base.clock import Clock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.pace import Pace
from freehold.egress.connection import Connection
from freehold.egress.dialer import Dialer
from freehold.egress.limits import EgressLimits
from freehold.egress.rules import Rules
from freehold.wire.events import Egress

_log = logging.getLogger(__name__)


class EgressProxy:
    """Lets one run reach what `rules` allow. `audit` is called once per connection, when it ended or was refused.

    A connection is handed over as an accepted transport: `protocol()` gives the protocol for it. `dialer` is this
    proxy's own, and closed with it. Nothing here raises:
    what goes wrong is told to the client over HTTP and to `audit`.
    """

    def __init__(
        self,
        rules: Rules,
        audit: Callable[[Egress], None],
        *,
        dialer: Dialer,
        limits: EgressLimits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._rules = rules
        self._audit = audit
        self._dialer = dialer
        self._limits = limits or EgressLimits()
        self._clock = clock or SystemClock()
        self._pace = Pace(self._limits.per_second, self._limits.burst)
        self._places = asyncio.BoundedSemaphore(self._limits.connections)
        self._closed = False
        self._connections: dict[asyncio.Task[None], Connection] = {}

    @property
    def rules(self) -> Rules:
        return self._rules

    @property
    def connections(self) -> int:
        """How many it has to do with, also those that wait for their turn."""
        return len(self._connections)

    def set_rules(self, rules: Rules) -> None:
        """From now on `rules` hold, for open connections too: those no longer allowed are cut."""
        self._rules = rules
        for connection in self._connections.values():
            connection.recheck()

    def protocol(self) -> asyncio.Protocol:
        """The protocol for one accepted connection; its life is owned by this proxy. A closed proxy hangs up."""
        if self._closed:
            return _HangUp()
        connection = Connection(lambda: self._rules, self._dialer, self._limits)
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._connections[task] = connection
        task.add_done_callback(self._forget)
        return connection.reader

    def refuse_plain(self, url: str) -> FreeholdError:
        """The answer to a plain `http://` request, which is never let out; it is audited like any other."""
        host = _host_of(url)
        decision = self._rules.decide(host, 80)
        error = FreeholdError(Code.DENIED, "plain HTTP is not let out", f"use https://{decision.host}/ instead")
        if self._pace.allows(self._clock.monotonic()):
            self._audit(Egress(host=decision.host, port=80, allowed=False, reason=error.message))
        return error

    async def close(self) -> None:
        """Cut every connection, and take no more; returns when all are gone and audited."""
        self._closed = True
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._dialer.close()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._connections.pop(task).release()

    async def _serve(self, connection: Connection) -> None:
        started = self._clock.monotonic()
        try:
            await self._serve_by_the_rules(connection)
        except FreeholdError as error:
            await connection.refuse(error)
        except ConnectionError:
            connection.left()
        except asyncio.CancelledError:
            await connection.abort("the run ended")
            raise
        except Exception:  # a defect of ours: it must not leave a connection open that nobody owns
            _log.exception("a connection failed")
            await connection.abort("internal error")
        finally:
            fact = connection.fact(self._clock.monotonic() - started)
            if fact is not None:
                self._audit(fact)

    async def _serve_by_the_rules(self, connection: Connection) -> None:
        try:
            await connection.read_request()
        except FreeholdError:
            await self._turn()  # refusals too: it is what bounds the facts that a run can cause
            raise
        # Who left before naming a destination waits for nothing: there is no fact, and nothing else bounds how many.
        await self._turn()
        if self._places.locked():
            message = f"this run has {self._limits.connections} connections open, the most there may be"
            raise FreeholdError(Code.BUSY, message, "close some, or open fewer at once")
        async with self._places:
            await connection.open()
            await connection.run()

    async def _turn(self) -> None:
        await self._clock.sleep(self._pace.take(self._clock.monotonic()))


class _HangUp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # brackets that hold no address
        return ""
