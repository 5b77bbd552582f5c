"""Docker on a server, spoken to through the connection that there is: images go into it as they come."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import h11

from freehold.base.errors import Code, FreeholdError
from freehold.hosts.host import Host

SOCKET = "/var/run/docker.sock"
_REST_S = 900.0
"""For what Docker does after the last byte: it unpacks 0.5 GB in some seconds, on a slow disk in minutes."""
_STALLED_S = 300.0
_PIECE_BYTES = 64 * 1024
_REQUEST = h11.Request(
    method="POST",
    target="/images/load?quiet=1",
    headers=[
        ("Host", "docker"), ("Connection", "close"), ("Content-Type", "application/x-tar"),
        ("Transfer-Encoding", "chunked"),
    ],
)  # fmt: skip


async def load_images(host: Host, archive: AsyncIterator[bytes]) -> None:
    """`docker load` there, of an archive that may be compressed. One that is cut off leaves nothing behind.

    Raises IMAGE with what Docker says against it, DISK when there is no room, TIMEOUT when it takes nothing any more;
    else what the host and `archive` raise.
    """
    connection = await host.forward(SOCKET, as_root=True)
    connection.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    try:
        said = await _posted(reader, writer, archive)
    except TimeoutError:
        raise FreeholdError(Code.TIMEOUT, f"Docker on {host.name} does not take the images") from None
    except (OSError, h11.RemoteProtocolError) as error:
        raise FreeholdError(
            Code.UNREACHABLE, f"the connection to Docker on {host.name} broke while images were sent: {error}",
            "Nothing of them is there. Push again.",
        ) from error  # fmt: skip
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    _require_loaded(host, *said)


async def _posted(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, archive: AsyncIterator[bytes]
) -> tuple[int, bytes]:
    """Status and body of the answer; Docker may give it before the end of what it refuses."""
    protocol = h11.Connection(h11.CLIENT)
    writer.write(protocol.send(_REQUEST) or b"")
    refused = False
    async for piece in archive:
        writer.write(protocol.send(h11.Data(data=piece)) or b"")
        try:
            async with asyncio.timeout(_STALLED_S):
                await writer.drain()
        except ConnectionError:
            refused = True
            break
    if not refused:
        writer.write(protocol.send(h11.EndOfMessage()) or b"")
    async with asyncio.timeout(_REST_S):
        return await _answer(protocol, reader)


async def _answer(protocol: h11.Connection, reader: asyncio.StreamReader) -> tuple[int, bytes]:
    status, body = 0, bytearray()
    while True:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            protocol.receive_data(await reader.read(_PIECE_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return status, bytes(body)


def _require_loaded(host: Host, status: int, body: bytes) -> None:
    """Docker says 200 before it begins, and then what went wrong, as one JSON document a line."""
    problem = "" if status == 200 else f"{status}"
    for line in body.splitlines():
        with contextlib.suppress(ValueError, AttributeError):
            told = json.loads(line)
            problem = str(told.get("error") or told.get("message") or "") or problem
    if not problem:
        return
    code = Code.DISK if "no space left" in problem else Code.IMAGE
    hint = "Make room there: docker system df; df -h /var/lib/docker" if code is Code.DISK else ""
    raise FreeholdError(code, f"Docker on {host.name} does not take the images: {problem}", hint)
