"""Who counts what a push loses, against servers that lose something."""

from __future__ import annotations

import asyncio

from bench.push.visitors import Visitors, Visits

PATIENCE_S = 20.0
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
AWAY = b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n"
ENOUGH = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


async def visited(answers: list[bytes]) -> Visits:
    """What one visitor counts while it is answered so, in turn; an empty answer hangs up. Then all is well."""
    left, done = iter(answers), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await _request(reader):
                assert head.startswith((b"GET /health", b"POST /webhooks/nobody"))
                said = next(left, None)
                if said is None:
                    done.set()
                writer.write(GOOD if said is None else said)
                if said in (b"", LAST):
                    break
        finally:
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        visitors = Visitors("127.0.0.1", server.sockets[0].getsockname()[1])
        task = asyncio.create_task(visitors.visit(0))
        async with asyncio.timeout(PATIENCE_S):
            await done.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return visitors.visits


async def _request(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"content-length: 2" in head.lower():
            await reader.readexactly(2)
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    return head


async def test_what_is_answered_is_not_lost() -> None:
    visits = await visited([GOOD, GONE, GOOD])
    assert (visits.lost, visits.answered >= 3) == (0, True)


async def test_a_server_that_says_that_it_closes_loses_nothing() -> None:
    assert (await visited([GOOD, LAST, GOOD])).lost == 0


async def test_every_other_end_is_a_loss_and_told() -> None:
    visits = await visited([GOOD, b"", AWAY, ENOUGH, GOOD])
    assert visits.lost == 3
    assert visits.reasons == {"IncompleteReadError": 1, "503": 1, "429": 1}
