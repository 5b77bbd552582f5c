"""What a harness tells about its work, written down as events of the run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import msgspec

from freehold.base.excerpt import excerpt
from freehold.base.redaction import Redaction
from freehold.runner.event_file import EventFile
from freehold.runner.pieces import LONGEST_WAIT_S
from freehold.runner.trickle import Trickle
from freehold.wire import acp
from freehold.wire.events import Log, Message, Thought, ToolFinished, ToolStarted

LONGEST_OUTPUT = 16 * 1024
"""Characters of a tool's output that are written down; the harness's model saw what it saw."""
LONGEST_INPUT_BYTES = 16 * 1024
LONGEST_TITLE = 500
MOST_TOOLS = 1000
"""Tool calls that may be open at once; no honest harness comes near."""
_ENDED = (acp.ToolStatus.COMPLETED, acp.ToolStatus.FAILED)


@dataclass
class _Tool:
    id: str
    title: str = ""
    kind: str = "other"
    input: Any = None
    output: str = ""
    told: bool = False
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)


class TooManyToolsError(Exception):
    """More than `MOST_TOOLS` tool calls are open."""


class Narrator:
    """Turns session updates into events. Text is gathered into pieces; everything else keeps its place in the order.

    Many harnesses announce a tool call first and say what it does a moment later: an announcement without input waits
    for that, at most as long as text does.
    """

    def __init__(self, events: EventFile, redaction: Redaction) -> None:
        self._events = events
        self._redaction = redaction
        self._message = Trickle(lambda text: events.write(Message(text=text)), redaction)
        self._thought = Trickle(lambda text: events.write(Thought(text=text)), redaction)
        self._tools: dict[str, _Tool] = {}

    @property
    def tools_running(self) -> bool:
        return bool(self._tools)

    def hear(self, update: acp.SessionUpdate) -> None:
        """Raises `TooManyToolsError`."""
        if isinstance(update, acp.AgentMessageChunk):
            self._thought.finish()
            self._message.add(update.content.text or "")
        elif isinstance(update, acp.AgentThoughtChunk):
            self._message.finish()
            self._thought.add(update.content.text or "")
        elif isinstance(update, acp.PlanUpdate):
            self._finish_text()
            self._events.write(Log(level="info", text=_plan(update)))
        else:
            self._hear_tool(update)

    def about_to_ask(self, update: acp.ToolCallUpdate) -> str:
        """A permission is asked for this tool call: tell of it first. Its title, blacked out."""
        tool = self._tool(update.tool_call_id)
        self._merge(tool, update)
        self._tell(tool)
        return self._redaction.text(tool.title)

    def turn_ended(self) -> None:
        """Hand on what waits; tool calls that never ended are told as failed."""
        self._finish_text()
        for tool in list(self._tools.values()):
            self._end(tool, acp.ToolStatus.FAILED, tool.output or "[the turn ended before it did]")

    def _hear_tool(self, update: acp.ToolCallUpdate) -> None:
        tool = self._tool(update.tool_call_id)
        first = not tool.title
        self._merge(tool, update)
        if update.status in _ENDED:
            self._end(tool, str(update.status), tool.output)
        elif not tool.told and (_is_telling(tool.input) or (update.status == acp.ToolStatus.IN_PROGRESS and not first)):
            self._tell(tool)
        elif not tool.told and tool.timer is None:
            tool.timer = asyncio.get_running_loop().call_later(LONGEST_WAIT_S, self._tell, tool)

    def _tool(self, tool_call_id: str) -> _Tool:
        tool = self._tools.get(tool_call_id)
        if tool is None:
            if len(self._tools) >= MOST_TOOLS:
                raise TooManyToolsError
            tool = self._tools[tool_call_id] = _Tool(tool_call_id)
        return tool

    def _merge(self, tool: _Tool, update: acp.ToolCallUpdate) -> None:
        tool.title = excerpt(update.title or tool.title or update.tool_call_id, LONGEST_TITLE)
        tool.kind = update.kind or tool.kind
        if isinstance(update.raw_input, msgspec.Raw):
            tool.input = _input(update.raw_input) or tool.input
        output = _output(update)
        if output:
            # Blacked out before it is cut: a secret that is cut in two is not found any more.
            tool.output = excerpt(self._redaction.text(output), LONGEST_OUTPUT)

    def _tell(self, tool: _Tool) -> None:
        if tool.timer:
            tool.timer.cancel()
            tool.timer = None
        if not tool.told:
            tool.told = True
            self._finish_text()
            self._events.write(
                ToolStarted(tool_call_id=tool.id, title=tool.title, kind=tool.kind, input=tool.input)
            )  # fmt: skip

    def _end(self, tool: _Tool, status: str, output: str) -> None:
        self._tell(tool)
        self._finish_text()
        self._tools.pop(tool.id, None)
        self._events.write(ToolFinished(tool_call_id=tool.id, status=status, output=output))

    def _finish_text(self) -> None:
        self._message.finish()
        self._thought.finish()


def _is_telling(tool_input: Any) -> bool:
    """Whether it says what the tool does: opencode 1.18 announces a command with its folder, and names it later."""
    return bool(tool_input) and not (isinstance(tool_input, dict) and tool_input.keys() <= {"cwd"})


def _input(raw: msgspec.Raw) -> Any:
    data = bytes(raw)
    if len(data) > LONGEST_INPUT_BYTES:
        return {"cut": excerpt(data.decode("utf-8", "replace"), LONGEST_INPUT_BYTES // 4)}
    return msgspec.json.decode(data)


def _output(update: acp.ToolCallUpdate) -> str:
    shown = "\n".join(text for content in update.content or [] if (text := _shown(content)))
    if shown or not isinstance(update.raw_output, msgspec.Raw):
        return shown
    data = bytes(update.raw_output)
    value = msgspec.json.decode(data)
    if isinstance(value, dict) and isinstance(value.get("output"), str):
        value = value["output"]
    if value is None:
        return ""
    return value if isinstance(value, str) else data.decode("utf-8", "replace")


def _shown(content: acp.ToolCallContent) -> str:
    if content.content:
        return content.content.text or f"[{content.content.type}]"
    if content.path:
        return f"[changed {content.path}]" if content.old_text else f"[wrote {content.path}]"
    return ""


def _plan(update: acp.PlanUpdate) -> str:
    marks = {"completed": "x", "in_progress": ">"}
    lines = [f"[{marks.get(entry.status, ' ')}] {entry.content}" for entry in update.entries]
    return "plan:\n" + "\n".join(lines)
