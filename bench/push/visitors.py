"""Visitors of a server: so many connections, each asking again shortly after it was answered, until told to end. A
process of its own: where to as words, the count of what was answered and what was lost on standard output.
"""

from __future__ import annotations

import asyncio
import signal
import sys

import msgspec

_PAUSE_S = 0.02
_PATIENCE_S = 30.0
_LOOK = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
_DELIVERY = b"POST /webhooks/nobody HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
"""Answered at once, with 404; it may not be sent twice by whatever stands in between."""
_LOOKS_ONCE_IN = 32
"""One address may ask 40 times a second, deliveries aside."""


class Visits(msgspec.Struct):
    """`lost` counts requests that had no answer, or one with 429 or from 500 on; `worst_ms` is the slowest answer's,
    `away_s` the longest time in which nobody was answered."""

    answered: int = 0
    lost: int = 0
    worst_ms: float = 0.0
    away_s: float = 0.0
    reasons: dict[str, int] = {}


class Visitors:
    def __init__(self, address: str, port: int) -> None:
        self._place = address, port
        self._last_answer = asyncio.get_running_loop().time()
        self.visits = Visits()

    async def visit(self, number: int) -> None:
        """Go on until cancelled; a connection that broke is made anew."""
        while True:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    reader, writer = await asyncio.open_connection(*self._place)
                try:
                    while True:
                        await self._ask(reader, writer, _DELIVERY if number % _LOOKS_ONCE_IN else _LOOK)
                        number += 1
                        await asyncio.sleep(_PAUSE_S)
                finally:
                    writer.close()
            except _ClosedError:
                continue
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self._lose(type(error).__name__)
                await asyncio.sleep(_PAUSE_S)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(_PATIENCE_S):
            writer.write(request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            at = head.lower().find(b"content-length:")
            await reader.readexactly(int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0)
        if head[9:10] == b"5" or head[9:12] == b"429":
            self._lose(head[9:12].decode())
        else:
            self._note(began)
        if b"connection: close" in head.lower():
            raise _ClosedError

    def _note(self, began: float) -> None:
        now = asyncio.get_running_loop().time()
        self.visits.answered += 1
        self.visits.worst_ms = max(self.visits.worst_ms, (now - began) * 1000)
        self.visits.away_s = max(self.visits.away_s, now - self._last_answer)
        self._last_answer = now

    def _lose(self, why: str) -> None:
        self.visits.lost += 1
        self.visits.reasons[why] = self.visits.reasons.get(why, 0) + 1


class _ClosedError(Exception):
    """The server said that it closes the connection: nothing was lost."""


async def main(address: str, port: int, connections: int) -> None:
    visitors, told = Visitors(address, port), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    tasks = [asyncio.create_task(visitors.visit(number)) for number in range(connections)]
    await told.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    sys.stdout.buffer.write(msgspec.json.encode(visitors.visits))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
