"""A run's socket over real connections: who serves what, and what no client can do to it."""

import asyncio
import gzip
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.keeper.run_socket import SocketLimits
from freehold.wire.events import Egress
from tests.support.outside import within
from tests.support.run_world import RunWorld, run_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RunWorld]:
    async with run_world(tmp_path) as made:
        yield made


async def say(world: RunWorld, words: bytes) -> bytes:
    """Everything that is answered to `words` until the keeper hangs up."""
    reader, writer = await asyncio.open_unix_connection(str(world.path))
    writer.write(words)
    answer = await within(reader.read())
    writer.close()
    return answer


def get(path: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: run\r\n\r\n"


async def test_the_first_bytes_decide(world: RunWorld) -> None:
    assert (await say(world, b"CONNECT evil.test:443 HTTP/1.1\r\n\r\n")).startswith(b'HTTP/1.1 403 "evil.test" is not')
    answer = await say(world, b"GET /model/x HTTP/1.1\r\nHost: run\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"GET /model/x: ")


async def test_nothing_is_unpacked_for_a_run(world: RunWorld) -> None:
    async def measure(request: web.Request) -> web.Response:
        return web.Response(text=f"{len(await request.read())} bytes")

    world.gateway.answer = measure
    bomb = gzip.compress(b"\0" * 1_000_000)
    head = "POST /model/x HTTP/1.1\r\nHost: run\r\nConnection: close\r\nContent-Encoding: gzip\r\n"
    answer = await say(world, f"{head}Content-Length: {len(bomb)}\r\n\r\n".encode() + bomb)
    assert answer.endswith(f"{len(bomb)} bytes".encode())


@pytest.mark.parametrize("words", ["CONNECT evil.test:443 HTTP/1.1\r\n\r\n", "COPY /model/x HTTP/1.0\r\n\r\n"])
async def test_the_first_bytes_may_come_one_by_one(world: RunWorld, words: str) -> None:
    reader, writer = await asyncio.open_unix_connection(str(world.path))
    for byte in words.encode():
        writer.write(bytes((byte,)))
        await asyncio.sleep(0)
    assert (await within(reader.read())).startswith(b"HTTP/1.")
    writer.close()


async def test_plain_http_through_the_proxy_is_refused_and_audited(world: RunWorld) -> None:
    answer = await say(world, b"GET http://good.test/x HTTP/1.1\r\nHost: good.test\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert body == {
        "code": "denied", "message": "plain HTTP is not let out", "hint": "use https://good.test/ instead",
    }  # fmt: skip
    assert world.outside.facts == [Egress(host="good.test", port=80, allowed=False, reason="plain HTTP is not let out")]


@pytest.mark.parametrize(
    ("request_line", "status", "code"),
    [
        ("GET /nothing", 404, "not_found"),
        ("GET /v1/run/status", 405, "protocol"),
        ("GET /mcp/any", 404, "not_found"),
    ],
)
async def test_what_is_not_there_is_told_in_json(world: RunWorld, request_line: str, status: int, code: str) -> None:
    answer = await say(world, f"{request_line} HTTP/1.1\r\nHost: run\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == code


async def test_errors_of_a_handler_are_answered(world: RunWorld) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        if request.raw_path == "/model/told":
            raise FreeholdError(Code.BUDGET, "spent", "raise it")
        raise RuntimeError("secret detail")

    world.gateway.answer = fail
    async with world.client() as client:
        async with client.get("/model/told") as answer:
            assert answer.status == 402
            assert await answer.json() == {"code": "budget", "message": "spent", "hint": "raise it"}
        async with client.get("/model/untold") as answer:
            assert answer.status == 500
            assert "secret detail" not in await answer.text()


async def test_an_error_in_the_middle_of_an_answer_cuts_it(world: RunWorld) -> None:
    async def begin(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        raise FreeholdError(Code.UPSTREAM, "broke off")

    world.gateway.answer = begin
    async with world.client() as client, client.get("/model/x") as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_an_answer_streams_piece_by_piece(world: RunWorld) -> None:
    more = asyncio.Event()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await more.wait()
        await response.write(b"second")
        return response

    world.gateway.answer = stream
    async with world.client() as client, client.post("/model/x", data=b"prompt") as answer:
        assert await within(answer.content.readany()) == b"first"
        more.set()
        assert await within(answer.content.read()) == b"second"


async def test_a_client_that_leaves_cancels_its_request(world: RunWorld) -> None:
    begun = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        begun.set()
        await asyncio.Event().wait()
        return web.Response()

    world.gateway.answer = hang
    _, writer = await asyncio.open_unix_connection(str(world.path))
    writer.write(b"GET /model/x HTTP/1.1\r\nHost: run\r\n\r\n")
    await within(begun.wait())
    writer.close()
    await within(world.gateway.cancelled.wait())


async def test_heads_are_bounded(world: RunWorld, caplog: pytest.LogCaptureFixture) -> None:
    long = b"GET /model/x HTTP/1.1\r\nHost: run\r\nX: " + b"x" * 40_000 + b"\r\n\r\n"
    assert (await say(world, long)).split(b" ")[1] == b"400"
    many = b"GET /model/x HTTP/1.1\r\n" + b"X: x\r\n" * 1000 + b"\r\n"
    assert (await say(world, many)).split(b" ")[1] == b"400"
    assert not caplog.records, "a run must not be able to fill the keeper's log"


@pytest.mark.parametrize(
    "words", [b"", b"CONN", b"GET /model/x HTTP/1.1\r\n"], ids=["nothing", "half a word", "half a head"]
)
async def test_a_client_that_dawdles_is_hung_up_on(tmp_path: Path, words: bytes) -> None:
    async with run_world(tmp_path, limits=SocketLimits(first_bytes_s=0.05, request_head_s=0.05)) as world:
        assert await say(world, words) == b""


async def test_too_many_connections_are_told_so(tmp_path: Path) -> None:
    async with run_world(tmp_path, limits=SocketLimits(connections=3)) as world:
        held = [await asyncio.open_unix_connection(str(world.path)) for _ in range(3)]
        for _, writer in held:
            writer.write(b"CON")
        answer = await say(world, b"")
        assert answer.startswith(b"HTTP/1.1 429 this run has 3 connections to its keeper")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "busy"
        held[0][1].close()
        await held[0][1].wait_closed()
        assert b" 404 " in await say(world, b"GET / HTTP/1.1\r\nHost: run\r\nConnection: close\r\n\r\n")
        for _, writer in held:
            writer.close()


async def test_a_socket_of_another_user_is_refused(tmp_path: Path) -> None:
    async with run_world(tmp_path, only_uid=os.getuid() + 1) as world:
        assert (await say(world, b"")).startswith(b"HTTP/1.1 403 this socket is not for user")
    async with run_world(tmp_path, only_uid=os.getuid()) as world:
        assert b" 404 " in await say(world, b"GET / HTTP/1.1\r\nHost: run\r\nConnection: close\r\n\r\n")


@pytest.mark.root
async def test_any_user_that_sees_the_directory_is_served() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        os.chmod(directory, 0o711)  # noqa: PTH101  nothing else runs meanwhile
        async with run_world(directory) as world:
            os.seteuid(65534)
            try:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(str(world.path))
            finally:
                os.seteuid(0)
            reader, writer = await asyncio.open_unix_connection(sock=connection)
            writer.write(b"GET / HTTP/1.1\r\nHost: run\r\nConnection: close\r\n\r\n")
            assert b" 404 " in await within(reader.read())
            writer.close()


async def test_a_new_keeper_makes_the_socket_anew(world: RunWorld) -> None:
    """The keeper before it died, and its file is still there; when it closes late, the new one stays."""
    late = world.make()
    await late.open()
    newer = world.make()
    await newer.open()
    await late.close()
    assert b" 404 " in await say(world, b"GET / HTTP/1.1\r\nHost: run\r\nConnection: close\r\n\r\n")
    await newer.close()
    assert not world.path.exists()


async def test_a_path_of_any_length(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    async with run_world(deep) as world:
        directory = os.open(deep, os.O_PATH)
        try:
            reader, writer = await asyncio.open_unix_connection(f"/proc/self/fd/{directory}/run.sock")
            writer.write(b"GET / HTTP/1.1\r\nHost: run\r\nConnection: close\r\n\r\n")
            assert b" 404 " in await within(reader.read())
            writer.close()
        finally:
            os.close(directory)
    assert not world.path.exists()


async def test_closing_cuts_everything(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        begun.set()
        await asyncio.Event().wait()
        return response

    async with run_world(tmp_path) as world:
        world.gateway.answer = hang
        lines = [
            b"",
            get(b"/model/x"),
            b"CONNECT good",
            get(b"/"),
        ]
        connections = []
        for line in lines:
            reader, writer = await asyncio.open_unix_connection(str(world.path))
            writer.write(line)
            connections.append((reader, writer))
        await within(begun.wait())
        await within(connections[3][0].readuntil(b"}"))
    for reader, writer in connections:
        await within(reader.read())
        assert reader.at_eof()
        writer.close()
    assert world.gateway.cancelled.is_set()
    with pytest.raises(FileNotFoundError):
        await asyncio.open_unix_connection(str(world.path))


class HeldClock(FakeClock):
    """Whoever sleeps goes on when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            await self.turns.acquire()
        await super().sleep(seconds)


async def test_connections_are_taken_in_at_a_pace(tmp_path: Path) -> None:
    """Those that come and go cost the keeper its time too, which it owes to all runs."""
    clock = HeldClock()
    async with run_world(tmp_path, limits=SocketLimits(per_second=1, burst=3), clock=clock) as world:
        answers = [asyncio.create_task(say(world, b"CONNECT evil.test:443 HTTP/1.1\r\n\r\n")) for _ in range(6)]
        await within(_told(world, 3))
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(world.outside.facts) == 3
        clock.turns.release()
        for count in (4, 5, 6):
            await within(_told(world, count))
            clock.turns.release()
        await within(asyncio.gather(*answers))


async def _told(world: RunWorld, count: int) -> None:
    while len(world.outside.facts) < count:
        await asyncio.sleep(0)
