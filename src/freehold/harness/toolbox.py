"""The tools of a session: what the model is told of them, and one call carried out and told to the client."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic_ai.messages import ToolCallPart, ToolReturnPart
from pydantic_ai.tools import ToolDefinition

from freehold.base.words import one_of
from freehold.harness.bash import Bash
from freehold.harness.client import Client
from freehold.harness.edit import Edit
from freehold.harness.read import Read
from freehold.harness.tool import Place, Tool, ToolError
from freehold.harness.write import Write
from freehold.wire import acp

_LONGEST_TITLE = 300


def builtin_tools() -> list[Tool]:
    return [Bash(), Read(), Write(), Edit()]


class Toolbox:
    """Runs tool calls one at a time. `asks` says whether leave is asked for tools that change something."""

    def __init__(self, tools: Sequence[Tool], place: Place, client: Client, *, asks: bool) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._place = place
        self._client = client
        self._asks = asks
        self._always: set[str] = set()

    def definitions(self) -> list[ToolDefinition]:
        return [
            ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=tool.schema)
            for tool in self._tools.values()
        ]

    async def carry_out(self, call: ToolCallPart) -> ToolReturnPart:
        """What the model is told of its call, whatever happened to it; only cancellation gets through."""
        tool = self._tools.get(call.tool_name)
        arguments = _arguments(call)
        title = tool.title(arguments if isinstance(arguments, dict) else {}) if tool else call.tool_name
        self._client.update(
            acp.ToolCallStarted(
                tool_call_id=call.tool_call_id,
                title=title[:_LONGEST_TITLE] or call.tool_name,
                kind=tool.kind if tool else "other",
                status=acp.ToolStatus.IN_PROGRESS,
                raw_input=msgspec.Raw(msgspec.json.encode(arguments)),
            )
        )
        text, failed = await self._run(call, tool, arguments, title)
        content = [acp.ToolCallContent(type="content", content=acp.text_block(text))]
        status = acp.ToolStatus.FAILED if failed else acp.ToolStatus.COMPLETED
        self._client.update(acp.ToolCallChanged(tool_call_id=call.tool_call_id, status=status, content=content))
        return ToolReturnPart(
            tool_name=call.tool_name,
            content=text,
            tool_call_id=call.tool_call_id,
            outcome="failed" if failed else "success",
        )

    async def _run(self, call: ToolCallPart, tool: Tool | None, arguments: Any, title: str) -> tuple[str, bool]:
        if tool is None:
            return f"Error: there is no tool {call.tool_name}; there are: {one_of(self._tools)}", True
        if not isinstance(arguments, dict):
            return "Error: the arguments are no JSON object", True
        if not await self._allowed(call, tool, title):
            return "Error: this was not allowed; do without it, or say that it is needed", True
        try:
            return await tool.run(arguments, self._place), False
        except ToolError as error:
            return f"Error: {error}", True

    async def _allowed(self, call: ToolCallPart, tool: Tool, title: str) -> bool:
        if not (self._asks and tool.changes) or tool.name in self._always:
            return True
        chosen = await self._client.ask_permission(call.tool_call_id, title[:_LONGEST_TITLE], tool.name)
        if chosen == "allow_always":
            self._always.add(tool.name)
        return chosen in ("allow_once", "allow_always")


def _arguments(call: ToolCallPart) -> Any:
    """The arguments, or the text that was to be them when it is no JSON."""
    if not isinstance(call.args, str):
        return call.args or {}
    try:
        return json.loads(call.args) if call.args.strip() else {}
    except ValueError:
        return call.args
