"""Whether a delivery gets to the project, as a sender sees it."""

from __future__ import annotations

import asyncio

import pytest

from freehold.deploy.check import State
from freehold.deploy.webhook_reach import Reach, ask_as_sender, webhooks

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
