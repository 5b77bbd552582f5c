"""The outside world of an egress proxy, on the loopback: servers by name, and clients that go through the proxy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from ssl import SSLContext
from typing import TypeVar

from freehold.egress.dialer import Dialer
from freehold.egress.limits import EgressLimits
from freehold.egress.proxy import EgressProxy
from freehold.egress.resolver import Endpoint, FixedResolver
from freehold.egress.rules import Rules
from freehold.wire.events import Egress

T = TypeVar("T")
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WAIT_S = 20.0


def anywhere(address: str) -> str | None:
    """An address policy for tests: everything may be dialled, the loopback too."""
    del address
    return None


async def within(awaitable: Awaitable[T]) -> T:
    async with asyncio.timeout(WAIT_S):
        return await awaitable


class Outside:
    """Servers on the loopback that `resolver` finds by name, and the proxy under test at `path`."""

    def __init__(self, path: Path, rules: Rules, limits: EgressLimits | None, stack: contextlib.AsyncExitStack) -> None:
        self.path = path
        self.resolver = FixedResolver({})
        self.dialer = Dialer(self.resolver, anywhere)
        self.facts: list[Egress] = []
        self._told = asyncio.Event()
        self.proxy = EgressProxy(rules, self.tell, dialer=self.dialer, limits=limits)
        self._stack = stack

    async def serve(self, host: str, handler: Serve, tls: SSLContext | None = None) -> None:
        """Serve `host`; connections that a handler leaves open are cut at the end of the test."""
        tasks: set[asyncio.Task[None]] = set()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                    await handler(reader, writer)
                    await reader.read()
            finally:
                writer.transport.abort()

        async def stop() -> None:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls, backlog=1000)
        self._stack.push_async_callback(stop)
        self.resolver.table[host] = [Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])]

    async def connect(self, target: str) -> tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]:
        """The proxy's whole answer head to `CONNECT target`, and the connection."""
        reader, writer = await self.open(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        return await within(reader.readuntil(b"\r\n\r\n")), reader, writer

    async def open(self, say: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        self._stack.callback(writer.transport.abort)
        writer.write(say)
        return reader, writer

    async def fact(self, count: int = 1) -> Egress:
        """The last of `count` facts, once so many are told."""
        while len(self.facts) < count:
            self._told.clear()
            await within(self._told.wait())
        return self.facts[-1]

    def tell(self, fact: Egress) -> None:
        self.facts.append(fact)
        self._told.set()


@contextlib.asynccontextmanager
async def listening(proxy: EgressProxy, path: Path) -> AsyncIterator[None]:
    listener = await asyncio.get_running_loop().create_unix_server(proxy.protocol, str(path), backlog=1000)
    try:
        yield
    finally:
        listener.close()
        await proxy.close()


@contextlib.asynccontextmanager
async def outside(directory: Path, rules: Rules, limits: EgressLimits | None = None) -> AsyncIterator[Outside]:
    async with contextlib.AsyncExitStack() as stack:
        world = Outside(directory / "egress.sock", rules, limits, stack)
        await stack.enter_async_context(listening(world.proxy, world.path))
        yield world
        await asyncio.sleep(0)
