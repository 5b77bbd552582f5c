"""Before a project is open, `/health` is answered, and whoever wants more waits for it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.types import Receive, Scope, Send

from freehold.gateway.front import Front


async def _ask(front: Front, path: str) -> tuple[int, dict[str, Any]]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await front({"type": "http", "path": path, "method": "GET", "headers": []}, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"app": true}'})


async def test_health_is_answered_before_anything_is_open() -> None:
    status, said = await _ask(Front(), "/health")
    assert (status, said["status"]) == (200, "starting")


async def test_whoever_comes_early_waits_for_the_application() -> None:
    front = Front()
    async with asyncio.TaskGroup() as group:
        early = group.create_task(_ask(front, "/webhooks/hub"))
        await asyncio.sleep(0)
        assert not early.done()
        front.open(_app)
    assert early.result() == (200, {"app": True})


async def test_a_start_without_an_end_is_said() -> None:
    status, said = await _ask(Front(waits_s=0), "/webhooks/hub")
    assert (status, said["code"]) == (503, "overloaded")
