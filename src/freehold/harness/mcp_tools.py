"""The tools of MCP servers, beside the harness's own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from freehold.harness.mcp_http import HttpTransport
from freehold.harness.mcp_session import OPEN_S, McpError, McpSession, McpTransport, RemoteTool
from freehold.harness.mcp_stdio import StdioTransport
from freehold.harness.tool import Place, Tool, ToolError
from freehold.wire import acp

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 64


@dataclass
class Remote:
    """What the servers of a session offer. `problems` are sentences about those that cannot be used."""

    tools: list[Tool] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    sessions: list[McpSession] = field(default_factory=list)

    async def close(self) -> None:
        await asyncio.gather(*(session.close() for session in self.sessions), return_exceptions=True)


class McpTool:
    """One tool of a server, under a name that every provider takes."""

    kind = "other"
    changes = True

    def __init__(self, session: McpSession, remote: RemoteTool, name: str) -> None:
        self._session = session
        self._remote = remote
        self.name = name
        self.description = remote.description[:4000]
        self.schema: dict[str, Any] = {"type": "object", "properties": {}, **remote.schema}

    def title(self, _arguments: dict[str, Any]) -> str:
        return f"{self._session.name}: {self._remote.name}"

    async def run(self, arguments: dict[str, Any], _place: Place) -> str:
        try:
            return await self._session.call(self._remote.name, arguments)
        except McpError as error:
            raise ToolError(f"the MCP server {self._session.name}: {error}") from error


async def connect(servers: Sequence[acp.McpServer], place: Place) -> Remote:
    """Open all servers at once. One that fails is a problem to tell, not the end of the session."""
    remote = Remote()
    problems = await asyncio.gather(*(_open(server, place, remote) for server in servers))
    remote.problems = [
        f"The MCP server {server.name} cannot be used: {problem}"
        for server, problem in zip(servers, problems, strict=True)
        if problem
    ]
    return remote


async def _open(server: acp.McpServer, place: Place, remote: Remote) -> str | None:
    """Adds the server's tools to `remote`; why not, when it cannot."""
    try:
        session = McpSession(server.name, await _transport(server, place))
    except McpError as error:
        return str(error)
    remote.sessions.append(session)
    try:
        async with asyncio.timeout(OPEN_S):
            offered = await session.open()
    except McpError as error:
        return str(error)
    except TimeoutError:
        return f"it was not ready within {OPEN_S:.0f} s"
    for tool in offered:
        remote.tools.append(McpTool(session, tool, _free_name(server.name, tool.name, remote.tools)))
    return None


async def _transport(server: acp.McpServer, place: Place) -> McpTransport:
    if server.command:
        env = {**place.env, **{pair.name: pair.value for pair in server.env or []}}
        return await StdioTransport.start([server.command, *(server.args or [])], env, place.cwd)
    if server.type == "http" and server.url:
        return HttpTransport(server.url, {header.name: header.value for header in server.headers or []})
    raise McpError(f"its transport ({server.type or 'none'}) is not supported")


def _free_name(server: str, tool: str, taken: Sequence[Tool]) -> str:
    """`<server>__<tool>`, of the characters and the length that every provider takes, and unique."""
    name = _NOT_IN_A_NAME.sub("_", f"{server}__{tool}")[:_LONGEST_NAME]
    names = {other.name for other in taken}
    number = 2
    while name in names:
        suffix = f"_{number}"
        name = name[: _LONGEST_NAME - len(suffix)] + suffix
        number += 1
    return name
