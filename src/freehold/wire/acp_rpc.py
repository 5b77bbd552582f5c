"""JSON-RPC 2.0 as the Agent Client Protocol frames it: one message a line, calls both ways, ids of any kind."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

LONGEST_LINE: Final = 8 * 1024 * 1024
"""Bytes of one message. The largest honest ones carry whole files or images; this is four times a 1.5 MB image."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603

CallId = int | str


class RemoteError(msgspec.Struct, frozen=True):
    """What a peer answers instead of a result; our own harness puts `{code, message, hint}` into `data`."""

    code: int
    message: str
    data: Any = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Any message, told apart by its members: `method` with or without `id`, else the answer to our call `id`."""

    id: CallId | UnsetType | None = UNSET
    method: str | UnsetType = UNSET
    params: Raw = Raw(b"{}")
    result: Raw | UnsetType = UNSET
    error: RemoteError | UnsetType | None = UNSET


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Message)


def decode(line: bytes) -> Message:
    """Raises `msgspec.DecodeError` for a line that is no message."""
    message = _decoder.decode(line)
    if message.method is UNSET and message.result is UNSET and message.error is UNSET:
        raise msgspec.ValidationError("neither a call nor an answer")
    return message


def call(call_id: CallId, method: str, params: object) -> bytes:
    return _line({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params})


def notification(method: str, params: object) -> bytes:
    return _line({"jsonrpc": "2.0", "method": method, "params": params})


def answer(call_id: CallId | None, result: object) -> bytes:
    return _line({"jsonrpc": "2.0", "id": call_id, "result": result})


def refusal(call_id: CallId | None, code: int, message: str, data: object = None) -> bytes:
    error: dict[str, object] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return _line({"jsonrpc": "2.0", "id": call_id, "error": error})


def _line(body: dict[str, object]) -> bytes:
    return _encoder.encode(body) + b"\n"
