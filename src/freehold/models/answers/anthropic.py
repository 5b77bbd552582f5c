"""Anthropic Messages (`POST /v1/messages`; its streaming reference, 2023-06-01)."""

from __future__ import annotations

from freehold.models.answers.speech import Json, Speech, event


def whole(speech: Speech) -> Json:
    content: list[Json] = [{"type": "text", "text": speech.text}] if speech.text else []
    if speech.call:
        content.append(_tool_use(speech) | {"input": speech.call.arguments})
    return _message(speech) | {"content": content, "stop_reason": _stop(speech), "usage": _usage(speech)}


def events(speech: Speech) -> list[bytes]:
    start = _message(speech) | {"usage": _usage(speech) | {"output_tokens": 1}}
    payloads: list[Json] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    index = 0
    if speech.pieces:
        deltas = [{"type": "text_delta", "text": piece} for piece in speech.pieces]
        payloads += _block(index, {"type": "text", "text": ""}, deltas)
        index += 1
    if speech.call:
        arguments = {"type": "input_json_delta", "partial_json": speech.call.arguments_json}
        payloads += _block(index, _tool_use(speech), [arguments])
    payloads.append({
        "type": "message_delta", "delta": {"stop_reason": _stop(speech), "stop_sequence": None},
        "usage": {"output_tokens": speech.tokens.output},
    })  # fmt: skip
    payloads.append({"type": "message_stop"})
    return [event(payload, payload["type"]) for payload in payloads]


def _block(index: int, start: Json, deltas: list[dict[str, str]]) -> list[Json]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _message(speech: Speech) -> Json:
    return {
        "id": f"msg_{speech.id}", "type": "message", "role": "assistant", "model": speech.model, "content": [],
        "stop_reason": None, "stop_sequence": None,
    }  # fmt: skip


def _tool_use(speech: Speech) -> Json:
    assert speech.call is not None
    return {"type": "tool_use", "id": speech.call.id, "name": speech.call.name, "input": {}}


def _stop(speech: Speech) -> str:
    return "tool_use" if speech.call else "end_turn"


def _usage(speech: Speech) -> Json:
    return {
        "input_tokens": speech.tokens.input, "output_tokens": speech.tokens.output,
        "cache_read_input_tokens": speech.tokens.cache_read,
        "cache_creation_input_tokens": speech.tokens.cache_write, "service_tier": "standard",
    }  # fmt: skip
