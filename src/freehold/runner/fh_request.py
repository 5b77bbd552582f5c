"""A request of `fh` to the run socket: HTTP/1.1 by hand, JSON by the library, nothing by the shell."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from typing import Any, NamedTuple

from freehold.wire.exits import EXIT_OF_STATUS, EXIT_OTHER

CONNECT_S = 5.0
ANSWER_S = 30.0
KEEPER_AWAY_S = 60.0
"""How long a run waits for its keeper to come back (`docs/interfaces.md`, "Run directory and run API")."""
_PAUSE_S = 0.1
_RUN_DIRECTORY = "/run/freehold"
_LARGEST_HEAD = 64 * 1024
_LONGEST_ADDRESS = 107


class UnreachableError(Exception):
    """There is no keeper, or it did not answer."""


class UsageError(Exception):
    """The command was called with arguments that make no sense."""


class Answer(NamedTuple):
    status: int
    body: bytes

    @property
    def exit_code(self) -> int:
        return EXIT_OF_STATUS.get(self.status, EXIT_OTHER)

    def json(self) -> Any:
        """The body, or None when it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def open_run_socket(wait_s: float = KEEPER_AWAY_S) -> socket.socket:
    """Connect to the run socket, waiting for a keeper that is being replaced. Raises `UnreachableError`.

    Where there is no run directory, there is no run, and nothing is waited for.
    """
    directory = os.environ.get("FREEHOLD_RUN_DIR", _RUN_DIRECTORY)
    deadline = time.monotonic() + wait_s
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_S)
        try:
            _connect(connection, directory)
        except OSError as error:
            connection.close()
            if time.monotonic() >= deadline or not os.path.isdir(directory):  # noqa: PTH112  pathlib is slow to import
                raise UnreachableError(f"{directory}/run.sock: {error.strerror or error}") from error
        else:
            return connection
        time.sleep(_PAUSE_S)


def request(method: str, path: str, body: dict[str, Any] | None = None, *, repeatable: bool = True) -> Answer:
    """One request, one answer. Raises `UnreachableError` when no whole answer comes.

    What a keeper left unanswered because it died is said again to the next one, where saying it twice does no harm.
    """
    deadline = time.monotonic() + KEEPER_AWAY_S
    while True:
        connection = open_run_socket(max(0.0, deadline - time.monotonic()))
        try:
            return _exchange(connection, method, path, body)
        except (ConnectionError, ValueError) as error:
            if not repeatable or time.monotonic() >= deadline:
                raise UnreachableError(str(error) or type(error).__name__) from error
        except OSError as error:
            raise UnreachableError(str(error) or type(error).__name__) from error
        finally:
            connection.close()
        time.sleep(_PAUSE_S)


def _exchange(connection: socket.socket, method: str, path: str, body: dict[str, Any] | None) -> Answer:
    content = json.dumps(body or {}).encode() if method == "POST" else b""
    head = f"{method} {path} HTTP/1.1\r\nhost: run\r\nconnection: close\r\n"
    if method == "POST":
        head += f"content-type: application/json\r\ncontent-length: {len(content)}\r\n"
    connection.settimeout(ANSWER_S)
    connection.sendall(head.encode() + b"\r\n" + content)
    return _read_answer(connection)


def show(answer: Answer, shown: Any = None) -> int:
    """Print what an agent reads: `shown`, else the answer's JSON on success; the exit code.

    A refusal goes to standard output too (as Action Llama's commands do it), and in words to standard error.
    """
    if answer.exit_code != 0:
        sys.stdout.write(json.dumps({"ok": False, **_refusal(answer)}) + "\n")
        return complain(answer)
    if shown is None:
        body = answer.json()
        body = body if isinstance(body, dict) else {}
        shown = {"ok": True} | {key: value for key, value in body.items() if value is not None}
    sys.stdout.write(json.dumps(shown) + "\n")
    return 0


def complain(answer: Answer) -> int:
    """Say on standard error why it was refused; the exit code."""
    refusal = _refusal(answer)
    hint = f"\n{refusal['hint']}" if refusal.get("hint") else ""
    sys.stderr.write(f"fh: {refusal.get('message', 'refused')}{hint}\n")
    return answer.exit_code


def read_head(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case, and what came after them. Raises `ValueError`, `OSError`."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ValueError("the answer ended before its head did")
        data += piece
        if len(data) > _LARGEST_HEAD:
            raise ValueError("the answer's head does not end")
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1."):
        raise ValueError("the answer is not HTTP")
    return int(words[1]), headers, rest


def _refusal(answer: Answer) -> dict[str, Any]:
    body = answer.json()
    return body if isinstance(body, dict) else {"code": "other", "message": f"HTTP status {answer.status}"}


def _connect(connection: socket.socket, directory: str) -> None:
    """As `base.sockets.connect_unix`, without the 10 ms that its imports take."""
    address = f"{directory}/run.sock"
    if len(os.fsencode(address)) <= _LONGEST_ADDRESS:
        connection.connect(address)
        return
    handle = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{handle}/run.sock")
    finally:
        os.close(handle)


def _read_answer(connection: socket.socket) -> Answer:
    status, headers, body = read_head(connection)
    while piece := connection.recv(65536):
        body += piece
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Answer(status, _unchunked(body))
    length = int(headers.get("content-length", len(body)))
    if len(body) < length:
        raise ValueError("the answer was cut")
    return Answer(status, body[:length])


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while True:
        size_line, _, body = body.partition(b"\r\n")
        size = int(size_line.split(b";")[0], 16)
        if size == 0:
            return whole
        if len(body) < size + 2:
            raise ValueError("the answer was cut")
        whole, body = whole + body[:size], body[size + 2 :]
