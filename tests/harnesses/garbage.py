"""Writes garbage between its messages: text, bytes that are no UTF-8, deep nesting. Its work is sound."""

import sys

from tests.harnesses.acp_script import say, send, serve


def garbage(data: bytes) -> None:
    sys.stdout.buffer.write(data + b"\n")
    sys.stdout.buffer.flush()


def answer(text: str) -> str:
    garbage(b"DEBUG: starting")
    garbage(b"\xff\xfe\x00 caf\xe9")
    garbage(b'{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"\xff"}}')
    garbage(b"[" * 100_000)
    garbage(b'{"id": 1, "params": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    garbage(b"[]")
    garbage(b"")
    send({"id": 77, "result": "to a call that nobody made"})
    send({"id": "x", "method": "fs/read_text_file", "params": {"path": "/etc/shadow"}})
    send({"method": "session/update", "params": {"sessionId": "s1", "update": {"sessionUpdate": "tool_call"}}})
    send({"method": "session/update", "params": {"sessionId": "s1", "update": {"sessionUpdate": "from_the_future"}}})
    send({"method": "session/update", "params": [1, 2]})
    send({"method": "_vendor/thing", "params": {}})
    say("still here")
    return "end_turn"


serve(answer)
