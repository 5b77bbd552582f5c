"""Whether a delivery gets to the project, as a sender sees it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from freehold.deploy.check import State
from freehold.deploy.server_check import NAMES, Place, check_server
from freehold.deploy.webhook_reach import PATH, Reach, ask_as_sender, webhooks
from freehold.gateway.webhook_routes import source_in
from freehold.hosts.fake_host import FakeHost
from freehold.hosts.host import Host, Outcome
from freehold.hosts.ssh_config import Route

ROUTE = Route("192.0.2.7", "root", 22, "192.0.2.7", (), False, (), False, "")
URL = "https://app.example.com"
OURS = b'HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\r\n{"code":"not_found","message":"x","hint":""}'


@pytest.mark.parametrize(
    ("reach", "state", "words"),
    [
        (Reach(), State.SKIP, "no delivery comes"),
        (Reach(URL, is_there=False), State.SKIP, "no project"),
        (Reach(URL, status=404, is_ours=True), State.PASS, "gets to the project"),
        (Reach(URL, status=404), State.FAIL, "not the project's gateway"),
        (Reach(URL, status=200), State.FAIL, "not the project's gateway"),
        (Reach(URL, status=503), State.FAIL, "the project does not"),
        (Reach(URL, problem="it does not answer in time"), State.FAIL, "in time"),
    ],
)
def test_what_is_said(reach: Reach, state: State, words: str) -> None:
    verdict = webhooks(reach)
    assert verdict.state is state
    assert words in verdict.message


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (OURS, (404, True, "")),
        (b"HTTP/1.1 404 Not Found\r\n\r\n<html>nginx</html>", (404, False, "")),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", (502, False, "")),
        (b'HTTP/1.1 200 OK\r\n\r\n["code", "message", "hint"]', (200, False, "")),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 50_000, (200, False, "")),
        (b"SSH-2.0-OpenSSH_9.2\r\n", (0, False, "it answers no HTTP")),
        (b"", (0, False, "it answers no HTTP")),
    ],
)
async def test_what_a_sender_sees(answer: bytes, expected: tuple[int, bool, str]) -> None:
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        seen = await ask_as_sender(f"http://127.0.0.1:{port}")
    assert (seen.status, seen.is_ours) == expected[:2]
    assert expected[2] in seen.problem
    assert asked[0].startswith(b"GET /webhooks/")


async def test_nobody_there_is_told() -> None:
    seen = await ask_as_sender("http://127.0.0.1:1")
    assert "cannot be reached" in seen.problem
    assert "Errno" not in seen.problem


def test_a_check_is_not_counted_as_a_delivery_that_was_refused() -> None:
    assert source_in({"path": "/webhooks/hub"}) == "hub"
    assert source_in({"path": PATH}) == ""


@pytest.mark.parametrize(
    ("host", "more", "exposed", "url", "outside", "sent_to"),
    [
        ("192.0.2.7", {}, True, "", "192.0.2.7", "http://192.0.2.7"),
        ("2001:db8::7", {}, True, "", "2001:db8::7", "http://[2001:db8::7]"),
        ("192.0.2.7", {}, True, URL, "192.0.2.7", URL),
        ("192.0.2.7", {}, False, "", "", ""),
        ("192.0.2.7", {}, False, URL, "", URL),
        ("192.0.2.7", {"jumps": ("outer",)}, True, "", "", ""),
        ("192.0.2.7", {"proxied": True}, True, URL, "", URL),
    ],
)
def test_where_senders_send_to(host: str, more: Any, exposed: bool, url: str, outside: str, sent_to: str) -> None:
    place = Place(replace(ROUTE, host=host, **more), exposed, url=url)
    assert (place.outside, place.sent_to) == (outside, sent_to)


async def test_a_server_whose_user_is_not_root_is_checked_as_far_as_that_goes() -> None:
    host = FakeHost(replies={("sh", "-s"): Outcome(0, b"uid=1000\nos=debian\n")}, sudo=False)
    results = await check_server(host, Place(ROUTE, exposed=False), _log_in, None)
    assert [result.name for result in results] == [*NAMES]
    states = {result.name: result.state for result in results}
    assert states["sudo"] is State.FAIL
    assert {states[name] for name in ("edge", "https", "webhooks")} == {State.SKIP}


async def _log_in() -> Host:
    return FakeHost()
