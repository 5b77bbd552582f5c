"""What a connection may keep waiting, on a real socket: a head, a body that was answered already, an answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from freehold.gateway.bodies import Bodies
from freehold.gateway.listening import LOOPBACK, UNREAD_MS, address_of, bind
from freehold.gateway.patient_protocol import MOST_IN_LINE, Patience
from freehold.gateway.server import serving

HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /webhooks/hub HTTP/1.1\r\nHost: localhost\r\n"
SHORT = Patience(head_s=0.05, connections=3)
LONG = Patience(head_s=3600.0, connections=3)
PATIENCE_S = 20.0


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, before the body."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class Visitor:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def ask(self, request: bytes = HEAD) -> bytes:
        self.writer.write(request)
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        return head + await self._reader.readexactly(2)

    async def everything(self) -> bytes:
        """What still comes, until the other side hangs up."""
        with contextlib.suppress(ConnectionResetError):
            return await asyncio.wait_for(self._reader.read(), PATIENCE_S)
        return b""


class Place:
    def __init__(self, port: int) -> None:
        self._port = port
        self._visitors: list[Visitor] = []

    async def visit(self) -> Visitor:
        self._visitors.append(Visitor(*await asyncio.open_connection(LOOPBACK, self._port)))
        return self._visitors[-1]

    async def close(self) -> None:
        for visitor in self._visitors:
            visitor.writer.close()
            with contextlib.suppress(ConnectionError):
                await visitor.writer.wait_closed()


@contextlib.asynccontextmanager
async def place(patience: Patience, app: ASGIApp) -> AsyncIterator[Place]:
    listener = bind(LOOPBACK, 0)
    async with serving(app, [listener], patience=patience):
        made = Place(address_of(listener).port)
        try:
            yield made
        finally:
            await made.close()


@pytest.mark.parametrize("begun", [b"", b"G"])
async def test_the_head_of_the_first_request_has_a_deadline(begun: bytes) -> None:
    async with place(SHORT, answer) as gateway:
        visitor = await gateway.visit()
        visitor.writer.write(begun)
        assert await visitor.everything() == b""


async def test_the_head_of_a_later_request_has_one_too() -> None:
    async with place(SHORT, answer) as gateway:
        visitor = await gateway.visit()
        await visitor.ask()
        visitor.writer.write(b"G")
        assert await visitor.everything() == b""


@pytest.mark.parametrize("asked_before", [False, True])
@pytest.mark.parametrize("line", [b"y\r\nX: " * 500, b"y" * 3000])
async def test_a_head_has_an_end(asked_before: bool, line: bytes) -> None:
    async with place(LONG, answer) as gateway:
        visitor = await gateway.visit()
        if asked_before:
            await visitor.ask()
        visitor.writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        told = asyncio.create_task(visitor.everything())
        while not told.done():
            visitor.writer.write(line)
            await asyncio.wait({told}, timeout=0.0001)
        assert told.result().startswith(b"HTTP/1.1 400 ")


async def test_a_body_and_the_next_head_may_come_in_one_piece() -> None:
    async with place(LONG, Bodies(answer)) as gateway:
        visitor = await gateway.visit()
        body = b"x" * 200_000
        visitor.writer.write(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body + HEAD[:-4])
        assert await visitor.ask(b"")
        assert await visitor.ask(HEAD[-4:])


async def test_the_rest_of_a_body_that_was_answered_has_one_however_slowly_it_comes() -> None:
    async with place(SHORT, answer) as gateway:
        visitor = await gateway.visit()
        await visitor.ask(POST + b"Content-Length: 1000000\r\n\r\n")
        hung_up = asyncio.create_task(visitor.everything())
        while not hung_up.done():
            visitor.writer.write(b"x")
            await asyncio.wait({hung_up}, timeout=0.001)
        assert hung_up.result() == b""


async def test_whoever_asks_again_in_time_is_served_again() -> None:
    async with place(LONG, answer) as gateway:
        visitor = await gateway.visit()
        for _ in range(3):
            assert await visitor.ask()


async def test_one_connection_too_many_is_hung_up_on_and_its_place_is_free_again() -> None:
    async with place(LONG, answer) as gateway:
        visitors = [await gateway.visit() for _ in range(3)]
        for visitor in visitors:
            await visitor.ask()
        assert await (await gateway.visit()).everything() == b""
        assert await visitors[0].ask()
        visitors[0].writer.close()
        await visitors[0].writer.wait_closed()
        assert await asyncio.wait_for(_served(gateway), PATIENCE_S)


async def _served(gateway: Place) -> bytes:
    """Once the place that was given up is known to be free."""
    while True:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            return await (await gateway.visit()).ask()


async def test_a_body_with_two_lengths_is_refused_and_what_follows_is_no_request() -> None:
    async with place(LONG, Bodies(answer)) as gateway:
        visitor = await gateway.visit()
        body = b"2\r\n{}\r\n0\r\n\r\n"
        visitor.writer.write(POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + body + HEAD)
        told = await visitor.everything()
        assert told.startswith(b"HTTP/1.1 400 ")
        assert told.count(b"HTTP/1.1") == 1


CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"


@pytest.mark.parametrize(
    ("begun", "more"),
    [(b"0\r\n", b"X: y\r\n" * 500), (b"0\r\nX: ", b"y" * 3000), (b"2;x=", b"y" * 3000)],
    ids=["trailers", "trailer", "extension"],
)
async def test_what_follows_a_body_has_an_end(begun: bytes, more: bytes) -> None:
    async with place(LONG, Bodies(answer)) as gateway:
        visitor = await gateway.visit()
        visitor.writer.write(CHUNKED + begun)
        told = asyncio.create_task(visitor.everything())
        while not told.done():
            visitor.writer.write(more)
            await asyncio.wait({told}, timeout=0.0001)
        assert told.result().startswith(b"HTTP/1.1 400 ")


async def test_a_trailer_is_no_header() -> None:
    seen: list[bytes] = []

    async def look(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend(name for name, _ in scope["headers"])
        await answer(scope, receive, send)

    async with place(LONG, Bodies(look)) as gateway:
        assert await (await gateway.visit()).ask(CHUNKED + b"0\r\nAuthorization: Bearer x\r\n\r\n")
    assert seen == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize("number", [256, 400, 1024, 20_000, 65_536])
def test_some_descriptors_are_left_whatever_comes_at_once(number: int) -> None:
    patience = Patience.with_descriptors(number)
    assert patience.connections >= number // 2
    assert patience.connections + patience.at_once <= number - min(256, number // 4)


HEAD_IN_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HEAD), HEAD)


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"anything"])
@pytest.mark.parametrize("pieces", [1, 7, 1000])
@pytest.mark.parametrize(
    ("length", "sent"),
    [(b"Content-Length: %d" % len(HEAD), HEAD), (b"Transfer-Encoding: chunked", HEAD_IN_CHUNKS)],
    ids=["length", "chunked"],
)
async def test_a_body_is_no_request_whatever_protocol_is_asked_for(
    protocol: bytes, length: bytes, sent: bytes, pieces: int
) -> None:
    asked: list[tuple[str, str, bytes]] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        asked.append((scope["method"], dict(scope["headers"]).get(b"connection", b"").decode(), body))
        await answer(scope, receive, send)

    upgrade = b"Connection: keep-alive, Upgrade\r\nUpgrade: " + protocol + b"\r\n" + length + b"\r\n\r\n" + sent
    request = (POST + upgrade) * 2 + HEAD
    size = -(-len(request) // pieces)
    async with place(LONG, note) as gateway:
        visitor = await gateway.visit()
        for start in range(0, len(request), size):
            visitor.writer.write(request[start : start + size])
            await visitor.writer.drain()
        for _ in range(3):
            assert (await visitor.ask(b"")).startswith(b"HTTP/1.1 200 ")
        assert (await visitor.ask()).startswith(b"HTTP/1.1 200 ")
    assert asked == [("POST", "keep-alive", HEAD)] * 2 + [("GET", "", b"")] * 2


async def test_another_protocol_is_not_spoken_and_the_connection_ends() -> None:
    async with place(LONG, answer) as gateway:
        visitor = await gateway.visit()
        told = await visitor.ask(HEAD[:-2] + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 200 ")
        assert await visitor.everything() == b""


async def test_some_requests_may_stand_in_line() -> None:
    async with place(LONG, answer) as gateway:
        visitor = await gateway.visit()
        visitor.writer.write(HEAD * (MOST_IN_LINE + 1))
        for _ in range(MOST_IN_LINE + 1):
            assert await visitor.ask(b"")


async def test_a_line_without_end_is_hung_up_on() -> None:
    async with place(LONG, answer) as gateway:
        visitor = await gateway.visit()
        visitor.writer.write(HEAD * 10_000)
        assert len(await visitor.everything()) < 100_000


async def test_who_leaves_is_missed_also_by_the_first_in_line() -> None:
    began, left = asyncio.Event(), asyncio.Event()

    async def wait(scope: Scope, receive: Receive, send: Send) -> None:
        began.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    async with place(LONG, wait) as gateway:
        visitor = await gateway.visit()
        visitor.writer.write(HEAD * 2)
        await began.wait()
        visitor.writer.close()
        await asyncio.wait_for(left.wait(), PATIENCE_S)


def test_an_answer_that_nobody_reads_is_ended_by_the_kernel() -> None:
    with bind(LOOPBACK, 0) as listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(True)
        with listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNREAD_MS
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)  # no answer waits for an acknowledgement
