"""Answers the prompt with an error, given as JSON in the first argument."""

import json
import sys

from tests.harnesses.acp_script import receive, send

while True:
    message = receive()
    method, call_id = message.get("method"), message.get("id")
    if method == "initialize":
        send({"id": call_id, "result": {"protocolVersion": 1}})
    elif method == "session/new":
        send({"id": call_id, "result": {"sessionId": "s1"}})
    elif method == "session/prompt":
        send({"id": call_id, "error": json.loads(sys.argv[1])})
