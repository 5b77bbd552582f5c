"""Requests that ask for another protocol and have a body: read as if they did not ask.

A server need not change the protocol (RFC 9110, section 7.8), and what asks for a WebSocket has no body. The parser,
llhttp as httptools has it, passes over the body of such a request and would take it for the next one.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import httptools

_OF_A_BODY = (b"content-length", b"transfer-encoding")
Headers = Iterable[tuple[bytes, bytes]]


class UpgradeParser(httptools.HttpRequestParser):
    """`stopped_at`: where in what was fed last another protocol would begin."""

    stopped_at = 0

    def feed_data(self, data: bytes | bytearray | memoryview[int] | array[int]) -> None:
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as asked:
            self.stopped_at = asked.args[0]
            raise


def parser_for(protocol: object) -> UpgradeParser:
    """As uvicorn sets its own one up: it may answer before a request that follows is read."""
    parser = UpgradeParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def has_body(headers: Headers) -> bool:
    return any(name in _OF_A_BODY and value != b"0" for name, value in headers)


def head_without_upgrade(method: bytes, url: bytes, version: str, headers: Headers) -> bytes:
    """The head of a request that was read, as it would be without asking for another protocol."""
    lines = [b"%s %s HTTP/%s" % (method, url, version.encode())]
    for name, value in headers:
        if name == b"upgrade":
            continue
        if name == b"connection":
            kept = [token.strip() for token in value.split(b",") if token.strip().lower() != b"upgrade"]
            lines += [b"connection: " + b", ".join(kept)] if kept else []
            continue
        lines.append(b"%s: %s" % (name, value))
    return b"\r\n".join([*lines, b"", b""])
