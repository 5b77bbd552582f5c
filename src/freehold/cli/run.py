"""`freehold run AGENT [PROMPT]`: run an agent now and watch it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import click

from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.cli.context import Context, environment_of
from freehold.cli.follow import Follower, exit_code_of, follow_until_interrupted, kill_interrupted
from freehold.cli.output import note, print_json, say
from freehold.client.keeper import MOST_KEEPERS, KeeperConnection, KeeperGoneError, connect
from freehold.wire.runs import RunOptions, RunView, StartRun, Trigger, TriggerType

_LAST_WORD_S = 5.0


@click.command(name="run")
@click.argument("agent")
@click.argument("prompt", default="")
@click.option("-d", "--detach", is_flag=True, help="Start it and leave; `freehold logs -f` follows it.")
@click.option(
    "--rehearse", is_flag=True, help="Answer the model's part from the agent's rehearsal.yaml: no key, no cost."
)
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    help="Write what the model did to this file, as a rehearsal of this run.",
)
@click.option(
    "--continue", "continued", metavar="RUN", default="", help="Say PROMPT to a run that has ended, in a new run."
)
@click.option("-v", "--verbose", is_flag=True, help="Whole tool outputs, thoughts, every connection and request.")
@click.pass_obj
def command(
    context: Context,
    agent: str,
    prompt: str,
    detach: bool,
    rehearse: bool,
    record: Path | None,
    continued: str,
    verbose: bool,
) -> int:
    """Run AGENT now, with an optional PROMPT, and show what happens until it ends.

    With -E it runs on that environment's server, where the project must be running.
    Ends with the result, the time of each phase, tokens and cost. Exit code 0 when the run completed, else 1.
    With --continue the project must be running (`freehold start`).
    """
    if continued:
        from freehold.cli.run_continue import continue_run  # it loads how to call a gateway

        if rehearse or record:
            raise FreeholdError(Code.USAGE, "--continue goes on as the run began", "leave out --rehearse and --record")
        return continue_run(context, agent, continued, prompt, detach=detach, verbose=verbose)
    if environment_of(context):
        from freehold.cli.run_elsewhere import run_elsewhere  # it loads how to call a gateway

        code = run_elsewhere(context, agent, prompt, detach=detach, verbose=verbose, rehearse=rehearse, record=record)
        if code is not None:
            return code
    options = RunOptions(
        environment=context.environment,
        rehearse=rehearse,
        record=str(_writable(record.absolute())) if record else "",
        interactive=not detach and not context.no_input,
    )
    start = StartRun(new_run_id(agent), agent, Trigger(TriggerType.MANUAL, prompt=prompt), options=options)
    return asyncio.run(start_and_follow(context, start, detach=detach, verbose=verbose))


def _writable(record: Path) -> Path:
    """Told before a run is paid for; the file itself is written at its end."""
    if record.is_dir() or not record.parent.is_dir():
        what = "is a folder" if record.is_dir() else f"cannot be written: there is no folder {record.parent}"
        raise FreeholdError(Code.USAGE, f"--record: {record} {what}", "name a file, such as agents/NAME/rehearsal.yaml")
    return record


async def start_and_follow(context: Context, start: StartRun, *, detach: bool = False, verbose: bool = False) -> int:
    """Start the run at the keeper, then follow it; the exit code of the command."""
    view, connection = await begin_run(context, start)
    if detach:
        await connection.close()
        _tell_detached(context, view)
        return 0
    follower = Follower(context, start.run_id, verbose=verbose, answering=True)
    finished = await follow_until_interrupted(follower, context, start.run_id, connection)
    return exit_code_of(finished)


async def begin_run(context: Context, start: StartRun) -> tuple[RunView, KeeperConnection]:
    """Begin the run, and the connection that it can be followed on. Cancelled, it leaves no run behind."""
    try:
        return await _start(context, start)
    except asyncio.CancelledError:  # Ctrl-C, and it may have begun all the same
        with contextlib.suppress(FreeholdError, TimeoutError):
            async with asyncio.timeout(_LAST_WORD_S):
                await kill_interrupted(context, start.run_id)
        raise


async def _start(context: Context, start: StartRun) -> tuple[RunView, KeeperConnection]:
    """Ask until a keeper has taken the run on: however often it is asked, the same run id is one run."""
    for attempt in range(1, MOST_KEEPERS + 1):
        connection: KeeperConnection | None = None
        try:
            connection = await connect(context.project_dir, context.home)
            return await connection.call("run/start", start, RunView), connection
        except BaseException as error:
            if connection:
                await connection.close()
            if not isinstance(error, KeeperGoneError) or attempt == MOST_KEEPERS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _tell_detached(context: Context, view: RunView) -> None:
    if context.json:
        print_json(view)
        return
    say(view.run_id)
    if not context.quiet:
        note(f"{view.state}; follow it with: freehold logs -f {view.run_id}")
