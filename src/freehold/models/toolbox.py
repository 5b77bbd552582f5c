"""Which tools harnesses offer, and how a rehearsal uses them: a table (pure).

A row says how a tool of a certain name and kind takes a shell command or a file. The names are those of the builtin
harness, Claude Code, Codex, opencode and Gemini CLI (versions of November 2026); one row serves all who share it.
"""

from __future__ import annotations

import base64
import re
import shlex
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from freehold.base.errors import Code, FreeholdError
from freehold.base.plain_text import clipped
from freehold.base.words import one_of
from freehold.models.rehearsal_file import FileToWrite, Turn

Json = dict[str, Any]


@dataclass(frozen=True)
class OfferedTool:
    """A tool in a request. `kind` is `function`, or another type of OpenAI's (`custom`, `local_shell`, `shell`)."""

    name: str
    kind: str = "function"
    properties: tuple[str, ...] = ()
    """Names of its arguments, where it says them."""


@dataclass(frozen=True)
class ToolUse:
    """A call that a model makes: arguments as JSON, or for `custom` tools as `text`."""

    tool: OfferedTool
    arguments: Json
    text: str = ""


@dataclass(frozen=True)
class _ShellRow:
    name: str
    fill: Callable[[OfferedTool, str], ToolUse]
    kind: str = "function"


_SHOWN_TOOLS, _SHOWN_CHARACTERS = 100, 1000

_DESCRIPTION = "a step of the rehearsal"
_PATIENCE_MS = 30_000
"""Codex hands back control of a command that runs longer than this; 30 s is the most it takes."""


def _command(tool: OfferedTool, command: str) -> ToolUse:
    extra = {"description": _DESCRIPTION} if "description" in tool.properties else {}
    return ToolUse(tool, {"command": command} | extra)


def _cmd(tool: OfferedTool, command: str) -> ToolUse:
    extra = {"yield_time_ms": _PATIENCE_MS} if "yield_time_ms" in tool.properties else {}
    return ToolUse(tool, {"cmd": command} | extra)


def _command_list(tool: OfferedTool, command: str) -> ToolUse:
    return ToolUse(tool, {"command": ["bash", "-lc", command]})


def _commands(tool: OfferedTool, command: str) -> ToolUse:
    return ToolUse(tool, {"commands": [command]})


def _file(tool: OfferedTool, file: FileToWrite) -> ToolUse:
    key = next((name for name in _PATH_KEYS if name in tool.properties), _PATH_KEYS[0])
    return ToolUse(tool, {key: file.path, "content": file.content})


_ADDED_FILE = re.compile(
    r"\*\*\* Begin Patch\n\*\*\* Add File: (?P<path>[^\n]+)\n(?P<lines>(?:\+[^\n]*\n)*)\*\*\* End Patch"
)
_PATH_KEYS = ("path", "file_path", "filePath")

SHELL_ROWS: tuple[_ShellRow, ...] = (
    _ShellRow("bash", _command),  # builtin, opencode
    _ShellRow("Bash", _command),  # Claude Code
    _ShellRow("run_shell_command", _command),  # Gemini CLI
    _ShellRow("exec_command", _cmd),  # Codex
    _ShellRow("shell_command", _command),  # Codex, some models
    _ShellRow("shell", _command_list),  # Codex, older models
    _ShellRow("local_shell", _command_list, kind="local_shell"),  # Codex with OpenAI's own tool
    _ShellRow("shell", _commands, kind="shell"),  # OpenAI's own
)
WRITE_NAMES = ("write", "Write", "write_file")
"""Of builtin and opencode, Claude Code, Gemini CLI. Codex writes by patches; there the shell does it."""


def tool_use(turn: Turn, offered: list[OfferedTool], *, by_shell: bool = False) -> ToolUse | None:
    """How a turn is acted with the tools of a request; None when it only says something.

    `by_shell` writes files through the shell even where there is a tool for it.
    Raises `FreeholdError` (`REHEARSAL`) that lists the tools when none of them will do.
    """
    if turn.write is None:
        return _shell_use(turn.shell, offered) if turn.shell else None
    tool = next((tool for tool in offered if tool.kind == "function" and tool.name in WRITE_NAMES), None)
    if tool is not None and not by_shell:
        return _file(tool, turn.write)
    return _shell_use(write_command(turn.write), offered)


def can_write(offered: list[OfferedTool]) -> bool:
    return any(tool.kind == "function" and tool.name in WRITE_NAMES for tool in offered)


def write_command(file: FileToWrite) -> str:
    """A shell command that writes a file whatever is in it: nothing of the content is ever read by the shell."""
    encoded = base64.b64encode(file.content.encode()).decode()
    target = shlex.quote(file.path)
    folder = shlex.quote(str(PurePosixPath(file.path).parent))
    return f"mkdir -p {folder} && base64 -d > {target} <<'END_OF_FILE'\n{textwrap.fill(encoded, 76)}\nEND_OF_FILE"


def read_use(name: str, arguments: Json) -> Turn | None:
    """The turn that a real model's call of a tool would be in a rehearsal; None for tools that cannot be rehearsed."""
    path = next((arguments[key] for key in _PATH_KEYS if isinstance(arguments.get(key), str)), None)
    if name == "apply_patch" and isinstance(arguments.get("input"), str):
        return _patch_turn(arguments["input"])
    if name in WRITE_NAMES and path and isinstance(arguments.get("content"), str):
        return Turn(write=FileToWrite(path, arguments["content"]))
    if name not in {row.name for row in SHELL_ROWS}:
        return None
    command = arguments.get("command", arguments.get("cmd", arguments.get("commands")))
    if isinstance(command, list):
        words = [str(word) for word in command]
        shell = len(words) == 3 and words[1] in ("-c", "-lc")
        command = words[2] if shell else "\n".join(words) if "commands" in arguments else shlex.join(words)
    return Turn(shell=command) if isinstance(command, str) and command.strip() else None


def _patch_turn(patch: str) -> Turn:
    """Codex's patches: one that adds a single file is a `write`; another is given to `apply_patch` in the shell, which
    Codex knows there too (0.169.0)."""
    added = _ADDED_FILE.fullmatch(patch.strip())
    if added:
        lines = added["lines"].splitlines()
        return Turn(write=FileToWrite(added["path"], "".join(f"{line[1:]}\n" for line in lines)))
    mark = "END_OF_PATCH"
    while mark in patch:
        mark += "_"
    return Turn("", f"apply_patch <<'{mark}'\n{patch.strip()}\n{mark}")


def _shell_use(command: str, offered: list[OfferedTool]) -> ToolUse:
    for row in SHELL_ROWS:
        for tool in offered:
            if (tool.name, tool.kind) == (row.name, row.kind):
                return row.fill(tool, command)
    names = clipped(", ".join(tool.name for tool in offered[:_SHOWN_TOOLS]), _SHOWN_CHARACTERS) or "none"
    raise FreeholdError(
        Code.REHEARSAL, f"the harness offers no tool that a rehearsal knows for running a command; it offers: {names}",
        f"it must offer one of: {one_of({row.name for row in SHELL_ROWS})}",
    )  # fmt: skip
