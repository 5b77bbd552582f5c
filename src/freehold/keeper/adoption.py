"""Taking over what an earlier keeper left: each engine is asked what it still knows, each run goes on from there."""

from __future__ import annotations

import asyncio
import logging

from freehold.base.errors import Code, FreeholdError
from freehold.keeper import adopt
from freehold.keeper.adopt import Adoption
from freehold.keeper.conclusion import show_finished
from freehold.keeper.event_log import read_events
from freehold.keeper.history import EVENTS, RUNS, records
from freehold.keeper.keeper import Keeper
from freehold.keeper.means import Means
from freehold.keeper.record import RECORD_FILE, Record, RecordFile, Step
from freehold.runtime.engine import Engine, Found
from freehold.wire.events import ModelRequest

_logger = logging.getLogger(__name__)

ENGINE_DEADLINE_S = 120.0
"""How long an engine may stay unreachable before its runs are given up: a machine that boots starts Docker late."""


async def adopt_all(keeper: Keeper, means: Means) -> None:
    """Adopt every run that is not finished and cleaned. An engine that is away is asked again for two minutes."""
    left = [record for record in records(means.state) if record.step is not Step.CLEANED]
    for record in left:
        if record.slot is not None:
            means.slots.hold(record.start.agent, record.slot)
    async with asyncio.TaskGroup() as asking:
        for name, engine in means.engines.items():
            mine = [record for record in left if record.view.engine == name]
            if mine:
                asking.create_task(_adopt_of_engine(keeper, means, engine, mine))


async def _adopt_of_engine(keeper: Keeper, means: Means, engine: Engine, left: list[Record]) -> None:
    found = {one.run_id: one for one in await _find_patiently(means, engine)}
    for record in left:
        adopt_one(keeper, means, record, found.get(record.start.run_id))


async def _find_patiently(means: Means, engine: Engine) -> list[Found]:
    waited_s = 0.0
    while True:
        try:
            return await engine.find(means.project_name())
        except FreeholdError as error:
            if error.code is not Code.UNREACHABLE or waited_s >= ENGINE_DEADLINE_S:
                _logger.error("an engine does not say what it runs", extra={"engine": engine.name, "error": str(error)})
                return []
        waited_s += 1.0
        await means.clock.sleep(1.0)


def adopt_one(keeper: Keeper, means: Means, record: Record, found: Found | None) -> None:
    """Go on with one run as `adopt.decide` says; its numbers are read back from its own event log."""
    directory = means.state / RUNS / record.start.run_id
    file = RecordFile(directory / RECORD_FILE, record)
    run = keeper.open_run(file)
    decision = adopt.decide(record, found, result_logged=run.log.finished is not None)
    _logger.info("adopting", extra={"run_id": run.run_id, "decision": decision.name, "step": record.step})
    written = read_events(directory / EVENTS)
    run.phases.recover(written)
    for event in written:
        if isinstance(event, ModelRequest):
            run.spent.add(event)
    record.adoptions += 1
    if decision is Adoption.CLEAN and run.log.finished:
        show_finished(run, run.log.finished.outcome())
    file.save()
    keeper.carry_out(run, decision)
