"""Turns become calls of the tools that each harness offers."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.base.errors import Code, FreeholdError
from freehold.models.conversation import offered_tools
from freehold.models.rehearsal_file import FileToWrite, Turn
from freehold.models.toolbox import read_use, tool_use, write_command
from freehold.project.wire_formats import WireFormat

ANTHROPIC, CHAT, RESPONSES, GOOGLE = WireFormat


def anthropic(name: str, *properties: str) -> dict[str, Any]:
    return {"name": name, "input_schema": {"type": "object", "properties": {name: {} for name in properties}}}


def function(name: str, *properties: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {name: {} for name in properties}}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


# As the programs offered them, November 2026: Claude Code 2.1.197, opencode 1.18.33, Codex 0.169.0, Gemini CLI 0.61.0.
CLAUDE_CODE = {"tools": [anthropic("Agent", "prompt"), anthropic("Bash", "command", "timeout", "description"),
                         anthropic("Edit", "file_path"), anthropic("Write", "file_path", "content")]}  # fmt: skip
OPENCODE = {"tools": [function("bash", "command", "timeout", "workdir"), function("edit", "filePath"),
                      function("write", "content", "filePath")]}  # fmt: skip
BUILTIN = {"tools": [function("bash", "command"), function("read", "path"), function("write", "path", "content")]}
CODEX = {"tools": [
    {"type": "function", "name": "exec_command", "parameters": {"properties": {"cmd": {}, "yield_time_ms": {}}}},
    {"type": "function", "name": "write_stdin", "parameters": {}},
    {"type": "custom", "name": "apply_patch", "format": {"type": "grammar"}}, {"type": "tool_search"},
]}  # fmt: skip
CODEX_SHELL = {"tools": [{"type": "function", "name": "shell", "parameters": {"properties": {"command": {}}}}]}
LOCAL_SHELL = {"tools": [{"type": "local_shell"}]}
GEMINI = {"tools": [{"functionDeclarations": [
    {"name": "read_file", "parametersJsonSchema": {"properties": {"file_path": {}}}},
    {"name": "write_file", "parametersJsonSchema": {"properties": {"file_path": {}, "content": {}}}},
    {"name": "run_shell_command", "parametersJsonSchema": {"properties": {"command": {}, "description": {}}}},
]}]}  # fmt: skip


@pytest.mark.parametrize(
    ("wire_format", "body", "name", "arguments"),
    [
        (CHAT, BUILTIN, "bash", {"command": "ls"}),
        (ANTHROPIC, CLAUDE_CODE, "Bash", {"command": "ls", "description": "a step of the rehearsal"}),
        (CHAT, OPENCODE, "bash", {"command": "ls"}),
        (RESPONSES, CODEX, "exec_command", {"cmd": "ls", "yield_time_ms": 30_000}),
        (RESPONSES, CODEX_SHELL, "shell", {"command": ["bash", "-lc", "ls"]}),
        (RESPONSES, LOCAL_SHELL, "local_shell", {"command": ["bash", "-lc", "ls"]}),
        (GOOGLE, GEMINI, "run_shell_command", {"command": "ls", "description": "a step of the rehearsal"}),
    ],
)
def test_a_command(wire_format: WireFormat, body: dict[str, Any], name: str, arguments: dict[str, Any]) -> None:
    use = tool_use(Turn(shell="ls"), offered_tools(wire_format, body))
    assert use is not None
    assert (use.tool.name, use.arguments) == (name, arguments)


@pytest.mark.parametrize(
    ("wire_format", "body", "name", "key"),
    [
        (CHAT, BUILTIN, "write", "path"),
        (ANTHROPIC, CLAUDE_CODE, "Write", "file_path"),
        (CHAT, OPENCODE, "write", "filePath"),
        (GOOGLE, GEMINI, "write_file", "file_path"),
    ],
)
def test_a_file(wire_format: WireFormat, body: dict[str, Any], name: str, key: str) -> None:
    turn = Turn(write=FileToWrite("NOTES.md", "text"))
    use = tool_use(turn, offered_tools(wire_format, body))
    assert use is not None
    assert (use.tool.name, use.arguments) == (name, {key: "NOTES.md", "content": "text"})
    assert read_use(name, use.arguments) == turn


@pytest.mark.parametrize("body", [CODEX, CODEX_SHELL, LOCAL_SHELL])
def test_a_file_by_the_shell_where_there_is_no_tool(body: dict[str, Any]) -> None:
    use = tool_use(Turn(write=FileToWrite("NOTES.md", "text")), offered_tools(RESPONSES, body))
    assert use is not None
    assert "base64 -d > NOTES.md" in str(use.arguments)


def test_an_unknown_set_of_tools_is_listed() -> None:
    offered = offered_tools(CHAT, {"tools": [function("think"), function("browse")]})
    with pytest.raises(FreeholdError, match="it offers: think, browse") as failure:
        tool_use(Turn(shell="ls"), offered)
    assert failure.value.code is Code.REHEARSAL
    assert "run_shell_command" in failure.value.hint
    assert tool_use(Turn(say="hi"), offered) is None


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["a.txt", "new folder/b'c.txt", "-x", "$HOME", "deep/er/`id`.txt"]),
    st.text(st.characters(codec="utf-8"), max_size=300),
)
def test_the_shell_writes_any_content_to_any_name(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: str
) -> None:
    folder = tmp_path_factory.mktemp("write")
    command = write_command(FileToWrite(name, content))
    subprocess.run(["bash", "-c", command], cwd=folder, check=True, env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere"})
    assert (folder / name).read_bytes() == content.encode()


def test_a_file_of_a_megabyte_is_written(tmp_path: Path) -> None:
    content = "0123456789abcdef" * 65_536
    subprocess.run(["bash"], input=write_command(FileToWrite("big", content)).encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "big").read_text() == content


@pytest.mark.parametrize(
    ("name", "arguments", "turn"),
    [
        ("Bash", {"command": "ls", "description": "x"}, Turn(shell="ls")),
        ("exec_command", {"cmd": "ls"}, Turn(shell="ls")),
        ("shell", {"command": ["bash", "-lc", "ls | wc"]}, Turn(shell="ls | wc")),
        ("shell", {"command": ["git", "log", "--format=%s x"]}, Turn(shell="git log '--format=%s x'")),
        ("shell", {"commands": ["ls", "pwd"]}, Turn(shell="ls\npwd")),
        ("write", {"filePath": "a", "content": ""}, Turn(write=FileToWrite("a", ""))),
        (
            "apply_patch",
            {"input": "*** Begin Patch\n*** Add File: a b.md\n+one\n+\n+two\n*** End Patch\n"},
            Turn(write=FileToWrite("a b.md", "one\n\ntwo\n")),
        ),
        (
            "apply_patch",
            {"input": "*** Begin Patch\n*** Update File: a\n@@\n-x\n+END_OF_PATCH\n*** End Patch"},
            Turn(
                shell="apply_patch <<'END_OF_PATCH_'\n*** Begin Patch\n*** Update File: a\n@@\n-x\n+END_OF_PATCH\n"
                "*** End Patch\nEND_OF_PATCH_"
            ),
        ),
        ("Edit", {"file_path": "a", "old_string": "x"}, None),
        ("bash", {"command": "  "}, None),
        ("bash", {}, None),
        ("write", {"path": "a"}, None),
    ],
)
def test_calls_of_real_models_become_turns(name: str, arguments: dict[str, Any], turn: Turn | None) -> None:
    assert read_use(name, arguments) == turn
