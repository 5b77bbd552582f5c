"""`WebSocket /v1/run/session`: the channel between the keeper and the runner of one run."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from freehold.base.clock import Clock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.pace import Pace
from freehold.wire import session

LARGEST_MESSAGE = 256 * 1024
MOST_WAITING = 1000
"""Messages kept for a runner that is not there."""
MESSAGES_PER_SECOND, MESSAGE_BURST = 50.0, 500.0
CONNECTIONS_PER_SECOND, CONNECTION_BURST = 1.0, 20.0
_CLOSE_TIMEOUT_S = 1.0


class RunSession:
    """One runner at a time: a connection that comes later takes the place of the one before.

    `on_message` is told what the runner says, one at a time and in order. `on_violation` is told, with a sentence, when
    a connection was ended because of what it said; the runner may come again.
    """

    def __init__(
        self,
        on_message: Callable[[session.FromRunner], Awaitable[None]],
        on_violation: Callable[[str], None],
        clock: Clock | None = None,
    ) -> None:
        self._on_message = on_message
        self._on_violation = on_violation
        self._clock = clock or SystemClock()
        self._waiting: deque[session.FromKeeper] = deque()
        self._wake = asyncio.Event()
        self._current: web.WebSocketResponse | None = None
        self._connections = Pace(CONNECTIONS_PER_SECOND, CONNECTION_BURST)
        self._messages = Pace(MESSAGES_PER_SECOND, MESSAGE_BURST)
        self._closing: set[asyncio.Task[bool]] = set()
        self._closed = False

    @property
    def connected(self) -> bool:
        return self._current is not None

    def send(self, message: session.FromKeeper) -> None:
        """Say something to the runner, now or once it is there. Raises `FreeholdError` (BUSY) when too much waits."""
        if len(self._waiting) >= MOST_WAITING:
            raise FreeholdError(Code.BUSY, f"{MOST_WAITING} messages wait for the runner", "is the run still alive?")
        self._waiting.append(message)
        self._wake.set()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until it ends or another one takes its place."""
        if self._closed:
            raise FreeholdError(Code.CONFLICT, "the run is over", "there is nothing to talk about")
        if not self._connections.allows(self._clock.monotonic()):
            raise FreeholdError(Code.BUSY, "the session is opened too often", "keep one connection open")
        # Not compressed: what is sent is short, and what comes need not be unpacked to be measured.
        socket = web.WebSocketResponse(max_msg_size=LARGEST_MESSAGE, timeout=_CLOSE_TIMEOUT_S, compress=False)
        await socket.prepare(request)
        previous, self._current = self._current, socket
        if previous is not None:
            self._hang_up(previous, WSCloseCode.GOING_AWAY, "another connection took its place")
        sender = asyncio.create_task(self._send_what_waits(socket))
        try:
            await self._receive(socket)
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            if self._current is socket:
                self._current = None
        return socket

    async def close(self) -> None:
        """End the connection, and take no other; returns within a second or two."""
        self._closed = True
        if self._current is not None:
            self._hang_up(self._current, WSCloseCode.GOING_AWAY, "the run is over")
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _receive(self, socket: web.WebSocketResponse) -> None:
        async for received in socket:
            problem = await self._take(received)
            if problem:
                self._on_violation(problem)
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=problem.encode()[:120])
                return

    async def _take(self, received: WSMessage) -> str:
        """Hand a message on; why it is refused, or the empty string."""
        if not self._messages.allows(self._clock.monotonic()):
            return f"more than {MESSAGES_PER_SECOND:.0f} session messages a second"
        if received.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return f"a session message that is none: {received.data}"[:200]
        try:
            message = session.decode_from_runner(received.data)
        except msgspec.DecodeError as error:
            return f"a session message that is none: {error}"[:200]
        await self._on_message(message)
        return ""

    async def _send_what_waits(self, socket: web.WebSocketResponse) -> None:
        while True:
            while self._waiting and self._current is socket:
                message = self._waiting.popleft()
                try:
                    await socket.send_bytes(session.encode(message))
                except BaseException as error:
                    self._waiting.appendleft(message)  # the next connection gets it
                    if isinstance(error, ConnectionError):
                        return
                    raise
            self._wake.clear()
            await self._wake.wait()

    def _hang_up(self, socket: web.WebSocketResponse, code: WSCloseCode, why: str) -> None:
        task = asyncio.create_task(socket.close(code=code, message=why.encode()))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
