"""`freehold mcp serve` and a real project: the protocol's own client starts it, asks it, and stops it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from freehold.client.gateway import Gateway
from freehold.client.gateway_address import LocalAddress
from tests.support.command import freehold
from tests.support.folders import MODEL, one_agent, write_files
from tests.support.installation import until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    folder = write_files(tmp_path / "shop", one_agent(project=f"{MODEL}\n[gateway]\nport = {free_port()}\n"))
    yield folder
    freehold("stop", home=tmp_path / "home", project=folder)
    freehold("keeper", "stop", home=tmp_path / "home", project=folder)


def client_of(project: Path) -> Client:
    environment = {**os.environ, "FREEHOLD_HOME": str(project.parent / "home")}
    words = ["-m", "freehold", "-p", str(project), "mcp", "serve"]
    return Client(StdioServerParameters(command=sys.executable, args=words, env=environment), read_timeout_seconds=60)


async def used(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    assert isinstance(answer.structured_content, dict)
    return answer.structured_content


async def test_it_outlives_who_started_it(project: Path) -> None:
    gateway = Gateway(LocalAddress(project))
    async with client_of(project) as client:
        assert await used(client, "start") == {"running": True, "started": True}
        assert await used(client, "start") == {"running": True, "started": False}
    assert gateway.is_there()
    async with client_of(project) as client:
        await used(client, "pause")
        assert (await used(client, "status"))["paused"] is True
        await used(client, "resume")
        await used(client, "pause", name="dev")
        [agent] = (await used(client, "agents", name="dev"))["agents"]
        assert agent["state"] == "disabled"
        accepted = await used(client, "run", name="dev", prompt="look")
        assert accepted["waiting"] == 1
        await used(client, "stop")
    until(lambda: not gateway.is_there())


async def test_what_keeps_it_from_starting_is_told(project: Path) -> None:
    (project / "config.toml").write_text("[gateway]\nport = 70000\n")
    async with client_of(project) as client:
        answer = await client.call_tool("start", {})
        assert answer.is_error
        assert isinstance(answer.structured_content, dict)
        assert "must be at most 65535" in answer.structured_content["error"]["message"]
