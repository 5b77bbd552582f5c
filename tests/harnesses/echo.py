"""A well-behaved harness: says what it was told, and which variables it sees when asked for them."""

import os

from tests.harnesses.acp_script import say, serve, update


def answer(text: str) -> str:
    for word in text.split():
        if word.startswith("$"):
            say(f"{word[1:]}={os.environ.get(word[1:])}\n")
    update("tool_call", toolCallId="t1", title="Look", kind="read", status="pending", rawInput={"path": "/etc/hosts"})
    update("tool_call_update", toolCallId="t1", status="completed", content=[
        {"type": "content", "content": {"type": "text", "text": "127.0.0.1 localhost"}},
    ])  # fmt: skip
    say(f"I was told: {text}")
    return "end_turn"


serve(answer)
