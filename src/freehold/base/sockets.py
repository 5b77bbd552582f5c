"""Unix sockets at paths of any length.

A socket address holds 108 bytes, and a run directory deep in somebody's home does not fit. Linux lets us name the
directory by an open descriptor instead: `/proc/self/fd/<n>/run.sock`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LONGEST_ADDRESS = 107


@contextlib.contextmanager
def _short_address(path: Path) -> Iterator[str]:
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def listen_unix(path: Path, mode: int, backlog: int = 256) -> socket.socket:
    """A listening, non-blocking socket at `path`; a leftover file is replaced, `mode` holds before it listens."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short_address(path) as address:
            listener.bind(address)
        path.chmod(mode)
        listener.listen(backlog)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def connect_unix(path: Path, timeout_s: float = 5.0) -> socket.socket:
    """A connected, blocking socket. Raises `FileNotFoundError` or `ConnectionRefusedError` when nobody listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        with _short_address(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    connection.settimeout(None)
    return connection


@dataclass(frozen=True)
class Peer:
    """Who is at the other end of a unix socket, as the kernel says."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return Peer(*struct.unpack("3i", credentials))
