"""What a request may ask of the provider itself."""

from __future__ import annotations

from typing import Any

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.models.server_tools import check_server_tools, wishes
from freehold.project.server_tools import SERVER_TOOLS
from freehold.project.wire_formats import WireFormat

ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat


def block(content: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}, content]}]}


def item(entry: dict[str, Any]) -> dict[str, Any]:
    return {"input": [{"type": "message", "role": "user", "content": "hi"}, entry]}


def part(entry: dict[str, Any]) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "hi"}, entry]}]}


HARMLESS: list[tuple[WireFormat, dict[str, Any]]] = [
    (ANTHROPIC, {"tools": [{"name": "Bash", "input_schema": {"type": "object"}}, {"type": "custom", "name": "x"}]}),
    (ANTHROPIC, {"tools": [{"type": "bash_20250124", "name": "bash"}, {"type": "text_editor_20250728", "name": "e"},
                           {"type": "memory_20250818", "name": "m"}, {"type": "tool_search_tool_bm25", "name": "t"}]}),
    (ANTHROPIC, block({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}})),
    (ANTHROPIC, block({"type": "tool_use", "name": "Bash", "input": {"tools": [{"type": "web_search_20250305"}]}})),
    (ANTHROPIC, {"tools": [{"name": "x", "input_schema": {"properties": {"tools": [{"type": "mcp_toolset"}]}}}]}),
    (CHAT, {"tools": [{"type": "function", "function": {"name": "b"}}, {"type": "custom", "custom": {"name": "p"}}]}),
    (CHAT, block({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}})),
    (CHAT, {"plugins": [], "background": False, "messages": []}),
    (RESPONSES, {"tools": [{"type": "function", "name": "exec_command"}, {"type": "custom", "name": "apply_patch"},
                           {"type": "local_shell"}, {"type": "tool_search"}, {"type": "apply_patch"},
                           {"type": "shell", "environment": {"type": "local"}},
                           {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}]}]}),
    (RESPONSES, item({"type": "function_call", "arguments": "{}", "call_id": "c", "name": "n"})),
    (RESPONSES, {"background": False, "store": True, "previous_response_id": None}),
    (GOOGLE, {"tools": [{"functionDeclarations": [{"name": "f"}]}, {"function_declarations": [{"name": "g"}]}]}),
    (GOOGLE, part({"inlineData": {"mimeType": "image/png", "data": "AA=="}})),
    (GOOGLE, part({"functionCall": {"name": "f", "args": {"fileData": {"fileUri": "https://x"}}}})),
]  # fmt: skip

ASKING: list[tuple[WireFormat, dict[str, Any], str]] = [
    (ANTHROPIC, {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "web_search"),
    (ANTHROPIC, {"tools": [{"type": "web_fetch_20260318", "name": "web_fetch"}]}, "web_fetch"),
    (ANTHROPIC, {"tools": [{"type": "code_execution_20260521", "name": "c"}]}, "code_execution"),
    (ANTHROPIC, {"tools": [{"type": "computer_20251124", "name": "c"}]}, "computer_use"),
    (ANTHROPIC, {"tools": [{"type": "browser_toolset_20260801"}]}, "computer_use"),
    (ANTHROPIC, {"tools": [{"type": "mcp_toolset", "mcp_server_name": "s"}]}, "remote_mcp"),
    (ANTHROPIC, {"mcp_servers": [{"type": "url", "url": "https://mcp.example.com", "name": "s"}]}, "remote_mcp"),
    (ANTHROPIC, {"tools": [{"type": "advisor_20260301", "model": "dear"}]}, "advisor"),
    (ANTHROPIC, {"tools": [{"type": "something_new_20270101", "name": "s"}]}, "something_new_20270101"),
    (ANTHROPIC, {"container": {"skills": []}}, "code_execution"),
    (ANTHROPIC, {"thread": {"type": "continue", "previous_message_id": "msg"}}, "stored_context"),
    (ANTHROPIC, {"billing_policy": {"bill_to": "user_profile"}}, "billing_policy"),
    (ANTHROPIC, block({"type": "image", "source": {"type": "url", "url": "http://169.254.169.254/"}}), "url_input"),
    (ANTHROPIC, block({"type": "image", "source": {"type": "url", "url": "x", "name": "s"}}), "url_input"),
    (ANTHROPIC, block({"type": "document", "source": {"type": "file", "file_id": "f"}}), "stored_context"),
    (ANTHROPIC, block({"type": "tool_result", "tool_use_id": "t", "content": [
        {"type": "image", "source": {"type": "url", "url": "https://x"}}]}), "url_input"),
    (ANTHROPIC, block({"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {
        "type": "web_search_20250305", "name": "web_search"}}}), "web_search"),
    (CHAT, {"web_search_options": {"search_context_size": "low"}}, "web_search"),
    (CHAT, {"search_parameters": {"mode": "on"}}, "web_search"),
    (CHAT, {"plugins": [{"id": "web"}]}, "web_search"),
    (CHAT, {"tools": [{"type": "browser_search"}]}, "browser_search"),
    (CHAT, {"tools": [{"name": "no type at all"}]}, "None"),
    (CHAT, block({"type": "image_url", "image_url": {"url": "https://x/y.png"}}), "url_input"),
    (CHAT, block({"type": "image_url", "image_url": "HTTP://x/y.png"}), "url_input"),
    (CHAT, block({"type": "document_url", "document_url": "https://x"}), "url_input"),
    (CHAT, block({"type": "file", "file": {"file_id": "file-1"}}), "stored_context"),
    (RESPONSES, {"tools": [{"type": "web_search"}]}, "web_search"),
    (RESPONSES, {"tools": [{"type": "web_search_preview_2025_03_11"}]}, "web_search"),
    (RESPONSES, {"tools": [{"type": "file_search", "vector_store_ids": ["v"]}]}, "file_search"),
    (RESPONSES, {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}, "code_execution"),
    (RESPONSES, {"tools": [{"type": "programmatic_tool_calling"}]}, "code_execution"),
    (RESPONSES, {"tools": [{"type": "shell"}]}, "code_execution"),
    (RESPONSES, {"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]}, "code_execution"),
    (RESPONSES, {"tools": [{"type": "mcp", "server_url": "https://m", "server_label": "m"}]}, "remote_mcp"),
    (RESPONSES, {"tools": [{"type": "image_generation"}]}, "image_generation"),
    (RESPONSES, {"tools": [{"type": "computer_use_preview"}]}, "computer_use"),
    (RESPONSES, {"tools": [{"type": "namespace", "tools": [{"type": "web_search"}]}]}, "web_search"),
    (RESPONSES, item({"type": "additional_tools", "tools": [{"type": "web_search"}]}), "web_search"),
    (RESPONSES, item({"type": "tool_search_output", "tools": [{"type": "mcp"}]}), "remote_mcp"),
    (RESPONSES, item({"role": "user", "content": [{"type": "input_image", "image_url": "https://x"}]}), "url_input"),
    (RESPONSES, item({"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]}), "url_input"),
    (RESPONSES, item({"type": "item_reference", "id": "msg_1"}), "stored_context"),
    (RESPONSES, {"previous_response_id": "resp_1"}, "stored_context"),
    (RESPONSES, {"conversation": "conv_1"}, "stored_context"),
    (RESPONSES, {"prompt": {"id": "pmpt_1"}}, "stored_context"),
    (RESPONSES, {"background": True}, "background"),
    (GOOGLE, {"tools": [{"googleSearch": {}}]}, "web_search"),
    (GOOGLE, {"tools": [{"google_search": {}}]}, "web_search"),
    (GOOGLE, {"tools": [{"functionDeclarations": [], "urlContext": {}}]}, "web_fetch"),
    (GOOGLE, {"tools": [{"codeExecution": {}}]}, "code_execution"),
    (GOOGLE, {"tools": [{"googleMaps": {}}]}, "maps"),
    (GOOGLE, {"tools": [{"mcpServers": [{}]}]}, "remote_mcp"),
    (GOOGLE, {"tools": [{"somethingNew": {}}]}, "somethingNew"),
    (GOOGLE, part({"fileData": {"fileUri": "https://youtu.be/x"}}), "url_input"),
    (GOOGLE, part({"file_data": {"file_uri": "gs://b/o"}}), "url_input"),
    (GOOGLE, {"cachedContent": "cachedContents/1"}, "stored_context"),
    # As a second reader might take it.
    (GOOGLE, {"tools": {"googleSearch": {}}}, "web_search"),
    (ANTHROPIC, {"tools": {"type": "web_fetch_20250910", "name": "web_fetch"}}, "web_fetch"),
    (RESPONSES, {"type": "tool_use", "input": [{"role": "user", "content": [
        {"type": "input_image", "image_url": "https://x"}]}]}, "url_input"),
    (RESPONSES, item({"type": "tool_use", "input": [{"tools": [{"type": "mcp"}]}]}), "remote_mcp"),
    (CHAT, block({"type": "file", "file": {"file_data": "https://x/secret.pdf"}}), "url_input"),
    (CHAT, block({"type": "input_audio", "input_audio": {"data": " HTTPS://x/y.mp3"}}), "url_input"),
    (CHAT, block({"type": "image_url", "imageUrl": {"url": "https://x"}}), "url_input"),
    (CHAT, {"preset": "with-web-search"}, "stored_context"),
    (CHAT, {"deferred": True}, "background"),
    (CHAT, {"enable_search": True}, "web_search"),
]  # fmt: skip


@pytest.mark.parametrize(("wire_format", "body"), HARMLESS)
def test_what_the_harness_does_itself_passes(wire_format: WireFormat, body: dict[str, Any]) -> None:
    check_server_tools(wire_format, body, frozenset())


@pytest.mark.parametrize(("wire_format", "body", "tool"), ASKING)
def test_what_the_provider_does_is_refused_unless_listed(
    wire_format: WireFormat, body: dict[str, Any], tool: str
) -> None:
    with pytest.raises(FreeholdError) as failure:
        check_server_tools(wire_format, body, frozenset(SERVER_TOOLS) - {tool})
    assert failure.value.code is Code.DENIED
    assert f'"{tool}"' in failure.value.message
    check_server_tools(wire_format, body, frozenset({tool}))
    assert tool in {wish.tool for wish in wishes(wire_format, body)}


def test_what_a_reusable_prompt_is_filled_with_is_looked_at() -> None:
    image = {"type": "input_image", "image_url": "https://x"}
    body = {"prompt": {"id": "p", "variables": {"picture": image}}}
    with pytest.raises(FreeholdError, match="url_input"):
        check_server_tools(RESPONSES, body, frozenset({"stored_context"}))


@pytest.mark.parametrize("wire_format", [ANTHROPIC, CHAT, RESPONSES])
def test_what_is_asked_for_is_not_repeated_at_length(wire_format: WireFormat) -> None:
    with pytest.raises(FreeholdError) as failure:
        check_server_tools(wire_format, {"tools": [{"type": "\x1b]0;x\x07\n" * 10**5}]}, frozenset())
    assert failure.value.message.isprintable()
    assert len(failure.value.message) < 400


def test_the_hint_says_what_to_write() -> None:
    with pytest.raises(FreeholdError) as failure:
        check_server_tools(GOOGLE, {"tools": [{"googleSearch": {}}]}, frozenset())
    assert 'server_tools = ["web_search"]' in failure.value.hint
    with pytest.raises(FreeholdError) as failure:
        check_server_tools(GOOGLE, {"tools": [{"somethingNew": {}}]}, frozenset())
    assert "web_search" in failure.value.hint
