"""A provider's API on this machine: it keeps state, checks every request and every answer of its own, and misbehaves on
demand."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.api_contract import Contract

TOKEN = "token-of-tests-0123456789abcdef"


@dataclass(frozen=True)
class Fault:
    """Instead of an answer, once, for the first request that `on` (`POST /servers`) begins.

    `carried_out`: the request has its effect all the same. `how`: `answer`, `cut` (in the middle), `hang` (until the
    server is closed), `garbage` (no JSON).
    """

    on: str = ""
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = "answer"
    carried_out: bool = False
    body: Any = None


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Any

    def one(self, name: str, otherwise: str = "") -> str:
        return self.query.get(name, [otherwise])[0]


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None


class RefusedError(Exception):
    """What the API refuses: `status`, its own `code`, and words."""

    def __init__(self, status: int, code: str | int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


Route = Callable[..., Answer]


class StrictApi:
    """Answers at `url`, from threads, until `close`. `violations` stay empty as long as both sides keep to the API.

    Subclasses give `prefix`, the contract, routes and the form of errors. A lock makes each request one step.
    """

    prefix = ""
    needs_token: Callable[[str], bool] = staticmethod(lambda _path: True)

    def __init__(self, contract: Contract, *, token: str = TOKEN) -> None:
        self.token = token
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.asked: list[str] = []
        self._contract = contract
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._routes = [(re.compile(pattern), route) for pattern, route in self.routes().items()]
        self._server = _serve(self, self._closing)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def routes(self) -> Mapping[str, Route]:
        """By pattern of `GET /servers/(\\d+)`; groups are given to the route after the request."""
        raise NotImplementedError

    def error_body(self, refused: RefusedError) -> Any:
        raise NotImplementedError

    def wrong_token(self) -> RefusedError:
        raise NotImplementedError

    def count(self, start: str) -> int:
        """How many requests began with that (`POST /servers`)."""
        return sum(one.startswith(start) for one in self.asked)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{self.prefix}"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], data: bytes
    ) -> tuple[Answer | None, Fault | None]:
        with self._lock:
            parts = urlsplit(target)
            path = parts.path.removeprefix(self.prefix)
            self.asked.append(f"{method} {path}")
            fault = self._fault(f"{method} {path}")
            if fault and not fault.carried_out:
                return None, fault
            body = self._body(headers, data, f"{method} {path}")
            asked = Asked(method, path, parse_qs(parts.query, keep_blank_values=True), body)
            return self._answer(asked, headers), fault

    def _answer(self, asked: Asked, headers: Mapping[str, str]) -> Answer:
        try:
            answer = self._checked(asked, headers)
        except RefusedError as refused:
            answer = Answer(refused.status, self.error_body(refused))
        self.violations += self._contract.problems_of_answer(asked.method, asked.path, answer.status, answer.body)
        return answer

    def _checked(self, asked: Asked, headers: Mapping[str, str]) -> Answer:
        if self.needs_token(asked.path) and headers.get("authorization") != f"Bearer {self.token}":
            raise self.wrong_token()
        problems = self._contract.problems_of_request(asked.method, asked.path, asked.query, asked.body)
        if problems:
            self.violations += problems
            raise RefusedError(400, "invalid_input", "; ".join(problems))
        return self._routed(asked)

    def _routed(self, asked: Asked) -> Answer:
        for pattern, route in self._routes:
            if match := pattern.fullmatch(f"{asked.method} {asked.path}"):
                return route(asked, *match.groups())
        raise RefusedError(404, "not_found", f"no {asked.method} {asked.path}")

    def _body(self, headers: Mapping[str, str], data: bytes, where: str) -> Any:
        if not data:
            return None
        if headers.get("content-type") != "application/json":
            self.violations.append(f"{where}: a body that is not said to be JSON")
        return json.loads(data)

    def _fault(self, where: str) -> Fault | None:
        for fault in self.faults:
            if where.startswith(fault.on):
                self.faults.remove(fault)
                return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news; anything else is shown, and fails the request that it belongs to."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _serve(api: StrictApi, closing: threading.Event) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            data = self.rfile.read(int(headers.get("content-length", 0)))
            answer, fault = api.handle(self.command, self.path, headers, data)
            if fault:
                self._misbehave(fault)
            elif answer:
                self._say(answer.status, {}, b"" if answer.body is None else json.dumps(answer.body).encode())

        def _misbehave(self, fault: Fault) -> None:
            match fault.how:
                case "hang":
                    closing.wait()
                    self.close_connection = True
                case "cut":
                    self.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{"half')
                    with contextlib.suppress(OSError):
                        self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                case "garbage":
                    self._say(200, {}, b"<html>a proxy's login page</html>")
                case _:
                    body = b"" if fault.body is None else json.dumps(fault.body).encode()
                    self._say(fault.status, fault.headers, body)

        def _say(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  the names that the base class looks for

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  its word
            """Standard error belongs to the test."""

    return _Server(("127.0.0.1", 0), Handler)
