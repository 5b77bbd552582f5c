"""JSON-RPC as ACP frames it: what is a message, and of which kind."""

import json

import msgspec
import pytest
from msgspec import UNSET

from freehold.wire import acp_rpc


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (acp_rpc.call(1, "session/prompt", {"a": 1}), "call"),
        (acp_rpc.call("one", "session/prompt", {}), "call"),
        (acp_rpc.notification("session/cancel", {}), "notification"),
        (acp_rpc.answer(1, {"ok": True}), "answer"),
        (acp_rpc.answer("one", None), "answer"),
        (acp_rpc.refusal(1, -32601, "no such method"), "refusal"),
        (acp_rpc.refusal(None, -32700, "no JSON", {"line": 3}), "refusal"),
    ],
)
def test_each_kind_survives_the_wire(line: bytes, kind: str) -> None:
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line)["jsonrpc"] == "2.0"
    message = acp_rpc.decode(line)
    assert {
        "call": message.method is not UNSET and message.id is not UNSET,
        "notification": message.method is not UNSET and message.id is UNSET,
        "answer": message.result is not UNSET,
        "refusal": message.error is not UNSET,
    }[kind]


@pytest.mark.parametrize(
    "line",
    [b"", b"hello", b"[]", b"7", b"{}", b'{"id":1}', b'{"id":[1],"method":"a"}', b'{"method":7}', b"\xff"],
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        acp_rpc.decode(line)


def test_a_message_holds_any_text() -> None:
    text = 'quotes " newline \n backslash \\ nul \0 line separator \u2028'
    line = acp_rpc.answer(1, {"text": text})
    assert line.count(b"\n") == 1
    result = acp_rpc.decode(line).result
    assert isinstance(result, msgspec.Raw)
    assert msgspec.json.decode(result) == {"text": text}
