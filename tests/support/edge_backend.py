"""What stands behind an edge in tests: a small program of a server's own Python, whose socket is systemd's.

It ends as a gateway does: what is being answered is finished, and who has just connected may still ask.
"""

from __future__ import annotations

from freehold.hosts.host import Command, Host, RemoteFile
from tests.support.server_parts import says

POSTS = "/var/tmp/edge-posts"
PROGRAM = """
import asyncio, json, os, signal, socket, sys

fresh, idle, busy, ending = set(), set(), set(), asyncio.Event()

async def head_of(reader):
    first, *lines = (await reader.readuntil(b"\\r\\n\\r\\n")).decode("latin-1").split("\\r\\n")
    return first.split(" "), [line.split(": ", 1) for line in lines if line]

async def serve(reader, writer):
    fresh.add(writer)
    try:
        while True:
            (method, path, _), headers = await head_of(reader)
            fresh.discard(writer); idle.discard(writer); busy.add(writer)
            told = {name.lower(): value for name, value in headers}
            body = await reader.readexactly(int(told.get("content-length", 0)))
            if path == "/stream":
                writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\nConnection: close\\r\\n\\r\\n")
                for number in range(10_000):
                    writer.write(b"data: %d\\n\\n" % number)
                    await writer.drain()
                    await asyncio.sleep(0.05)
                return
            if told.get("upgrade") == "websocket":
                writer.write(b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\n")
                writer.write(b"Connection: Upgrade\\r\\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n")
                while piece := await reader.read(1000):
                    writer.write(piece)
                return
            if method == "POST":
                with open("/var/tmp/edge-posts", "ab") as file:
                    file.write(body + b"\\n")
            said = {"method": method, "path": path, "headers": headers, "pid": os.getpid(), "project": sys.argv[1]}
            answer = json.dumps(said).encode()
            closing = b"Connection: close\\r\\n" if ending.is_set() else b""
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n%s\\r\\n" % (len(answer), closing))
            writer.write(b"" if method == "HEAD" else answer)
            await writer.drain()
            if ending.is_set() or told.get("connection") == "close":
                return
            busy.discard(writer); idle.add(writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        fresh.discard(writer); idle.discard(writer); busy.discard(writer)
        writer.close()

async def main():
    listener = socket.socket(fileno=3)
    server = await asyncio.start_server(serve, sock=listener, backlog=4096)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    await ending.wait()
    # No more are accepted; those that were are taken in before the listener is closed, which would drop them.
    asyncio.get_running_loop().remove_reader(listener.fileno())
    await asyncio.sleep(0.05)
    for writer in list(idle):
        writer.close()
    for _ in range(100):
        await asyncio.sleep(0.02)
        if not fresh and not busy:
            break

asyncio.run(main())
"""
_SOCKET = """[Socket]
ListenStream=127.0.0.1:{port}
Backlog=4096
"""
_SERVICE = """[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/python3 -I /usr/local/lib/edge-backend.py {name}
TimeoutStopSec=10
"""


async def stand(host: Host, name: str, port: int) -> None:
    """A backend called so, at a port of 127.0.0.1."""
    files = [
        RemoteFile("usr/local/lib/edge-backend.py", PROGRAM.encode()),
        RemoteFile(f"etc/systemd/system/edge-{name}.socket", _SOCKET.format(port=port).encode()),
        RemoteFile(f"etc/systemd/system/edge-{name}.service", _SERVICE.format(name=name).encode()),
    ]
    await host.put(files, "/", as_root=True)
    units = f"edge-{name}.socket edge-{name}.service"
    await says(
        host, f"rm -f {POSTS}; systemctl daemon-reload; systemctl stop {units}; systemctl start edge-{name}.socket"
    )


async def restart(host: Host, name: str) -> None:
    await host.run(Command(("systemctl", "restart", f"edge-{name}.service"), as_root=True))


async def posts(host: Host) -> list[str]:
    """The bodies of all that was posted to any of them, as they came."""
    return (await says(host, f"cat {POSTS} 2>/dev/null || true")).split()
