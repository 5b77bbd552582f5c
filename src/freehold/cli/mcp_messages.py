"""The Model Context Protocol, as far as a server of tools and resources needs it: what is asked, and what is answered.

Versions up to 2025-11-25 begin with `initialize`. From 2026-07-28 on there is no beginning: every request carries its
version in `_meta`, `server/discover` tells what there is, and results say that they are whole and how long they hold.
"""

from __future__ import annotations

from typing import Any

import msgspec

from freehold import __version__

NEWEST = "2026-07-28"
NEWEST_WITH_A_BEGINNING = "2025-11-25"
WITH_A_BEGINNING = ("2024-11-05", "2025-03-26", "2025-06-18", NEWEST_WITH_A_BEGINNING)
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
SERVER_KEY = "io.modelcontextprotocol/serverInfo"
SERVER = {"name": "freehold", "title": "Freehold", "version": __version__}

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
UNSUPPORTED_VERSION = -32022
RESOURCE_NOT_FOUND = -32002
"""Up to 2025-11-25; later versions say INVALID_PARAMS."""

LONGEST_LINE = 4 * 1024 * 1024


class Incoming(msgspec.Struct, frozen=True):
    """A request (`id` set) or a notification. An answer has no method; we ask nothing, so it is passed over."""

    method: str = ""
    id: str | int | None = None
    params: dict[str, Any] = {}

    @property
    def version(self) -> str:
        """The version in which it is asked; empty where that was agreed on at the beginning."""
        meta = self.params.get("_meta")
        return str(meta.get(VERSION_KEY, "")) if isinstance(meta, dict) else ""


class McpError(Exception):
    """An answer that is an error of the protocol; what a tool fails at is a result instead."""

    def __init__(self, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class ToolAnnotations(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a client shows before it lets a model call the tool."""

    title: str
    read_only_hint: bool
    destructive_hint: bool
    idempotent_hint: bool
    open_world_hint: bool = False


class Tool(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    description: str
    input_schema: dict[str, Any]
    annotations: ToolAnnotations


class TextContent(msgspec.Struct, frozen=True):
    text: str
    type: str = "text"


class ToolResult(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a tool gave: as JSON in text, and the same as a structure."""

    content: list[TextContent]
    structured_content: dict[str, Any] | None = None
    is_error: bool = False


def result(asked: Incoming, value: object, *, cacheable: bool = False) -> bytes:
    """The line that answers `asked`."""
    body: Any = msgspec.to_builtins(value)
    if asked.version:
        body = {"resultType": "complete", **body, "_meta": {SERVER_KEY: SERVER}}
        body |= {"ttlMs": 0, "cacheScope": "private"} if cacheable else {}
    return _line({"jsonrpc": "2.0", "id": asked.id, "result": body})


def failure(asked_id: str | int | None, error: McpError) -> bytes:
    told: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    return _line({"jsonrpc": "2.0", "id": asked_id, "error": told})


def read(line: bytes) -> Incoming:
    """Raises `McpError`."""
    try:
        return msgspec.json.decode(line, type=Incoming)
    except msgspec.ValidationError as error:
        raise McpError(INVALID_REQUEST, f"this is no message: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise McpError(PARSE_ERROR, f"this is no JSON: {error}") from None


def _line(message: dict[str, Any]) -> bytes:
    return msgspec.json.encode(message) + b"\n"
