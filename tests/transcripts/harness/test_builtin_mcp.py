"""MCP servers of a session: their tools beside the harness's own, and servers that cannot be used."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from freehold.models.answers.speech import Speech, SpokenCall
from freehold.models.fake_upstream import Behaviour, FakeUpstream
from freehold.wire.brief import McpServer as Spec
from freehold.wire.events import Log, ToolFinished, ToolStarted
from tests.support.builtin import builtin, mount
from tests.support.fake_keeper import Ended, FakeKeeper
from tests.support.mcp_server import McpServer

PROGRAM = Path(__file__).parents[2] / "support" / "mcp_server.py"
HTTP = Spec("docs", url="http://127.0.0.1:7701/mcp/docs")
STDIO = Spec("local", command=[sys.executable, str(PROGRAM)], env={"A": "b"})


def says(name: str, line: str) -> Spec:
    """A server that answers its first message with `line`, whatever it is."""
    return Spec(name, command=["sh", "-c", f"read request; echo '{line}'; sleep 60"])


class World:
    def __init__(self, directory: Path) -> None:
        self.keeper = FakeKeeper(directory)
        self.upstream = FakeUpstream()
        self.server = McpServer()

    async def run(self, *calls: tuple[str, dict[str, Any]], servers: list[Spec]) -> Ended:
        behaviours = [
            Behaviour(speech=Speech(f"a{number}", "m", (), call=SpokenCall(f"c{number}", name, arguments)))
            for number, (name, arguments) in enumerate(calls)
        ]
        self.upstream.behave(*behaviours, Behaviour(speech=Speech("z", "m", ("Done.",))))
        self.keeper.routes = self._routes
        await self.keeper.open()
        return await self.keeper.run(self.keeper.brief(builtin(), mcp_servers=servers))

    def _routes(self, application: web.Application) -> None:
        mount(application, self.upstream)
        application.router.add_route("*", "/mcp/{name}", self.server.handle)

    @property
    def offered(self) -> list[str]:
        return [tool["function"]["name"] for tool in self.upstream.seen[0].body["tools"]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    await world.keeper.close()


OWN = ["bash", "read", "write", "edit"]


@pytest.mark.parametrize("streams", [False, True])
async def test_a_server_behind_the_keeper(world: World, streams: bool) -> None:
    world.server.streams = streams
    ended = await world.run(
        ("docs__add_up", {"a": 20, "b": 22}), ("docs__fail", {}), ("docs__picture", {}), servers=[HTTP]
    )
    assert (ended.exit_code, ended.error) == (0, "")
    assert world.offered == [*OWN, "docs__add_up", "docs__fail", "docs__picture"]
    outputs = [(event.status, event.output) for event in ended.events if isinstance(event, ToolFinished)]
    assert outputs == [
        ("completed", "the sum is 42"), ("failed", "Error: the disk is on fire"), ("completed", "[image: image/png]"),
    ]  # fmt: skip
    assert next(event.title for event in ended.events if isinstance(event, ToolStarted)) == "docs: add.up"
    methods = [message["method"] for message, _ in world.server.seen]
    assert methods == [
        "initialize", "notifications/initialized", "tools/list", "tools/list", "tools/call", "tools/call", "tools/call",
    ]  # fmt: skip
    first, later = world.server.seen[0][1], world.server.seen[-1][1]
    assert "mcp-session-id" not in first
    assert (later["mcp-session-id"], later["mcp-protocol-version"]) == ("session-7", "2025-11-25")


async def test_a_server_beside_the_harness(world: World) -> None:
    ended = await world.run(("local__add_up", {"a": 1, "b": 2}), servers=[STDIO])
    assert ended.exit_code == 0
    assert world.offered == [*OWN, "local__add_up", "local__fail", "local__picture"]
    assert [event.output for event in ended.events if isinstance(event, ToolFinished)] == ["the sum is 3"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (Spec("gone", command=["/nonexistent/server"]), "/nonexistent/server cannot be started: No such file"),
        (Spec("ends", command=["true"]), "the program has ended"),
        (says("odd", '{"id":1,"result":[]}'), "has no result"),
        (says("old", '{"id":1,"result":{"protocolVersion":"1"}}'), "it speaks version 1 of the protocol"),
    ],
)
async def test_a_server_that_cannot_be_used_is_told_to_the_model(world: World, spec: Spec, why: str) -> None:
    ended = await world.run(servers=[spec, STDIO])
    assert ended.exit_code == 0
    assert "local__add_up" in world.offered, "the others are there"
    told = world.upstream.seen[0].body["messages"][0]["content"]
    assert f"The MCP server {spec.name} cannot be used: " in told
    assert why in told
    assert any(f"The MCP server {spec.name} cannot be used" in text for text in ended.texts(Log))


async def test_a_port_that_is_taken_is_another_port_for_everything(world: World) -> None:
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # somebody else has it: as good
            stack.enter_context(socket.create_server(("127.0.0.1", 7701)))
        ended = await world.run(("docs__add_up", {"a": 1, "b": 1}), servers=[HTTP])
        assert ended.exit_code == 0
        assert [event.output for event in ended.events if isinstance(event, ToolFinished)] == ["the sum is 2"]


async def test_a_server_that_the_keeper_cannot_reach(world: World) -> None:
    world.server.status = 502
    ended = await world.run(servers=[HTTP])
    assert ended.exit_code == 0
    told = world.upstream.seen[0].body["messages"][0]["content"]
    assert "The MCP server docs cannot be used: HTTP status 502: the server is away" in told
