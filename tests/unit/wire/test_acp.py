"""The ACP structs against the protocol's own JSON Schema, in both directions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from freehold.wire import acp
from tests.support.samples import Samples

SUBSET = json.loads((Path(__file__).parents[2] / "data" / "acp-v1.subset.json").read_text())
PUBLISHED = Path(__file__).parents[4] / "shared" / "specs" / "acp" / "v1" / "schema.json"
SAMPLES = Samples(SUBSET)


def validate(document: object, definition: str) -> None:
    jsonschema.Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": SUBSET["$defs"]}).validate(document)


TEXT = acp.text_block("hello", {"freehold": {"role": "instructions"}})
TOOL_CONTENT = [
    acp.ToolCallContent(type="content", content=TEXT),
    acp.ToolCallContent(type="diff", path="/tmp/a", new_text="b"),
    acp.ToolCallContent(type="diff", path="/tmp/a", old_text="a", new_text="b"),
]
CHANGE = acp.ToolCallUpdate(tool_call_id="t", title="Run", kind="execute", status="completed", content=TOOL_CONTENT)

WRITTEN: list[tuple[str, object]] = [
    ("InitializeRequest", acp.InitializeRequest(protocol_version=1)),
    (
        "InitializeRequest",
        acp.InitializeRequest(protocol_version=1, client_info=acp.Implementation(name="freehold", version="1")),
    ),
    ("InitializeResponse", acp.InitializeResponse(protocol_version=1)),
    (
        "InitializeResponse",
        acp.InitializeResponse(
            protocol_version=1,
            agent_capabilities=acp.AgentCapabilities(mcp_capabilities=acp.McpCapabilities(http=True)),
            auth_methods=[acp.AuthMethod(id="key", name="API key", description="reads a variable")],
            agent_info=acp.Implementation(name="builtin", title="Builtin", version="1"),
        ),
    ),
    ("AuthenticateRequest", acp.AuthenticateRequest(method_id="key")),
    ("AuthenticateResponse", acp.AuthenticateResponse()),
    ("NewSessionRequest", acp.NewSessionRequest(cwd="/tmp", mcp_servers=[])),
    (
        "NewSessionRequest",
        acp.NewSessionRequest(
            cwd="/tmp",
            mcp_servers=[
                acp.http_server("docs", "http://127.0.0.1:7701/mcp/docs"),
                acp.stdio_server("local", ["server", "--flag"], {"A": "b"}),
                acp.stdio_server("bare", ["server"], {}),
            ],
        ),
    ),
    ("NewSessionResponse", acp.NewSessionResponse(session_id="s")),
    ("PromptRequest", acp.PromptRequest(session_id="s", prompt=[TEXT, acp.text_block("")])),
    ("PromptResponse", acp.PromptResponse(stop_reason=acp.StopReason.END_TURN)),
    ("CancelNotification", acp.CancelNotification(session_id="s")),
    ("ToolCallUpdate", CHANGE),
    ("SessionUpdate", acp.AgentMessageChunk(content=TEXT)),
    ("SessionUpdate", acp.AgentThoughtChunk(content=TEXT)),
    ("SessionUpdate", acp.ToolCallStarted(tool_call_id="t", title="Run")),
    (
        "SessionUpdate",
        acp.ToolCallStarted(
            tool_call_id="t", title="Run", status=acp.ToolStatus.PENDING, raw_input=msgspec.Raw(b'{"a": [1]}')
        ),
    ),
    ("SessionUpdate", acp.ToolCallChanged(tool_call_id="t", raw_output=msgspec.Raw(b"null"), content=TOOL_CONTENT)),
    ("SessionUpdate", acp.PlanUpdate(entries=[acp.PlanEntry(content="look", priority="high", status="pending")])),
    (
        "SessionNotification",
        acp.SessionNotification(
            session_id="s", update=msgspec.Raw(msgspec.json.encode(acp.AgentMessageChunk(content=TEXT)))
        ),
    ),
    (
        "RequestPermissionRequest",
        acp.RequestPermissionRequest(
            session_id="s",
            tool_call=CHANGE,
            options=[acp.PermissionOption(option_id="y", name="Yes", kind="allow_once")],
        ),
    ),
    ("RequestPermissionResponse", acp.permission_answer("y")),
    ("RequestPermissionResponse", acp.permission_answer("")),
]


@pytest.mark.parametrize(("definition", "message"), WRITTEN)
def test_what_we_write_is_what_the_schema_allows(definition: str, message: object) -> None:
    validate(json.loads(msgspec.json.encode(message)), definition)


@pytest.mark.parametrize(("definition", "message"), WRITTEN)
def test_what_we_write_we_read_back(definition: str, message: object) -> None:
    encoded = msgspec.json.encode(message)
    again = msgspec.json.decode(encoded, type=type(message))
    assert msgspec.json.decode(msgspec.json.encode(again)) == msgspec.json.decode(encoded)


READ: dict[str, Any] = {
    "InitializeRequest": acp.InitializeRequest,
    "InitializeResponse": acp.InitializeResponse,
    "AuthenticateRequest": acp.AuthenticateRequest,
    "AuthenticateResponse": acp.AuthenticateResponse,
    "NewSessionRequest": acp.NewSessionRequest,
    "NewSessionResponse": acp.NewSessionResponse,
    "PromptRequest": acp.PromptRequest,
    "PromptResponse": acp.PromptResponse,
    "CancelNotification": acp.CancelNotification,
    "SessionNotification": acp.SessionNotification,
    "RequestPermissionRequest": acp.RequestPermissionRequest,
    "RequestPermissionResponse": acp.RequestPermissionResponse,
    "ToolCallUpdate": acp.ToolCallUpdate,
    "ContentBlock": acp.ContentBlock,
    "ToolCallContent": acp.ToolCallContent,
    "AuthMethod": acp.AuthMethod,
    "McpServer": acp.McpServer,
}


@pytest.mark.parametrize("definition", READ)
def test_what_the_schema_allows_we_read(definition: str) -> None:
    documents = SAMPLES.of(definition)
    assert len(documents) > 1
    for document in documents:
        validate(document, definition)
        msgspec.json.decode(json.dumps(document).encode(), type=READ[definition])


def test_every_kind_of_update_is_read_or_known_to_be_of_no_use() -> None:
    read: dict[str, set[bool]] = {}
    for document in SAMPLES.of("SessionUpdate"):
        validate(document, "SessionUpdate")
        update = acp.decode_update(msgspec.Raw(json.dumps(document).encode()))
        read.setdefault(document["sessionUpdate"], set()).add(update is not None)
    assert {kind for kind, outcomes in read.items() if outcomes == {True}} == {
        "agent_message_chunk", "agent_thought_chunk", "tool_call", "tool_call_update", "plan",
    }  # fmt: skip
    assert all(len(outcomes) == 1 for outcomes in read.values())
    assert len(read) > 8


def test_an_update_of_a_later_protocol_is_passed_over() -> None:
    assert acp.decode_update(msgspec.Raw(b'{"sessionUpdate":"telepathy","content":7}')) is None


@pytest.mark.parametrize("update", [b"{}", b"7", b'{"sessionUpdate":"agent_message_chunk"}', b'{"sessionUpdate":3}'])
def test_what_is_no_update_is_refused(update: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        acp.decode_update(msgspec.Raw(update))


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published schemas are not beside this checkout")
def test_the_subset_is_what_is_published() -> None:
    published = json.loads(PUBLISHED.read_text())["$defs"]

    def bare(node: Any) -> Any:
        if isinstance(node, dict):
            dropped = ("description", "title", "x-deserialize-skip-invalid-items", "x-docs-ignore")
            return {
                key: bare(value)
                for key, value in node.items()
                if key not in dropped or isinstance(value, dict)
            }  # fmt: skip
        return [bare(item) for item in node] if isinstance(node, list) else node

    assert {name: bare(published[name]) for name in SUBSET["$defs"]} == SUBSET["$defs"]
