"""What a request asks the provider to do on its side: found by tables, refused unless the agent may (pure).

Deny by default: an entry of `tools` that is not known to be run by the harness needs its name in `server_tools`. The
types and keys are those of the providers' API references and SDKs (November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import clipped
from freehold.base.words import one_of
from freehold.models.nodes import Json, provider_nodes
from freehold.project.server_tools import SERVER_TOOLS
from freehold.project.wire_formats import WireFormat


@dataclass(frozen=True)
class Wish:
    """Something asked of the provider: the name that would allow it, and where it stands in the request."""

    tool: str
    where: str


_ANTHROPIC_CLIENT = re.compile(r"custom|(?:bash|text_editor|memory)_\d{8}|tool_search_tool_.*")
_ANTHROPIC_SERVER: dict[str, str] = {
    "web_search_": "web_search", "web_fetch_": "web_fetch", "code_execution_": "code_execution",
    "computer_": "computer_use", "browser_": "computer_use", "mcp_toolset": "remote_mcp", "advisor_": "advisor",
}  # fmt: skip
_ANTHROPIC_KEYS = {
    "mcp_servers": "remote_mcp", "container": "code_execution", "thread": "stored_context",
    "billing_policy": "billing_policy",
}  # fmt: skip

_OPENAI_CLIENT = frozenset({"function", "custom", "local_shell", "apply_patch", "namespace", "tool_search"})
_OPENAI_SERVER: dict[str, str] = {
    "web_search": "web_search", "file_search": "file_search", "code_interpreter": "code_execution",
    "programmatic_tool_calling": "code_execution", "shell": "code_execution", "computer": "computer_use",
    "mcp": "remote_mcp", "image_generation": "image_generation",
}  # fmt: skip
_OPENAI_KEYS = {
    "web_search_options": "web_search", "search_parameters": "web_search", "plugins": "web_search",
    "compound_custom": "code_execution", "conversation": "stored_context", "previous_response_id": "stored_context",
    "prompt": "stored_context", "preset": "stored_context", "background": "background", "deferred": "background",
    "enable_search": "web_search", "connectors": "web_search",
}  # fmt: skip

_ADDRESSES = ("_url", "_uri", "Url", "Uri")
_CONTENTS = ("file_data", "fileData", "data")
"""Where content stands that OpenRouter fetches when it is an address."""
_ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")

_GOOGLE_SERVER: dict[str, str] = {
    "google_search": "web_search", "google_search_retrieval": "web_search", "enterprise_web_search": "web_search",
    "parallel_ai_search": "web_search", "exa_ai_search": "web_search", "retrieval": "web_search",
    "url_context": "web_fetch", "code_execution": "code_execution", "computer_use": "computer_use",
    "file_search": "file_search", "google_maps": "maps", "mcp_servers": "remote_mcp",
}  # fmt: skip


_TOLD = frozenset({"mcp_servers"})
"""Keys of Anthropic's whose own words ask for nothing more than the key: a server has an address."""


def check_server_tools(wire_format: WireFormat, body: Json, allowed: frozenset[str]) -> None:
    """Raises `FreeholdError` (`DENIED`) for the first thing asked of the provider that `allowed` does not hold."""
    for wish in wishes(wire_format, body):
        if wish.tool not in allowed:
            raise _refusal(wish)


def wishes(wire_format: WireFormat, body: Json) -> Iterator[Wish]:
    """Everything a request asks of the provider beyond an answer."""
    keys, read = _BY_FORMAT[wire_format]
    for key, tool in keys.items():
        if body.get(key):
            yield Wish(tool, key)
    for node in provider_nodes(wire_format, {key: value for key, value in body.items() if key not in _TOLD}):
        yield from read(node)


def _refusal(wish: Wish) -> FreeholdError:
    what = SERVER_TOOLS.get(wish.tool)
    asked = f'"{clipped(wish.tool)}" ({clipped(wish.where)})'
    message = f"the request asks the provider for {asked}, which this agent may not use"
    if what is None:
        return FreeholdError(Code.DENIED, message, f"these can be allowed by server_tools: {one_of(SERVER_TOOLS)}")
    return FreeholdError(
        Code.DENIED, message, f'add server_tools = ["{wish.tool}"] to the agent\'s config.toml to allow it: {what}'
    )  # fmt: skip


def _tools(node: Json) -> Iterator[tuple[str, Json]]:
    tools = node.get("tools")
    # Google takes one tool without the list around it, as proto3's JSON does with every repeated field.
    for index, tool in enumerate(tools if isinstance(tools, list) else [tools]):
        if isinstance(tool, dict):
            yield f"tools[{index}]", tool


def _anthropic(node: Json) -> Iterator[Wish]:
    for where, tool in _tools(node):
        yield from _anthropic_tool(where, tool)
    if node.get("type") == "tool_definition" and isinstance(node.get("definition"), dict):
        yield from _anthropic_tool("tool_definition", node["definition"])
    if node.get("type") == "url" and "url" in node:
        yield Wish("url_input", "a source of type url")
    if node.get("type") == "container_upload":
        yield Wish("code_execution", "container_upload")
    if "file_id" in node:
        yield Wish("stored_context", "file_id")


def _anthropic_tool(where: str, tool: Json) -> Iterator[Wish]:
    kind = tool.get("type")
    if kind is None or (isinstance(kind, str) and _ANTHROPIC_CLIENT.fullmatch(kind)):
        return
    yield Wish(_by_prefix(_ANTHROPIC_SERVER, str(kind)), f"{where}: {kind}")


def _openai(node: Json) -> Iterator[Wish]:
    for where, tool in _tools(node):
        kind = tool.get("type")
        local_shell = kind == "shell" and _local(tool.get("environment"))
        if kind not in _OPENAI_CLIENT and not local_shell:
            yield Wish(_by_prefix(_OPENAI_SERVER, str(kind)), f"{where}: {kind}")
    for key, value in node.items():
        if key.endswith(_ADDRESSES) and _fetched(value):
            yield Wish("remote_mcp" if key.startswith("server") else "url_input", key)
        if key in _CONTENTS and isinstance(value, str) and _ADDRESS.match(value):
            yield Wish("url_input", key)
    if node.get("file_id") or node.get("type") == "item_reference":
        yield Wish("stored_context", "file_id" if node.get("file_id") else "item_reference")


def _local(environment: object) -> bool:
    return isinstance(environment, dict) and environment.get("type") == "local"


def _fetched(value: object) -> bool:
    """Whether an address must be fetched: everything but `data:` carries no content of its own."""
    url = value.get("url") if isinstance(value, dict) else value
    return isinstance(url, str) and bool(url) and not url.lower().startswith("data:")


def _google(node: Json) -> Iterator[Wish]:
    for where, tool in _tools(node):
        for key in tool:
            if _snake(key) != "function_declarations":
                yield Wish(_GOOGLE_SERVER.get(_snake(key), key), f"{where}: {key}")
    for key, value in node.items():
        name = _snake(key)
        if name == "file_data" and value:
            yield Wish("url_input", key)
        if name == "cached_content" and value:
            yield Wish("stored_context", key)


def _snake(key: str) -> str:
    """Google reads both spellings of a key (proto3 JSON mapping)."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


def _by_prefix(table: dict[str, str], kind: str) -> str:
    return next((tool for prefix, tool in table.items() if kind.startswith(prefix)), kind)


_BY_FORMAT: dict[WireFormat, tuple[dict[str, str], Callable[[Json], Iterator[Wish]]]] = {
    WireFormat.ANTHROPIC_MESSAGES: (_ANTHROPIC_KEYS, _anthropic),
    WireFormat.OPENAI_CHAT: (_OPENAI_KEYS, _openai),
    WireFormat.OPENAI_RESPONSES: (_OPENAI_KEYS, _openai),
    WireFormat.GOOGLE: ({}, _google),
}
