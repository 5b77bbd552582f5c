"""The processes of the egress measurement: `python -m bench.egress_path serve|keep|forward [SOCKET]`.

    client -> runner's forwarder -> run socket -> egress proxy -> shaped link -> server in a network namespace

What is sent is a TLS hello by hand and then plain bytes: the proxy reads the hello as it would any other, and
encryption at the two ends would only hide what is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from pathlib import Path

from tests.support.hello import client_hello, server_hello

HOST, ADDRESS, PORT = "bench.test", "198.51.100.2", 443
HELLO, ANSWER = client_hello(HOST.encode()), server_hello()
CHUNK = 256 * 1024


def serve() -> None:
    """After the hello, `D<bytes>\\n` is answered with so many bytes, and `U<bytes>\\n` takes so many in."""
    listener = socket.create_server((ADDRESS, PORT), backlog=16)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            read(connection, len(HELLO))
            connection.sendall(ANSWER)
            order = b""
            while not order.endswith(b"\n"):
                order += read(connection, 1)
            count = int(order[1:])
            if order.startswith(b"D"):
                send(connection, count)
            else:
                drain(connection, count)
                connection.sendall(b"!")


def read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise ConnectionResetError("the other side hung up")
        data += piece
    return data


def send(connection: socket.socket, count: int) -> None:
    piece = bytes(CHUNK)
    for _ in range(count // CHUNK):
        connection.sendall(piece)


def drain(connection: socket.socket, count: int) -> None:
    buffer = bytearray(CHUNK)
    while count > 0:
        got = connection.recv_into(buffer)
        if not got:
            raise ConnectionResetError("the other side hung up")
        count -= got


async def keep(path: Path) -> None:
    """The keeper's side: a run socket with an egress proxy, under the address policy that always holds."""
    from freehold.egress.dialer import Dialer
    from freehold.egress.proxy import EgressProxy
    from freehold.egress.resolver import Endpoint, FixedResolver
    from freehold.egress.rules import allow_list
    from freehold.keeper.run_api import RunApi
    from freehold.keeper.run_control import RecordingControl
    from freehold.keeper.run_session import RunSession
    from freehold.keeper.run_socket import RunSocket
    from freehold.keeper.scheduler import AttachedScheduler
    from tests.support.run_world import ScriptedGateway

    async def ignore(message: object) -> None:
        del message

    dialer = Dialer(FixedResolver({HOST: [Endpoint(ADDRESS, PORT)]}))
    run_socket = RunSocket(
        path,
        api=RunApi("bench-1", RecordingControl(), AttachedScheduler()),
        session=RunSession(ignore, print),
        gateway=ScriptedGateway(),
        egress=EgressProxy(allow_list("bench", egress=[HOST]), lambda _: None, dialer=dialer),
    )
    await run_socket.open()
    print("ready", flush=True)
    await asyncio.Event().wait()


async def forward(path: Path) -> None:
    """The runner's side; prints the port it listens on."""
    from freehold.runner.forward import Forwarder

    print(await Forwarder(path).listen(0), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        asyncio.run({"keep": keep, "forward": forward}[sys.argv[1]](Path(sys.argv[2])))
