"""`fh connect HOST PORT`: standard input and output to a host through the egress proxy, as ssh's ProxyCommand."""

from __future__ import annotations

import os
import select
import socket
import sys

from freehold.runner.fh_request import Answer, UsageError, complain, open_run_socket, read_head

_CONNECT_S = 60.0
_PIECE = 256 * 1024


def connect(arguments: list[str]) -> int:
    if len(arguments) != 2 or not arguments[1].isdecimal():
        raise UsageError("fh connect HOST PORT")
    host, port = arguments
    name = f"[{host}]" if ":" in host else host
    connection = open_run_socket()
    try:
        connection.settimeout(_CONNECT_S)
        connection.sendall(f"CONNECT {name}:{port} HTTP/1.1\r\nhost: {name}:{port}\r\n\r\n".encode("ascii"))
        status, headers, rest = read_head(connection)
        if status != 200:
            return _refused(connection, status, headers, rest)
        connection.setblocking(False)
        _pump(connection, rest)
    except (OSError, ValueError, UnicodeError) as error:
        sys.stderr.write(f"fh: connection to {name}:{port}: {error}\n")
        return 1
    finally:
        connection.close()
    return 0


def _refused(connection: socket.socket, status: int, headers: dict[str, str], rest: bytes) -> int:
    length = min(int(headers.get("content-length", "0") or 0), 64 * 1024)
    while len(rest) < length and (piece := connection.recv(4096)):
        rest += piece
    return complain(Answer(status, rest))  # standard output belongs to whoever speaks with the host


class _Way:
    """One direction: what was read and not yet written, from one descriptor to another."""

    def __init__(self, source: int, target: int) -> None:
        self.source = source
        self.target = target
        self.data = memoryview(b"")
        self.ended = False

    def read(self) -> None:
        try:
            self.data = memoryview(os.read(self.source, _PIECE))
        except BlockingIOError:
            return
        except ConnectionResetError:
            self.data = memoryview(b"")
        self.ended = not self.data

    def write(self) -> None:
        try:
            self.data = self.data[os.write(self.target, self.data) :]
        except BlockingIOError:
            return
        except (BrokenPipeError, ConnectionResetError):
            # Nobody takes it any more; what comes the other way is still wanted.
            self.data, self.ended = memoryview(b""), True


def _pump(connection: socket.socket, first: bytes) -> None:
    """Until both directions have ended; the end of one is passed on, and the other goes on.

    The host's end ends everything: ssh waits for nothing else.
    """
    up, down = _Way(0, connection.fileno()), _Way(connection.fileno(), 1)
    down.data = memoryview(first)
    os.set_blocking(0, False)
    try:
        while not (down.ended and not down.data):
            reading = [way.source for way in (up, down) if not way.ended and not way.data]
            writing = [way.target for way in (up, down) if way.data]
            readable, writable, _ = select.select(reading, writing, [])
            for way in (up, down):
                if way.source in readable and not way.data:
                    way.read()
                    if way.ended and way is up:
                        connection.shutdown(socket.SHUT_WR)
                if way.target in writable and way.data:
                    way.write()
    finally:
        os.set_blocking(0, True)
