"""The server name in a TLS ClientHello, read across record and segment borders (pure).

RFC 8446 §4.1.2 and §5.1, RFC 6066 §3.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_HELLO = 64 * 1024
"""Bytes of records; a ClientHello with post-quantum keys and a large session ticket is below 8 kB."""

HANDSHAKE_RECORD = 22
RECORD_HEADER = 5
LONGEST_RECORD = 2**14
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_ENCRYPTED_HELLO = frozenset({0xFE0D, 0xFFCE})  # ECH (RFC 9849), and ESNI of the drafts before it


class BadHelloError(ValueError):
    """This is not the beginning of a TLS connection; the message is the end of a sentence."""


@dataclass(frozen=True)
class Hello:
    """What a ClientHello says about where it goes: the name as sent, and whether another one is hidden in it."""

    server_name: bytes | None
    encrypted: bool


class HelloReader:
    """Collects a ClientHello. What follows it stays in `rest`."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._next_record = 0
        self._message = bytearray()

    def feed(self, data: bytes) -> Hello | None:
        """The ClientHello once it is whole, else None. Raises `BadHelloError` as soon as it cannot become one."""
        self._raw += data
        while not self._whole():
            if not self._take_record():
                if len(self._raw) > LONGEST_HELLO:
                    raise BadHelloError(f"its TLS hello is longer than {LONGEST_HELLO} bytes")
                return None
        if len(self._message) > self._expected():
            raise BadHelloError("more follows its TLS hello in the same record")
        return parse_hello(bytes(self._message[4:]))

    def taken(self) -> bytes:
        """The records of the ClientHello, as they came."""
        return bytes(self._raw[: self._next_record])

    def rest(self) -> bytes:
        return bytes(self._raw[self._next_record :])

    def _take_record(self) -> bool:
        header = self._raw[self._next_record : self._next_record + RECORD_HEADER]
        if (header and header[0] != HANDSHAKE_RECORD) or (len(header) > 1 and header[1] != 3):
            raise BadHelloError("it does not speak TLS")
        if len(header) < RECORD_HEADER:
            return False
        length = int.from_bytes(header[3:])
        if not 0 < length <= LONGEST_RECORD:
            raise BadHelloError("it does not speak TLS")
        start = self._next_record + RECORD_HEADER
        if len(self._raw) < start + length or start + length > LONGEST_HELLO:
            return False
        self._message += self._raw[start : start + length]
        self._next_record = start + length
        if self._message[0] != _CLIENT_HELLO:
            raise BadHelloError("it does not begin with a TLS hello")
        return True

    def _expected(self) -> int:
        return 4 + int.from_bytes(self._message[1:4])

    def _whole(self) -> bool:
        if len(self._message) < 4:
            return False
        if self._expected() > LONGEST_HELLO:
            raise BadHelloError(f"its TLS hello is longer than {LONGEST_HELLO} bytes")
        return len(self._message) >= self._expected()


def parse_hello(body: bytes) -> Hello:
    """A ClientHello without its handshake header. Raises `BadHelloError` when it is not one, to the byte."""
    fields = _Fields(body)
    fields.take(2 + 32)  # version, random
    fields.take_sized(1)  # session
    fields.take_sized(2)  # cipher suites
    fields.take_sized(1)  # compression
    extensions = _extensions(_Fields(fields.take_sized(2))) if fields.left else {}
    fields.end()
    name = _server_name(_Fields(extensions[_SERVER_NAME])) if _SERVER_NAME in extensions else None
    return Hello(name, encrypted=not _ENCRYPTED_HELLO.isdisjoint(extensions))


def _extensions(fields: _Fields) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while fields.left:
        kind = int.from_bytes(fields.take(2))
        if kind in found:
            # Servers differ in which of two they obey, so that neither can be trusted.
            raise BadHelloError("its TLS hello has the same extension twice")
        found[kind] = fields.take_sized(2)
    return found


def _server_name(extension: _Fields) -> bytes:
    names = _Fields(extension.take_sized(2))
    extension.end()
    kind = names.take(1)[0]
    name = names.take_sized(2)
    names.end()
    if kind != 0 or not name:
        raise BadHelloError("its TLS hello has a server name that is no host name")
    return name


class _Fields:
    """A cursor over fields with lengths in front of them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise BadHelloError("its TLS hello is broken")
        self._at += count
        return self._data[self._at - count : self._at]

    def take_sized(self, length_bytes: int) -> bytes:
        return self.take(int.from_bytes(self.take(length_bytes)))

    def end(self) -> None:
        if self.left:
            raise BadHelloError("its TLS hello is broken")
