"""The builtin harness driven by a client that is made with the protocol's own SDK."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import acp
import pytest
from acp.schema import AllowedOutcome, ClientCapabilities, Implementation
from aiohttp import web

from freehold.models.answers.speech import Speech, SpokenCall
from freehold.models.fake_upstream import Behaviour, FakeUpstream
from tests.support.builtin import builtin, gateway, urls


class SdkClient:
    """Writes down what it is told, and allows everything."""

    def __init__(self) -> None:
        self.updates: list[Any] = []
        self.asked: list[str] = []
        self.heard = asyncio.Event()

    async def session_update(self, session_id: str, update: Any, **kwargs: Any) -> None:
        self.updates.append(update)
        self.heard.set()

    async def request_permission(
        self, session_id: str, tool_call: Any, options: list[Any], **kwargs: Any
    ) -> acp.RequestPermissionResponse:
        self.asked.append(tool_call.title)
        return acp.RequestPermissionResponse(outcome=AllowedOutcome(outcome="selected", option_id=options[0].option_id))

    def on_connect(self, conn: acp.Agent) -> None:
        """Nothing to do."""

    def texts(self) -> str:
        chunks = [update for update in self.updates if update.session_update == "agent_message_chunk"]
        return "".join(chunk.content.text for chunk in chunks)


@asynccontextmanager
async def connected(upstream: FakeUpstream, client: SdkClient, **env: str) -> AsyncIterator[Any]:
    runner = web.AppRunner(gateway(upstream), shutdown_timeout=0.2, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    harness = builtin()
    variables = {"PATH": os.environ["PATH"], **harness.env, **urls(site.name.rstrip("/")), **env}
    try:
        async with acp.spawn_agent_process(client, *harness.command, env=variables) as (connection, process):  # type: ignore[arg-type]
            yield connection
            assert process.returncode is None
    finally:
        await runner.cleanup()


def use(name: str, **arguments: Any) -> Behaviour:
    return Behaviour(speech=Speech(f"a-{name}", "m", (), call=SpokenCall(f"c-{name}", name, arguments)))


@pytest.mark.parametrize("permissions", ["allow", "ask"])
async def test_a_session(tmp_path: Path, permissions: str) -> None:
    upstream = FakeUpstream(
        [use("bash", command="echo hi > f; cat f"), Behaviour(speech=Speech("b", "m", ("Do", "ne")))]
    )
    client = SdkClient()
    async with connected(upstream, client, FREEHOLD_PERMISSIONS=permissions) as agent:
        info = Implementation(name="sdk", version="1")
        answer = await agent.initialize(1, client_capabilities=ClientCapabilities(), client_info=info)
        assert answer.protocol_version == 1
        assert answer.agent_info.name == "freehold"
        session = await agent.new_session(cwd=str(tmp_path), mcp_servers=[])
        ended = await agent.prompt(session.session_id, [acp.text_block("Go.")])
    assert ended.stop_reason == "end_turn"
    assert client.texts() == "Done"
    started, finished = [update for update in client.updates if update.session_update.startswith("tool_call")]
    assert (started.title, started.kind, started.status) == ("echo hi > f; cat f", "execute", "in_progress")
    assert (finished.status, finished.content[0].content.text) == ("completed", "hi\n")
    assert (tmp_path / "f").read_text() == "hi\n"
    assert client.asked == (["echo hi > f; cat f"] if permissions == "ask" else [])


async def test_two_sessions_and_a_cancel(tmp_path: Path) -> None:
    slow = Behaviour(speech=Speech("a", "m", ("One ", "two")), stall=True, stop_after=2)
    upstream = FakeUpstream([slow, Behaviour(speech=Speech("b", "m", ("Second.",))), Behaviour()])
    client = SdkClient()
    async with connected(upstream, client) as agent:
        await agent.initialize(1)
        first = await agent.new_session(cwd=str(tmp_path), mcp_servers=[])
        second = await agent.new_session(cwd=str(tmp_path), mcp_servers=[])
        assert first.session_id != second.session_id
        stalled = asyncio.ensure_future(agent.prompt(first.session_id, [acp.text_block("One.")]))
        async with asyncio.timeout(30):
            await client.heard.wait()
        with pytest.raises(acp.RequestError, match="a turn is going on"):
            await agent.prompt(first.session_id, [acp.text_block("At once.")])
        other = await agent.prompt(second.session_id, [acp.text_block("Two.")])
        assert other.stop_reason == "end_turn"
        await agent.cancel(first.session_id)
        assert (await asyncio.wait_for(stalled, 30)).stop_reason == "cancelled"
        again = await agent.prompt(first.session_id, [acp.text_block("Again.")])
        assert again.stop_reason == "end_turn"
    said = [message["content"] for message in upstream.seen[-1].body["messages"] if message["role"] == "user"]
    assert said == ["One.", "Again."] or said == ["One.\n\nAgain."], "what was asked before the cancel is not forgotten"


async def test_what_it_does_not_know_is_refused_and_ends_nothing(tmp_path: Path) -> None:
    client = SdkClient()
    async with connected(FakeUpstream(), client) as agent:
        await agent.initialize(1)
        with pytest.raises(acp.RequestError, match="there is no session"):
            await agent.prompt("made up", [acp.text_block("?")])
        with pytest.raises(acp.RequestError, match="no absolute path"):
            await agent.new_session(cwd="relative", mcp_servers=[])
        with pytest.raises(acp.RequestError, match="is not offered"):
            await agent.load_session(cwd=str(tmp_path), session_id="old", mcp_servers=[])
        session = await agent.new_session(cwd=str(tmp_path), mcp_servers=[])
        assert (await agent.prompt(session.session_id, [acp.text_block("Hi")])).stop_reason == "end_turn"
    assert client.texts() == "Hello world"


async def test_a_refusal_of_the_model_carries_the_gateways_words(tmp_path: Path) -> None:
    async with connected(FakeUpstream([Behaviour(status=400)]), SdkClient()) as agent:
        await agent.initialize(1)
        session = await agent.new_session(cwd=str(tmp_path), mcp_servers=[])
        with pytest.raises(acp.RequestError) as caught:
            await agent.prompt(session.session_id, [acp.text_block("Hi")])
    assert "refused with 400" in str(caught.value)
    assert isinstance(caught.value.data, dict)
    assert caught.value.data["code"] == "upstream"
