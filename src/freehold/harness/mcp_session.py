"""A conversation with one MCP server: opened, its tools listed and called. How the messages travel is a transport's.

Model Context Protocol, versions up to 2025-11-25 (lifecycle: `initialize`, `notifications/initialized`). Only tools are
used; resources, prompts and what a server may ask of its client are not offered.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from freehold import __version__
from freehold.base.excerpt import excerpt
from freehold.harness.tool import ToolError

NEWEST_VERSION = "2025-11-25"
KNOWN_VERSIONS = frozenset({"2024-11-05", "2025-03-26", "2025-06-18", NEWEST_VERSION})
OPEN_S = 30.0
CALL_S = 600.0
MOST_TOOLS = 200
LONGEST_RESULT = 30_000
"""Characters, as for a command's output."""


class McpError(Exception):
    """The server cannot be reached, or answered with an error."""


class McpTransport(Protocol):
    async def ask(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """The answer to a request, a JSON-RPC object with its `id`. Raises `McpError`."""
        ...

    async def tell(self, message: dict[str, Any]) -> None:
        """Send a notification. Raises `McpError`."""
        ...

    def agreed(self, version: str) -> None:
        """From now on this version of the protocol is spoken."""
        ...

    async def close(self) -> None: ...


class RemoteTool(msgspec.Struct, frozen=True):
    """A tool as its server describes it."""

    name: str
    description: str = ""
    schema: dict[str, Any] = msgspec.field(name="inputSchema", default_factory=dict)


class McpSession:
    """Raises `McpError` from every verb but `close`."""

    def __init__(self, name: str, transport: McpTransport) -> None:
        self.name = name
        self._transport = transport
        self._last_id = 0

    async def open(self) -> list[RemoteTool]:
        """Shake hands; the server's tools, at most `MOST_TOOLS`."""
        client = {"name": "freehold", "version": __version__}
        params = {"protocolVersion": NEWEST_VERSION, "capabilities": {}, "clientInfo": client}
        answer = await self._ask("initialize", params, OPEN_S)
        version = answer.get("protocolVersion")
        if version not in KNOWN_VERSIONS:
            raise McpError(f"it speaks version {version} of the protocol; known are up to {NEWEST_VERSION}")
        self._transport.agreed(version)
        await self._transport.tell({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return await self._list_tools()

    async def call(self, tool: str, arguments: dict[str, Any]) -> str:
        """What the tool gave, as text. Raises `ToolError` when it says that it failed."""
        answer = await self._ask("tools/call", {"name": tool, "arguments": arguments}, CALL_S)
        text = excerpt(_text_of(answer), LONGEST_RESULT)
        if answer.get("isError"):
            raise ToolError(text)
        return text

    async def close(self) -> None:
        await self._transport.close()

    async def _list_tools(self) -> list[RemoteTool]:
        tools: list[RemoteTool] = []
        cursor: str | None = None
        while len(tools) < MOST_TOOLS:
            answer = await self._ask("tools/list", {"cursor": cursor} if cursor else {}, OPEN_S)
            try:
                tools += msgspec.convert(answer.get("tools", []), list[RemoteTool])
            except msgspec.ValidationError as error:
                raise McpError(f"its list of tools is none: {error}") from error
            cursor = answer.get("nextCursor")
            if not isinstance(cursor, str) or not cursor:
                break
        return tools[:MOST_TOOLS]

    async def _ask(self, method: str, params: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        answer = await self._transport.ask(message, timeout_s)
        error = answer.get("error")
        if isinstance(error, dict):
            raise McpError(f"{method}: {str(error.get('message', error))[:500]}")
        result = answer.get("result")
        if not isinstance(result, dict):
            raise McpError(f"{method}: the answer has no result")
        return result


def _text_of(result: dict[str, Any]) -> str:
    content = result.get("content")
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    texts = [str(block["text"]) if "text" in block else _label(block) for block in blocks]
    if not any(texts) and result.get("structuredContent") is not None:
        return msgspec.json.encode(result["structuredContent"]).decode()
    return "\n".join(texts) or "[no output]"


def _label(block: dict[str, Any]) -> str:
    resource = block.get("resource")
    if isinstance(resource, dict) and "text" in resource:
        return str(resource["text"])
    return f"[{block.get('type', 'content')}: {block.get('uri') or block.get('mimeType') or 'not shown'}]"
