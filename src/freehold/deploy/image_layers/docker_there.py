"""Docker on a server, spoken to through the connection that there is: images go into it as they come."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import h11

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.image_layers.place import SOCKET
from freehold.hosts.host import Host

_REST_S = 900.0
"""For what Docker does after the last byte: it unpacks 0.5 GB in some seconds, on a slow disk in minutes."""
_STALLED_S = 300.0
_PIECE_BYTES = 64 * 1024
_LARGEST_ANSWER_BYTES = 4 * 1024 * 1024
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
    try:
        status, said = await _posted(connection, archive)
    except TimeoutError:
        raise FreeholdError(Code.TIMEOUT, f"Docker on {host.name} does not take the images") from None
    except (OSError, h11.RemoteProtocolError) as error:
        raise FreeholdError(
            Code.UNREACHABLE, f"the connection to Docker on {host.name} broke while images were sent: {error}",
            "Nothing of them is there. Push again.",
        ) from error  # fmt: skip
    finally:
        connection.close()
    _require_loaded(host, status, said)


async def _posted(connection: socket.socket, archive: AsyncIterator[bytes]) -> tuple[int, bytes]:
    """Status and body of the answer. Docker may give it before the end of what it refuses, and closes then."""
    protocol = h11.Connection(h11.CLIENT)
    sending = asyncio.create_task(_sent(protocol, connection, archive))
    answer = asyncio.create_task(_answer(protocol, connection))
    try:
        await asyncio.wait({sending, answer}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            with contextlib.suppress(ConnectionError):  # then it has said why, or the answer's end says the same
                sending.result()
            async with asyncio.timeout(_REST_S):
                return await answer
        return answer.result()
    finally:
        sending.cancel()
        answer.cancel()
        await asyncio.gather(sending, answer, return_exceptions=True)


async def _sent(protocol: h11.Connection, connection: socket.socket, archive: AsyncIterator[bytes]) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, protocol.send(_REQUEST) or b"")
    async for piece in archive:
        async with asyncio.timeout(_STALLED_S):
            await loop.sock_sendall(connection, protocol.send(h11.Data(data=piece)) or b"")
    await loop.sock_sendall(connection, protocol.send(h11.EndOfMessage()) or b"")


async def _answer(protocol: h11.Connection, connection: socket.socket) -> tuple[int, bytes]:
    loop = asyncio.get_running_loop()
    status, body = 0, bytearray()
    while True:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            protocol.receive_data(await loop.sock_recv(connection, _PIECE_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _LARGEST_ANSWER_BYTES:
                raise h11.RemoteProtocolError("its answer has no end")
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return status, bytes(body)


def _require_loaded(host: Host, status: int, body: bytes) -> None:
    """Docker says 200 before it begins, and then what went wrong, as one JSON document a line."""
    problem = "" if status == 200 else f"{status}"
    for line in body.splitlines():
        with contextlib.suppress(ValueError, AttributeError, RecursionError):
            told = json.loads(line)
            problem = str(told.get("error") or told.get("message") or "") or problem
    if not problem:
        return
    code = Code.DISK if "no space left" in problem else Code.IMAGE
    hint = "Make room there: docker system df; df -h /var/lib/docker" if code is Code.DISK else ""
    raise FreeholdError(code, f"Docker on {host.name} does not take the images: {problem}", hint)
