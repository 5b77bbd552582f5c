"""What is told while it happens: the events of a run, and that something has changed."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.types import Message, Scope

from freehold.base.clock import FakeClock
from freehold.base.secret import Secret
from freehold.gateway.changes import MOST_REMEMBERED, Changes
from freehold.gateway.streams import MOST_OF_ONE_KEY
from freehold.wire.service import API, Change
from tests.support.gateway_world import PORT, GatewayWorld, errors
from tests.support.scheduling import until


async def _asked(world: GatewayWorld, scope: Scope, stream: Stream) -> None:
    await world.app(scope, stream._receive, stream._send)


class Stream:
    """A request whose answer goes on, read piece by piece: the client of the tests waits for whole answers."""

    def __init__(self, world: GatewayWorld, path: str, headers: dict[str, str], *, key: bool = True) -> None:
        self._leaving = asyncio.Event()
        self._asked = False
        self.text = ""
        self.status = 0
        path, _, query = path.partition("?")
        known = {"authorization": f"Bearer {world.key.reveal()}"} if key else {}
        named = {"host": f"localhost:{PORT}", **known, **headers}
        scope: Scope = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in named.items()], "http_version": "1.1",
            "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", PORT), "root_path": "",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
        }  # fmt: skip
        self.task: asyncio.Task[None] = asyncio.create_task(_asked(world, scope, self))

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._leaving.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.text += message.get("body", b"").decode()

    async def until_text(self, words: str) -> None:
        await until(lambda: words in self.text or self.task.done())
        assert words in self.text

    async def leave(self) -> None:
        self._leaving.set()
        await asyncio.wait_for(self.task, 10)

    @property
    def ids(self) -> list[str]:
        return [line[4:] for line in self.text.splitlines() if line.startswith("id: ")]


@pytest.fixture
async def run_id(world: GatewayWorld) -> str:
    await world.client.post(f"{API}/agents/dev/trigger", json={})
    [run] = await world.world.until_runs(1)
    await until(lambda: run.run_id in world.scheduler.dispatcher.active)
    world.events.say(run.run_id, "run.queued")
    world.events.say(run.run_id, "message", text="Reading.\nTwo lines.")
    return run.run_id


SSE = {"accept": "text/event-stream"}


async def test_a_run_is_followed_to_its_end(world: GatewayWorld, run_id: str) -> None:
    stream = Stream(world, f"{API}/runs/{run_id}/events", SSE)
    await stream.until_text("Two lines.")
    world.events.say(run_id, "run.finished", result="completed")
    await asyncio.wait_for(stream.task, 10)
    assert stream.ids == ["1", "2", "3"]
    assert "event: run.finished\n" in stream.text
    data = [json.loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: ")]
    assert [one["seq"] for one in data] == [1, 2, 3]


async def test_a_follower_that_comes_back_goes_on_where_it_was(world: GatewayWorld, run_id: str) -> None:
    stream = Stream(world, f"{API}/runs/{run_id}/events?after=0", {**SSE, "last-event-id": "1"})
    await stream.until_text("id: 2")
    await stream.leave()
    assert stream.ids == ["2"]


async def test_lines_are_what_there_is(world: GatewayWorld, run_id: str) -> None:
    response = await world.client.get(f"{API}/runs/{run_id}/events?after=1")
    assert [json.loads(line)["seq"] for line in response.text.splitlines()] == [2]
    assert response.headers["content-type"].startswith("application/jsonl")
    assert (await world.client.get(f"{API}/runs/{run_id}/events?after=x")).status_code == 400


async def test_changes_are_told(world: GatewayWorld) -> None:
    stream = Stream(world, f"{API}/events", SSE)
    await stream.until_text(": still here")
    await world.client.post(f"{API}/agents/dev/disable")
    await stream.until_text('{"type":"agent","name":"dev"}')
    await stream.leave()


async def test_a_pause_that_is_taken_back_at_once_is_told_too(world: GatewayWorld) -> None:
    """A page that was made in between shows it, until it is told that something has changed."""
    await world.client.post(f"{API}/pause")
    stream = Stream(world, f"{API}/events", SSE)
    await stream.until_text(": still here")
    await world.client.post(f"{API}/resume")
    await stream.until_text('{"type":"project"}')
    await stream.leave()


async def test_streams_end_when_the_service_does(world: GatewayWorld, run_id: str) -> None:
    streams = [Stream(world, f"{API}/events", SSE), Stream(world, f"{API}/runs/{run_id}/events", SSE)]
    for stream in streams:
        await stream.until_text(": still here")
    world.gateway.changes.close()
    world.gateway.streams.close()
    for stream in streams:
        await asyncio.wait_for(stream.task, 10)


async def test_streams_are_bounded(world: GatewayWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freehold.gateway.streams.MOST_STREAMS", 0)
    response = await world.client.get(f"{API}/events", headers=SSE)
    assert (response.status_code, errors(response)["code"]) == (503, "overloaded")


async def first(changes: Changes, last_id: str, number: int) -> list[tuple[str, Change]]:
    found = []
    following = changes.follow(last_id)
    async for one in following:
        found.append(one)
        if len(found) == number:
            break
    await following.aclose()
    return found


async def test_many_changes_of_one_thing_are_one() -> None:
    changes = Changes(FakeClock())
    changes.tell("project")
    start = f"{changes._epoch}-1"
    for _ in range(100):
        changes.tell("run", "dev-1")
    changes.tell("queue")
    told = await first(changes, start, 2)
    assert [one for _, one in told] == [Change("run", "dev-1"), Change("queue")]
    assert [one for _, one in await first(changes, told[0][0], 1)] == [Change("queue")]


@pytest.mark.parametrize("last_id", ["ffffffff-1", "nonsense", "-", "x" * 100])
async def test_whoever_missed_too_much_is_told_to_begin_anew(last_id: str) -> None:
    changes = Changes(FakeClock())
    changes.tell("queue")
    assert [one for _, one in await first(changes, last_id, 1)] == [Change("reset")]


async def test_what_is_remembered_is_bounded() -> None:
    changes = Changes(FakeClock())
    changes.tell("queue")
    for number in range(MOST_REMEMBERED + 10):
        changes.tell("run", str(number))
    assert len(changes._latest) == MOST_REMEMBERED
    assert [one for _, one in await first(changes, f"{changes._epoch}-1", 1)] == [Change("reset")]


async def key_of(world: GatewayWorld, **fields: object) -> dict[str, str]:
    response = await world.client.post(f"{API}/keys", json={"name": "phone", "scopes": ["read"], **fields})
    made: dict[str, str] = response.json()
    return made


async def test_a_stream_ends_with_its_key(world: GatewayWorld, run_id: str) -> None:
    key = await key_of(world)
    bearer = {**SSE, "authorization": f"Bearer {key['key']}"}
    theirs = [Stream(world, path, bearer) for path in (f"{API}/events", f"{API}/runs/{run_id}/events")]
    theirs.append(Stream(world, f"{API}/runs/{run_id}/events?follow=1", {"authorization": bearer["authorization"]}))
    ours = Stream(world, f"{API}/events", SSE)
    for stream in (*theirs, ours):
        await until(lambda stream=stream: stream.status == 200)  # type: ignore[misc]
    assert (await world.client.delete(f"{API}/keys/{key['id']}")).status_code == 200
    for stream in theirs:
        await asyncio.wait_for(stream.task, 10)
    assert not ours.task.done()
    await ours.leave()


async def test_a_stream_ends_with_the_time_of_its_key(world: GatewayWorld) -> None:
    key = await key_of(world, days=1)
    stream = Stream(world, f"{API}/events", {**SSE, "authorization": f"Bearer {key['key']}"})
    await until(lambda: stream.status == 200)
    await world.gateway.streams.look_who_follows()
    assert not stream.task.done()
    world.world.clock.advance(24 * 3600 + 1)
    await world.gateway.streams.look_who_follows()
    await asyncio.wait_for(stream.task, 10)


async def test_a_stream_ends_when_its_browser_logs_out(world: GatewayWorld) -> None:
    client = world.asking()
    csrf = (await client.post("/login", json={"key": world.key.reveal()})).json()["csrf"]
    cookie = f"fh_session={client.cookies['fh_session']}"
    stream = Stream(world, f"{API}/events", {**SSE, "cookie": cookie}, key=False)
    await until(lambda: stream.status == 200)
    await client.post("/logout", headers={"x-csrf-token": csrf})
    await asyncio.wait_for(stream.task, 10)


async def test_one_key_does_not_take_all_streams(world: GatewayWorld) -> None:
    key = await key_of(world)
    bearer = {**SSE, "authorization": f"Bearer {key['key']}"}
    streams = [Stream(world, f"{API}/events", bearer) for _ in range(MOST_OF_ONE_KEY)]
    await until(lambda: all(stream.status == 200 for stream in streams))
    refused = await world.asking(Secret(key["key"])).get(f"{API}/events", headers=SSE)
    assert refused.status_code == 503
    ours = Stream(world, f"{API}/events", SSE)
    await until(lambda: ours.status == 200)
    for stream in (*streams, ours):
        await stream.leave()
