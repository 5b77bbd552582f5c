"""A small MCP server: answers on HTTP, as JSON or as an event stream, or (run as a program) on its standard streams."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
TOOLS: list[Json] = [
    {
        "name": "add.up",
        "description": "Adds two numbers.",
        "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}},
    },
    {"name": "fail", "inputSchema": {"type": "object"}},
    {"name": "picture", "description": "Shows a picture.", "inputSchema": {"type": "object"}},
]


def answer(message: Json) -> Json | None:
    """What the server answers to a message; None to a notification."""
    if "id" not in message:
        return None
    method, params = message["method"], message.get("params", {})
    result: Json
    if method == "initialize":
        result = {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {
            "name": "small", "version": "1",
        }}  # fmt: skip
    elif method == "tools/list" and "cursor" not in params:
        result = {"tools": TOOLS[:2], "nextCursor": "2"}
    elif method == "tools/list":
        result = {"tools": TOOLS[2:]}
    elif params.get("name") == "add.up":
        total = params["arguments"]["a"] + params["arguments"]["b"]
        result = {"content": [{"type": "text", "text": f"the sum is {total}"}], "structuredContent": {"sum": total}}
    elif params.get("name") == "picture":
        result = {"content": [{"type": "image", "data": "AAAA", "mimeType": "image/png"}]}
    elif params.get("name") == "fail":
        result = {"content": [{"type": "text", "text": "the disk is on fire"}], "isError": True}
    else:
        return {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32602, "message": "no such tool"}}
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


@dataclass
class McpServer:
    """Serve `handle` at any path. `streams`: answer with events; `status` other than 200 refuses everything."""

    streams: bool = False
    status: int = 200
    seen: list[tuple[Json, dict[str, str]]] = field(default_factory=list)

    async def handle(self, request: Any) -> Any:
        from aiohttp import web

        message = await request.json()
        self.seen.append((message, {name.lower(): value for name, value in request.headers.items()}))
        if self.status != 200:
            return web.json_response({"code": "upstream", "message": "the server is away"}, status=self.status)
        answered = answer(message)
        if answered is None:
            return web.Response(status=202)
        headers = {"Mcp-Session-Id": "session-7"} if message["method"] == "initialize" else {}
        if not self.streams:
            return web.json_response(answered, headers=headers)
        progress = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
        events = "".join(f"event: message\ndata: {json.dumps(one)}\n\n" for one in (progress, answered))
        return web.Response(text=": hello\n\n" + events, content_type="text/event-stream", headers=headers)


def main() -> None:
    """On standard streams; prints a greeting that is no message, and asks its client for something first."""
    sys.stdout.write('small server ready\n{"jsonrpc":"2.0","id":"q","method":"roots/list"}\n')
    sys.stdout.flush()
    for line in sys.stdin:
        message = json.loads(line)
        answered = answer(message) if "method" in message else None
        if answered:
            sys.stdout.write(json.dumps(answered) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
