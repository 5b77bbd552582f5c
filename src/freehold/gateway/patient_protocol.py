"""HTTP/1.1 with an end to what a connection may keep waiting: uvicorn has one only for silence between two requests."""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from freehold.gateway import at_once
from freehold.gateway.gathering import GatheringTransport
from freehold.gateway.upgrade_parser import UpgradeParser, has_body, head_without_upgrade, parser_for

KEPT_FOR_US = 256
"""Descriptors that connections leave free: for the database, the keeper, files, and the local socket."""
READ_BYTES = 64 * 1024
"""What a read makes room for. With asyncio's 256 kB, each asks the kernel for memory and gives it back: 35 microseconds
of the 200 that a delivery takes."""
FEWEST_CONNECTIONS = 64
MOST_AT_ONCE = 2048
"""Connections that are taken in before any of them is looked at: asyncio takes in as many as may wait."""
LONGEST_HEAD = 64 * 1024
"""Of what is no body: a head, or what stands between the pieces of a body and after it. Beside what one read brings at
most (256 kB): before that is not known where a head begins."""
MOST_IN_LINE = 64
"""Requests of one connection that wait for the answer to the one before. Each takes fifty times the memory of its
bytes, and browsers send none so."""
WHOLE = "freehold.whole"
"""Where the scope says that all of the request is here: what an application asks for now, it has at once."""


@dataclass(frozen=True)
class Patience:
    """`head_s` seconds for the head of a request: of the first one from the connection on (a browser that connects in
    advance connects again), of a later one from its first byte on; as long for the rest of a body that was answered
    before it was whole. `connections` are taken in at most; one more is hung up on. `at_once` may wait to be taken in.
    """

    head_s: float = 15.0
    connections: int = 10_000
    at_once: int = MOST_AT_ONCE

    @classmethod
    def of_this_process(cls) -> Patience:
        """With as many connections as there are descriptors for."""
        soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        return cls.with_descriptors(soft)

    @classmethod
    def with_descriptors(cls, number: int) -> Patience:
        at_once, kept = min(MOST_AT_ONCE, number // 4), min(KEPT_FOR_US, number // 4)
        return cls(connections=max(number - at_once - kept, FEWEST_CONNECTIONS), at_once=at_once)


class PatientProtocol(HttpToolsProtocol):
    """The parser is llhttp, which takes a third of the time of the one in Python (`docs/why/webhook-speed.md`). It
    sets no bound to a head, nor to the trailers after a body, which uvicorn would take for headers of the request; nor
    does uvicorn to requests in line.
    """

    def __init__(self, *given: Any, patience: Patience = Patience(), **named: Any) -> None:
        super().__init__(*given, **named)
        self.parser: UpgradeParser = parser_for(self)
        self._read_anew = b""
        self._patience = patience
        self._expected: asyncio.TimerHandle | None = None
        self._in_head = True
        self._bare_bytes = 0  # that brought no piece of a body
        self._answering: RequestResponseCycle | None = None
        self._silent_since: float | None = None  # of the event loop's clock

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(GatheringTransport(transport, self.loop))
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]  # asyncio's own, of which it says nothing
        if len(self.connections) > self._patience.connections:
            transport.abort()
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._came()
        if self._answering and not self._answering.response_complete:  # uvicorn tells only the last one in line
            self._answering.disconnected = True
            self._answering.message_event.set()
        if self.timeout_keep_alive_task:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._bare_bytes += len(data)
        super().data_received(data)
        while self._read_anew:
            data, self._read_anew = self._read_anew + data[self.parser.stopped_at :], b""
            self.parser = parser_for(self)
            super().data_received(data)
        if self._bare_bytes > LONGEST_HEAD:
            self.send_400_response("The head of the request is too long.")
            return
        if self.cycle is None or self.cycle.response_complete:
            self._expect()
        else:
            self._came()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._bare_bytes = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # else it is a trailer: who asks, and for whom, was looked at before it came
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.pipeline) >= MOST_IN_LINE:
            self.transport.abort()
            raise ConnectionAbortedError  # so that nothing more of what came is read
        upgrades = self.parser.should_upgrade()
        if upgrades and has_body(self.headers):
            version = self.parser.get_http_version()
            self._read_anew = head_without_upgrade(self.parser.get_method(), self.url, version, self.headers)
            return
        super().on_headers_complete()
        if upgrades and self.cycle:
            self.cycle.keep_alive = False  # and whatever else follows, too

    def _should_upgrade(self) -> bool:
        return not self._read_anew and super()._should_upgrade()

    def _unsupported_upgrade_warning(self) -> None:
        """Nobody need be told: it is answered as if nothing had been asked."""

    def on_response_complete(self) -> None:
        """As uvicorn's own, but that the timer of a silence goes on where requests come all the time: to make one for
        each answer, and to take it back, was a fiftieth of the work of a delivery."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._silent_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_again_in(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        self._silent_since = None

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._silent_since is None:
            return  # something is asked: the answer to it begins a silence
        left_s = self._silent_since + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._look_again_in(left_s)
        else:
            super().timeout_keep_alive_handler()

    def _look_again_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        at_once.offer(cycle)
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self._bare_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._bare_bytes = 0
        if self._read_anew:
            return  # it comes again, with its body
        self.scope[WHOLE] = True  # type: ignore[literal-required]  # a word of ours
        super().on_message_complete()

    def _expect(self) -> None:
        """The deadline of what was begun: it is not moved by more of the same."""
        if self._expected is None:
            self._expected = self.loop.call_later(self._patience.head_s, self.transport.abort)

    def _came(self) -> None:
        if self._expected:
            self._expected.cancel()
            self._expected = None
