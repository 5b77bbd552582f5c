"""A gateway for tests of who calls one: it answers what it is told to, and keeps what it was asked."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from freehold.base.errors import FreeholdError
from freehold.project.state import STATE_DIRECTORY
from freehold.wire.service import API, GATEWAY_SOCKET


@dataclass(frozen=True)
class Asked:
    """A request as it came. `path` is below `/api/v1` where it is of the API."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass(frozen=True)
class Raw:
    """An answer that is not JSON, or not a good one."""

    content: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Reply = object | Callable[[Asked], object]


class FakeGateway:
    """`replies` are by `METHOD /path`: a value for JSON, an error, `Raw`, or what makes one of a request."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.asked: list[Asked] = []

    @property
    def lines(self) -> list[str]:
        return [asked.line for asked in self.asked]

    def reply(self, asked: Asked) -> Raw:
        self.asked.append(asked)
        reply = self.replies.get(asked.line, Raw(b'{"code":"not_found","message":"there is nothing here"}', 404))
        if callable(reply):
            reply = reply(asked)
        if isinstance(reply, FreeholdError):
            return Raw(msgspec.json.encode(reply.as_dict()), reply.http_status)
        return reply if isinstance(reply, Raw) else Raw(msgspec.json.encode(reply) + b"\n")


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class _TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


@contextmanager
def listening_in(project: Path) -> Iterator[FakeGateway]:
    """A gateway behind the socket of `project`."""
    path = project / STATE_DIRECTORY / GATEWAY_SOCKET
    path.parent.mkdir(exist_ok=True)
    gateway = FakeGateway()
    with _UnixServer(str(path), _handler_of(gateway)) as server, _serving(server):
        yield gateway
    path.unlink()


@contextmanager
def listening_on_loopback() -> Iterator[tuple[FakeGateway, int]]:
    gateway = FakeGateway()
    with _TcpServer(("127.0.0.1", 0), _handler_of(gateway)) as server, _serving(server):
        yield gateway, server.server_address[1]


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def _handler_of(gateway: FakeGateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.client_address = ("test", 0)
            super().handle_one_request()

        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(
                self.command,
                parts.path.removeprefix(API),
                dict(parse_qsl(parts.query)),
                {name.lower(): value for name, value in self.headers.items()},
                body,
            )
            raw = gateway.reply(asked)
            self.send_response(raw.status)
            for name, value in {"Content-Length": str(len(raw.content)), **raw.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw.content)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  the names that the standard library looks for

        def log_message(self, *_args: Any) -> None:
            return

    return Handler
