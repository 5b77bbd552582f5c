"""What the server answers, message by message, against the schemas of the protocol's owner."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from freehold.cli import mcp_messages as messages
from freehold.cli.context import Context
from freehold.cli.mcp_resources import Resources
from freehold.cli.mcp_server import McpServer, serve
from freehold.cli.mcp_tools import Toolbox
from tests.support.folders import one_agent, write_files

SPECS = Path(__file__).parents[4] / "shared" / "specs" / "mcp"
META = {"_meta": {messages.VERSION_KEY: messages.NEWEST, "io.modelcontextprotocol/clientCapabilities": {}}}
Ask = Callable[..., Any]


@pytest.fixture
def server(tmp_path: Path) -> McpServer:
    write_files(tmp_path, one_agent())
    context = Context(project_dir=tmp_path, home=tmp_path / "home", environment="")
    return McpServer(Toolbox(context), Resources(context))


def ask(server: McpServer, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    line = server.answer(json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}).encode())
    assert line is not None
    answer: dict[str, Any] = json.loads(line)
    assert (answer["jsonrpc"], answer["id"]) == ("2.0", 7)
    return answer


INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
ANSWERS = [
    ("2025-11-25", "initialize", INITIALIZE, "InitializeResult"),
    ("2025-11-25", "ping", {}, "EmptyResult"),
    ("2025-11-25", "tools/list", {}, "ListToolsResult"),
    ("2025-11-25", "tools/call", {"name": "agents"}, "CallToolResult"),
    ("2025-11-25", "tools/call", {"name": "status"}, "CallToolResult"),
    ("2025-11-25", "resources/list", {}, "ListResourcesResult"),
    ("2025-11-25", "resources/templates/list", {}, "ListResourceTemplatesResult"),
    ("2025-11-25", "resources/read", {"uri": "freehold://agents/dev/skill"}, "ReadResourceResult"),
    ("2026-07-28", "server/discover", META, "DiscoverResult"),
    ("2026-07-28", "tools/list", META, "ListToolsResult"),
    ("2026-07-28", "tools/call", {"name": "agents", **META}, "CallToolResult"),
    ("2026-07-28", "tools/call", {"name": "status", **META}, "CallToolResult"),
    ("2026-07-28", "resources/list", META, "ListResourcesResult"),
    ("2026-07-28", "resources/templates/list", META, "ListResourceTemplatesResult"),
    ("2026-07-28", "resources/read", {"uri": "freehold://agents/dev/skill", **META}, "ReadResourceResult"),
]


@pytest.mark.parametrize(("version", "method", "params", "kind"), ANSWERS)
def test_answers_are_what_the_schema_says(
    server: McpServer, version: str, method: str, params: dict[str, Any], kind: str
) -> None:
    result = ask(server, method, params)["result"]
    path = SPECS / version / "schema.json"
    if path.exists():
        schema = json.loads(path.read_text())
        jsonschema.validate(result, {**schema, "$ref": f"#/$defs/{kind}"})


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [("2024-11-05", "2024-11-05"), ("2025-11-25", "2025-11-25"), ("2099-01-01", "2025-11-25"), (None, "2025-11-25")],
)
def test_a_version_is_agreed_on(server: McpServer, asked: str | None, agreed: str) -> None:
    assert ask(server, "initialize", {"protocolVersion": asked})["result"]["protocolVersion"] == agreed


REFUSED = [
    (b"", None, messages.PARSE_ERROR),
    (b"{", None, messages.PARSE_ERROR),
    (b"\xff\xfe", None, messages.PARSE_ERROR),
    (b'{"id": 1, "params": {"a": ' + b"[" * 100_000, None, messages.PARSE_ERROR),
    (b"[]", None, messages.INVALID_REQUEST),
    (b'{"id": {}, "method": "ping"}', None, messages.INVALID_REQUEST),
    (b'{"id": 1, "method": "ping", "params": 7}', None, messages.INVALID_REQUEST),
    (b'{"id": 1, "method": "rm/rf"}', 1, messages.METHOD_NOT_FOUND),
    (b'{"id": "a", "method": "tools/call", "params": {"name": 7}}', "a", messages.INVALID_PARAMS),
    (b'{"id": 1, "method": "tools/call", "params": {"name": "status", "arguments": []}}', 1, None),
    (b'{"id": 1, "method": "tools/call", "params": {"name": "status", "arguments": "x"}}', 1, messages.INVALID_PARAMS),
    (b'{"id": 1, "method": "tools/call", "params": {"name": "nothing"}}', 1, messages.INVALID_PARAMS),
    (b'{"id": 1, "method": "resources/read", "params": {"uri": 7}}', 1, messages.RESOURCE_NOT_FOUND),
]


@pytest.mark.parametrize(("line", "asked_id", "code"), REFUSED)
def test_what_is_no_request_is_refused(server: McpServer, line: bytes, asked_id: object, code: int | None) -> None:
    answer = json.loads(server.answer(line) or b"{}")
    assert answer["id"] == asked_id
    assert answer.get("error", {}).get("code") == code


def test_a_version_that_is_not_spoken_is_told(server: McpServer) -> None:
    error = ask(server, "tools/list", {"_meta": {messages.VERSION_KEY: "2099-01-01"}})["error"]
    assert error["code"] == messages.UNSUPPORTED_VERSION
    assert error["data"]["requested"] == "2099-01-01"
    assert messages.NEWEST in error["data"]["supported"]


@pytest.mark.parametrize("line", [b'{"method": "notifications/initialized"}', b'{"id": 3, "result": {}}'])
def test_what_needs_no_answer_gets_none(server: McpServer, line: bytes) -> None:
    assert server.answer(line) is None


def test_streams_are_answered_until_they_end(server: McpServer) -> None:
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
    sink = io.BytesIO()
    serve(server, io.BytesIO(ping + b"\n" + b"x" * 250 + b"\n" + ping), sink, longest=100)
    answers = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert sorted("error" in answer for answer in answers) == [False, False, True]
