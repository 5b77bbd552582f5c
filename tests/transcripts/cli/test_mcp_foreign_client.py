"""`freehold mcp serve`, called by the protocol's own client library, in each version that it speaks."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client, MCPError, StdioServerParameters

from freehold.base.errors import Code, FreeholdError
from freehold.wire.service import Done, TriggerAccepted
from tests.support.fake_gateway import FakeGateway, listening_in
from tests.support.folders import SKILL, one_agent, write_files
from tests.support.service_words import agent_view, project_status

MODES = ["legacy", "auto"]
TOOLS = {"start", "stop", "status", "agents", "run", "logs", "pause", "resume", "kill"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_files(tmp_path / "shop", one_agent())


@pytest.fixture
def gateway(project: Path) -> Iterator[FakeGateway]:
    with listening_in(project) as fake:
        fake.replies["GET /status"] = project_status(agent_view())
        yield fake


@asynccontextmanager
async def client_of(project: Path, mode: str) -> AsyncIterator[Client]:
    called = StdioServerParameters(
        command=sys.executable,
        args=["-m", "freehold", "-p", str(project), "mcp", "serve"],
        env={**os.environ, "FREEHOLD_HOME": str(project.parent / "home")},
    )
    async with Client(called, mode=mode, read_timeout_seconds=30) as client:
        yield client


@pytest.mark.parametrize("mode", MODES)
async def test_it_shakes_hands_and_lists(project: Path, gateway: FakeGateway, mode: str) -> None:
    async with client_of(project, mode) as client:
        assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        assert client.server_info is not None
        assert client.server_info.name == "freehold"
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == TOOLS
        hints = {name: tool.annotations for name, tool in tools.items() if tool.annotations}
        assert {name for name, hint in hints.items() if hint.destructive_hint} == {"stop", "kill"}
        assert {name for name, hint in hints.items() if hint.read_only_hint} == {"status", "agents", "logs"}
        assert tools["run"].input_schema["required"] == ["name"]


@pytest.mark.parametrize("mode", MODES)
async def test_tools_give_json_and_structure(project: Path, gateway: FakeGateway, mode: str) -> None:
    gateway.replies["POST /agents/dev/trigger"] = TriggerAccepted(trigger_id="t1", agent="dev", waiting=1)
    gateway.replies["POST /pause"] = Done()
    async with client_of(project, mode) as client:
        answer = await client.call_tool("status", {})
        assert not answer.is_error
        assert answer.structured_content is not None
        assert answer.structured_content["name"] == "shop"
        [block] = answer.content
        assert block.type == "text"
        assert json.loads(block.text) == answer.structured_content
        answer = await client.call_tool("run", {"name": "dev", "prompt": "look"})
        assert answer.structured_content is not None
        assert answer.structured_content["trigger_id"] == "t1"
        assert gateway.asked[-1].json() == {"prompt": "look"}
        assert not (await client.call_tool("pause", {})).is_error


@pytest.mark.parametrize("mode", MODES)
async def test_what_fails_is_told_to_the_model(project: Path, gateway: FakeGateway, mode: str) -> None:
    gateway.replies["POST /resume"] = FreeholdError(Code.CONFLICT, "it is so", "do that")
    async with client_of(project, mode) as client:
        for name, arguments, code in (
            ("resume", {}, "conflict"),
            ("run", {}, "usage"),
            ("run", {"name": "dev", "promt": "x"}, "usage"),
            ("logs", {"lines": 0}, "usage"),
            ("logs", {}, "not_found"),
            ("kill", {"target": "nobody"}, "not_found"),
        ):
            answer = await client.call_tool(name, arguments)
            assert answer.is_error, name
            assert answer.structured_content is not None
            assert answer.structured_content["error"]["code"] == code
        with pytest.raises(MCPError, match="no tool"):
            await client.call_tool("format_disk", {})


@pytest.mark.parametrize("mode", MODES)
async def test_an_agents_instructions_can_be_read(project: Path, gateway: FakeGateway, mode: str) -> None:
    async with client_of(project, mode) as client:
        [resource] = (await client.list_resources()).resources
        assert str(resource.uri) == "freehold://agents/dev/skill"
        [template] = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "freehold://agents/{name}/skill"
        [contents] = (await client.read_resource("freehold://agents/dev/skill")).contents
        assert getattr(contents, "text", "") == SKILL
        for wrong in ("freehold://agents/nobody/skill", "freehold://agents/../skill", "file:///etc/passwd"):
            with pytest.raises(MCPError, match="no resource"):
                await client.read_resource(wrong)


async def test_without_a_running_project_it_says_so(project: Path) -> None:
    async with client_of(project, "auto") as client:
        answer = await client.call_tool("status", {})
        assert answer.is_error
        assert answer.structured_content is not None
        assert "freehold start" in answer.structured_content["error"]["hint"]
        answer = await client.call_tool("agents", {})
        assert answer.structured_content == {
            "agents": [{"name": "dev", "description": "Does something."}],
            "running": False,
        }
