"""`freehold start`: let the project run by itself, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import sys

import click

from freehold.base import log
from freehold.cli.context import LOCAL, Context
from freehold.cli.output import note
from freehold.gateway.listening import Address
from freehold.gateway.main import serve

_logger = logging.getLogger("freehold.start")


@click.command(name="start")
@click.option("-H", "--headless", is_flag=True, help="Log lines instead of a live view, also on a terminal.")
@click.option("-w", "--web", is_flag=True, help="Serve the console too, for a browser.")
@click.option("-e", "--expose", is_flag=True, help="Listen on every address of this machine [127.0.0.1 alone].")
@click.option("--port", type=click.IntRange(0, 65535), help="Listen here [gateway.port]; 0: any free one.")
@click.pass_obj
def command(context: Context, headless: bool, web: bool, expose: bool, port: int | None) -> None:
    """Let the project run by itself: agents run on schedules, on webhooks, when asked, and when another one calls.

    Always on this machine; -E lays an environment's file over the configuration. Ctrl-C ends it, and its runs go on:
    the next start goes on with them, and with what waits.
    """
    if not context.quiet and (warning := not_there(context)):
        note(warning)
    live = not (headless or context.json or context.quiet) and sys.stdin.isatty() and sys.stdout.isatty()
    if live:
        from freehold.cli.live_view import start_with_view  # rich is not loaded for a service

        asyncio.run(start_with_view(context, web=web, expose=expose, port=port))
        return
    log.set_up()
    asyncio.run(_start_with_log(context, web=web, expose=expose, port=port))


def not_there(context: Context) -> str:
    """What whoever names a server with -E is told: nothing is started there. Raises NOT_FOUND, CONFIG."""
    name = context.environment
    if not name or name == LOCAL:
        return ""
    from freehold.client.environment_address import has_address  # what leads to servers, a service need not load

    return (
        f"this starts the project on this machine; on {name} a push starts it"
        if has_address(context.home, name)
        else ""
    )


async def _start_with_log(context: Context, *, web: bool, expose: bool, port: int | None) -> None:
    root = context.project_dir

    def ready(address: Address) -> None:
        _logger.info("started", extra={"project": str(root), "host": address.host, "port": address.port})

    await serve(root, context.home, context.environment, port=port, expose=expose, web=web, ready=ready)
    _logger.info("stopped; runs go on", extra={"project": str(root)})
