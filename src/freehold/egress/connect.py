"""The head of a CONNECT request (RFC 9110 §9.3.6): read from a connection, bounded, and understood."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError
from freehold.base.hosts import quoted

MOST_AHEAD = 64 * 1024
"""Bytes that may come behind the head before it is answered: a TLS hello and early data."""
HEAD_END = b"\r\n\r\n"
_REQUEST_LINE = re.compile(rb"CONNECT ([^\s]{1,600}) HTTP/1\.[01]")


@dataclass(frozen=True)
class Target:
    """Where a client wants to go, as it wrote it."""

    host: str
    port: int


def parse_connect(head: bytes) -> Target:
    """The target of a request head. Raises `FreeholdError` (PROTOCOL)."""
    line = head.split(b"\r\n", 1)[0]
    match = _REQUEST_LINE.fullmatch(line)
    if not match:
        shown = quoted(line[:200].decode("latin-1"))
        raise FreeholdError(Code.PROTOCOL, f"{shown} is no CONNECT request", "write: CONNECT host:443 HTTP/1.1")
    host, _, port = match[1].decode("utf-8", "replace").rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        shown = quoted(match[1].decode("latin-1"))
        raise FreeholdError(
            Code.PROTOCOL, f"CONNECT {shown} names no host and port", "write: CONNECT host:443 HTTP/1.1"
        )
    return Target(host, int(port))


class HeadReader(asyncio.Protocol):
    """Takes in a request head, then stops reading: `head` is it with its end, `rest` what came behind it.

    `head` fails with `FreeholdError` (PROTOCOL) when it is too long, and with `ConnectionError` when the client leaves.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._received = bytearray()
        self.transport: asyncio.Transport | None = None
        self.head: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.rest = b""

    def still_there(self) -> asyncio.Transport:
        """The connection. Raises `ConnectionError` when the client left."""
        if self.transport is None or self.lost.done():
            raise ConnectionResetError("the client left")
        return self.transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.head.done():
            self.rest += data
            return
        self._received += data
        end = self._received.find(HEAD_END)
        if end >= 0:
            end += len(HEAD_END)
            head, self.rest = bytes(self._received[:end]), bytes(self._received[end:])
            self._received.clear()
            if len(self.rest) > MOST_AHEAD:
                self.rest = b""
                self._refuse(f"more than {MOST_AHEAD} bytes follow the request head", "wait for the answer")
            else:
                self.head.set_result(head)
        elif len(self._received) > self._most_bytes:
            self._received.clear()
            self._refuse(f"the request head is longer than {self._most_bytes} bytes", "send fewer or shorter headers")
        if self.head.done() and self.transport is not None:
            self.transport.pause_reading()

    def _refuse(self, message: str, hint: str) -> None:
        self.head.set_exception(FreeholdError(Code.PROTOCOL, message, hint))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.head.done():
            self.head.set_exception(ConnectionResetError("the client left"))
        if not self.lost.done():
            self.lost.set_result(None)
