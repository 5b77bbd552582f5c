"""The Agent Client Protocol, version 1: the part that a run needs, as the runner and the builtin harness speak it.

Names and shapes are the protocol's own (schema 1.21.0), in camel case on the wire; tests check every struct against
its JSON Schema. What may grow with the protocol (kinds, statuses, stop reasons) is a plain string here, and members
that we do not know are skipped, so that a newer peer is still understood.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

PROTOCOL_VERSION: Final = 1
AUTH_REQUIRED: Final = -32000
"""Error code: authenticate first."""


class _Acp(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    pass


class Implementation(_Acp, frozen=True, kw_only=True):
    name: str
    version: str
    title: str | None = None


class FileSystemCapabilities(_Acp, frozen=True, kw_only=True, omit_defaults=False):
    read_text_file: bool = False
    write_text_file: bool = False


class ClientCapabilities(_Acp, frozen=True, kw_only=True, omit_defaults=False):
    """What the runner offers a harness: nothing. A harness works on the container's own files and programs."""

    fs: FileSystemCapabilities = FileSystemCapabilities()
    terminal: bool = False


class McpCapabilities(_Acp, frozen=True, kw_only=True):
    http: bool = False
    sse: bool = False


class AgentCapabilities(_Acp, frozen=True, kw_only=True):
    mcp_capabilities: McpCapabilities = McpCapabilities()


class AuthMethod(_Acp, frozen=True, kw_only=True):
    """`type` is `terminal` for a method that needs a person, absent for one that the agent carries out itself."""

    id: str
    name: str
    description: str | None = None
    type: str = ""


class InitializeRequest(_Acp, frozen=True, kw_only=True, omit_defaults=False):
    protocol_version: int
    client_capabilities: ClientCapabilities = ClientCapabilities()
    client_info: Implementation | None = None


class InitializeResponse(_Acp, frozen=True, kw_only=True, omit_defaults=False):
    protocol_version: int
    agent_capabilities: AgentCapabilities = AgentCapabilities()
    auth_methods: list[AuthMethod] = []
    agent_info: Implementation | None = None


class AuthenticateRequest(_Acp, frozen=True, kw_only=True):
    method_id: str


class AuthenticateResponse(_Acp, frozen=True, kw_only=True):
    pass


class NameAndValue(_Acp, frozen=True, kw_only=True):
    """An environment variable, or an HTTP header."""

    name: str
    value: str


class McpServer(_Acp, frozen=True, kw_only=True):
    """An MCP server of any transport. Write one with `stdio_server` or `http_server`: each has its own members."""

    name: str
    type: str = ""
    command: str | None = None
    args: list[str] | None = None
    env: list[NameAndValue] | None = None
    url: str | None = None
    headers: list[NameAndValue] | None = None


def stdio_server(name: str, command: list[str], env: dict[str, str]) -> McpServer:
    pairs = [NameAndValue(name=key, value=value) for key, value in env.items()]
    return McpServer(name=name, command=command[0], args=command[1:], env=pairs)


def http_server(name: str, url: str) -> McpServer:
    return McpServer(name=name, type="http", url=url, headers=[])


class NewSessionRequest(_Acp, frozen=True, kw_only=True):
    cwd: str
    mcp_servers: list[McpServer]


class NewSessionResponse(_Acp, frozen=True, kw_only=True):
    session_id: str


class ContentBlock(_Acp, frozen=True, kw_only=True):
    """A piece of content of any type; only text is read or written here."""

    type: str
    text: str | None = None
    uri: str | None = None
    name: str | None = None
    data: str | None = None
    mime_type: str | None = None
    resource: Any = None
    meta: dict[str, Any] | None = msgspec.field(default=None, name="_meta")


def text_block(text: str, meta: dict[str, Any] | None = None) -> ContentBlock:
    return ContentBlock(type="text", text=text, meta=meta)


class PromptRequest(_Acp, frozen=True, kw_only=True):
    session_id: str
    prompt: list[ContentBlock]


class StopReason:
    END_TURN: Final = "end_turn"
    MAX_TOKENS: Final = "max_tokens"
    MAX_TURN_REQUESTS: Final = "max_turn_requests"
    REFUSAL: Final = "refusal"
    CANCELLED: Final = "cancelled"


class PromptResponse(_Acp, frozen=True, kw_only=True):
    stop_reason: str


class CancelNotification(_Acp, frozen=True, kw_only=True):
    session_id: str


class ToolStatus:
    PENDING: Final = "pending"
    IN_PROGRESS: Final = "in_progress"
    COMPLETED: Final = "completed"
    FAILED: Final = "failed"


class ToolCallContent(_Acp, frozen=True, kw_only=True):
    """What a tool gave: `content` (a block), `diff` (a file before and after) or `terminal`."""

    type: str
    content: ContentBlock | None = None
    path: str | None = None
    old_text: str | None = None
    new_text: str | None = None
    terminal_id: str | None = None


class ToolCallUpdate(_Acp, frozen=True, kw_only=True):
    """A tool call, or what changed about one: members that are absent stay as they were."""

    tool_call_id: str
    title: str | None = None
    kind: str | None = None
    status: str | None = None
    content: list[ToolCallContent] | None = None
    raw_input: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    raw_output: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class PlanEntry(_Acp, frozen=True, kw_only=True):
    content: str
    priority: str
    status: str


class _Update(_Acp, frozen=True, kw_only=True, tag_field="sessionUpdate"):
    pass


class AgentMessageChunk(_Update, frozen=True, kw_only=True, tag="agent_message_chunk"):
    content: ContentBlock


class AgentThoughtChunk(_Update, frozen=True, kw_only=True, tag="agent_thought_chunk"):
    content: ContentBlock


class ToolCallStarted(ToolCallUpdate, frozen=True, kw_only=True, tag_field="sessionUpdate", tag="tool_call"):
    """`title` is always there in this one."""


class ToolCallChanged(ToolCallUpdate, frozen=True, kw_only=True, tag_field="sessionUpdate", tag="tool_call_update"):
    pass


class PlanUpdate(_Update, frozen=True, kw_only=True, tag="plan"):
    entries: list[PlanEntry]


SessionUpdate = AgentMessageChunk | AgentThoughtChunk | ToolCallStarted | ToolCallChanged | PlanUpdate


class SessionNotification(_Acp, frozen=True, kw_only=True):
    """`update` is kept as it came: `decode_update` reads the kinds that we know."""

    session_id: str
    update: msgspec.Raw


class PermissionOption(_Acp, frozen=True, kw_only=True):
    option_id: str
    name: str
    kind: str


class RequestPermissionRequest(_Acp, frozen=True, kw_only=True):
    session_id: str
    tool_call: ToolCallUpdate
    options: list[PermissionOption]


class PermissionOutcome(_Acp, frozen=True, kw_only=True):
    """`selected` with an option, or `cancelled` without."""

    outcome: str
    option_id: str | None = None


class RequestPermissionResponse(_Acp, frozen=True, kw_only=True):
    outcome: PermissionOutcome


def permission_answer(option_id: str) -> RequestPermissionResponse:
    """The empty string cancels the request."""
    if not option_id:
        return RequestPermissionResponse(outcome=PermissionOutcome(outcome="cancelled"))
    return RequestPermissionResponse(outcome=PermissionOutcome(outcome="selected", option_id=option_id))


class _Tag(msgspec.Struct):
    session_update: str = msgspec.field(name="sessionUpdate")


_tag_decoder = msgspec.json.Decoder(_Tag)
_update_decoder: msgspec.json.Decoder[SessionUpdate] = msgspec.json.Decoder(SessionUpdate)
_KNOWN_UPDATES = frozenset({"agent_message_chunk", "agent_thought_chunk", "tool_call", "tool_call_update", "plan"})


def decode_update(update: msgspec.Raw) -> SessionUpdate | None:
    """The update, or None when it is of a kind that a run does not need (modes, commands, usage, a later protocol's).

    Raises `msgspec.DecodeError` (`ValidationError` among them) for what is no update at all.
    """
    if _tag_decoder.decode(update).session_update not in _KNOWN_UPDATES:
        return None
    return _update_decoder.decode(update)
