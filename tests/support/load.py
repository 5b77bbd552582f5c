"""A load of HTTP requests, each over a connection that is kept: what was answered, and what was lost."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Request:
    method: str = "GET"
    path: str = "/health"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def written(self, host: str) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body or self.method not in ("GET", "HEAD"):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True)
class Answer:
    """`closes`: the connection is not used again."""

    status: int
    headers: dict[str, str]
    body: bytes
    closes: bool


@dataclass(frozen=True)
class Place:
    """Where requests go: an address, the host that they name, and TLS where `tls` is given."""

    address: str
    port: int
    host: str
    tls: ssl.SSLContext | None = None

    async def connect(self) -> Connection:
        name = self.host if self.tls else None
        return Connection(*await asyncio.open_connection(self.address, self.port, ssl=self.tls, server_hostname=name))

    async def ask(self, request: Request) -> Answer:
        """Over a connection of its own."""
        connection = await self.connect()
        try:
            return await connection.ask(request, self.host)
        finally:
            await connection.close()


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: Request, host: str) -> Answer:
        """Raises `ConnectionError` when the connection ends before the answer does."""
        self.writer.write(request.written(host))
        async with asyncio.timeout(PATIENCE_S):
            return await self._answer()

    async def begin(self, request: Request, host: str) -> tuple[int, dict[str, str]]:
        """The head of an answer, whose body comes piece by piece."""
        self.writer.write(request.written(host))
        async with asyncio.timeout(PATIENCE_S):
            return await self._head()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    async def _head(self) -> tuple[int, dict[str, str]]:
        try:
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError(f"closed after {len(error.partial)} bytes of a head") from None
        pairs = (line.partition(":") for line in lines if line)
        return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}

    async def _answer(self) -> Answer:
        status, headers = await self._head()
        try:
            body = await self._body(headers)
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("closed in the middle of a body") from None
        return Answer(status, headers, body, headers.get("connection", "").lower() == "close")

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers.get("content-length", 0)))
        body = b""
        while size := int((await self.reader.readline()).split(b";")[0] or b"0", 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readline()
        return body


@dataclass
class Outcome:
    """`lost` are requests that were not answered, and why. `statuses` are those of the others."""

    statuses: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return sum(self.statuses.values())


@contextlib.asynccontextmanager
async def load(place: Place, requests: Callable[[], Iterator[Request]], workers: int = 16) -> AsyncIterator[Outcome]:
    """`workers` ask one after the other, each over its own connection, until the block ends; then each has the answer
    to its last request. A connection is only made anew when an answer said that it closes, or when one was lost."""
    outcome, over = Outcome(), asyncio.Event()
    source = requests()
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(_ask_on(place, source, outcome, over))
        try:
            yield outcome
        finally:
            over.set()


async def _ask_on(place: Place, source: Iterator[Request], outcome: Outcome, over: asyncio.Event) -> None:
    connection: Connection | None = None
    for request in source:
        if over.is_set():
            break
        try:
            connection = connection or await place.connect()
            answer = await connection.ask(request, place.host)
        except (OSError, TimeoutError) as error:
            outcome.lost.append(f"{request.method} {request.path}: {type(error).__name__}: {error}")
            connection = None
            continue
        outcome.statuses[answer.status] += 1
        if answer.closes:
            await connection.close()
            connection = None
    if connection:
        await connection.close()
