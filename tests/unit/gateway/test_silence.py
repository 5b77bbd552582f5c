"""A connection that says nothing for long is ended, and none that is used."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from tests.support.wire import Conversation

REQUEST = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
FOR_EVER_S = 3600


async def ok(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_silence_ends_a_connection() -> None:
    talk = Conversation(ok, keep_alive_s=0)
    assert await talk.send(REQUEST)
    while not talk.wire.closed:
        await asyncio.sleep(0.001)
    talk.end()


async def test_one_timer_serves_all_requests_of_a_connection() -> None:
    talk = Conversation(ok, keep_alive_s=FOR_EVER_S)
    await talk.send(REQUEST)
    timer = talk.protocol.timeout_keep_alive_task
    assert timer
    for _ in range(3):
        await talk.send(REQUEST)
        assert talk.protocol.timeout_keep_alive_task is timer
    talk.end()
    assert timer.cancelled()


async def test_when_the_timer_is_over_only_the_silence_since_the_last_answer_counts() -> None:
    talk = Conversation(ok, keep_alive_s=FOR_EVER_S)
    await talk.send(REQUEST)
    talk.protocol.timeout_keep_alive_handler()  # as if it were over: the answer came just now
    assert not talk.wire.closed
    timer = talk.protocol.timeout_keep_alive_task
    assert timer
    assert timer.when() > asyncio.get_running_loop().time() + FOR_EVER_S / 2
    talk.end()


async def test_while_something_is_asked_there_is_no_silence() -> None:
    gate = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await ok(scope, receive, send)

    talk = Conversation(slow, keep_alive_s=FOR_EVER_S)
    gate.set()
    await talk.send(REQUEST)
    gate.clear()
    talk.protocol.data_received(REQUEST)
    talk.protocol.timeout_keep_alive_handler()
    assert not talk.wire.closed
    assert talk.protocol.timeout_keep_alive_task is None
    gate.set()
    assert await talk.heard()
    assert talk.protocol.timeout_keep_alive_task
    talk.end()
