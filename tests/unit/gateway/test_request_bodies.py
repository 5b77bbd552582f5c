"""Bodies that come in all at once, and too many of them."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from freehold.gateway.bodies import Bodies
from freehold.gateway.local_peer import LocalPeers

SCOPE: Scope = {
    "type": "http",
    "method": "POST",
    "path": "/webhooks/hub",
    "headers": [(b"transfer-encoding", b"chunked")],
}


class Sender:
    """Sends `pieces`, and the last one only once it is let go."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)
        self.go = asyncio.Event()
        self.status = 0

    async def receive(self) -> Message:
        if len(self._pieces) > 1:
            return {"type": "http.request", "body": self._pieces.pop(0), "more_body": True}
        await self.go.wait()
        return {"type": "http.request", "body": self._pieces[0], "more_body": False}

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": [], "body": body})


async def test_all_together_are_bounded_and_room_is_given_back() -> None:
    bodies = Bodies(answer, most_held=100)
    first, second, third = Sender(b"x" * 60, b""), Sender(b"x" * 60, b""), Sender(b"x" * 60, b"")
    waiting = asyncio.create_task(bodies(SCOPE, first.receive, first.send))
    await asyncio.sleep(0)
    second.go.set()
    await bodies(SCOPE, second.receive, second.send)
    assert second.status == 503
    first.go.set()
    await waiting
    assert first.status == 200
    third.go.set()
    await bodies(SCOPE, third.receive, third.send)
    assert third.status == 200


@pytest.mark.parametrize(
    ("flood", "other", "status"),
    [("/webhooks/hub", "/login", 200), ("/login", "/webhooks/hub", 200), ("/login", "/api/v1/pause", 503)],
)
async def test_a_flood_of_one_kind_leaves_room_for_others(flood: str, other: str, status: int) -> None:
    bodies = Bodies(answer, most_held=100)
    first, second, third = Sender(b"x" * 60, b""), Sender(b"x" * 60, b""), Sender(b"x" * 60, b"")
    waiting = asyncio.create_task(bodies({**SCOPE, "path": flood}, first.receive, first.send))
    await asyncio.sleep(0)
    for sender in (second, third):
        sender.go.set()
    await bodies({**SCOPE, "path": other}, second.receive, second.send)
    assert second.status == status
    await LocalPeers(bodies)({**SCOPE, "path": flood}, third.receive, third.send)
    assert third.status == 200
    first.go.set()
    await waiting


async def test_a_sender_that_leaves_is_forgotten() -> None:
    reached = False

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal reached
        reached = True

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await Bodies(app)(SCOPE, receive, send)
    assert not reached
