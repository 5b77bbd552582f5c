"""The end of a run: decide how it went, say so once, and leave nothing behind."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from freehold.base.clock import rfc3339
from freehold.base.errors import Code, FreeholdError
from freehold.keeper import outcome
from freehold.keeper.preparation import locate
from freehold.keeper.record import Step
from freehold.keeper.unfinished import unmark
from freehold.runtime.engine import Exit
from freehold.wire.events import RunFinished
from freehold.wire.runs import Outcome, RunState

if TYPE_CHECKING:
    from freehold.keeper.run import Run

_logger = logging.getLogger(__name__)

_ROOM_INTERVAL_S = 1.0
_AGAIN_AFTER_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Pauses before what could not be removed is removed again."""


async def conclude(run: Run, ended: Exit | None) -> None:
    """Write the result: event first, then record. On a full disk this waits for room; a result is never dropped."""
    await _close_services(run)
    verdict = outcome.decide(_facts(run, ended))
    record = run.file.record
    await _until_there_is_room(run, run.tell_dropped)
    await _until_there_is_room(run, run.phases.close)
    if run.chat:
        await _until_there_is_room(run, run.chat.tell_left)
    final = Outcome(
        agent=record.start.agent,
        attempt=record.start.attempt,
        trigger=record.start.trigger.without_payload(),
        result=verdict.result,
        exit_code=verdict.exit_code,
        return_value=record.view.return_value,
        phases_s=run.phases.durations_s,
        usage=run.spent.usage,
        cost_usd=run.spent.cost_usd,
        error=run.hidden(verdict.error) if verdict.error else None,
    )
    await _until_there_is_room(run, lambda: run.log.append(RunFinished.of(final), durable=True))
    show_finished(run, final)


async def _close_services(run: Run) -> None:
    if run.services is None:
        return
    try:
        await run.services.close(run_over=True)
    except Exception:  # a defect of ours must not leave a run without an end, and its container without a keeper
        _logger.exception("what served a run could not be closed", extra={"run_id": run.run_id})


def show_finished(run: Run, final: Outcome) -> None:
    """Let `run.json` say what the event log says."""
    run.file.show(
        state=RunState.FINISHED,
        finished_at=rfc3339(run.means.clock.now()),
        result=final.result,
        exit_code=final.exit_code,
        phases_s=final.phases_s,
        usage=final.usage,
        cost_usd=final.cost_usd,
        models=run.spent.models,
        error=final.error,
        waiting_for=(),
    )
    run.file.record.step = Step.FINISHED


async def clean_up(run: Run) -> None:
    """Remove container, credentials and run directory. What fails is logged and tried again for some minutes (an engine
    that comes back takes a while), then by the next keeper.

    A disk without room for the record keeps none of that from being done.
    """
    record = run.file.record
    _tried(run.save)  # written once more below
    cleaned = await _all_done(run, *_REMOVING)
    if record.slot is not None:
        run.means.slots.release(record.start.agent, record.slot)
    run.log.close()
    await _until_there_is_room(run, (lambda: _over(run)) if cleaned else run.save)
    for delay_s in () if cleaned else _AGAIN_AFTER_S:
        await run.means.clock.sleep(delay_s)
        if await _all_done(run, *_REMOVING):
            await _until_there_is_room(run, lambda: _over(run))
            return


def _over(run: Run) -> None:
    run.enter(Step.CLEANED)
    unmark(run.means.state, run.run_id)


async def _all_done(run: Run, *steps: Callable[[Run], Awaitable[None]]) -> bool:
    """Take every step, also when one before it failed."""
    done = True
    for step in steps:
        try:
            await step(run)
        except (FreeholdError, OSError) as error:
            done = False
            _logger.warning("cleaning up failed", extra={"run_id": run.run_id, "error": str(error)})
    return done


async def _remove_container(run: Run) -> None:
    if run.engine:
        await locate(run)
        await run.engine.remove(run.run_id)


async def _remove_secrets(run: Run) -> None:
    await run.directory.remove_secrets()


async def _remove_scratch(run: Run) -> None:
    await run.directory.remove_scratch()


_REMOVING = (_remove_container, _remove_secrets, _remove_scratch)


def _facts(run: Run, ended: Exit | None) -> outcome.Facts:
    record = run.file.record
    return outcome.Facts(
        exit=ended,
        stop=record.stop,
        failure=run.failure,
        conclusion=record.conclusion,
        concluded=run.concluded or record.conclusion is not None,
        rerun_requested=record.rerun_requested,
        rehearsal_problems=run.services.rehearsal_problems if run.services else (),
        models_exhausted=run.services.models_exhausted if run.services else "",
        memory_bytes=record.memory_bytes,
    )


def _tried(write: Callable[[], object]) -> FreeholdError | None:
    """What the disk did not take; None when it was written."""
    try:
        write()
    except FreeholdError as error:
        if error.code is not Code.DISK:
            raise
        return error
    return None


async def _until_there_is_room(run: Run, write: Callable[[], object]) -> None:
    """Try until it is written.

    The run has ended, so its secrets need not wait with it, and its scratch may make the room that is needed. Its
    container stays until the result is safe: another keeper could read it from there.
    """
    problem = _tried(write)
    if problem is None:
        return
    _logger.error("waiting for room on the disk", extra={"run_id": run.run_id, "error": problem.message})
    await _all_done(run, _remove_secrets, _remove_scratch)
    while _tried(write) is not None:
        await run.means.clock.sleep(_ROOM_INTERVAL_S)
