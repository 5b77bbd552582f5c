"""Letting requests in: never more of them at once, faster, or larger than the keeper can bear for one run.

One keeper serves all runs of a project. An agent that sends ten thousand requests, or one whose JSON becomes a gigabyte
in memory, must hurt its own run only.
"""

from __future__ import annotations

from aiohttp import web

from freehold.base.clock import Clock
from freehold.base.errors import Code, FreeholdError
from freehold.base.pace import Pace

LARGEST_REQUEST = 32 * 1024 * 1024
"""Bytes of a request: what Anthropic takes at most (OpenAI and Google take less without their file stores)."""
ROOM = 64 * 1024 * 1024
"""Bytes of all requests of a run that wait for their answers to begin."""
MOST_AT_ONCE = 256
"""Requests of one run under way together; far above what any harness does."""
_MOST_CONTAINERS = 300_000
_MOST_MARKS = 2_000_000
"""Lists and objects, and commas and quotes with them: 30 MB of `[],[],…` take 760 MB and 8 s to decode (measured); a
million tokens of source code have about 0.15 and 0.5 million."""

_UNITS_PER_S, _BURST_UNITS = 20, 400
_UNIT_BYTES, _UNIT_MARKS = 500_000, 50_000
"""What a request weighs beside itself; so whatever an agent sends, reading it takes a fifth of one core at most."""


class Admitted:
    """A request that was let in. `release` gives its room back, once an answer began or there will be none."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._size = 0

    async def read(self, request: web.Request) -> bytes:
        """The whole body. Raises `FreeholdError`: `TOO_LARGE`, `RATE_LIMITED`, `PROTOCOL`."""
        if request.headers.get("content-encoding", "identity") != "identity":
            raise FreeholdError(Code.PROTOCOL, "the model gateway takes no compressed requests", "send it uncompressed")
        parts: list[bytes] = []
        async for chunk in request.content.iter_any():
            self._size += len(chunk)
            self._gate.take_room(len(chunk))
            if self._size > LARGEST_REQUEST:
                raise FreeholdError(
                    Code.TOO_LARGE, f"the request is larger than {LARGEST_REQUEST >> 20} MB",
                    "send fewer or smaller images, or let the harness compact its history",
                )  # fmt: skip
            parts.append(chunk)
        data = b"".join(parts)
        await self._gate.wait_for(data)
        return data

    def release(self) -> None:
        self._gate.take_room(-self._size)
        self._size = 0


class Gate:
    """What one run has under way."""

    def __init__(self, clock: Clock, room: int = ROOM) -> None:
        self._clock = clock
        self._room = room
        self._pace = Pace(_UNITS_PER_S, _BURST_UNITS)

    def admit(self) -> Admitted:
        return Admitted(self)

    def take_room(self, size_bytes: int) -> None:
        """Raises `FreeholdError` (`RATE_LIMITED`) when there is none left."""
        self._room -= size_bytes
        if self._room < 0 < size_bytes:
            raise FreeholdError(
                Code.RATE_LIMITED, "the requests to models that this run has under way are too large together",
                "wait until some of them are answered",
            )  # fmt: skip

    async def wait_for(self, data: bytes) -> None:
        """Wait until a request of this weight may be read. Raises `FreeholdError` (`TOO_LARGE`) when none such may."""
        if has_too_many_parts(data):
            raise FreeholdError(
                Code.TOO_LARGE, "the JSON of the request has too many parts", "let the harness compact its history"
            )  # fmt: skip
        units = 1 + len(data) // _UNIT_BYTES + sum(_parts(data)) // _UNIT_MARKS
        delay_s = max(self._pace.take(self._clock.monotonic()) for _ in range(units))
        if delay_s:
            await self._clock.sleep(delay_s)


def has_too_many_parts(data: bytes) -> bool:
    """Whether reading this JSON would take more memory and time than anybody may take of the keeper."""
    containers, marks = _parts(data)
    return containers > _MOST_CONTAINERS or containers + marks > _MOST_MARKS


def _parts(data: bytes) -> tuple[int, int]:
    """Lists and objects; commas and quotes."""
    return data.count(b"[") + data.count(b"{"), data.count(b",") + data.count(b'"')
