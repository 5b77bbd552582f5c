"""The objects of a request, found wherever they stand (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from freehold.project.wire_formats import WireFormat

Json = dict[str, Any]

_OPAQUE = frozenset({
    "input_schema", "parameters", "parametersJsonSchema", "parameters_json_schema", "schema", "json_schema",
    "responseSchema", "response_schema", "responseJsonSchema", "response_json_schema", "arguments", "args",
})  # fmt: skip
"""Keys below which stands somebody else's JSON: schemas, and arguments that a model wrote."""
_MODEL_WROTE = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
"""Anthropic's blocks whose `input` a model wrote. In OpenAI's words `input` is the whole conversation."""


def provider_nodes(wire_format: WireFormat, body: Json) -> Iterator[Json]:
    """Every object of a request that its provider reads as its own language."""
    anthropic = wire_format is WireFormat.ANTHROPIC_MESSAGES
    stack: list[object] = [body]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(entry for entry in node if isinstance(entry, dict | list))
        elif isinstance(node, dict):
            yield node
            written = anthropic and node.get("type") in _MODEL_WROTE
            stack.extend(
                value
                for key, value in node.items()
                if isinstance(value, dict | list) and key not in _OPAQUE and not (written and key == "input")
            )


def every_node(body: Json) -> Iterator[Json]:
    """Every object of a request, whoever reads it."""
    stack: list[object] = [body]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
        entries = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        stack.extend(entry for entry in entries if isinstance(entry, dict | list))
