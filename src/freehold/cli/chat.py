"""`freehold chat AGENT`: talk with an agent."""

from __future__ import annotations

import asyncio
import sys

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.cli.chat_lines import LineChat
from freehold.cli.chat_talk import Talk
from freehold.cli.context import Context
from freehold.cli.elsewhere import not_elsewhere
from freehold.cli.follow import exit_code_of
from freehold.cli.output import warn
from freehold.cli.question import at_terminal
from freehold.cli.run import begin_run
from freehold.client.keeper import KeeperConnection
from freehold.keeper.history import find_run, record_of
from freehold.project.state import keeper_directory
from freehold.wire.events import RunFinished
from freehold.wire.runs import RunOptions, RunState, RunView, StartRun, Trigger, TriggerType


@click.command(name="chat")
@click.argument("agent", default="")
@click.argument("message", default="")
@click.option("--continue", "continued", metavar="RUN", help="Go on with a chat that is still open.")
@click.option(
    "--rehearse", is_flag=True, help="Answer the model's part from the agent's rehearsal.yaml: no key, no cost."
)
@click.option("-v", "--verbose", is_flag=True, help="Whole tool outputs, thoughts, every connection and request.")
@click.pass_obj
def command(context: Context, agent: str, message: str, continued: str | None, rehearse: bool, verbose: bool) -> int:
    """Talk with AGENT, beginning with MESSAGE if one is given: a run that answers what you say until you are done.

    At a terminal, Ctrl-C interrupts the agent, twice ends the run, and Ctrl-D finishes; /help says more. Elsewhere each
    line of standard input is a message, and its end finishes. Exit code 0 when the chat completed, else 1.
    """
    if continued:
        if rehearse or message:
            raise FreeholdError(Code.USAGE, "--continue goes on as the chat began", "leave out --rehearse and MESSAGE")
        return asyncio.run(_go_on(context, _open_chat(context, continued), verbose=verbose))
    if not agent:
        raise FreeholdError(Code.USAGE, "which agent?", "freehold chat AGENT, or freehold chat --continue RUN")
    if not context.quiet and (warning := not_elsewhere(context, "this chat is")):
        warn(warning)
    options = RunOptions(environment=context.environment, rehearse=rehearse, interactive=not context.no_input)
    trigger = Trigger(TriggerType.CHAT, prompt=message)
    return asyncio.run(_begin(context, StartRun(new_run_id(agent), agent, trigger, options=options), verbose=verbose))


async def _begin(context: Context, start: StartRun, *, verbose: bool) -> int:
    _view, connection = await begin_run(context, start)
    return exit_code_of(await _hold(context, start.run_id, connection, 1 if start.trigger.prompt else 0, verbose))


async def _go_on(context: Context, view: RunView, *, verbose: bool) -> int:
    return exit_code_of(await _hold(context, view.run_id, None, 0, verbose))


async def _hold(
    context: Context, run_id: str, connection: KeeperConnection | None, first: int, verbose: bool
) -> RunFinished:
    talk = Talk(context, run_id)
    if context.json or context.no_input or not (at_terminal() and sys.stdout.isatty()):
        return await LineChat(context, talk, verbose=verbose).hold(connection, first)
    from freehold.cli.chat_terminal import TerminalChat  # 100 ms, which pipes need not wait for

    return await TerminalChat(context, talk, verbose=verbose).hold(connection)


def _open_chat(context: Context, target: str) -> RunView:
    """The chat that `target` means. Raises NOT_FOUND, and CONFLICT for a run that nobody can talk with."""
    state = keeper_directory(context.project_dir)
    record = record_of(state, find_run(context.project_dir, target))
    if record is None:
        raise FreeholdError(Code.NOT_FOUND, f"there is no run {target}", "`freehold runs` lists them.")
    view = record.view
    if view.trigger.type is not TriggerType.CHAT:
        raise FreeholdError(Code.CONFLICT, f"{view.run_id} is no chat", f"Begin one: freehold chat {view.agent}")
    if view.state is RunState.FINISHED:
        raise FreeholdError(
            Code.CONFLICT,
            f"the chat {view.run_id} has ended",
            f"`freehold logs {view.run_id}` shows it; begin another: freehold chat {view.agent}",
        )
    return view
