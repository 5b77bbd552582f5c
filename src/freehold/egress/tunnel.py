"""Two connections joined: bytes both ways, half-closed and paused as the ends ask, watched, counted and cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from freehold.base.transports import hang_up
from freehold.egress.inspection import Inspection, RefusedError
from freehold.egress.limits import EgressLimits

BROKEN = "the connection broke"


@dataclass(frozen=True)
class End:
    """How a tunnel ended. `reason` is empty when both ends closed in order."""

    reason: str = ""
    hint: str = ""
    refused: bool = False


class Side(asyncio.Protocol):
    """One end of a tunnel: what arrives here is written to the other end."""

    def __init__(self, tunnel: Tunnel, inspect: Callable[[bytes], bytes]) -> None:
        self._tunnel = tunnel
        self._inspect = inspect
        self.transport: asyncio.Transport | None = None
        self.other: Side = self
        self.passed_bytes = 0
        self.finished = False
        """It will send nothing more."""
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._tunnel.ended.done():
            hang_up(transport)
            return
        self.transport = transport
        transport.set_write_buffer_limits(high=self._tunnel.limits.buffer_bytes)

    def data_received(self, data: bytes) -> None:
        if self._tunnel.inspecting:
            self._tunnel.look(self, data)
        else:
            self.pass_on(data)

    def look(self, data: bytes) -> None:
        """What may pass of `data` and of what was held before. Raises `RefusedError`."""
        self.pass_on(self._inspect(data))

    def pass_on(self, data: bytes) -> None:
        self.passed_bytes += len(data)
        if data and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        if not self.finished:
            self.finished = True
            self._tunnel.half_closed(self)
        return True  # the other direction goes on

    def pause_writing(self) -> None:
        if self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other.transport is not None and not self.other.finished:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.lost = True
        self._tunnel.side_lost()

    def waiting_bytes(self) -> int:
        return 0 if self.transport is None or self.lost else self.transport.get_write_buffer_size()


class Tunnel:
    """Joins a client, whose transport is there, with a server that is being connected.

    `ended` is set when both connections are gone. Whatever happens the tunnel ends: by its ends, by `cut`, or by the
    limits on the first bytes, on silence and on its whole life.
    """

    def __init__(self, inspection: Inspection, limits: EgressLimits) -> None:
        self.limits = limits
        self._inspection = inspection
        self.inspecting = True
        self.client = Side(self, inspection.from_client)
        self.server = Side(self, inspection.from_server)
        self.client.other, self.server.other = self.server, self.client
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[End] = loop.create_future()
        self._end = End()
        self._ending = False
        self._seen: tuple[int, ...] = ()
        self._hello_timer = loop.call_later(limits.hello_s, self._hello_is_late)
        self._life_timer = loop.call_later(limits.lifetime_s, self._life_is_over)
        self._idle_timer = loop.call_later(limits.idle_s, self._look_for_movement)

    def look(self, side: Side, data: bytes) -> None:
        """Let through what the inspection allows, on both ways: bytes of one may free bytes of the other."""
        try:
            side.look(data)
            side.other.look(b"")
        except RefusedError as refused:
            self._refuse(refused)
            return
        if self._inspection.done:
            self.inspecting = False
            self._hello_timer.cancel()

    def half_closed(self, side: Side) -> None:
        """`side` will send nothing more: tell the other one, once everything before it is written."""
        if side.other.finished:
            self._ending = True
            for each in (self.client, self.server):
                if each.transport is not None:
                    each.transport.close()
        elif self.inspecting and side is self.client:
            self.cut(End("the client hung up before its hello was complete"))
        elif side.other.transport is not None:
            try:
                side.other.transport.write_eof()
            except OSError:
                self.cut(End(BROKEN))

    def side_lost(self) -> None:
        """A connection is gone; if nobody here closed it, it broke, and the other one has no use any more."""
        if not self._ending:
            self.cut(End(BROKEN))
        if all(side.transport is None or side.lost for side in (self.client, self.server)):
            self._finish()

    def cut(self, end: End) -> None:
        """End it at once; unsent bytes are dropped. The first reason stays."""
        if not self._end.reason:
            self._end = end
        self._ending = True
        for side in (self.client, self.server):
            if side.transport is not None:
                hang_up(side.transport)

    def _refuse(self, refused: RefusedError) -> None:
        self._end = End(refused.reason, refused.hint, refused=True)
        self._ending = True
        if self.server.transport is not None:
            hang_up(self.server.transport)
        if self.client.transport is not None:
            self.client.transport.write(refused.answer)
            self.client.transport.close()

    def _finish(self) -> None:
        for timer in (self._hello_timer, self._life_timer, self._idle_timer):
            timer.cancel()
        if not self.ended.done():
            self.ended.set_result(self._end)

    def _hello_is_late(self) -> None:
        silent = "server" if self.client.passed_bytes else "client"
        self.cut(End(f"the {silent} did not say hello within {self.limits.hello_s:g} s", refused=silent == "client"))

    def _life_is_over(self) -> None:
        self.cut(End(f"open for {self.limits.lifetime_s:g} s, the longest there is"))

    def _look_for_movement(self) -> None:
        sides = (self.client, self.server)
        seen = tuple(number for side in sides for number in (side.passed_bytes, side.waiting_bytes()))
        if seen == self._seen:
            self.cut(End(f"nothing moved for {self.limits.idle_s:g} s"))
            return
        self._seen = seen
        self._idle_timer = asyncio.get_running_loop().call_later(self.limits.idle_s, self._look_for_movement)
