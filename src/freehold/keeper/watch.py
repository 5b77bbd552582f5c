"""Watching a run while its container runs: what it says, how long it takes, how much it fills."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration
from freehold.keeper.chats import end_when_quiet
from freehold.keeper.edits import edits_of, newest_revision
from freehold.keeper.outcome import Stop
from freehold.keeper.preparation import load
from freehold.keeper.testimony import Testimony
from freehold.runtime.engine import Exit
from freehold.wire.events import Limit
from freehold.wire.runs import Result, RunError

if TYPE_CHECKING:
    from freehold.keeper.run import Run

LOOK_INTERVAL_S = 0.05
RELOAD_INTERVAL_S = 1.0
_RETRY_S = 1.0

_logger = logging.getLogger(__name__)


async def watch_until_ended(run: Run) -> Exit | None:
    """The run's exit; None when its container is gone without one.

    Ends the run itself when its time, or what it may write, is used up.
    Raises what the engine raises when it stays away.
    """
    testimony = run.testimony = Testimony(run.directory.container_events, lines_taken=run.log.container_lines)
    works = (_listen, _end_in_time, _kill_when_stopped, _keep_rules, end_when_quiet)
    tasks = [asyncio.create_task(_or_end(run, work)) for work in works]
    try:
        ended = await _wait_for_exit(run)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await _take_in_rest(run, testimony)
    return ended


def take_in(run: Run, testimony: Testimony) -> bool:
    """Move a piece of what the container wrote into the run's own log; end a run that floods. Whether there is more."""
    for event in testimony.take():
        run.note(event)
    if testimony.flooded and run.file.record.stop is None:
        run.note(Limit(limit="events", message=f"the run wrote more than {testimony.flooded}; it is ended"))
        message = f"the run flooded its event file: more than {testimony.flooded}"
        run.stop(Stop(Result.ERROR, RunError(Code.TOO_LARGE, message, "See its last messages.")), grace_s=0)
        testimony.discard()
    return testimony.more


async def _take_in_rest(run: Run, testimony: Testimony) -> None:
    more = True
    while more:
        more = take_in(run, testimony)
        await run.means.clock.sleep(0)
    for event in testimony.close():
        run.note(event)


async def _or_end(run: Run, work: Callable[[Run], Awaitable[None]]) -> None:
    """A run that is not watched any more must not go on: end it, with the reason."""
    try:
        await work(run)
    except FreeholdError as error:
        run.give_up(error)
    except Exception as error:  # a defect of ours, told as one
        _logger.exception("watching a run failed", extra={"run_id": run.run_id})
        run.give_up(FreeholdError(Code.INTERNAL, f"{type(error).__name__}: {error}", "Report this with keeper.log."))


async def _listen(run: Run) -> None:
    assert run.testimony is not None
    while True:
        more = take_in(run, run.testimony)
        await run.means.clock.sleep(0 if more else LOOK_INTERVAL_S)


async def _end_in_time(run: Run) -> None:
    record = run.file.record
    started = datetime.fromisoformat(record.container_started_at)
    left_s = record.timeout_s - (run.means.clock.now() - started).total_seconds()
    await run.means.clock.sleep(max(left_s, 0.0))
    hint = f"Raise it in agents/{record.start.agent}/config.toml: timeout = {record.timeout_s * 2}    # seconds"
    if record.start.is_chat:
        hint = f"Begin another chat: freehold chat {record.start.agent}"
    error = RunError(Code.TIMEOUT, f"the run took longer than its timeout of {duration(record.timeout_s)}", hint)
    run.stop(Stop(Result.TIMEOUT, error, exit_code=124))


async def _kill_when_stopped(run: Run) -> None:
    """Kill until it is dead: an engine that is away for a moment must not leave a run that nobody ends."""
    await run.stopped()
    assert run.engine is not None
    while True:
        try:
            await run.engine.kill(run.run_id, run.grace_s)
        except FreeholdError as error:
            _logger.warning("a run is not killed yet", extra={"run_id": run.run_id, "error": error.message})
        await run.means.clock.sleep(_RETRY_S)


async def _keep_rules(run: Run) -> None:
    """Let an edit of the project's egress rules reach the runs that are under way.

    A run that was taken over while its configuration could not be read is served from when it can be.
    """
    seen, told = run.edits, run.unserved
    while run.services or run.unserved:
        now = edits_of(run.means.root, run.file.record.start)
        if now == seen and not run.unserved:
            await run.means.clock.sleep(RELOAD_INTERVAL_S)
            continue
        seen = now
        problem = await _reload(run)
        if problem and problem != told:
            run.note(Limit(limit="reload", message=f"an edit was not taken over: {problem}"))
        told = problem
        await run.means.clock.sleep(RELOAD_INTERVAL_S)


async def _reload(run: Run) -> str:
    """What keeps the edited configuration from being taken over; empty when it was."""
    try:
        if run.services is None:
            project, agent = load(run)
            run.services = await run.means.open_services(run, project, agent, serve=True)
            run.unserved = ""
        else:
            start = run.file.record.start
            project = run.means.load(start.options.environment, newest_revision(run.means.root, start))
            run.services.reload(project, project.agent(start.agent))
    except FreeholdError as error:
        return error.message
    return ""


async def _wait_for_exit(run: Run) -> Exit | None:
    assert run.engine is not None
    try:
        return await run.engine.wait(run.run_id)
    except FreeholdError as error:
        if error.code is Code.NOT_FOUND:
            return None
        raise
