"""`Edge` on a server's HAProxy, by the sockets that are root's alone there."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import errno
import socket
from collections.abc import Iterator

from freehold.base.errors import Code, FreeholdError
from freehold.edge.edge import Traffic
from freehold.edge.haproxy_rules import backend_of
from freehold.hosts.host import Host
from freehold.server.layout import HAPROXY_ADMIN, HAPROXY_METRICS

ANSWERS_WITHIN_S = 15.0
LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_READING = "_reading"


class HaproxyEdge:
    """Through the host's own connection; whoever gives the host closes it."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def traffic(self) -> tuple[Traffic, ...]:
        return tuple(read_traffic(await self._say("show stat")))

    async def pause(self, project: str) -> None:
        await self._set(project, "maint")

    async def resume(self, project: str) -> None:
        await self._set(project, "ready")

    async def figures(self) -> str:
        said = await self._exchange(HAPROXY_METRICS, b"GET /metrics HTTP/1.0\r\n\r\n")
        head, _, body = said.partition(b"\r\n\r\n")
        if head.split()[1:2] != [b"200"]:
            raise FreeholdError(Code.PROTOCOL, f"the edge of {self._host.name} gives no figures")
        return body.decode()

    async def _set(self, project: str, state: str) -> None:
        if project not in {one.project for one in await self.traffic()}:
            raise FreeholdError(Code.NOT_FOUND, f"the edge of {self._host.name} serves no project {project}")
        names = (backend_of(project), backend_of(project) + _READING)
        said = await self._say("; ".join(f"set server {name}/gateway state {state}" for name in names))
        if said.strip():
            raise FreeholdError(Code.FAILED, f"the edge of {self._host.name}: {said.strip()}")

    async def _say(self, words: str) -> str:
        return (await self._exchange(HAPROXY_ADMIN, words.encode() + b"\n")).decode(errors="replace")

    async def _exchange(self, path: str, words: bytes) -> bytes:
        connection = await self._connect(path)
        connection.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                writer.write(words)
                return await _whole(reader)
        except (OSError, TimeoutError) as error:
            told = f"the edge of {self._host.name} does not answer: {error or 'in time'}"
            raise FreeholdError(Code.UNREACHABLE, told) from None
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connect(self, path: str) -> socket.socket:
        try:
            return await self._host.forward(path, as_root=True)
        except FreeholdError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            hint = "`freehold env check` says what is wrong with it."
            raise FreeholdError(Code.UNREACHABLE, f"no edge of ours runs on {self._host.name}", hint) from None


async def _whole(reader: asyncio.StreamReader) -> bytes:
    said = bytearray()
    while piece := await reader.read(_PIECE_BYTES):
        said += piece
        if len(said) > LARGEST_ANSWER_BYTES:
            raise OSError(errno.EFBIG, "what it says has no end")
    return bytes(said)


def read_traffic(table: str) -> Iterator[Traffic]:
    """`show stat` (HAProxy's management guide, section 9.1): lines of CSV, of which each project has two backends, with
    a line for the whole and one for its only server. A line's `stot` are requests, in HTTP. Pure."""
    rows = list(csv.DictReader(table.removeprefix("# ").splitlines()))
    whole = {row["pxname"]: row for row in rows if row["svname"] == "BACKEND"}
    paused = {row["pxname"] for row in rows if row["svname"] == "gateway" and row["status"].startswith("MAINT")}
    prefix = backend_of("")
    for name in sorted(name for name in whole if name.startswith(prefix) and not name.endswith(_READING)):
        both = (whole[name], whole.get(name + _READING, {}))

        def total(column: str, lines: tuple[dict[str, str], ...] = both) -> int:
            return sum(int(line.get(column) or 0) for line in lines)

        yield Traffic(
            name.removeprefix(prefix), total("stot"), total("hrsp_5xx"), total("scur"), total("qcur"), name in paused
        )
