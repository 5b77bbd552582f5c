"""One request that a sender made, as it came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec


class Delivery(msgspec.Struct, frozen=True):
    """The raw facts of a request. `source` is what stands in its path: the name of a source, or of a type of sources.

    Header names are lower-case; `body` is what was signed, byte for byte. None of it is shown by `repr`.
    """

    source: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    query: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Delivery(source={self.source!r}, received_at={self.received_at!r})"

    @classmethod
    def of(
        cls,
        source: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        received_at: datetime,
        query: Iterable[tuple[str, str]] = (),
    ) -> Delivery:
        """From headers and query parameters as a server hands them out, in any case and more than once.

        A header that came twice is joined with a comma (RFC 9110 §5.3), so that a second signature spoils the first
        one instead of hiding behind it. Of a query parameter the first value counts.
        """
        joined: dict[str, str] = {}
        for name, value in headers:
            key = name.lower()
            joined[key] = f"{joined[key]}, {value}" if key in joined else value
        first: dict[str, str] = {}
        for name, value in query:
            first.setdefault(name, value)
        return cls(source, joined, body, received_at, first)

    def header(self, *names: str) -> str:
        """The first of these headers that says something, without the white space around it; else empty."""
        for name in names:
            if value := self.headers.get(name, "").strip():
                return value
        return ""
