"""OpenAI Responses (`POST /v1/responses`, its streaming events)."""

from __future__ import annotations

from collections.abc import Iterator

from freehold.models.answers.speech import Json, Speech, SpokenCall, event

_CREATED = 1_767_225_600


def whole(speech: Speech) -> Json:
    items = ([_message(speech, "completed", speech.text)] if speech.text else []) + (
        [_call_item(speech.id, speech.call, "completed")] if speech.call else []
    )
    return _response(speech, "completed", items) | {"usage": _usage(speech)}


def events(speech: Speech) -> list[bytes]:
    payloads = [
        {"type": "response.created", "response": _response(speech, "in_progress", [])},
        {"type": "response.in_progress", "response": _response(speech, "in_progress", [])},
        *_text_events(speech),
        *_call_events(speech),
        {"type": "response.completed", "response": whole(speech)},
    ]
    return [event(payload | {"sequence_number": number}, payload["type"]) for number, payload in enumerate(payloads)]


def _text_events(speech: Speech) -> Iterator[Json]:
    if not speech.pieces:
        return
    place = {"item_id": f"msg_{speech.id}", "output_index": 0, "content_index": 0}
    yield {"type": "response.output_item.added", "output_index": 0, "item": _message(speech, "in_progress", "")}
    yield {"type": "response.content_part.added", **place, "part": _part("")}
    for piece in speech.pieces:
        yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": speech.text, "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": _part(speech.text)}
    yield {"type": "response.output_item.done", "output_index": 0, "item": _message(speech, "completed", speech.text)}


def _call_events(speech: Speech) -> Iterator[Json]:
    if not speech.call:
        return
    index = 1 if speech.pieces else 0
    started, done = (_call_item(speech.id, speech.call, status) for status in ("in_progress", "completed"))
    place = {"item_id": done["id"], "output_index": index}
    if "arguments" in started:
        started["arguments"] = ""
    yield {"type": "response.output_item.added", "output_index": index, "item": started}
    if speech.call.kind == "function":
        arguments = speech.call.arguments_json
        yield {"type": "response.function_call_arguments.delta", **place, "delta": arguments}
        yield {
            "type": "response.function_call_arguments.done", **place, "arguments": arguments, "name": speech.call.name
        }  # fmt: skip
    yield {"type": "response.output_item.done", "output_index": index, "item": done}


def _response(speech: Speech, status: str, output: list[Json]) -> Json:
    return {
        "id": f"resp_{speech.id}", "object": "response", "created_at": _CREATED, "status": status,
        "model": speech.model, "output": output, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "usage": None,
    }  # fmt: skip


def _message(speech: Speech, status: str, text: str) -> Json:
    content = [_part(text)] if text else []
    return {"id": f"msg_{speech.id}", "type": "message", "status": status, "role": "assistant", "content": content}


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _call_item(number: str, call: SpokenCall, status: str) -> Json:
    item: Json = {"id": f"fc_{number}", "call_id": call.id, "status": status}
    if call.kind == "custom":
        return item | {"type": "custom_tool_call", "name": call.name, "input": call.text}
    if call.kind == "local_shell":
        action = {"type": "exec", "command": call.arguments["command"], "env": {}}
        return item | {"type": "local_shell_call", "action": action}
    if call.kind == "shell":
        action = {"commands": call.arguments["commands"], "timeout_ms": None, "max_output_length": None}
        return item | {"type": "shell_call", "action": action}
    return item | {"type": "function_call", "name": call.name, "arguments": call.arguments_json}


def _usage(speech: Speech) -> Json:
    read = speech.tokens.input + speech.tokens.cache_read
    return {
        "input_tokens": read, "input_tokens_details": {"cached_tokens": speech.tokens.cache_read},
        "output_tokens": speech.tokens.output, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + speech.tokens.output,
    }  # fmt: skip
