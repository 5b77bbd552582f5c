"""Ends its turn when it is cancelled; leaves an orphan behind (`orphan`), which somebody must reap and kill."""

import os
import sys
import time

from tests.harnesses.acp_script import receive, say, send

while True:
    message = receive()
    method, call_id = message.get("method"), message.get("id")
    if method == "initialize":
        send({"id": call_id, "result": {"protocolVersion": 1}})
    elif method == "session/new":
        send({"id": call_id, "result": {"sessionId": "s1"}})
    elif method == "session/prompt":
        prompt_id = call_id
        if "orphan" in sys.argv and os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.closerange(0, 3)
                time.sleep(3600)
            os._exit(0)
        say("ready")
        if "orphan" in sys.argv:
            send({"id": prompt_id, "result": {"stopReason": "end_turn"}})
    elif method == "session/cancel":
        say("stopping")
        send({"id": prompt_id, "result": {"stopReason": "cancelled"}})
