"""Our client against an agent that is made with the protocol's own SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from freehold.wire import session
from freehold.wire.brief import McpServer
from freehold.wire.events import Log, Message, Thought, ToolFinished, ToolStarted
from freehold.wire.exits import ExitCode
from tests.support.fake_keeper import FakeKeeper, script


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[FakeKeeper]:
    keeper = FakeKeeper(tmp_path, decide=lambda _: "y")
    await keeper.open()
    yield keeper
    await keeper.close()


async def test_a_whole_session(keeper: FakeKeeper) -> None:
    servers = [McpServer("docs", url="http://127.0.0.1:7701/mcp/docs"), McpServer("local", command=["server", "-v"])]
    ended = await keeper.run(keeper.brief(script("sdk_agent"), skill="Be kind.", mcp_servers=servers))
    assert (ended.exit_code, ended.error) == (0, "")
    told = [event for event in ended.events if not isinstance(event, Log)]
    assert [type(event) for event in told] == [Thought, ToolStarted, ToolFinished, Message]
    assert isinstance(told[1], ToolStarted)
    assert (told[1].title, told[1].kind, told[1].input) == ("Delete", "delete", {"path": "/x"})
    assert isinstance(told[2], ToolFinished)
    assert (told[2].status, told[2].output) == ("completed", "selected")
    assert ended.texts(Message) == ["Be kind. Do it.; HttpMcpServer:docs McpServerStdio:local"]
    assert "plan:\n[>] look" in ended.texts(Log)


async def test_it_can_be_cancelled(keeper: FakeKeeper) -> None:
    await keeper.start(keeper.brief(script("sdk_agent"), prompt="wait"))
    await keeper.wait_for(lambda: any(isinstance(event, Message) for event in keeper.events()))
    await keeper.send(session.Cancel(reason="enough"))
    ended = await keeper.ended()
    assert ended.exit_code == ExitCode.ABORTED
    assert session.TurnFinished(stop_reason="cancelled") in ended.said
