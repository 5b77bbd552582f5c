"""Asks for leave before it does something, and says what it was told."""

import json

from tests.harnesses.acp_script import ask, say, serve

OPTIONS = [
    {"optionId": "yes", "name": "Allow", "kind": "allow_once"},
    {"optionId": "ever", "name": "Always", "kind": "allow_always"},
    {"optionId": "no", "name": "Reject", "kind": "reject_once"},
]


def answer(_: str) -> str:
    tool = {"toolCallId": "t1", "title": "rm -rf build", "kind": "execute", "rawInput": {"command": "rm -rf build"}}
    answered = ask(
        "permission", "session/request_permission", {"sessionId": "s1", "toolCall": tool, "options": OPTIONS}
    )
    say(json.dumps(answered.get("result")))
    return "end_turn"


serve(answer)
