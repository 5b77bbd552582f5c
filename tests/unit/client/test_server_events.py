"""Streams of server-sent events, line by line."""

from __future__ import annotations

import pytest

from freehold.client.server_events import ServerEvent, server_events

CASES = [
    (b"data: one\n\n", [ServerEvent("message", b"one")]),
    (b"event: run\nid: 7\ndata: {}\n\n", [ServerEvent("run", b"{}", "7")]),
    (b"data: one\ndata: two\n\n", [ServerEvent("message", b"one\ntwo")]),
    (b": heartbeat\n\ndata: x\r\n\r\n", [ServerEvent("message", b"x")]),
    (b"id: 7\ndata: a\n\ndata: b\n\n", [ServerEvent("message", b"a", "7"), ServerEvent("message", b"b", "7")]),
    (b"event: run\n\ndata: b\n\n", [ServerEvent("message", b"b")]),
    (b"data: begun, never ended\n", []),
    (b"data\n\n", [ServerEvent("message", b"")]),
    (b"retry: 10\nnonsense\ndata:x\n\n", [ServerEvent("message", b"x")]),
]


@pytest.mark.parametrize(("stream", "events"), CASES)
def test_events_are_read(stream: bytes, events: list[ServerEvent]) -> None:
    assert list(server_events(stream.splitlines(keepends=True))) == events
