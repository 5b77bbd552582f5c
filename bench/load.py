"""A load on an HTTP server: so many connections, each asking again as soon as it was answered. A process of its own, so
that it shares no interpreter with whom it measures: a job as JSON on standard input, the outcome on standard output.
"""

from __future__ import annotations

import itertools
import select
import socket
import sys
import time
from dataclasses import dataclass

import msgspec

_LARGEST_READ = 65536
_END_OF_HEAD = b"\r\n\r\n"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """`paths` are asked for in turn. In `headers`, `{number}` stands for what differs from request to request; `first`
    is the first one's."""

    port: int
    paths: list[str]
    method: str = "POST"
    headers: dict[str, str] = {}
    body: str = ""
    connections: int
    requests: int
    first: int = 0


class Outcome(msgspec.Struct, frozen=True):
    """`statuses` counts the answers by status; `latencies_ms` are all of them, sorted."""

    seconds: float
    statuses: dict[str, int]
    latencies_ms: list[float]

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.seconds

    def percentile_ms(self, share: float) -> float:
        return self.latencies_ms[min(int(len(self.latencies_ms) * share), len(self.latencies_ms) - 1)]


@dataclass
class _Connection:
    socket: socket.socket
    received: bytes = b""
    asked_at: float = 0.0


def load(job: Job) -> Outcome:
    """Raises OSError when the server closes a connection in the middle."""
    requests = _requests(job)
    poll = select.epoll()
    connections: dict[int, _Connection] = {}
    for _ in range(job.connections):
        connected = socket.create_connection(("127.0.0.1", job.port))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connections[connected.fileno()] = _Connection(connected)
        poll.register(connected, select.EPOLLIN)
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    began = time.perf_counter()
    for connection in connections.values():
        _ask(connection, requests)
    while len(latencies) < job.requests:
        for number, _ in poll.poll():
            connection = connections[number]
            if status := _hear(connection):
                latencies.append((time.perf_counter() - connection.asked_at) * 1000)
                statuses[status] = statuses.get(status, 0) + 1
                _ask(connection, requests)
    took = time.perf_counter() - began
    for connection in connections.values():
        connection.socket.close()
    return Outcome(took, statuses, sorted(latencies))


def _requests(job: Job) -> itertools.chain[bytes]:
    """What is sent, made beforehand: making it is not what is measured."""
    body = job.body.encode()
    fields = {"Host": f"127.0.0.1:{job.port}", "Content-Length": str(len(body)), **job.headers}
    made = []
    for number in range(job.first, job.first + job.requests):
        path = job.paths[number % len(job.paths)]
        head = "".join(f"{name}: {value.replace('{number}', str(number))}\r\n" for name, value in fields.items())
        made.append(f"{job.method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    return itertools.chain(made)


def _ask(connection: _Connection, requests: itertools.chain[bytes]) -> None:
    request = next(requests, None)
    if request is not None:
        connection.received = b""
        connection.asked_at = time.perf_counter()
        connection.socket.sendall(request)


def _hear(connection: _Connection) -> str:
    """The status of the answer, once it is whole; until then empty."""
    piece = connection.socket.recv(_LARGEST_READ)
    if not piece:
        raise ConnectionError("the server closed a connection")
    connection.received += piece
    head, end, body = connection.received.partition(_END_OF_HEAD)
    if not end:
        return ""
    lower = head.lower()
    at = lower.find(b"content-length:")
    length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return head[9:12].decode() if len(body) >= length else ""


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(load(msgspec.json.decode(sys.stdin.buffer.read(), type=Job))))
