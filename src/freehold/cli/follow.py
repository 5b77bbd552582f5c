"""Watching a run from its first event to its last, whatever happens to the keeper meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable

import click

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.event_view import EventView
from freehold.cli.output import note
from freehold.client.keeper import KeeperConnection, connect
from freehold.wire import events
from freehold.wire.events import AnyEvent
from freehold.wire.keeper import AnswerPermission, AttachRun, KillRun
from freehold.wire.runs import Result, RunView

_RECONNECTS = 5


class Follower:
    """Shows one run's events as they come. When the keeper dies, a new one is started and following goes on."""

    def __init__(self, context: Context, run_id: str, *, verbose: bool = False, answering: bool = False) -> None:
        self._context = context
        self._run_id = run_id
        self._show = _json_lines() if context.json else _text(EventView(verbose=verbose))
        self._answering = answering and not context.json and not context.no_input and sys.stdin.isatty()
        self._last_seq = 0
        self._finished: events.RunFinished | None = None

    async def follow(self, connection: KeeperConnection | None = None) -> events.RunFinished:
        """Returns the run's last event. Raises UNREACHABLE when no keeper can be had any more."""
        for _ in range(_RECONNECTS):
            connection = connection or await connect(self._context.project_dir, self._context.home)
            try:
                await self._attach(connection)
            except FreeholdError as error:
                if error.code is not Code.UNREACHABLE:
                    raise
            finally:
                await connection.close()
            if self._finished:
                return self._finished
            connection = None
            note("the keeper went away; starting a new one, which takes the run over")
        raise FreeholdError(
            Code.UNREACHABLE,
            f"the keeper of {self._context.project_dir} keeps going away",
            f"Its log is {self._context.project_dir / '.freehold' / 'keeper.log'}.",
        )

    async def _attach(self, connection: KeeperConnection) -> None:
        await connection.call("run/attach", AttachRun(self._run_id, self._last_seq), RunView)
        async for method, params in connection.notices():
            if method != "run/event":
                continue
            event = events.decode(bytes(params))
            self._last_seq = event.seq
            self._show(event)
            if isinstance(event, events.RunFinished):
                self._finished = event
                return
            if isinstance(event, events.PermissionAsked) and self._answering:
                await self._answer(connection, event)

    async def _answer(self, connection: KeeperConnection, asked: events.PermissionAsked) -> None:
        options = [option.id for option in asked.options]
        question = f"{asked.title}?"
        chosen = await asyncio.to_thread(click.prompt, question, type=click.Choice(options), err=True)
        with contextlib.suppress(FreeholdError):  # the deadline may have answered meanwhile; the event says so
            answer = AnswerPermission(self._run_id, asked.permission_id, chosen)
            await connection.call("run/answer", answer, type(None))


async def follow_until_interrupted(
    follower: Follower, context: Context, run_id: str, connection: KeeperConnection | None
) -> events.RunFinished:
    """The first Ctrl-C ends the run, the second leaves it running and raises `KeyboardInterrupt`."""
    following = asyncio.create_task(follower.follow(connection))
    interrupts = 0

    def interrupted() -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts == 1:
            note("stopping the run; Ctrl-C again leaves it running")
            stopping.append(asyncio.create_task(_kill(context, run_id)))
        else:
            following.cancel()

    stopping: list[asyncio.Task[None]] = []
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        return await following
    except asyncio.CancelledError:
        note(f"the run goes on; follow it with: freehold logs -f {run_id}")
        raise KeyboardInterrupt from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        for task in stopping:
            task.cancel()


async def _kill(context: Context, run_id: str) -> None:
    connection = await connect(context.project_dir, context.home)
    try:
        await connection.call("run/kill", KillRun(run_id, "interrupted with Ctrl-C"), RunView)
    finally:
        await connection.close()


def exit_code_of(finished: events.RunFinished) -> int:
    """`freehold run` exits 0 on `completed`, 1 on every other result (`docs/interfaces.md`, "Events")."""
    return 0 if finished.result == Result.COMPLETED else 1


def _json_lines() -> Callable[[AnyEvent], None]:
    return lambda event: click.echo(events.encode(event), nl=False)


def _text(view: EventView) -> Callable[[AnyEvent], None]:
    return lambda event: click.echo(view.text(event), nl=False)
