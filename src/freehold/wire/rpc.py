"""JSON-RPC 2.0, one message a line: how keeper and clients talk over a unix socket."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from freehold.base.errors import Code, FreeholdError

LONGEST_LINE = 16 * 1024 * 1024
APPLICATION_ERROR = -32000
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602


class RpcRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call (`id` set) or a notification (`id` None)."""

    jsonrpc: Literal["2.0"] = "2.0"
    method: str
    params: msgspec.Raw = msgspec.Raw(b"{}")
    id: int | None = None


class RpcError(msgspec.Struct, frozen=True):
    """`data` carries the `FreeholdError`: `{code, message, hint}`."""

    code: int
    message: str
    data: dict[str, Any] | None = None


class RpcMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is not known yet: a request or notification has a `method`, an answer has none."""

    method: str = ""
    params: msgspec.Raw = msgspec.Raw(b"{}")
    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: RpcError | None = None


class RpcResponse(msgspec.Struct, frozen=True, kw_only=True):
    jsonrpc: Literal["2.0"] = "2.0"
    id: int
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: RpcError | None = None


_encoder = msgspec.json.Encoder()


def request(method: str, params: object, call_id: int | None = None) -> bytes:
    """A line: a call when `call_id` is given, else a notification."""
    message = RpcRequest(method=method, params=msgspec.Raw(_encoder.encode(params)), id=call_id)
    # `jsonrpc` equals its default and would be omitted; the specification wants it on every message.
    return b'{"jsonrpc":"2.0",' + _encoder.encode(message)[1:] + b"\n"


def response(call_id: int, result: object) -> bytes:
    return _encoder.encode({"jsonrpc": "2.0", "id": call_id, "result": result}) + b"\n"


def failure(call_id: int, error: FreeholdError, code: int = APPLICATION_ERROR) -> bytes:
    body = {"code": code, "message": error.message, "data": error.as_dict()}
    return _encoder.encode({"jsonrpc": "2.0", "id": call_id, "error": body}) + b"\n"


def as_error(error: RpcError) -> FreeholdError:
    """The `FreeholdError` that travelled in an error answer."""
    data = error.data or {}
    try:
        code = Code(data.get("code", ""))
    except ValueError:
        code = Code.INTERNAL
    return FreeholdError(code, str(data.get("message") or error.message), str(data.get("hint", "")))
