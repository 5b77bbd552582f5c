"""An engine that goes away before a run has said its first word: the run waits for it, and is prepared anew.

That is nobody's failure but the engine's, and nothing was done that would be done twice: a runner says its first word
before it does anything else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from freehold.base.errors import Code, FreeholdError
from freehold.base.words import duration
from freehold.keeper.outcome import Stop
from freehold.keeper.readiness import require_engine
from freehold.keeper.record import Step
from freehold.runtime.engine import Exit
from freehold.wire.events import Limit
from freehold.wire.exits import ExitCode
from freehold.wire.runs import Result, RunError, RunState

if TYPE_CHECKING:
    from freehold.keeper.run import Run

PATIENCE_S = 120.0
"""How long an engine may stay away before the runs that wait for it are given up: a machine that boots starts Docker
late. What a scheduler dispatched is then dispatched anew."""
MOST_IN_VAIN = 3
"""Outages in a row of which nothing is seen any more when they are looked at: then it is something else."""
_LOOK_S = 1.0
_SHUTDOWN_LOOKS = 6
_SHUTDOWN_LOOK_S = 0.5
"""A Docker that is being stopped goes on answering for a moment, and refuses what it has closed already ("database not
open" for a volume, 20.10): so long it is looked whether it goes away, before a refusal is taken for its word."""
_OF_AN_ENGINE = frozenset({Code.UNREACHABLE, Code.FAILED, Code.IMAGE})
"""What fails with one of these may have failed because the engine is away, a build that was cut off for example."""


class Outages:
    """Those of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._in_vain = 0

    async def explain(self, error: FreeholdError) -> FreeholdError | None:
        """Whether the run failed because its engine is away, and is to wait for it: what the engine's absence looks
        like. None: it is a failure like any other.

        A person who asked for a run without a service is told at once that Docker is not running.
        """
        if error.code not in _OF_AN_ENGINE or self._has_spoken():
            return None
        record = self._run.file.record
        if not record.start.trigger.id and record.step in (Step.QUEUED, Step.IMAGE):
            return None
        problem = await self._problem()
        if error.code is not Code.UNREACHABLE:
            return problem or await self._going_away()
        if problem is None and self._in_vain < MOST_IN_VAIN:
            problem = error  # it was away, and is back already
        return problem

    async def explain_exit(self, ended: Exit | None) -> FreeholdError | None:
        """The same for a container that ended without a word."""
        if ended is None or self._run.file.record.stop is not None or self._has_spoken():
            return None
        problem = await self._problem()
        if problem is None and ended.engine_was_away:
            problem = FreeholdError(Code.UNREACHABLE, "its engine was away, and ended the run's container")
        return problem

    async def with_its_cause(self, ended: Exit | None) -> Exit | None:
        """`ended`, told whether the engine did it. One that is being stopped ends its containers first, and goes on
        answering meanwhile."""
        is_signalled = ended is not None and ended.code in (ExitCode.KILLED, ExitCode.TERMINATED)
        if ended is None or not is_signalled or ended.engine_was_away or self._run.file.record.stop is not None:
            return ended
        return replace(ended, engine_was_away=await self._going_away() is not None)

    async def wait_out(self, problem: FreeholdError) -> None:
        """Until the engine answers again, and the run may be prepared anew. Raises `problem` once it stayed away for
        `PATIENCE_S`; the run is then stopped as lost.
        """
        run, clock = self._run, self._run.means.clock
        await self._withdraw(problem)
        since = clock.monotonic()
        seen = False
        try:
            while away := await self._look_at_what_is_left():
                seen = True
                if clock.monotonic() - since >= PATIENCE_S:
                    self._give_up(away)
                    raise away
                await clock.sleep(_LOOK_S)
        finally:
            run.file.show(status_text="")
        self._in_vain = 0 if seen else self._in_vain + 1

    async def _problem(self) -> FreeholdError | None:
        """Why the engine cannot be asked now."""
        try:
            await require_engine(self._run.means, self._run.view.engine)
        except FreeholdError as error:
            return error
        return None

    async def _going_away(self) -> FreeholdError | None:
        for _ in range(_SHUTDOWN_LOOKS):
            await self._run.means.clock.sleep(_SHUTDOWN_LOOK_S)
            if problem := await self._problem():
                return problem
        return None

    def _has_spoken(self) -> bool:
        run = self._run
        if run.log.container_lines or run.concluded:
            return True
        try:
            return run.directory.container_events.stat().st_size > 0
        except OSError:
            return False

    async def _withdraw(self, problem: FreeholdError) -> None:
        """Back to before the container; whoever looks is told what is waited for."""
        run = self._run
        if run.services:
            await run.services.close(run_over=False)
            run.services = None
        waits = f"waits for {run.view.engine} to answer again"
        run.note(Limit(limit="engine", message=f"{problem.message}; the run {waits}, at most {duration(PATIENCE_S)}"))
        run.file.show(state=RunState.STARTING, started_at=None, status_text=f"{waits}: {problem.message}")
        run.enter(Step.IMAGE)

    async def _look_at_what_is_left(self) -> FreeholdError | None:
        """Why the engine cannot be asked yet. Once it can, a container that it ended before its first word is removed;
        one that outlived the engine goes on.
        """
        run = self._run
        if problem := await self._problem():
            return problem
        assert run.engine is not None
        try:
            found = [one for one in await run.engine.find(run.file.record.project) if one.run_id == run.run_id]
            if found and not found[0].running and not self._has_spoken():
                await run.engine.remove(run.run_id)
        except FreeholdError as error:
            if error.code is not Code.UNREACHABLE:
                raise
            return error
        return None

    def _give_up(self, away: FreeholdError) -> None:
        message = f"its engine did not answer for {duration(PATIENCE_S)}: {away.message}"
        self._run.stop(Stop(Result.LOST, RunError(Code.UNREACHABLE, message, away.hint)))
