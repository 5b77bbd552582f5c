"""The least that a harness needs, with the standard library alone; the scripts beside it misbehave with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def send(message: Json) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def update(what: str, **fields: Any) -> None:
    params = {"sessionId": "s1", "update": {"sessionUpdate": what, **fields}}
    send({"method": "session/update", "params": params})


def say(text: str) -> None:
    update("agent_message_chunk", content={"type": "text", "text": text})


def receive() -> Json:
    """The next message; the end of input ends the program."""
    line = sys.stdin.readline()
    if not line:
        raise SystemExit(0)
    return dict(json.loads(line))


def ask(call_id: str, method: str, params: Json) -> Json:
    """Call the client, and wait for its answer."""
    send({"id": call_id, "method": method, "params": params})
    while True:
        message = receive()
        if message.get("id") == call_id and "method" not in message:
            return message


def serve(on_prompt: Callable[[str], str], initialized: Json | None = None, session: Json | None = None) -> None:
    """Answer as an agent does; `on_prompt` takes the prompt's text and gives a stop reason."""
    while True:
        message = receive()
        method, call_id = message.get("method"), message.get("id")
        if method == "initialize":
            send({"id": call_id, "result": initialized or {"protocolVersion": 1}})
        elif method == "session/new":
            send({"id": call_id, "result": session or {"sessionId": "s1"}})
        elif method == "session/prompt":
            text = "\n".join(block.get("text", "") for block in message["params"]["prompt"])
            send({"id": call_id, "result": {"stopReason": on_prompt(text)}})
        elif call_id is not None and method:
            send({"id": call_id, "error": {"code": -32601, "message": f"{method} is not offered"}})
