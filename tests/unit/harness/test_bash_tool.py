"""The tool bash: output within its bound, time within its bound, and no process left behind."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from freehold.harness.bash import Bash
from freehold.harness.output import LONGEST_HEAD, LONGEST_TAIL
from freehold.harness.tool import Place, ToolError


async def bash(cwd: Path, command: Any, seconds: Any = None, **env: str) -> str:
    arguments = {"command": command} | ({"timeout": seconds} if seconds is not None else {})
    tool = Bash()
    try:
        return await tool.run(arguments, Place(cwd, {"PATH": os.environ["PATH"], **env}))
    finally:
        tool.close()
        await asyncio.sleep(0)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # also between open and read
        return False


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while is_alive(pid):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("echo out; echo err >&2", "out\nerr\n"),
        ("true", "[no output]"),
        ("echo no; exit 3", "no\n\n[exit code 3]"),
        ("exit 3", "[exit code 3]"),
        ("kill -9 $$", "[ended by signal 9]"),
        ("printf 'caf\\351'", "caf\N{REPLACEMENT CHARACTER}"),
        ("cat; echo after", "after\n"),
        ("echo $((6*7)) | grep 42", "42\n"),
    ],
)
async def test_what_is_told(tmp_path: Path, command: str, told: str) -> None:
    assert await bash(tmp_path, command) == told


async def test_it_runs_in_the_sessions_directory_with_its_variables(tmp_path: Path) -> None:
    (tmp_path / "setup").write_text("export KEPT=yes")
    told = await bash(tmp_path, "pwd; echo $KEPT $A", BASH_ENV=str(tmp_path / "setup"), A="b")
    assert told == f"{tmp_path}\nyes b\n"


async def test_a_flood_is_kept_from_both_ends(tmp_path: Path) -> None:
    told = await bash(tmp_path, "echo first; head -c 30000000 /dev/zero | tr '\\0' x; echo; echo last")
    assert told.startswith("first\nxxx")
    assert told.endswith("xxx\nlast\n")
    assert "bytes cut; write the output to a file" in told
    assert len(told) < LONGEST_HEAD + LONGEST_TAIL + 200


async def test_a_command_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    told = await bash(tmp_path, "trap '' TERM; echo begun; sleep 3600 & echo $! > child; wait", 0.3)
    assert told.startswith("begun\n")
    assert "[ended after 0.3 s: it was still running]" in told
    await until_gone(int((tmp_path / "child").read_text()))


async def test_cancelling_leaves_no_process(tmp_path: Path) -> None:
    task = asyncio.ensure_future(bash(tmp_path, "echo $$ > pid; sleep 3600"))
    async with asyncio.timeout(10):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_gone(int((tmp_path / "pid").read_text()))


async def test_something_in_the_background_does_not_hold_the_answer(tmp_path: Path) -> None:
    told = await bash(tmp_path, "sleep 3600 & echo $! | tee child")
    child = int((tmp_path / "child").read_text())
    assert told == f"{child}\n"
    assert is_alive(child), "it goes on"
    os.kill(child, 9)


@pytest.mark.parametrize(
    ("command", "seconds", "message"),
    [
        ("", None, "not empty"),
        (None, None, "not empty"),
        ("a\0b", None, "not empty"),
        ("true", 0, "above zero"),
        ("true", "fast", "above zero"),
        ("true", True, "above zero"),
    ],
)
async def test_arguments_that_make_no_sense(tmp_path: Path, command: Any, seconds: Any, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        await bash(tmp_path, command, seconds)


async def test_a_directory_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be started in"):
        await bash(tmp_path / "gone", "true")
