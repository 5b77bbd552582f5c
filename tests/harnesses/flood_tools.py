"""Starts tool calls without end, and finishes none."""

from tests.harnesses.acp_script import serve, update


def answer(_: str) -> str:
    for number in range(1_000_000):
        update("tool_call", toolCallId=f"t{number}", title="Look", rawInput={"n": number})
    return "end_turn"


serve(answer)
