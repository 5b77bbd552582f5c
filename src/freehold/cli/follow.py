"""Watching a run from its first event to its last, whatever happens to the keeper meanwhile."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import click

from freehold.base.errors import Code, FreeholdError
from freehold.cli.context import Context
from freehold.cli.event_view import EventView
from freehold.cli.output import json_line, note
from freehold.cli.question import TerminalQuestions
from freehold.client.keeper import MOST_KEEPERS, KeeperConnection, KeeperGoneError, ask, connect
from freehold.project.state import keeper_directory
from freehold.wire import events
from freehold.wire.events import AnyEvent
from freehold.wire.keeper import LOG_FILE, AnswerPermission, AttachRun, KillRun
from freehold.wire.runs import Phase, Result, RunState, RunView

_ELSEWHERE = (
    "nobody can be asked here; the agent's permission_default decides, unless somebody at a terminal runs: "
    "freehold logs -f {}"
)


_WAITS_S = 1.0
"""A run is queued for some milliseconds in any case; one that is for longer waits for something."""


class Follower:
    """Shows one run's events as they come. When the keeper dies, a new one is started and following goes on."""

    def __init__(
        self,
        context: Context,
        run_id: str,
        *,
        verbose: bool = False,
        answering: bool = False,
        show: Callable[[AnyEvent], None] | None = None,
    ) -> None:
        self._context = context
        self._run_id = run_id
        self._show = show or shower(context, verbose=verbose)
        self._answering = answering and not context.json and not context.no_input
        self._questions = TerminalQuestions(self._answer, _ELSEWHERE.format(run_id))
        self._last_seq = 0
        self._begun = False
        self._finished: events.RunFinished | None = None

    async def follow(self, connection: KeeperConnection | None = None) -> events.RunFinished:
        """Returns the run's last event. Raises UNREACHABLE when no keeper can be had any more."""
        try:
            return await self._follow(connection)
        finally:
            await self._questions.close()

    def ask_no_more(self) -> None:
        """The person wants out: a question that stands is taken back, and none is put any more."""
        self._questions.stop()

    async def _follow(self, connection: KeeperConnection | None) -> events.RunFinished:
        without_news = 0
        while without_news < MOST_KEEPERS:
            seen = self._last_seq
            try:
                connection = connection or await connect(self._context.project_dir, self._context.home)
                await self._attach(connection)
            except KeeperGoneError:
                pass  # told below
            finally:
                if connection:
                    await connection.close()
            if self._finished:
                return self._finished
            connection = None
            without_news = 0 if self._last_seq > seen else without_news + 1
            note("the keeper went away; starting a new one, which takes the run over")
        raise FreeholdError(
            Code.UNREACHABLE,
            f"the keeper of {self._context.project_dir} keeps going away",
            f"Its log is {keeper_directory(self._context.project_dir) / LOG_FILE}.",
        )

    async def _attach(self, connection: KeeperConnection) -> None:
        view = await connection.call("run/attach", AttachRun(self._run_id, self._last_seq), RunView)
        waiting = asyncio.create_task(self._tell_that_it_waits()) if view.state is RunState.QUEUED else None
        try:
            await self._show_all(connection)
        finally:
            if waiting:
                waiting.cancel()

    async def _tell_that_it_waits(self) -> None:
        await asyncio.sleep(_WAITS_S)
        if not self._begun and not self._context.quiet:
            note("it waits until a slot of its agent is free (`freehold runs` shows what is under way)")

    async def _show_all(self, connection: KeeperConnection) -> None:
        async for method, params in connection.notices():
            if method == "run/end":
                return
            if method != "run/event":
                continue
            event = events.decode(bytes(params))
            self._last_seq = event.seq
            self._begun = self._begun or not _is_of_the_queue(event)
            self._questions.before()
            self._show(event)
            if self._answering:
                self._questions.see(event)
            if isinstance(event, events.RunFinished):
                self._finished = event
                return

    async def _answer(self, permission_id: str, option_id: str) -> None:
        answer = AnswerPermission(self._run_id, permission_id, option_id)
        # A connection of its own: on the first one, events may have piled up in front of the answer meanwhile.
        try:
            await ask(self._context.project_dir, self._context.home, "run/answer", answer, type(None))
        except FreeholdError as error:
            if error.code is not Code.NOT_FOUND:  # else somebody was faster, or the deadline; the event says who
                note(f"  the answer did not arrive: {error.message}")


async def follow_until_interrupted(
    follower: Follower, context: Context, run_id: str, connection: KeeperConnection | None
) -> events.RunFinished:
    """The first Ctrl-C ends the run; the second does not wait for its end, and raises `KeyboardInterrupt`."""
    following = asyncio.create_task(follower.follow(connection))
    stopping: list[asyncio.Task[None]] = []

    def interrupted() -> None:
        follower.ask_no_more()
        if stopping:
            following.cancel()
        else:
            note("stopping the run; Ctrl-C again does not wait for its end")
            stopping.append(asyncio.create_task(kill_interrupted(context, run_id)))

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        return await following
    except BrokenPipeError:
        note(f"nobody reads this any more; the run goes on; follow it with: freehold logs -f {run_id}")
        raise
    except asyncio.CancelledError:
        told = stopping and stopping[0].done() and not stopping[0].exception()
        note(f"the run {'is ending' if told else 'goes on'}; follow it with: freehold logs -f {run_id}")
        raise KeyboardInterrupt from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        for task in stopping:
            task.cancel()
        await asyncio.gather(*stopping, return_exceptions=True)


async def kill_interrupted(context: Context, run_id: str) -> None:
    """End a run because its person pressed Ctrl-C."""
    reason = KillRun(run_id, "interrupted with Ctrl-C")
    await ask(context.project_dir, context.home, "run/kill", reason, RunView)


def _is_of_the_queue(event: AnyEvent) -> bool:
    return isinstance(event, events.RunQueued) or (
        isinstance(event, events.PhaseStarted) and event.phase is Phase.QUEUE
    )


def exit_code_of(finished: events.RunFinished) -> int:
    """`freehold run` exits 0 on `completed`, 1 on every other result (`docs/interfaces.md`, "Events")."""
    return 0 if finished.result == Result.COMPLETED else 1


def shower(context: Context, *, verbose: bool) -> Callable[[AnyEvent], None]:
    """What shows one event after the other: JSON lines, or text; of a quiet command only the last one."""
    if context.json:
        return lambda event: _echo_json(event, quiet=context.quiet)
    view = EventView(verbose=verbose, quiet=context.quiet)
    return lambda event: click.echo(view.text(event), nl=False)


def _echo_json(event: AnyEvent, *, quiet: bool) -> None:
    if not quiet or isinstance(event, events.RunFinished):
        click.echo(json_line(events.encode(event)))
