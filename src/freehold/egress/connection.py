"""One client connection to the egress proxy, from its first byte to the fact that is told about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from freehold.base.errors import Code, FreeholdError
from freehold.base.transports import hang_up
from freehold.egress.answers import ESTABLISHED, error_answer
from freehold.egress.connect import HeadReader, parse_connect
from freehold.egress.dialer import Dialer
from freehold.egress.inspection import Inspection
from freehold.egress.limits import EgressLimits
from freehold.egress.rules import SSH_PORT, Decision, Rules
from freehold.egress.ssh import SshInspection
from freehold.egress.tls import TlsInspection
from freehold.egress.tunnel import End, Tunnel
from freehold.wire.events import Egress

_ANSWER_FLUSH_S = 5.0
"""A client that does not read its refusal for this long loses it."""


class Connection:
    """Spoken in this order: `read_request`, then `refuse`, or `open` and `run`; `fact` at the end."""

    def __init__(self, rules: Callable[[], Rules], dialer: Dialer, limits: EgressLimits) -> None:
        self._rules = rules
        self._dialer = dialer
        self._limits = limits
        self.reader = HeadReader(limits.head_bytes)
        self._decision: Decision | None = None
        self._tunnel: Tunnel | None = None
        self._end = End()

    async def read_request(self) -> None:
        """Take in what the client wants, and decide. Raises `FreeholdError`, or `ConnectionError` when it left."""
        try:
            async with asyncio.timeout(self._limits.head_s):
                head = await self.reader.head
        except TimeoutError:
            message = f"the request head did not come within {self._limits.head_s:g} s"
            raise FreeholdError(Code.TIMEOUT, message, "send it at once") from None
        target = parse_connect(head)
        self._decide(target.host, target.port)

    def _decide(self, host: str, port: int) -> None:
        self._decision = self._rules().decide(host, port)
        if not self._decision.allowed:
            raise FreeholdError(Code.DENIED, self._decision.reason, self._decision.hint)

    async def open(self) -> None:
        """Dial, tell the client, and join both. Raises `FreeholdError`, or `ConnectionError` when the client left."""
        allowed = self._decision
        assert allowed is not None
        socket = await self._dialer.dial(allowed.host, allowed.port)
        try:
            self._decide(allowed.host, allowed.port)  # the rules may have changed meanwhile
            transport = self.reader.still_there()
        except BaseException:
            socket.close()
            raise
        self._tunnel = tunnel = Tunnel(_inspection(allowed), self._limits)
        transport.set_protocol(tunnel.client)
        tunnel.client.connection_made(transport)
        transport.write(ESTABLISHED)
        await asyncio.get_running_loop().create_connection(lambda: tunnel.server, sock=socket)
        tunnel.client.data_received(self.reader.rest)
        transport.resume_reading()

    async def run(self) -> None:
        """Wait until it ended."""
        assert self._tunnel is not None
        self._end = await asyncio.shield(self._tunnel.ended)

    async def refuse(self, error: FreeholdError) -> None:
        """Answer with an error and hang up."""
        self._end = End(error.message, error.hint, refused=error.code in {Code.DENIED, Code.BUSY})
        transport = self.reader.transport
        if transport is None or self._tunnel is not None:
            return
        transport.write(error_answer(error))
        transport.close()
        try:
            await asyncio.wait([self.reader.lost], timeout=_ANSWER_FLUSH_S)
        finally:
            hang_up(transport)

    def left(self) -> None:
        """The client left before it was served."""
        self._end = End("the client hung up before it was served")

    def recheck(self) -> None:
        """The rules changed: cut what they no longer allow."""
        if self._tunnel is None or self._decision is None:
            return  # `open` looks again
        decision = self._rules().decide(self._decision.host, self._decision.port)
        if not decision.allowed:
            self._tunnel.cut(End(f"cut by a change of the rules: {decision.reason}", decision.hint, refused=True))

    async def abort(self, reason: str) -> None:
        """End it at once, whatever it is doing."""
        if self._tunnel is not None:
            self._tunnel.cut(End(reason))
            self._end = await self._tunnel.ended
        elif self.reader.transport is not None:
            hang_up(self.reader.transport)
            self._end = End(reason)

    def release(self) -> None:
        """Its task is over, perhaps before it began: nothing stays open."""
        if self.reader.transport is not None:
            hang_up(self.reader.transport)

    def fact(self, duration_s: float) -> Egress | None:
        """What is told about it; None when it never named a destination."""
        decision = self._decision
        if decision is None:
            return None
        refused = self._end.refused or not decision.allowed
        granted = "" if refused else decision.reason
        return Egress(
            host=decision.host,
            port=decision.port,
            allowed=not refused,
            reason="; ".join(part for part in (granted, self._end.reason) if part),
            bytes_out=self._tunnel.client.passed_bytes if self._tunnel else 0,
            bytes_in=self._tunnel.server.passed_bytes if self._tunnel else 0,
            duration_s=round(duration_s, 3),
        )


def _inspection(decision: Decision) -> Inspection:
    return SshInspection() if decision.port == SSH_PORT else TlsInspection(decision.host)
