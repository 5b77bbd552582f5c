"""`freehold notices [list|test NAME]`: what people were told, and whether they can be."""

from __future__ import annotations

import asyncio

import click

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.gateway import gateway_of
from freehold.cli.output import print_json, say, table
from freehold.cli.when import local_time
from freehold.wire.service import NoticeView


@click.group(name="notices", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show what people were told of the running project, and what did not get through."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@command.command(name="list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the notices of the last two weeks, newest first."""
    found = gateway_of(context).get("/notices", list[NoticeView])
    if context.json:
        print_json(found)
    elif not found:
        say("Nobody was told anything.")
    else:
        rows = [(local_time(one.created_at), one.channel, one.title, _standing(one)) for one in found]
        table(["when", "channel", "notice", "standing"], rows)


@command.command(name="test")
@click.argument("channel")
@click.pass_obj
def test(context: Context, channel: str) -> None:
    """Send a notice to a channel of this project's config.toml now, and say whether it was taken."""
    asyncio.run(_send(context, channel))
    if context.json:
        print_json({"channel": channel, "taken": True})
    elif not context.quiet:
        say(f"{channel} took it.")


async def _send(context: Context, name: str) -> None:
    # Not at the top: other commands need neither the project nor an HTTP client.
    from freehold.base.clock import SystemClock
    from freehold.notices.message import trial_message
    from freehold.notices.sender import ChannelSender
    from freehold.project.load import load_project
    from freehold.project.problems import unknown
    from freehold.store.credentials import FileCredentialStore

    project = load_project(context.project_dir, home=context.home, environment=context.environment)
    found = project.config.notices.get(name)
    if found is None:
        hint = "docs/notices.md says how one is added to config.toml."
        raise FreeholdError(Code.NOT_FOUND, unknown("notice channel", name, project.config.notices), hint)
    clock = SystemClock()
    sender = ChannelSender(FileCredentialStore(context.home), clock)
    try:
        await sender.send(found, trial_message(project.name, clock.now()))
    except FreeholdError as error:
        raise FreeholdError(error.code, f"{name} did not take it: {error.message}", error.hint) from None


def _standing(one: NoticeView) -> str:
    if one.state == "sent" and one.sent_at:
        return f"sent {local_time(one.sent_at)}"
    if one.state == "given_up":
        return f"given up: {one.problem}"
    return f"waits: {one.problem}" if one.problem else "waits"
