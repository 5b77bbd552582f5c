"""`freehold shell TARGET`: look around where an agent works."""

from __future__ import annotations

import asyncio
import sys

import click
import msgspec

from freehold.cli import terminal
from freehold.cli.context import Context
from freehold.cli.elsewhere import not_elsewhere
from freehold.cli.output import note, warn
from freehold.client.keeper import KeeperConnection, connected
from freehold.keeper.history import find_run
from freehold.project.load import load_project
from freehold.wire.keeper import OpenShell, ShellClosed, ShellData, ShellSize
from freehold.wire.runs import RunOptions

_END = b"\x04"
"""Ctrl-D: what says at a terminal that nothing more comes. One that comes before a program reads is lost."""
_END_EVERY_S = 1.0


@click.command(name="shell", context_settings={"ignore_unknown_options": True})
@click.argument("target")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.pass_obj
def command(context: Context, target: str, words: tuple[str, ...]) -> int:
    """Open a terminal where an agent works.

    TARGET is an agent (a container of its own, with the agent's mounts and egress, in which nothing runs) or a run that
    is under way (its id, or the last eight characters of it). With COMMAND, run that instead of a shell.
    """
    if not context.quiet and (warning := not_elsewhere(context, "this shell is")):
        warn(warning)
    return asyncio.run(_shell(context, _target(context, target), list(words)))


def _target(context: Context, target: str) -> str:
    project = load_project(context.project_dir, home=context.home, environment=context.environment)
    if target in project.agent_names:
        return target
    return find_run(context.project_dir, target)


async def _shell(context: Context, target: str, words: list[str]) -> int:
    async with connected(context.project_dir, context.home) as keeper:
        columns, rows = terminal.size()
        request = OpenShell(target, columns, rows, words, RunOptions(environment=context.environment))
        if not context.quiet and not words:
            note(f"a shell where {target} works; `exit` leaves")
        await keeper.call("shell/open", request, type(None))
        with terminal.raw_mode(), terminal.on_resize(lambda: _resized(keeper)):
            typing = asyncio.create_task(_type(keeper))
            try:
                return await _show(keeper)
            finally:
                typing.cancel()
                await asyncio.gather(typing, return_exceptions=True)


async def _type(keeper: KeeperConnection) -> None:
    async for data in terminal.keys():
        await keeper.notify("shell/data", ShellData(data))
    while True:  # the end of a file or a pipe: whatever reads there next is told, and the shell in the end
        await keeper.notify("shell/data", ShellData(_END))
        await asyncio.sleep(_END_EVERY_S)


async def _show(keeper: KeeperConnection) -> int:
    async for method, params in keeper.notices():
        if method == "shell/data":
            sys.stdout.buffer.write(msgspec.json.decode(params, type=ShellData).data)
            sys.stdout.buffer.flush()
        elif method == "shell/closed":
            return msgspec.json.decode(params, type=ShellClosed).exit_code
    return 1


_resizing: set[asyncio.Task[None]] = set()


def _resized(keeper: KeeperConnection) -> None:
    task = asyncio.ensure_future(keeper.notify("shell/resize", ShellSize(*terminal.size())))
    _resizing.add(task)
    task.add_done_callback(_resizing.discard)
