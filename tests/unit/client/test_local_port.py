"""A port here that leads elsewhere: what goes through it, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.client.local_port import FIRST, LAST, leading, listen_at, ports_of

_PATIENCE_S = 20.0


@dataclass
class Elsewhere:
    """What the port leads to: `ends` are the other ends of connections. With `error`, there is no way to it."""

    ends: list[socket.socket] = field(default_factory=list)
    error: FreeholdError | None = None

    async def open(self) -> socket.socket:
        if self.error:
            raise self.error
        ours, theirs = socket.socketpair()
        self.ends.append(theirs)
        return ours

    async def end(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(sock=self.ends[-1])


@dataclass
class Here:
    """`failed` is what the person was told."""

    elsewhere: Elsewhere
    port: int
    failed: list[str]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@contextlib.asynccontextmanager
async def led() -> AsyncIterator[Here]:
    elsewhere, failed = Elsewhere(), list[str]()
    listener = listen_at(None, "prod shop")
    async with (
        asyncio.timeout(_PATIENCE_S),
        leading(listener, elsewhere.open, lambda error: failed.append(error.message)),
    ):
        yield Here(elsewhere, listener.getsockname()[1], failed)


async def ends_with(reader: asyncio.StreamReader, content: bytes) -> bool:
    return await reader.read() == content


def test_the_first_free_port_of_its_own_is_taken() -> None:
    with listen_at(None, "prod shop") as first, listen_at(None, "prod shop") as second:
        ports = [each.getsockname() for each in (first, second)]
    assert [host for host, _ in ports] == ["127.0.0.1"] * 2
    own = [port for port in ports_of("prod shop") if port in (ports[0][1], ports[1][1])]
    assert own == [ports[0][1], ports[1][1]]


def test_nobody_has_the_ports_of_another_one() -> None:
    """A browser keeps what a page left at a port, and lets it answer there for whoever comes later."""
    assert list(ports_of("prod shop")) == list(ports_of("prod shop"))
    names = [f"server-{number} shop" for number in range(20)]
    first = [next(ports_of(name)) for name in names]
    assert len({*first}) == len(names)
    assert all(FIRST <= port <= LAST for name in names for port in ports_of(name))


def test_a_port_that_is_taken() -> None:
    with listen_at(None, "prod shop") as first:
        port = first.getsockname()[1]
        with pytest.raises(FreeholdError, match=f"port {port} of this machine is in use") as caught:
            listen_at(port, "prod shop")
    assert (caught.value.code, caught.value.hint) == (Code.CONFLICT, "Choose another one: --port N.")


async def test_bytes_go_both_ways_until_either_side_ends() -> None:
    async with led() as here:
        reader, writer = await here.connect()
        writer.write(b"asked" * 100_000)
        writer.write_eof()
        while not here.elsewhere.ends:
            await asyncio.sleep(0)
        there, back = await here.elsewhere.end()
        assert await ends_with(there, b"asked" * 100_000)
        back.write(b"answered")
        back.close()
        assert await ends_with(reader, b"answered")
        writer.close()
    assert here.failed == []


async def test_who_hangs_up_is_hung_up_on_elsewhere_too() -> None:
    """A stream of events has no other end."""
    async with led() as here:
        _, writer = await here.connect()
        writer.write(b"a")
        while not here.elsewhere.ends:
            await asyncio.sleep(0)
        there, back = await here.elsewhere.end()
        assert await there.readexactly(1) == b"a"
        writer.transport.abort()
        assert await ends_with(there, b"")
        back.close()


async def test_where_there_is_no_way_the_person_is_told_and_the_next_one_is_tried() -> None:
    async with led() as here:
        here.elsewhere.error = FreeholdError(Code.UNREACHABLE, "prod cannot be reached")
        reader, writer = await here.connect()
        assert await ends_with(reader, b"")
        writer.close()
        assert here.failed == ["prod cannot be reached"]
        here.elsewhere.error = None
        reader, writer = await here.connect()
        writer.write(b"a")
        while not here.elsewhere.ends:
            await asyncio.sleep(0)
        there, back = await here.elsewhere.end()
        assert await there.readexactly(1) == b"a"
        back.close()
        writer.close()


async def test_at_the_end_nobody_is_connected() -> None:
    async with led() as here:
        reader, writer = await here.connect()
        while not here.elsewhere.ends:
            await asyncio.sleep(0)
        there, back = await here.elsewhere.end()
    assert await ends_with(reader, b"")
    assert await ends_with(there, b"")
    for each in (writer, back):
        each.close()
    with pytest.raises(ConnectionRefusedError):
        await here.connect()
