"""Wants to be authenticated before it makes a session; the arguments are the methods it offers."""

import sys

from tests.harnesses.acp_script import Json, receive, send

methods: list[Json] = [{"id": name, "name": name} for name in sys.argv[1:]]
authenticated = ""
while True:
    message = receive()
    method, call_id = message.get("method"), message.get("id")
    if method == "initialize":
        send({"id": call_id, "result": {"protocolVersion": 1, "authMethods": methods}})
    elif method == "authenticate":
        authenticated = message["params"]["methodId"]
        send({"id": call_id, "result": {}})
    elif method == "session/new" and not authenticated:
        send({"id": call_id, "error": {"code": -32000, "message": "Authentication required"}})
    elif method == "session/new":
        send({"id": call_id, "result": {"sessionId": "s1"}})
    elif method == "session/prompt":
        content = {"type": "text", "text": f"logged in by {authenticated}"}
        update = {"sessionUpdate": "agent_message_chunk", "content": content}
        send({"method": "session/update", "params": {"sessionId": "s1", "update": update}})
        send({"id": call_id, "result": {"stopReason": "end_turn"}})
