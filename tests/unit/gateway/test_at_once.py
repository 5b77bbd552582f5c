"""An answer that is sent at once is, byte for byte, the one that the server makes of two messages."""

from __future__ import annotations

import pytest
from starlette.types import Receive, Scope, Send

from freehold.gateway import at_once
from tests.support.wire import Conversation

HEAD = [(b"cache-control", b"no-store"), (b"content-type", b"application/json")]
LINES = b"cache-control: no-store\r\ncontent-type: application/json\r\n"
BODY = b'{"ok":true}\n'
REQUEST = b"POST /a HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\n{}"


async def at_once_or_not(scope: Scope, _receive: Receive, send: Send) -> None:
    if not at_once.answer(scope, LINES, BODY):
        scope["state"]["long"] = True
        await by_messages(scope, _receive, send)


async def by_messages(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [*HEAD, (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


@pytest.mark.parametrize(
    ("sent", "is_long"),
    [
        (REQUEST, False),
        (REQUEST * 3, False),
        (REQUEST.replace(b"host", b"expect: 100-continue\r\nhost"), False),
        (REQUEST.replace(b"host", b"connection: close\r\nhost"), True),
        (REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"), True),
    ],
    ids=["one", "in line", "told to go on", "the last one", "HTTP/1.0"],
)
async def test_both_ways_say_the_same(sent: bytes, is_long: bool) -> None:
    short, long = Conversation(at_once_or_not), Conversation(by_messages)
    said = await short.send(sent)
    assert said == await long.send(sent)
    assert b"HTTP/1.1 200 OK\r\n" in said
    assert said.endswith(BODY)
    assert short.long == is_long
    assert short.wire.closed == long.wire.closed == is_long
    assert short.state.total_requests == long.state.total_requests
    if not is_long:  # and the connection can be used again
        assert await short.send(REQUEST) == await long.send(REQUEST)
    short.end()
    long.end()


async def test_whoever_has_gone_is_told_nothing() -> None:
    gone = Conversation(at_once_or_not)
    gone.protocol.data_received(REQUEST)
    gone.end()
    assert await gone.heard() == b""


async def test_another_server_is_answered_as_ever() -> None:
    assert not at_once.answer({}, LINES, BODY)
