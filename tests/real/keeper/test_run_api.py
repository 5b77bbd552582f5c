"""The run API over the run's socket: what the commands of `fh` get."""

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.keeper.run_api import MOST_BODIES
from freehold.keeper.run_control import RecordingControl
from freehold.wire.run_api import EXIT_OF_STATUS, LONGEST_CONTEXT, LONGEST_RETURN
from tests.support.run_world import RunWorld, run_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RunWorld]:
    async with run_world(tmp_path) as made:
        yield made


async def ask(world: RunWorld, method: str, path: str, body: bytes | None = None) -> tuple[int, object]:
    async with world.client() as client, client.request(method, path, data=BytesIO(body or b"")) as answer:
        return answer.status, json.loads(await answer.read())


@pytest.mark.parametrize(
    ("path", "body", "status", "asked"),
    [
        ("status", {"text": 'a "quoted"\nline'}, 200, ("status", 'a "quoted"\nline')),
        ("return", {"value": "done"}, 200, ("return", "done")),
        ("return", {"value": "\x00" * LONGEST_RETURN}, 200, ("return", "\x00" * LONGEST_RETURN)),
        ("rerun", None, 200, ("rerun", None)),
        ("exit", {"code": 3}, 202, ("exit", 3)),
        ("exit", None, 202, ("exit", 15)),
        ("shutdown", {"reason": "leak"}, 202, ("shutdown", "leak")),
        ("shutdown", {}, 202, ("shutdown", "")),
        ("left", {"files": [{"path": "a", "state": "added", "content": "eA" * 700_000}]}, 200, ("left", 1)),
    ],
)
async def test_what_a_run_asks_for(
    world: RunWorld, path: str, body: object, status: int, asked: tuple[str, object]
) -> None:
    encoded = None if body is None else json.dumps(body).encode()
    assert await ask(world, "POST", f"/v1/run/{path}", encoded) == (status, {"ok": True, "detail": None})
    assert world.control.asked == [asked]


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("status", b"{}", 400, "missing required field `text`"),
        ("status", b"not json", 400, "malformed"),
        ("status", b'{"text": 1}', 400, "Expected `str`"),
        ("status", b'{"text": "\xff"}', 400, "utf-8"),
        ("status", b'{"text": "x", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "recursion"),
        ("exit", b'{"code": 256}', 400, "no exit code"),
        ("exit", b'{"code": -1}', 400, "no exit code"),
        ("return", b'{"value": "' + b"x" * 2_000_000 + b'"}', 413, "larger than 1 MB"),
        ("left", b'{"more": "' + b"x" * 13_000_000 + b'"}', 413, "larger than 12 MB"),
        ("left", b'{"files": [{"path": "a", "state": "hidden"}]}', 400, "state"),
        ("locks/acquire", b"{}", 400, "missing required field `uri`"),
        ("calls", b'{"agent": "dev", "context": "' + b"x" * (LONGEST_CONTEXT + 1) + b'"}', 413, "65536 are the most"),
    ],
    ids=["field", "json", "type", "encoding", "depth", "above", "below", "large", "left", "unknown", "lock", "call"],
)
async def test_bad_bodies(world: RunWorld, path: str, body: bytes, status: int, says: str) -> None:
    got, answer = await ask(world, "POST", f"/v1/run/{path}", body)
    assert got == status
    assert isinstance(answer, dict)
    assert says in answer["message"]
    assert answer["hint"]
    assert world.control.asked == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "locks/acquire", b'{"uri": "github://a/b/1"}'),
        ("POST", "locks/release", b'{"uri": "github://a/b/1"}'),
        ("POST", "locks/heartbeat", b'{"uri": "github://a/b/1", "ttl_s": 60}'),
        ("GET", "locks", None),
        ("POST", "calls", b'{"agent": "dev", "context": "x"}'),
        ("GET", "calls/01abc", None),
    ],
)
async def test_locks_and_calls_need_a_scheduler(world: RunWorld, method: str, path: str, body: bytes | None) -> None:
    status, answer = await ask(world, method, f"/v1/run/{path}", body)
    assert isinstance(answer, dict)
    assert answer["code"] == "no_scheduler"
    assert "no scheduler is running" in answer["message"]
    assert answer["hint"]
    assert EXIT_OF_STATUS[status] == 5


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("status", {"text": "x"}),
        ("locks/acquire", {"uri": "a:b"}),
        ("locks/heartbeat", {"uri": "a:b"}),
        ("locks/release", {"uri": "a:b"}),
        ("calls", {"agent": "dev"}),
    ],
)
async def test_what_writes_is_paced(tmp_path: Path, path: str, body: object) -> None:
    clock = FakeClock()
    async with run_world(tmp_path, clock=clock) as world, world.client() as client:
        for _ in range(140):
            async with client.post(f"/v1/run/{path}", json=body) as answer:
                assert answer.status in (200, 503)
    assert clock.monotonic() == pytest.approx(2.0)


async def test_every_request_is_paced(tmp_path: Path) -> None:
    """One that is refused costs the keeper as much as one that is not."""
    clock = FakeClock()
    async with run_world(tmp_path, clock=clock) as world, world.client() as client:
        for _ in range(2020):
            async with client.get("/nothing/here") as answer:
                assert answer.status == 404
    assert clock.monotonic() == pytest.approx(0.1)


async def test_a_few_bodies_are_taken_in_at_once(world: RunWorld) -> None:
    """Five hundred connections with a megabyte each would be the keeper's memory."""

    def post(text: str) -> bytes:
        body = json.dumps({"text": text}).encode()
        return f"POST /v1/run/status HTTP/1.1\r\nHost: run\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    slow = [await asyncio.open_unix_connection(str(world.path)) for _ in range(MOST_BODIES)]
    for number, (_, writer) in enumerate(slow):
        writer.write(post(f"slow {number}")[:-1])
    reader, writer = await asyncio.open_unix_connection(str(world.path))
    await _turns()
    writer.write(post("whole"))
    await _turns()
    assert world.control.asked == []
    slow[0][1].write(b"}")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    assert world.control.asked == [("status", "slow 0"), ("status", "whole")]
    for _, each in (*slow, (reader, writer)):
        each.close()


async def _turns() -> None:
    """Let the keeper take in what was sent: it runs in this very loop."""
    for _ in range(100):
        await asyncio.sleep(0)


async def test_what_the_keeper_refuses_is_passed_on(world: RunWorld) -> None:
    class Refusing(RecordingControl):
        async def set_return(self, value: str) -> None:
            raise FreeholdError(Code.TOO_LARGE, "too long", "shorten it")

    world.control.__class__ = Refusing
    status, answer = await ask(world, "POST", "/v1/run/return", b'{"value": "x"}')
    assert (status, answer) == (413, {"code": "too_large", "message": "too long", "hint": "shorten it"})
