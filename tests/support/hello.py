"""TLS hellos made by hand, for what no library would send."""

from __future__ import annotations


def sized(data: bytes, length_bytes: int) -> bytes:
    return len(data).to_bytes(length_bytes) + data


def extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2) + sized(data, 2)


def name_extension(name: bytes, kind: int = 0) -> bytes:
    return extension(0, sized(bytes((kind,)) + sized(name, 2), 2))


def hello_body(extensions: bytes | None) -> bytes:
    """A ClientHello without its handshake header; `None` leaves the extensions out altogether."""
    body = b"\x03\x03" + bytes(32) + sized(bytes(32), 1) + sized(b"\x13\x01", 2) + sized(b"\x00", 1)
    return body if extensions is None else body + sized(extensions, 2)


def handshake(body: bytes, kind: int = 1) -> bytes:
    return bytes((kind,)) + sized(body, 3)


def records(message: bytes, most: int = 2**14) -> bytes:
    """`message` in handshake records of at most `most` bytes."""
    pieces = [message[at : at + most] for at in range(0, len(message), most)]
    return b"".join(b"\x16\x03\x01" + sized(piece, 2) for piece in pieces)


def client_hello(name: bytes, more: bytes = b"") -> bytes:
    """A whole first flight that asks for `name`."""
    return records(handshake(hello_body(name_extension(name) + more)))


RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def server_hello(random: bytes = bytes(32)) -> bytes:
    body = b"\x03\x03" + random + sized(bytes(32), 1) + b"\x13\x01\x00" + sized(b"", 2)
    return records(handshake(body, kind=2))


def retry_request() -> bytes:
    return server_hello(RETRY_RANDOM)
