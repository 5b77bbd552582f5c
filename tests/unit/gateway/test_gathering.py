"""What is written at one moment goes out in one piece, and nothing is lost or put in another order."""

from __future__ import annotations

import asyncio
from typing import Any

from freehold.gateway.gathering import MOST_BYTES, GatheringTransport


class Recorded(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []

    def write(self, data: Any) -> None:
        self.told.append(bytes(data))

    def close(self) -> None:
        self.told.append("close")

    def abort(self) -> None:
        self.told.append("abort")


def gathering() -> tuple[Recorded, GatheringTransport]:
    recorded = Recorded()
    return recorded, GatheringTransport(recorded, asyncio.get_running_loop())


async def test_head_and_body_are_one_piece() -> None:
    recorded, transport = gathering()
    transport.write(b"head ")
    transport.writelines([b"bo", b"dy"])
    assert recorded.told == []
    await asyncio.sleep(0)
    assert recorded.told == [b"head body"]
    transport.write(b"more")
    await asyncio.sleep(0)
    assert recorded.told == [b"head body", b"more"]


async def test_what_nothing_follows_is_sent_with_what_waits() -> None:
    recorded, transport = gathering()
    transport.write(b"before ")
    transport.write_now(b"and now")
    assert recorded.told == [b"before and now"]
    await asyncio.sleep(0)
    assert len(recorded.told) == 1


async def test_what_is_large_does_not_wait() -> None:
    recorded, transport = gathering()
    transport.write(b"a")
    transport.write(b"b" * MOST_BYTES)
    assert recorded.told == [b"a" + b"b" * MOST_BYTES]
    await asyncio.sleep(0)
    assert len(recorded.told) == 1


async def test_a_connection_is_closed_after_what_was_written_and_aborted_before() -> None:
    recorded, transport = gathering()
    transport.write(b"last words")
    transport.close()
    assert recorded.told == [b"last words", "close"]
    recorded, transport = gathering()
    transport.write(b"unsaid")
    transport.abort()
    await asyncio.sleep(0)
    assert recorded.told == ["abort"]
