"""How to call a project's gateway: one request at a time, over its socket or over the network.

By the standard library: a status is to be there in a blink, and it loads in a third of the time of an HTTP framework.
Redirects are not followed: a key goes to the host it was kept for, and to no other.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import time
from collections.abc import Iterator
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from freehold import __version__
from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import clipped
from freehold.base.sockets import connect_unix
from freehold.client.gateway_address import GatewayAddress, LocalAddress, RemoteAddress, ServerAddress, not_running
from freehold.client.server_events import ServerEvent, server_events
from freehold.wire.addressee import HEADER as ADDRESSEE
from freehold.wire.decoding import decode_json
from freehold.wire.service import API
from freehold.wire.versions import HEADER, told_of_server

Answer = TypeVar("Answer")

DEADLINE_S = 30.0
"""For the whole of a call."""
SILENCE_S = 60.0
"""After which a stream counts as broken; the gateway says something at least every 15 s."""
LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
"""The status of a thousand agents with their last runs is a thirtieth of it."""
LONGEST_LINE_BYTES = 1024 * 1024
LARGEST_EVENT_BYTES = 2 * LONGEST_LINE_BYTES
_PIECE_BYTES = 64 * 1024
_BY_VERSION = frozenset({Code.NOT_FOUND, Code.PROTOCOL, Code.USAGE})
_UNREACHABLE_STATUSES = frozenset({502, 503, 504})


class Gateway:
    """A gateway. Each method raises the gateway's own `FreeholdError`, UNREACHABLE when it cannot be asked, or PROTOCOL
    when what answers is no gateway of ours."""

    def __init__(self, address: GatewayAddress) -> None:
        self.address = address
        self.version = ""
        """Of the program that answered last; empty before, and for one that says none."""

    @property
    def version_difference(self) -> str:
        """What to do about a gateway of another version than ours; empty where it is the same."""
        environment = "" if isinstance(self.address, LocalAddress) else self.address.environment
        return told_of_server(__version__, self.version, environment)

    def get(self, path: str, answer: type[Answer], **query: object) -> Answer:
        """What is at `path` (below `/api/v1`); of the query, what is empty or None is left out."""
        asked = {name: str(value) for name, value in query.items() if value not in (None, "")}
        return self.ask("GET", f"{path}?{urlencode(asked)}" if asked else path, answer)

    def post(self, path: str, answer: type[Answer], body: object = None) -> Answer:
        return self.ask("POST", path, answer, body)

    def ask(self, method: str, path: str, answer: type[Answer], body: object = None) -> Answer:
        """One call below `/api/v1`, answered within `DEADLINE_S` and 32 MB."""
        data = b"" if body is None else msgspec.json.encode(body)
        _, content = self.send(method, f"{API}{path}", {"Content-Type": "application/json"}, data)
        try:
            return decode_json(content, msgspec.json.Decoder(answer))
        except msgspec.DecodeError as error:
            told = _not_ours(self.address, f"its answer to {method} {path} cannot be read: {error}")
            raise self._perhaps_by_version(told) from None

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """A request as it is, to any path of the gateway: status and content of a good answer."""
        deadline = time.monotonic() + DEADLINE_S
        with self._response(method, path, headers, body, DEADLINE_S) as response:
            content = _content(self.address, response, deadline)
            if not 200 <= response.status < 300:
                raise self._perhaps_by_version(_refusal(self.address, response.status, content))
            return response.status, content

    def stream(self, path: str, after: str = "") -> Iterator[ServerEvent]:
        """Server-sent events of `path`, from the one after `after` on; ends when the gateway ends it."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        with self._response("GET", f"{API}{path}", headers, b"", SILENCE_S) as response:
            self._require_good(response)
            yield from server_events(_of_bounded_events(self.address, _lines(self.address, response)))

    def lines(self, path: str) -> Iterator[bytes]:
        """Lines of JSON at `path`, as many as there are."""
        headers = {"Accept": "application/x-ndjson"}
        with self._response("GET", f"{API}{path}", headers, b"", SILENCE_S) as response:
            self._require_good(response)
            yield from _lines(self.address, response)

    def is_there(self) -> bool:
        """Whether somebody listens at the address. Raises UNREACHABLE when that cannot be told."""
        try:
            connection, _, _ = _connect(self.address, DEADLINE_S)
            connection.connect()
            connection.close()
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return False
        except FreeholdError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            return False
        except OSError as error:
            raise _unreachable(self.address, error) from error
        return True

    def _require_good(self, response: http.client.HTTPResponse) -> None:
        if response.status != 200:
            content = _content(self.address, response, time.monotonic() + DEADLINE_S)
            raise self._perhaps_by_version(_refusal(self.address, response.status, content))

    def _perhaps_by_version(self, error: FreeholdError) -> FreeholdError:
        """What one does not know, or says otherwise, the other may as well."""
        if error.code not in _BY_VERSION or not self.version_difference:
            return error
        return FreeholdError(error.code, error.message, f"{error.hint}\n{self.version_difference}".strip())

    @contextlib.contextmanager
    def _response(
        self, method: str, path: str, headers: dict[str, str], body: bytes, timeout_s: float
    ) -> Iterator[http.client.HTTPResponse]:
        try:
            connection, base, key = _connect(self.address, timeout_s)
            sent = {
                "Accept": "application/json",
                "User-Agent": f"freehold/{__version__}",
                HEADER: __version__,
                **key,
                **headers,
            }
            try:
                _require_listener(self.address, connection)
                connection.request(method, base + path, body or None, sent)
                with connection.getresponse() as response:
                    self.version = clipped(response.getheader(HEADER, ""), 40)
                    yield response
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(self.address, error) from error


def in_path(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, address: LocalAddress, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._address = address

    def connect(self) -> None:
        path = self._address.socket
        if path.is_symlink():  # it came with the project, and leads to somebody else's socket
            raise FileNotFoundError(path)
        self.sock = connect_unix(path)
        self.sock.settimeout(self.timeout)


class _ServerConnection(http.client.HTTPConnection):
    def __init__(self, address: ServerAddress, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._address = address

    def connect(self) -> None:
        self.sock = self._address.tunnel.open(self._address.socket)
        self.sock.settimeout(self.timeout)


def _connect(address: GatewayAddress, timeout_s: float) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
    """A connection, what stands before every path, and the header with the key, or with whose gateway is meant."""
    if isinstance(address, LocalAddress):
        return _UnixConnection(address, timeout_s), "", {}
    if isinstance(address, ServerAddress):
        return _ServerConnection(address, timeout_s), "", {ADDRESSEE: address.project}
    key = {"Authorization": f"Bearer {address.key.reveal()}"}
    if address.encrypted:
        context = ssl.create_default_context()
        return (
            http.client.HTTPSConnection(address.host, address.port, timeout=timeout_s, context=context),
            address.path,
            key,
        )
    return http.client.HTTPConnection(address.host, address.port, timeout=timeout_s), address.path, key


def _require_listener(address: GatewayAddress, connection: http.client.HTTPConnection) -> None:
    """Raises UNREACHABLE, with what to do, when nobody listens on the server; else what the way to it raises."""
    if not isinstance(address, ServerAddress):
        return  # the request itself connects
    try:
        connection.connect()
    except FreeholdError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        raise not_running(address) from None


def _content(address: GatewayAddress, response: http.client.HTTPResponse, deadline: float) -> bytes:
    content = bytearray()
    while piece := response.read1(_PIECE_BYTES):
        content += piece
        if len(content) > LARGEST_ANSWER_BYTES:
            raise _not_ours(address, f"its answer is larger than {LARGEST_ANSWER_BYTES // 1024**2} MB")
        if time.monotonic() > deadline:
            raise TimeoutError(f"no whole answer within {DEADLINE_S:.0f} s")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return bytes(content)


def _lines(address: GatewayAddress, response: http.client.HTTPResponse) -> Iterator[bytes]:
    while line := response.readline(LONGEST_LINE_BYTES + 1):
        if len(line) > LONGEST_LINE_BYTES:
            raise _not_ours(address, "a line of its stream is longer than 1 MB")
        yield line


def _of_bounded_events(address: GatewayAddress, lines: Iterator[bytes]) -> Iterator[bytes]:
    size_bytes = 0
    for line in lines:
        size_bytes = size_bytes + len(line) if line.strip() else 0
        if size_bytes > LARGEST_EVENT_BYTES:
            raise _not_ours(address, f"an event of its stream is larger than {LARGEST_EVENT_BYTES // 1024**2} MB")
        yield line


def _refusal(address: GatewayAddress, status: int, content: bytes) -> FreeholdError:
    """What an answer that is not a good one says: the gateway's own words where it has some."""
    try:
        told = decode_json(content, msgspec.json.Decoder(dict[str, str]))
        code = Code(told["code"])
        error = FreeholdError(code, told["message"], told.get("hint", ""))
    except (msgspec.DecodeError, KeyError, ValueError):
        return _strange(address, status, content)
    if status == 401 and isinstance(address, RemoteAddress):
        hint = f"{error.hint}\nkeep one that it knows: freehold keys keep -E {address.environment}"
        return FreeholdError(Code.CREDENTIAL, f"{address}: {error.message}", hint.strip())
    return error


def _strange(address: GatewayAddress, status: int, content: bytes) -> FreeholdError:
    """An answer that no gateway of ours gave: of something in front of it, or of something else there."""
    if 300 <= status < 400:
        return _not_ours(address, f"it sends us elsewhere (HTTP {status}), where the key must not go")
    said = clipped(content.decode(errors="replace"), 120)
    if status in _UNREACHABLE_STATUSES:
        return FreeholdError(
            Code.UNREACHABLE, f"{address} answers HTTP {status}: {said}", "Is the project running there? Try again."
        )
    return _not_ours(address, f"it answers HTTP {status}: {said}")


def _not_ours(address: GatewayAddress, why: str) -> FreeholdError:
    hint = "Is it a gateway of Freehold, of this version?"
    if isinstance(address, RemoteAddress):
        hint += f" Its address is gateway.url of environment {address.environment}."
    return FreeholdError(Code.PROTOCOL, f"{address}: {why}", hint)


_START = "Start it: freehold start; where that was just done, ask again in a moment"


def _unreachable(address: GatewayAddress, error: Exception) -> FreeholdError:
    if isinstance(address, LocalAddress):
        if isinstance(error, (FileNotFoundError, ConnectionRefusedError, NotADirectoryError)):
            return FreeholdError(Code.UNREACHABLE, f"{address} is not running", _START)
        if isinstance(error, PermissionError):
            return FreeholdError(
                Code.UNREACHABLE, f"{address.socket}: {error.strerror}", "It belongs to another user: ask as that user."
            )
    return FreeholdError(
        Code.UNREACHABLE, f"{address} cannot be reached: {_told(error)}", "Is it running? Try again in a moment."
    )


def _told(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"it broke off its answer ({type(error).__name__})"
