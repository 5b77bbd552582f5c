"""Forwarded loopback ports: every byte, both ends, a keeper that comes late, and users who are not ours."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from freehold.base.sockets import listen_unix
from freehold.runner.forward import Forwarder
from freehold.runner.peer import uid_of_peer

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(path: Path, answer: Answer) -> AsyncIterator[None]:
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        try:
            await answer(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_unix_server(handle, sock=listen_unix(path, 0o600))
    try:
        yield
    finally:
        server.close()
        async with asyncio.timeout(5):
            await asyncio.gather(*handlers)


@asynccontextmanager
async def forwarded(path: Path, *, retry_s: float = 10.0, check_user: bool = False) -> AsyncIterator[int]:
    forwarder = Forwarder(path, retry_s=retry_s, check_user=check_user)
    try:
        yield await forwarder.listen(0)
    finally:
        await forwarder.close()


async def count_and_tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads to the end, then says how much it was: an answer after half of the connection is closed."""
    size = 0
    while data := await reader.read(65536):
        size += len(data)
    writer.write(str(size).encode())
    writer.close()


async def send_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    size = int(await reader.readline())
    while size > 0:
        writer.write(b"x" * min(size, 1 << 20))
        await writer.drain()
        size -= 1 << 20
    writer.close()


SIZE = 64 * 1024 * 1024 + 17


async def test_everything_goes_up_and_the_answer_comes_back(tmp_path: Path) -> None:
    async with served(tmp_path / "run.sock", count_and_tell), forwarded(tmp_path / "run.sock") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(SIZE // (1 << 20)):
            writer.write(b"y" * (1 << 20))
            await writer.drain()
        writer.write(b"y" * (SIZE % (1 << 20)))
        writer.write_eof()
        assert await reader.read() == str(SIZE).encode()
        writer.close()


async def test_everything_comes_down_to_a_slow_reader(tmp_path: Path) -> None:
    async with served(tmp_path / "run.sock", send_much), forwarded(tmp_path / "run.sock") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{SIZE}\n".encode())
        await asyncio.sleep(0.2)  # meanwhile both buffers fill, and reading pauses
        size = 0
        while data := await reader.read(65536):
            size += len(data)
        assert size == SIZE
        writer.close()


async def test_what_is_sent_before_the_keeper_is_there_is_kept(tmp_path: Path) -> None:
    async with forwarded(tmp_path / "run.sock") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"z" * 100_000)
        writer.write_eof()
        await asyncio.sleep(0.1)
        async with served(tmp_path / "run.sock", count_and_tell):
            assert await reader.read() == b"100000"
        writer.close()


async def test_a_keeper_that_stays_away_is_told_in_http(tmp_path: Path) -> None:
    async with forwarded(tmp_path / "run.sock", retry_s=0.1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\n\r\n" + b"x" * 1_000_000)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert b"keeper of this run does not answer" in answer
        writer.close()


async def test_a_client_that_left_while_waiting_leaves_nothing_behind(tmp_path: Path) -> None:
    forwarder = Forwarder(tmp_path / "run.sock")
    port = await forwarder.listen(0)
    _, leaving = await asyncio.open_connection("127.0.0.1", port)
    leaving.write(b"half a request")
    await leaving.drain()
    leaving.close()
    async with served(tmp_path / "run.sock", count_and_tell), asyncio.timeout(5):
        await asyncio.sleep(0.1)
        while forwarder.sides:
            await asyncio.sleep(0.01)
    await forwarder.close()


async def test_the_end_of_either_side_ends_the_other(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def wait_for_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await reader.read()
        ended.set()
        writer.close()

    async with served(tmp_path / "run.sock", wait_for_the_end), forwarded(tmp_path / "run.sock") as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        async with asyncio.timeout(5):
            await ended.wait()


async def test_answers_do_not_wait_for_acknowledgements(tmp_path: Path) -> None:
    """Without TCP_NODELAY each small answer after another waits 40 ms; asyncio sets it on some sockets only."""
    forwarder = Forwarder(tmp_path / "run.sock")
    port = await forwarder.listen(0)
    async with served(tmp_path / "run.sock", count_and_tell):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while len(forwarder.sides) < 2:
            await asyncio.sleep(0.01)
        near = next(side.transport for side in forwarder.sides if is_tcp(side.transport))
        assert near is not None
        assert near.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await forwarder.close()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()


def is_tcp(transport: asyncio.Transport | None) -> bool:
    return transport is not None and transport.get_extra_info("socket").family == socket.AF_INET


async def test_connections_that_ended_are_gone(tmp_path: Path) -> None:
    forwarder = Forwarder(tmp_path / "run.sock")
    port = await forwarder.listen(0)
    async with served(tmp_path / "run.sock", count_and_tell):
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write_eof()
            assert await reader.read() == b"0"
            async with asyncio.timeout(5):
                while forwarder.sides:
                    await asyncio.sleep(0.01)
            writer.close()
    await forwarder.close()


async def test_a_port_that_is_taken_is_another_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        forwarder = Forwarder(tmp_path / "run.sock")
        assert await forwarder.listen(port) != port
        await forwarder.close()


async def test_our_own_user_may_connect(tmp_path: Path) -> None:
    path = tmp_path / "run.sock"
    async with served(path, count_and_tell), forwarded(path, check_user=True) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"abc")
        writer.write_eof()
        assert await reader.read() == b"3"
        writer.close()


@pytest.mark.root
async def test_another_user_may_not_connect(tmp_path: Path) -> None:
    program = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
try:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        connection.sendall(b"abc"); connection.shutdown(1)
        sys.exit(0 if connection.recv(10) else 3)
except OSError:
    sys.exit(3)
"""
    path = tmp_path / "run.sock"
    async with served(path, count_and_tell), forwarded(path, check_user=True) as port:
        process = await asyncio.create_subprocess_exec("/usr/bin/python3", "-c", program, str(port))
        assert await process.wait() == 3


def test_whose_connection_it_is(tmp_path: Path) -> None:
    table = tmp_path / "tcp"
    table.write_text(
        "  sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt   uid\n"
        "   0: 0100007F:1E15 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0 0 1\n"
        "   1: 0100007F:C350 0100007F:1E15 01 00000000:00000000 00:00000000 00000000  1001 0 2\n"
    )
    assert uid_of_peer(("127.0.0.1", 50000), ("127.0.0.1", 7701), table) == 1001
    assert uid_of_peer(("127.0.0.1", 50001), ("127.0.0.1", 7701), table) is None


async def test_the_kernel_says_whose_connection_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, peer = server.accept()
        accepted.close()
        assert uid_of_peer(peer, server.getsockname()) == os.getuid()
        assert client.getsockname() == peer
