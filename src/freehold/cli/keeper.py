"""`freehold keeper status|stop|run`: the process behind the other commands. Seldom needed, so it is not listed."""

from __future__ import annotations

import asyncio

import click

from freehold.base.words import plural
from freehold.cli.context import Context
from freehold.cli.output import print_json, say
from freehold.cli.when import local_time
from freehold.client.keeper import connected
from freehold.wire.keeper import KeeperStatus


@click.group(name="keeper")
def command() -> None:
    """The process that keeps runs: started on demand, gone when idle."""


@command.command(name="status")
@click.pass_obj
def status(context: Context) -> None:
    """Say whether a keeper runs, and what it keeps."""
    answer = asyncio.run(_status(context))
    if context.json:
        print_json(answer)
        return
    say(f"keeper {answer.pid} since {local_time(answer.started_at)}: {plural(answer.active_runs, 'run')} under way")
    say(f"Docker: {answer.engine or answer.engine_error}")


@command.command(name="stop")
@click.pass_obj
def stop(context: Context) -> None:
    """End the keeper. Runs go on; the next command starts a keeper that takes them over."""
    asyncio.run(_stop(context))
    say("stopped; runs go on")


@command.command(name="run")
@click.pass_obj
def run(context: Context) -> None:
    """Keep the project's runs until told to end: what a server's unit does."""
    from freehold.keeper.main import keep

    keep(context.project_dir, context.home, idle_s=0)


async def _status(context: Context) -> KeeperStatus:
    async with connected(context.project_dir, context.home, start=False) as keeper:
        return await keeper.call("keeper/status", {}, KeeperStatus)


async def _stop(context: Context) -> None:
    async with connected(context.project_dir, context.home, start=False) as keeper:
        await keeper.stop_keeper()
