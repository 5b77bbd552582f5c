"""What another program may do with a project: the tools, what each takes, and what a client shows before it is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from freehold.base.errors import Code, FreeholdError
from freehold.cli import mcp_actions as actions
from freehold.cli.context import Context
from freehold.cli.mcp_messages import INVALID_PARAMS, McpError, TextContent, Tool, ToolAnnotations, ToolResult


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class PerhapsAgent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(description="An agent; without it, the whole project.")] = ""


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(description="The agent.")]
    prompt: Annotated[str, msgspec.Meta(description="What to tell it beyond its instructions.")] = ""


class Kill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    target: Annotated[str, msgspec.Meta(description="A run's id, or an agent: then all its runs end.")]
    reason: Annotated[str, msgspec.Meta(description="Kept with the result.")] = "killed by an MCP client"


class Logs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    target: Annotated[str, msgspec.Meta(description="A run's id, or an agent: then its latest run.")] = ""
    lines: Annotated[int, msgspec.Meta(ge=1, le=1000, description="How many events, the last ones.")] = 100


@dataclass(frozen=True)
class Entry:
    """`changes`: it is not only looked at; `destroys`: what was under way ends; `again`: twice is as good as once."""

    name: str
    title: str
    description: str
    takes: type[msgspec.Struct]
    does: Callable[[Context, Any], dict[str, Any]]
    changes: bool = True
    destroys: bool = False
    again: bool = True

    def tool(self) -> Tool:
        schema = msgspec.json.schema(self.takes)["$defs"][self.takes.__name__]
        hints = ToolAnnotations(
            title=self.title,
            read_only_hint=not self.changes,
            destructive_hint=self.destroys,
            idempotent_hint=self.again,
        )
        return Tool(self.name, self.description, schema, hints)


ENTRIES = (
    Entry(
        "start", "Start the project", "Let the project run by itself, if it does not already.", Nothing, actions.start
    ),
    Entry(
        "stop",
        "Stop the project",
        "End the running project. Runs under way go on.",
        Nothing,
        actions.stop,
        destroys=True,
    ),
    Entry(
        "status",
        "Status",
        "How the running project stands: agents, runs, queue, cost, problems.",
        Nothing,
        actions.status,
        changes=False,
    ),
    Entry(
        "agents",
        "Agents",
        "The agents of the project, or one of them, with what starts each and how it stands.",
        PerhapsAgent,
        actions.agents,
        changes=False,
    ),
    Entry(
        "run",
        "Run an agent",
        "Let an agent begin a run. It spends money. Returns at once; `logs` tells what happens.",
        Run,
        actions.run,
        again=False,
    ),
    Entry("logs", "Logs", "What happened in a run: its last events.", Logs, actions.logs, changes=False),
    Entry(
        "pause",
        "Pause",
        "Begin no runs any more, or none of an agent. Runs under way go on.",
        PerhapsAgent,
        actions.pause,
    ),
    Entry("resume", "Resume", "Let runs begin again, or those of an agent.", PerhapsAgent, actions.resume),
    Entry("kill", "Kill", "End a run, or every run of an agent, at once.", Kill, actions.kill, destroys=True),
)


class Toolbox:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._entries = {entry.name: entry for entry in ENTRIES}
        self.tools = [entry.tool() for entry in ENTRIES]

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """What the tool gave. What it fails at is a result too, for the model to read; a call that cannot be one raises
        `McpError`."""
        entry = self._entries.get(name)
        if entry is None:
            raise McpError(INVALID_PARAMS, f"there is no tool {name[:100]}; there are: {', '.join(self._entries)}")
        try:
            given = msgspec.convert(arguments, entry.takes)
        except msgspec.ValidationError as error:
            wrong = FreeholdError(
                Code.USAGE, f"{name}: {error}", f"it takes: {', '.join(entry.takes.__struct_fields__)}"
            )
            return _failed(wrong)
        try:
            found = msgspec.to_builtins(entry.does(self._context, given))
        except FreeholdError as error:
            return _failed(error)
        return ToolResult([TextContent(msgspec.json.encode(found).decode())], found)


def _failed(error: FreeholdError) -> ToolResult:
    told = {"error": error.as_dict()}
    return ToolResult([TextContent(msgspec.json.encode(told).decode())], told, is_error=True)
