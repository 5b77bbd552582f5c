"""Watching a run while its container runs: what it says, how long it takes, how much it fills."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration
from freehold.keeper.outcome import Stop
from freehold.keeper.testimony import LARGEST_FILE_BYTES, Testimony, discard
from freehold.runtime.engine import Exit
from freehold.wire.events import Limit
from freehold.wire.runs import Result, RunError

if TYPE_CHECKING:
    from freehold.keeper.run import Run

LOOK_INTERVAL_S = 0.05
RELOAD_INTERVAL_S = 1.0


async def watch_until_ended(run: Run) -> Exit | None:
    """The run's exit; None when its container is gone without one.

    Ends the run itself when its time, or what it may write, is used up.
    Raises what the engine raises when it stays away.
    """
    testimony = run.testimony = Testimony(run.directory.container_events, lines_taken=run.log.container_lines)
    tasks = [
        asyncio.create_task(_listen(run, testimony)),
        asyncio.create_task(_end_in_time(run)),
        asyncio.create_task(_kill_when_stopped(run)),
        asyncio.create_task(_reload_rules(run)),
    ]
    try:
        return await _wait_for_exit(run)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        take_in(run, testimony)


def take_in(run: Run, testimony: Testimony) -> None:
    """Move what the container wrote into the run's own log; end a run that floods."""
    for event in testimony.take():
        run.note(event)
    if testimony.flooded and run.file.record.stop is None:
        bound = f"{LARGEST_FILE_BYTES // 1024**2} MB"
        run.note(Limit(limit="events", message=f"the run wrote more than {bound} of events; it is ended"))
        error = RunError(Code.TOO_LARGE, f"the run flooded its event file (over {bound})", "See its last messages.")
        run.stop(Stop(Result.ERROR, error), grace_s=0)
        discard(run.directory.container_events)


async def _listen(run: Run, testimony: Testimony) -> None:
    while True:
        take_in(run, testimony)
        await run.means.clock.sleep(LOOK_INTERVAL_S)


async def _end_in_time(run: Run) -> None:
    record = run.file.record
    started = datetime.fromisoformat(record.container_started_at)
    left_s = record.timeout_s - (run.means.clock.now() - started).total_seconds()
    await run.means.clock.sleep(max(left_s, 0.0))
    error = RunError(
        Code.TIMEOUT,
        f"the run took longer than its timeout of {duration(record.timeout_s)}",
        f"Raise it in agents/{record.start.agent}/config.toml: timeout = {record.timeout_s * 2}    # seconds",
    )
    run.stop(Stop(Result.TIMEOUT, error, exit_code=124))


async def _kill_when_stopped(run: Run) -> None:
    await run.stopped()
    assert run.engine is not None
    await run.engine.kill(run.run_id, run.grace_s)


async def _reload_rules(run: Run) -> None:
    """Let an edit of the project's egress rules reach the runs that are under way."""
    seen = _edited(run)
    while True:
        await run.means.clock.sleep(RELOAD_INTERVAL_S)
        now = _edited(run)
        if now == seen or run.services is None:
            continue
        seen = now
        try:
            project = run.means.load(run.file.record.start.options.environment)
            run.services.reload(project, project.agent(run.file.record.start.agent))
        except FreeholdError as error:
            run.note(Limit(limit="reload", message=f"an edit was not taken over: {error.message}"))


def _edited(run: Run) -> list[int]:
    assert run.project is not None
    assert run.agent is not None
    root = run.project.root
    files = [root / "config.toml", root / ".env.toml", *(run.agent.directory / name for name in _AGENT_FILES)]
    return [_modified(file) for file in files]


_AGENT_FILES = ("config.toml", "SKILL.md")


def _modified(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


async def _wait_for_exit(run: Run) -> Exit | None:
    assert run.engine is not None
    try:
        return await run.engine.wait(run.run_id)
    except FreeholdError as error:
        if error.code is Code.NOT_FOUND:
            return None
        raise
