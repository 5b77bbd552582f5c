"""What a request says of the conversation so far, in the shapes that real harnesses send."""

from __future__ import annotations

from typing import Any

import pytest

from freehold.models.conversation import ToolResult, example_of, tool_results, wanted_schema
from freehold.project.wire_formats import WireFormat

ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat


@pytest.mark.parametrize(
    ("wire_format", "body", "results"),
    [
        (ANTHROPIC, {"messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "one"},
                {"type": "tool_result", "tool_use_id": "t2", "is_error": True,
                 "content": [{"type": "text", "text": "two"}, {"type": "image", "source": {}}]}]}]},
         [ToolResult("t1", "one"), ToolResult("t2", "two", failed=True)]),
        (CHAT, {"messages": [
            {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "bash", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "one"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "two"}]}]},
         [ToolResult("c1", "one"), ToolResult("c2", "two")]),
        (RESPONSES, {"input": [
            {"type": "function_call", "call_id": "c1", "name": "shell", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "one"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "two"}]},
            {"type": "local_shell_call_output", "call_id": "c3", "output": '{"output": "three"}'},
            {"type": "custom_tool_call_output", "call_id": "c4", "output": "four"},
            {"type": "shell_call_output", "call_id": "c5", "output": [{"stdout": "five", "stderr": "six"}]}]},
         [ToolResult("c1", "one"), ToolResult("c2", "two"), ToolResult("c3", '{"output": "three"}'),
          ToolResult("c4", "four"), ToolResult("c5", "five\nsix")]),
        (RESPONSES, {"input": "hi"}, []),
        (GOOGLE, {"contents": [
            {"role": "model", "parts": [{"functionCall": {"id": "g1", "name": "run_shell_command", "args": {}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"id": "g1", "name": "x", "response": {"output": "one"}}},
                {"function_response": {"id": "g2", "name": "x", "response": {"error": "two"}}}]}]},
         [ToolResult("g1", "one"), ToolResult("g2", "two", failed=True)]),
        (GOOGLE, {"contents": [
            {"role": "model", "parts": [{"functionCall": {"id": "g1", "name": "a", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "a", "response": {"output": "one"}}}]},
            {"role": "model", "parts": [{"functionCall": {"id": "g2", "name": "a", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "a", "response": {"result": 2}}}]}]},
         [ToolResult("g1", "one"), ToolResult("g2", "2")]),
    ],
)  # fmt: skip
def test_results_of_tools(wire_format: WireFormat, body: dict[str, Any], results: list[ToolResult]) -> None:
    assert list(tool_results(wire_format, body).values()) == results


SCHEMA = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}, "more": {}}}


@pytest.mark.parametrize(
    ("wire_format", "body", "schema"),
    [
        (ANTHROPIC, {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, SCHEMA),
        (CHAT, {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}, SCHEMA),
        (CHAT, {"response_format": {"type": "json_object"}}, {}),
        (CHAT, {"response_format": {"type": "text"}}, None),
        (RESPONSES, {"text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}}, SCHEMA),
        (GOOGLE, {"generationConfig": {"responseMimeType": "application/json", "responseSchema": SCHEMA}}, SCHEMA),
        (GOOGLE, {"generationConfig": {"responseMimeType": "application/json"}}, {}),
        (GOOGLE, {"generationConfig": {}}, None),
        (ANTHROPIC, {"messages": []}, None),
    ],
)
def test_schemas_that_are_wanted(wire_format: WireFormat, body: dict[str, Any], schema: object) -> None:
    assert wanted_schema(wire_format, body) == schema


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, {}),
        (SCHEMA, {"title": "rehearsed"}),
        # What Gemini CLI asks after a turn; its first choice hands back to the user.
        ({"type": "OBJECT", "properties": {"reasoning": {"type": "STRING"},
          "next_speaker": {"type": "STRING", "enum": ["user", "model"]}}, "required": ["reasoning", "next_speaker"]},
         {"reasoning": "rehearsed", "next_speaker": "user"}),
        ({"type": ["string", "null"]}, "rehearsed"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"anyOf": [{"type": "boolean"}, {"type": "string"}]}, False),
        ({"const": 3}, 3),
    ],
)  # fmt: skip
def test_the_smallest_answer_to_a_schema(schema: dict[str, Any], value: object) -> None:
    assert example_of(schema) == value
