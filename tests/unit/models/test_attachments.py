"""What counts as an image or a document, and what is text however it is dressed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from freehold.models.attachments import attachments
from freehold.models.call import parse_call
from freehold.models.routes import Operation, Route
from freehold.project.wire_formats import WireFormat

ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat
B64 = "A" * 1000
PNG, PDF = f"data:image/png;base64,{B64}", f"data:application/pdf;base64,{B64}"
Json = dict[str, Any]


def said(*blocks: Json) -> Json:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def base64_source(kind: str = "image/png") -> Json:
    return {"type": "base64", "media_type": kind, "data": B64}


REAL: list[tuple[WireFormat, Json]] = [
    (ANTHROPIC, said({"type": "image", "source": base64_source()})),
    (ANTHROPIC, said({"type": "document", "source": base64_source("application/pdf")})),
    (ANTHROPIC, said({"type": "tool_result", "content": [{"type": "image", "source": base64_source()}]})),
    (CHAT, said({"type": "image_url", "image_url": {"url": PNG}})),
    (CHAT, said({"type": "image_url", "image_url": PNG})),
    (CHAT, said({"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}})),
    (RESPONSES, {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": PNG}]}]}),
    (RESPONSES, {"input": [{"role": "user", "content": [{"type": "input_file", "file_data": PDF}]}]}),
    (RESPONSES, {"input": [{"type": "function_call_output", "output": [{"type": "input_image", "image_url": PNG}]}]}),
    (RESPONSES, {"input": [{"type": "computer_call_output",
                            "output": {"type": "computer_screenshot", "image_url": PNG}}]}),
    (GOOGLE, {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": B64}}]}]}),
    (GOOGLE, {"contents": [{"parts": [{"inline_data": {"mime_type": "application/pdf", "data": B64}}]}]}),
    (GOOGLE, {"contents": [{"parts": [{"functionResponse": {"parts": [
        {"inlineData": {"mimeType": "image/png", "data": B64}}]}}]}]}),
]  # fmt: skip
TEXT: list[tuple[WireFormat, Json]] = [
    (ANTHROPIC, said({"type": "text", "text": PNG})),
    (ANTHROPIC, {"system": PNG, "metadata": {"media_type": "image/png", "data": B64}}),
    (ANTHROPIC, said({"type": "text", "text": "x", "media_type": "image/png", "data": B64})),
    (ANTHROPIC, said({"type": "tool_use", "input": {"media_type": "image/png", "data": B64}})),
    (ANTHROPIC, said({"type": "tool_use", "input": {"type": "image", "source": base64_source()}})),
    (ANTHROPIC, said({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": B64}})),
    (ANTHROPIC, said({"type": "document", "source": {"type": "text", "media_type": "image/png", "data": B64}})),
    (ANTHROPIC, {"tools": [{"name": "t", "input_schema": {"properties": {"source": base64_source()}}}]}),
    (CHAT, said({"type": "text", "text": PNG})),
    (CHAT, {"messages": [{"role": "user", "content": PNG}]}),
    (CHAT, {"messages": [{"role": "tool", "content": PNG, "tool_call_id": "1"}]}),
    (CHAT, said({"type": "image_url", "image_url": {"url": "data:image/png," + B64}})),
    (CHAT, said({"type": "image_url", "image_url": {"url": "data:image/ text " + B64}})),
    (CHAT, said({"type": "image_url", "image_url": {"url": "data:text/plain;base64," + B64}})),
    (CHAT, {"user": PNG, "metadata": {"url": PNG}}),
    (CHAT, {"tools": [{"function": {"name": "f", "parameters": {"type": "image_url", "image_url": PNG}}}]}),
    (RESPONSES, {"instructions": PNG, "input": PNG}),
    (RESPONSES, {"input": [{"type": "function_call_output", "output": PNG}]}),
    (RESPONSES, {"input": [{"type": "input_text", "text": PNG, "image_url": PNG}]}),
    (GOOGLE, {"contents": [{"parts": [{"text": PNG, "data": B64, "mimeType": "image/png"}]}]}),
    (GOOGLE, {"contents": [{"parts": [{"functionCall": {"args": {"inlineData": {"mimeType": "image/png",
                                                                                "data": B64}}}}]}]}),
]  # fmt: skip


@pytest.mark.parametrize(("wire_format", "body"), REAL)
def test_an_attachment_is_found_where_its_format_puts_it(wire_format: WireFormat, body: Json) -> None:
    found = attachments(wire_format, body)
    assert [content.endswith(B64) for content in found] == [True]


@pytest.mark.parametrize(("wire_format", "body"), TEXT)
def test_what_only_looks_like_one_is_text(wire_format: WireFormat, body: Json) -> None:
    assert attachments(wire_format, body) == []


@pytest.mark.parametrize(("wire_format", "body"), REAL + TEXT)
def test_nothing_is_counted_as_less_than_it_may_be(wire_format: WireFormat, body: Json) -> None:
    """A text beside an attachment counts in full, whatever the attachment is."""
    long = {**body, "x": "word " * 20_000}
    data = json.dumps({"model": "m", **long}).encode()
    call = parse_call(Route(wire_format, Operation.GENERATE, model="m" if wire_format is GOOGLE else ""), data)
    assert call.most_input() >= 50_000
