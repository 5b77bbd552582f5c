"""An agent made with the protocol's own Python SDK: nothing of ours on its side of the wire."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import acp
from acp import helpers
from acp.schema import AgentCapabilities, McpCapabilities, PermissionOption, ToolCallUpdate


class SdkAgent:
    """Shows every kind of update, asks for leave once, and can be cancelled."""

    def on_connect(self, conn: acp.Client) -> None:
        self._client = conn
        self._cancelled = asyncio.Event()
        self._servers: list[str] = []

    async def initialize(self, protocol_version: int, **kwargs: Any) -> acp.InitializeResponse:
        capabilities = AgentCapabilities(mcp_capabilities=McpCapabilities(http=True))
        return acp.InitializeResponse(protocol_version=protocol_version, agent_capabilities=capabilities)

    async def new_session(self, cwd: str, **kwargs: Any) -> acp.NewSessionResponse:
        self._servers = [f"{type(server).__name__}:{server.name}" for server in kwargs.get("mcp_servers") or []]
        return acp.NewSessionResponse(session_id="sdk-1")

    async def prompt(self, session_id: str, prompt: list[Any], **kwargs: Any) -> acp.PromptResponse:
        text = " ".join(block.text for block in prompt)
        await self._update(session_id, helpers.update_agent_thought_text("thinking"))
        await self._update(session_id, helpers.update_plan([helpers.plan_entry("look", status="in_progress")]))
        await self._update(session_id, helpers.start_tool_call("t1", "Delete", kind="delete", raw_input={"path": "/x"}))
        options = [PermissionOption(option_id="y", name="Yes", kind="allow_once")]
        answer = await self._client.request_permission(
            session_id=session_id, tool_call=ToolCallUpdate(tool_call_id="t1"), options=options
        )
        content = [helpers.tool_content(helpers.text_block(answer.outcome.outcome))]
        await self._update(session_id, helpers.update_tool_call("t1", status="completed", content=content))
        await self._update(session_id, helpers.update_agent_message_text(f"{text}; {' '.join(self._servers)}"))
        if "wait" in text:
            await self._cancelled.wait()
            return acp.PromptResponse(stop_reason="cancelled")
        return acp.PromptResponse(stop_reason="end_turn")

    async def cancel(self, session_id: str, **kwargs: Any) -> None:
        self._cancelled.set()

    async def _update(self, session_id: str, update: Any) -> None:
        await self._client.session_update(session_id=session_id, update=update)


if __name__ == "__main__":
    asyncio.run(acp.run_agent(cast("acp.Agent", SdkAgent())))
