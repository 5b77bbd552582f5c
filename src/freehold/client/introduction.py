"""Making sure whom a connection to a server's socket leads to, before anything else goes through it.

Others may write to the folder of the socket (`wire/addressee.py`), and what a browser sends names no project: where it
was led astray, a page of one project could ask another one, as root. So the connection itself is asked, once. Whoever
answers cannot be exchanged any more, nor hand on to another project's socket: that lets in its own user and root.
"""

from __future__ import annotations

import socket
import time

from freehold.base.errors import Code, FreeholdError
from freehold.wire.addressee import HEADER as ADDRESSEE
from freehold.wire.service import API
from freehold.wire.versions import HEADER

_DEADLINE_S = 30.0
"""For the whole answer: more than a gateway lets wait that is just being started."""
_LONGEST_HEAD_BYTES = 64 * 1024
_MISDIRECTED = 421


def require_project(connection: socket.socket, project: str, deadline_s: float = _DEADLINE_S) -> None:
    """Ask who is at the other end of a connection over which nothing was said yet; blocking. Raises DENIED when it is
    the gateway of another project than `project`, as that is called on servers; UNREACHABLE when nobody answers, or no
    gateway."""
    asked = f"HEAD {API}/openapi.json HTTP/1.1\r\nHost: localhost\r\n{ADDRESSEE}: {project}\r\n\r\n"
    try:
        connection.settimeout(deadline_s)
        connection.sendall(asked.encode())
        head = _head(connection, time.monotonic() + deadline_s)
        connection.settimeout(None)
    except OSError as error:
        raise _no_gateway(project, str(error)) from error
    first, *fields = head.decode("latin-1").split("\r\n")
    names = {field.partition(":")[0].lower() for field in fields}
    if first.split(" ")[1:2] == [str(_MISDIRECTED)]:
        raise FreeholdError(
            Code.DENIED,
            f"the socket of {project} on the server leads to another project; nothing was sent there",
            f"Look at {project} there: its gateway may have been taken over.",
        )
    if HEADER.lower() not in names:
        raise _no_gateway(project, "what answers is none")


def _head(connection: socket.socket, deadline: float) -> bytes:
    """Of an answer that is nothing else."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if (left_s := deadline - time.monotonic()) <= 0:
            raise TimeoutError("it takes too long")
        connection.settimeout(left_s)
        piece = connection.recv(4096)
        if not piece or len(head) > _LONGEST_HEAD_BYTES:
            raise ConnectionResetError("it ended in the middle of its answer")
        head += piece
    return head


def _no_gateway(project: str, why: str) -> FreeholdError:
    return FreeholdError(
        Code.UNREACHABLE, f"the gateway of {project} does not answer on the server: {why}", "Try again in a moment."
    )
