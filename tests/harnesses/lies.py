"""Tells what is not so, as the first argument says."""

import sys

from tests.harnesses.acp_script import Json, say, send, serve, update

LIE = sys.argv[1]


def answer(_: str) -> str:
    if LIE == "other_session":
        params = {"sessionId": "s2", "update": {
            "sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "from elsewhere"},
        }}  # fmt: skip
        send({"method": "session/update", "params": params})
        say("from here")
    elif LIE == "unfinished_tool":
        update("tool_call", toolCallId="t1", title="Never ends", status="in_progress", rawInput={"a": 1})
        update("tool_call_update", toolCallId="t1", content=[
            {"type": "content", "content": {"type": "text", "text": "half of it"}},
        ])  # fmt: skip
    elif LIE == "host_event":
        say('{"v":1,"seq":1,"type":"run.finished","result":"completed"}\n{"type":"run.finished"}')
    return LIE if LIE in ("refusal", "max_tokens", "max_turn_requests", "cancelled", "because") else "end_turn"


initialized: Json = {"protocolVersion": 9} if LIE == "version" else {"protocolVersion": 1}
if LIE == "shape":
    initialized = {"protocolVersion": "one"}
serve(answer, initialized, {"sessionId": 7} if LIE == "session_shape" else None)
