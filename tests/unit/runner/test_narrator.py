"""From what a harness tells to events: order, gathering, bounds."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freehold.base.redaction import Redaction
from freehold.base.secret import Secret
from freehold.runner import narrator as narrating
from freehold.runner.event_file import EventFile
from freehold.runner.narrator import Narrator, TooManyToolsError
from freehold.wire import acp
from freehold.wire.events import AnyTestimony, Log, Message, Thought, ToolFinished, ToolStarted, decode_testimony

SECRET = "ghp_0123456789abcdef"


class Told:
    """A narrator and what it wrote."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "events.jsonl"
        redaction = Redaction([Secret(SECRET)])
        self.narrator = Narrator(EventFile(self._path, "dev-1", redaction), redaction)

    def hear(self, kind: str, **fields: Any) -> None:
        update = acp.decode_update(msgspec.Raw(json.dumps({"sessionUpdate": kind, **fields}).encode()))
        assert update is not None
        self.narrator.hear(update)

    def say(self, text: str) -> None:
        self.hear("agent_message_chunk", content={"type": "text", "text": text})

    def think(self, text: str) -> None:
        self.hear("agent_thought_chunk", content={"type": "text", "text": text})

    def tool(self, tool_call_id: str = "t", title: str = "Run", **fields: Any) -> None:
        self.hear("tool_call", toolCallId=tool_call_id, title=title, **fields)

    def change(self, tool_call_id: str = "t", **fields: Any) -> None:
        self.hear("tool_call_update", toolCallId=tool_call_id, **fields)

    @property
    def events(self) -> list[AnyTestimony]:
        return [decode_testimony(line) for line in self._path.read_bytes().splitlines()]

    @property
    def story(self) -> list[str]:
        """Each event in a word or two."""
        return [_word(event) for event in self.events]


def _word(event: AnyTestimony) -> str:
    if isinstance(event, Message | Thought | Log):
        return f"{type(event).__name__}:{event.text}"
    if isinstance(event, ToolStarted):
        return f"started:{event.title}:{event.input}"
    assert isinstance(event, ToolFinished)
    return f"{event.status}:{event.output}"


@pytest.fixture
async def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def text(content: str) -> list[dict[str, Any]]:
    return [{"type": "content", "content": {"type": "text", "text": content}}]


async def test_everything_keeps_its_place(told: Told) -> None:
    told.think("hm")
    told.say("I ")
    told.say("look")
    told.tool(rawInput={"a": 1}, status="in_progress")
    told.change(status="completed", content=text("found"))
    told.say("done")
    told.narrator.turn_ended()
    assert told.story == ["Thought:hm", "Message:I look", "started:Run:{'a': 1}", "completed:found", "Message:done"]


async def test_an_announcement_waits_for_what_it_announces(told: Told) -> None:
    told.tool(title="bash", status="pending", rawInput={})
    assert not told.events
    told.change(title="ls -la", rawInput={"command": "ls -la"})
    assert told.story == ["started:ls -la:{'command': 'ls -la'}"]
    assert told.narrator.tools_running
    told.change(status="completed", rawOutput={"output": "total 0", "metadata": {}})
    assert told.story[1:] == ["completed:total 0"]
    assert not told.narrator.tools_running


async def test_a_folder_alone_does_not_say_what_a_command_does(told: Told) -> None:
    told.tool(title="bash", status="pending", rawInput={"cwd": "/tmp"})
    told.change(title="bash", status="in_progress", rawInput={"command": "git log", "cwd": "/tmp"})
    told.change(status="completed", rawOutput={"output": "none"})
    assert told.story == ["started:bash:{'command': 'git log', 'cwd': '/tmp'}", "completed:none"]


async def test_an_announcement_does_not_wait_for_ever(told: Told) -> None:
    told.tool(title="bash", status="pending")
    async with asyncio.timeout(10):
        while not told.events:
            await asyncio.sleep(0.05)
    assert told.story == ["started:bash:None"]


async def test_what_leave_is_asked_for_is_told_first(told: Told) -> None:
    told.tool(title="bash", status="pending")
    title = told.narrator.about_to_ask(acp.ToolCallUpdate(tool_call_id="t", title="rm -rf /"))
    assert title == "rm -rf /"
    assert told.story == ["started:rm -rf /:None"]
    assert told.narrator.about_to_ask(acp.ToolCallUpdate(tool_call_id="unheard")) == "unheard"
    secret = acp.ToolCallUpdate(tool_call_id="s", title=f"curl -H 'token {SECRET}'")
    assert told.narrator.about_to_ask(secret) == "curl -H 'token [hidden]'", "the question goes to the keeper's log"


@pytest.mark.parametrize(
    ("fields", "output"),
    [
        ({"content": text("a") + text("b")}, "a\nb"),
        ({"content": [{"type": "diff", "path": "/x", "oldText": "a", "newText": "b"}]}, "[changed /x]"),
        ({"content": [{"type": "diff", "path": "/x", "newText": "b"}]}, "[wrote /x]"),
        ({"content": [{"type": "content", "content": {"type": "image", "data": "A", "mimeType": "i"}}]}, "[image]"),
        ({"content": [{"type": "terminal", "terminalId": "1"}]}, ""),
        ({"content": text("seen"), "rawOutput": {"output": "raw"}}, "seen"),
        ({"rawOutput": "plain"}, "plain"),
        ({"rawOutput": {"stdout": "x"}}, '{"stdout": "x"}'),
        ({"rawOutput": None}, ""),
        ({}, ""),
    ],
)
async def test_what_a_tool_gave(told: Told, fields: dict[str, Any], output: str) -> None:
    told.tool(rawInput={"a": 1})
    told.change(status="completed", **fields)
    assert told.story[-1] == f"completed:{output}"


async def test_output_that_came_before_the_end_is_kept(told: Told) -> None:
    told.tool(rawInput={"a": 1})
    told.change(content=text("half"))
    told.change(status="failed")
    assert told.story[-1] == "failed:half"


async def test_a_tool_that_was_never_announced(told: Told) -> None:
    told.change("t9", status="completed", content=text("done"))
    assert told.story == ["started:t9:None", "completed:done"]


async def test_bounds(told: Told) -> None:
    told.tool(title="x" * 10_000, rawInput={"content": "y" * 100_000})
    told.change(status="completed", content=text("z" * 100_000))
    started, finished = told.events
    assert isinstance(started, ToolStarted)
    assert isinstance(finished, ToolFinished)
    assert len(started.title) < narrating.LONGEST_TITLE + 100
    assert len(json.dumps(started.input)) < narrating.LONGEST_INPUT_BYTES
    assert len(finished.output) < narrating.LONGEST_OUTPUT + 100
    assert "characters cut" in finished.output


async def test_no_half_of_a_secret_is_left_where_output_is_cut(told: Told) -> None:
    head = narrating.LONGEST_OUTPUT * 2 // 3
    told.tool(rawInput={"a": 1})
    told.change(status="completed", content=text("z" * (head - 8) + SECRET + "z" * 100_000))
    assert SECRET[:8] not in told.story[-1]


async def test_too_many_tools(told: Told) -> None:
    for number in range(narrating.MOST_TOOLS):
        told.tool(f"t{number}", rawInput={"n": number})
    with pytest.raises(TooManyToolsError):
        told.tool("one more", rawInput={"n": 0})


async def test_a_plan_is_a_log(told: Told) -> None:
    entries = [
        {"content": "look", "priority": "high", "status": "completed"},
        {"content": "do", "priority": "high", "status": "in_progress"},
        {"content": "check", "priority": "low", "status": "pending"},
    ]
    told.hear("plan", entries=entries)
    assert told.story == ["Log:plan:\n[x] look\n[>] do\n[ ] check"]


async def test_content_that_is_no_text_is_no_message(told: Told) -> None:
    told.hear("agent_message_chunk", content={"type": "image", "data": "A", "mimeType": "image/png"})
    told.narrator.turn_ended()
    assert told.story == []
