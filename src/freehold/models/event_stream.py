"""Server-sent events as they pass: whole events out, whatever the borders of the chunks that came in (pure).

Bytes leave in the order and number in which they came. What is held back is only the beginning of an event that is not
complete yet: its reader could not act on it, and an answer that is cut short can still be ended with a clean error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_HELD = 2 * 1024 * 1024
"""Bytes of one event; a longer one passes as it comes, unread. 128k tokens of text are about 0.6 MB."""

_BOUNDARY = re.compile(rb"\n\r?\n|\r\r\n?")
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Piece:
    """What may pass now: `data` unchanged, and the `data:` payloads of the events that end in it."""

    data: bytes
    payloads: tuple[bytes, ...] = ()


class EventStream:
    """Cuts a byte stream into events. Holds at most `longest` bytes and the last chunk."""

    def __init__(self, longest: int = LONGEST_HELD) -> None:
        self._held = bytearray()
        self._longest = longest
        self._overlong = False
        self.unread_events = 0
        """Events that were longer than `longest`, and so were passed without being read."""

    @property
    def between_events(self) -> bool:
        """Whether something could be said now without breaking an event apart."""
        return not self._overlong

    def feed(self, chunk: bytes) -> Piece:
        """Take in a chunk; what may pass on."""
        # A boundary may begin in the last two bytes that were held before.
        search_from = max(0, len(self._held) - 2)
        self._held += chunk
        end = 0
        for match in _BOUNDARY.finditer(self._held, search_from):
            end = match.end()
        if end == 0:
            return self._hold()
        data = bytes(memoryview(self._held)[:end])
        del self._held[:end]
        readable = data
        if self._overlong:  # the head of its first event has already passed
            first = _BOUNDARY.search(data)
            readable = data[first.end() :] if first else b""
            self._overlong = False
        payloads = tuple(payload for block in _BOUNDARY.split(readable) if (payload := payload_of(block)))
        rest = self._hold()
        return Piece(data + rest.data, payloads)

    def finish(self) -> Piece:
        """The stream is over: what was held, and its payload if it is an event whose last blank line is missing."""
        data = bytes(self._held)
        self._held.clear()
        payload = b"" if self._overlong else payload_of(data)
        return Piece(data, (payload,) if payload else ())

    def _hold(self) -> Piece:
        if not self._overlong and len(self._held) <= self._longest:
            return Piece(b"")
        if not self._overlong:
            self.unread_events += 1
            self._overlong = True
        # Two bytes stay, so that a boundary across the border of two chunks is seen.
        data = bytes(memoryview(self._held)[:-2])
        del self._held[:-2]
        return Piece(data)


def payload_of(block: bytes) -> bytes:
    """The `data:` lines of one event, joined by newlines as the specification says; empty when there are none."""
    lines = []
    for line in _LINE_END.split(block):
        if line.startswith(b"data:"):
            value = line[5:]
            lines.append(value[1:] if value.startswith(b" ") else value)
    return b"\n".join(lines)
