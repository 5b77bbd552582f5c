"""What a request says of the conversation so far, in every wire format: tools offered, results of tools, schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from freehold.models.toolbox import OfferedTool
from freehold.project.wire_formats import WireFormat

Json = dict[str, Any]


@dataclass(frozen=True)
class ToolResult:
    """What a tool returned for the call `call_id`; `failed` where the format says so."""

    call_id: str
    text: str
    failed: bool = False


def offered_tools(wire_format: WireFormat, body: Json) -> list[OfferedTool]:
    """The tools of a request that the harness runs."""
    found: list[OfferedTool] = []
    for entry in _tables(body.get("tools")):
        declared = entry.get("functionDeclarations") or entry.get("function_declarations")
        found.extend(_offered(tool) for tool in (_tables(declared) if wire_format is WireFormat.GOOGLE else [entry]))
    return [tool for tool in found if tool.name]


def tool_results(wire_format: WireFormat, body: Json) -> dict[str, ToolResult]:
    """Everything that tools returned in the conversation so far, by the id of the call."""
    return {result.call_id: result for result in _RESULTS[wire_format](body)}


def wanted_schema(wire_format: WireFormat, body: Json) -> Json | None:
    """The JSON schema that the answer must have; None when any text will do."""
    if wire_format is WireFormat.GOOGLE:
        config = _table(body.get("generationConfig") or body.get("generation_config"))
        keys = ("responseSchema", "responseJsonSchema", "response_schema", "response_json_schema")
        if config.get("responseMimeType", config.get("response_mime_type")) != "application/json":
            return None
        return next((_table(config[key]) for key in keys if config.get(key)), {})
    places = (
        _table(_table(body.get("output_config")).get("format")), _table(body.get("output_format")),
        _table(body.get("response_format")), _table(_table(body.get("text")).get("format")),
    )  # fmt: skip
    for place in places:
        if place.get("type") == "json_schema":
            return _table(place.get("schema") or _table(place.get("json_schema")).get("schema"))
        if place.get("type") == "json_object":
            return {}
    return None


def example_of(schema: Json) -> Any:
    """The smallest value that a JSON schema allows: a rehearsal's answer to a question that is none of its turns."""
    if schema.get("enum"):
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for key in ("anyOf", "oneOf", "allOf"):
        if _tables(schema.get(key)):
            return example_of(schema[key][0])
    kind = schema.get("type", "object")
    kind = str(kind[0] if isinstance(kind, list) and kind else kind).lower()
    if kind == "object":
        properties = _table(schema.get("properties"))
        return {name: example_of(_table(properties[name])) for name in schema.get("required", properties)
                if name in properties}  # fmt: skip
    if kind == "array":
        return [example_of(_table(schema.get("items")))] * int(schema.get("minItems", 0))
    return {"string": "rehearsed", "boolean": False, "number": 0, "integer": 0}.get(kind)


def _offered(tool: Json) -> OfferedTool:
    kind = str(tool.get("type") or "function")
    function = _table(tool.get("function")) or _table(tool.get("custom")) or tool
    schemas = ("input_schema", "parameters", "parametersJsonSchema")
    schema = next((_table(function[key]) for key in schemas if function.get(key)), {})
    # The tools that OpenAI and Anthropic define have a type and no schema; OpenAI's have no name either.
    name = str(function.get("name") or ("" if kind in ("function", "custom") else kind))
    plain = kind in ("function", "custom") and not (kind == "custom" and not schema)
    return OfferedTool(name, "function" if plain else kind, tuple(_table(schema.get("properties"))))


def _anthropic_results(body: Json) -> Iterator[ToolResult]:
    for message in _tables(body.get("messages")):
        for block in _tables(message.get("content")):
            if block.get("type") == "tool_result":
                text = text_of(block.get("content"))
                yield ToolResult(str(block.get("tool_use_id")), text, block.get("is_error") is True)


def _chat_results(body: Json) -> Iterator[ToolResult]:
    for message in _tables(body.get("messages")):
        if message.get("role") == "tool":
            yield ToolResult(str(message.get("tool_call_id")), text_of(message.get("content")))


def _responses_results(body: Json) -> Iterator[ToolResult]:
    for item in _tables(body.get("input")):
        if str(item.get("type")).endswith("_call_output"):
            yield ToolResult(str(item.get("call_id") or item.get("id")), text_of(item.get("output")))


def _google_results(body: Json) -> Iterator[ToolResult]:
    """Google has ids only where the client makes them; without one, a result belongs to the call in its place."""
    calls: list[str] = []
    answered = 0
    for content in _tables(body.get("contents")):
        for part in _tables(content.get("parts")):
            call = _table(part.get("functionCall") or part.get("function_call"))
            result = _table(part.get("functionResponse") or part.get("function_response"))
            if call:
                calls.append(str(call.get("id") or ""))
            if result:
                in_place = calls[answered] if answered < len(calls) else ""
                answered += 1
                response = _table(result.get("response"))
                text = "\n".join(text_of(value) for value in response.values())
                yield ToolResult(str(result.get("id") or in_place or answered), text, "error" in response)


_RESULTS: dict[WireFormat, Callable[[Json], Iterator[ToolResult]]] = {
    WireFormat.ANTHROPIC_MESSAGES: _anthropic_results,
    WireFormat.OPENAI_CHAT: _chat_results,
    WireFormat.OPENAI_RESPONSES: _responses_results,
    WireFormat.GOOGLE: _google_results,
}


def text_of(value: object) -> str:
    """The text in a value that is a text, a list of parts, or an object that holds one somewhere."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, (text_of(part) for part in value)))
    if isinstance(value, dict):
        known = [text_of(value[key]) for key in ("text", "output", "content", "stdout", "stderr") if key in value]
        return "\n".join(filter(None, known))
    return "" if value is None or isinstance(value, bool) else str(value)


def _table(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> list[Json]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
