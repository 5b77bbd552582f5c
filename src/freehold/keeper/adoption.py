"""Taking over what an earlier keeper left: each engine is asked what it still knows, each run goes on from there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from freehold.base.errors import Code, FreeholdError
from freehold.base.files import remove_leftovers
from freehold.base.words import duration
from freehold.keeper import adopt
from freehold.keeper.adopt import MOST_ADOPTIONS, Adoption
from freehold.keeper.conclusion import show_finished
from freehold.keeper.event_log import each_event
from freehold.keeper.history import EVENTS, RUNS, record_of
from freehold.keeper.keeper import Keeper
from freehold.keeper.left import LEFT_FILE
from freehold.keeper.means import Means
from freehold.keeper.outage import PATIENCE_S
from freehold.keeper.outcome import Stop
from freehold.keeper.record import RECORD_FILE, Record, RecordFile, Step
from freehold.keeper.run import Run
from freehold.keeper.unfinished import marked, unfinished
from freehold.runtime.engine import Engine, Found
from freehold.runtime.run_directory import sweep_secrets
from freehold.wire.events import ModelRequest, RunQueued, Status
from freehold.wire.runs import Result, RunError

_logger = logging.getLogger(__name__)


def look_back(keeper: Keeper, means: Means) -> list[Record]:
    """The runs to be adopted. Their places are held, and whoever asks for one of them waits for its adoption."""
    left = unfinished(means.state)
    for record in left:
        keeper.expect(record.start.run_id)
        if record.slot is not None:
            means.slots.hold(record.start.agent, record.slot)
    return left


async def adopt_all(keeper: Keeper, means: Means, left: Sequence[Record]) -> None:
    """Adopt every run of `left`, and remove what nobody can adopt any more.

    An engine that is away, and has runs, is asked again for two minutes.
    """
    alive = {record.start.run_id for record in left}
    try:
        _close_dead_accounts(means, alive)  # at once: runs that begin from here on are not among the living
        await sweep_secrets(means.state / RUNS, alive, among=marked(means.state))
        async with asyncio.TaskGroup() as asking:
            for name, engine in means.engines.items():
                mine = [record for record in left if record.view.engine == name]
                asking.create_task(_adopt_of_engine(keeper, means, engine, mine))
    finally:
        for record in left:
            keeper.expect_no_more(record.start.run_id)


def _close_dead_accounts(means: Means, alive: set[str]) -> None:
    """What a dead run had set aside of a day's budget is charged; a damaged ledger is told when a run needs it."""
    try:
        means.close_dead_accounts(alive)
    except FreeholdError as error:
        _logger.warning("accounts of dead runs stay open", extra={"error": error.message})


async def _adopt_of_engine(keeper: Keeper, means: Means, engine: Engine, left: Sequence[Record]) -> None:
    found: dict[str, Found] = {}
    away: FreeholdError | None = None
    try:
        names = {means.project_name(), *(record.project for record in left)}
        found = {one.run_id: one for one in await _find(means, engine, names, patient=bool(left))}
    except FreeholdError as error:
        away = error
        _logger.warning("an engine does not say what it runs", extra={"engine": engine.name, "error": error.message})
    for record in left:
        try:
            adopt_one(keeper, means, record, found.get(record.start.run_id), away=away)
        except (FreeholdError, OSError) as error:
            _logger.error("a run is not taken over", extra={"run_id": record.start.run_id, "error": str(error)})
        except Exception:  # a defect of ours, met in one run's files, must not end the keeper of all the others
            _logger.exception("a run is not taken over", extra={"run_id": record.start.run_id})
    for run_id in found:
        if keeper.active(run_id) is None and _is_nobodys(means, run_id):
            await _remove(engine, run_id)


async def _find(means: Means, engine: Engine, names: set[str], *, patient: bool) -> list[Found]:
    """Every run of the project; under other names, too, if it was renamed while they ran."""
    waited_s = 0.0
    while True:
        try:
            return [one for name in names for one in await engine.find(name)]
        except FreeholdError as error:
            if error.code is not Code.UNREACHABLE or not patient or waited_s >= PATIENCE_S:
                raise
        waited_s += 1.0
        await means.clock.sleep(1.0)


def adopt_one(
    keeper: Keeper, means: Means, record: Record, found: Found | None, *, away: FreeholdError | None = None
) -> None:  # fmt: skip
    """Go on with one run as `adopt.decide` says; its numbers are read back from its own event log.

    `away` is why its engine could not be asked. Raises FreeholdError or OSError when its files cannot be used.
    """
    directory = means.state / RUNS / record.start.run_id
    file = RecordFile(directory / RECORD_FILE, record)
    # Counted before anything else is touched: whatever it is that kills keepers, it may be in its files.
    adopt.count(record, means.clock.now())
    for name in (RECORD_FILE, LEFT_FILE):
        remove_leftovers(directory / name)
    try:
        file.save()
    except FreeholdError as error:
        _logger.warning("an adoption is not counted", extra={"run_id": record.start.run_id, "error": error.message})
    run = keeper.open_run(file)
    decision = adopt.decide(record, found, result_logged=run.log.finished is not None)
    _logger.info("adopting", extra={"run_id": run.run_id, "decision": decision.name, "step": record.step})
    _recover(run)
    if decision is Adoption.GIVE_UP:
        _say_why_given_up(run, away)
    if decision is Adoption.CLEAN and run.log.finished:
        show_finished(run, run.log.finished.outcome())
    keeper.carry_out(run, decision)


def _recover(run: Run) -> None:
    if run.log.last_seq == 0:  # its keeper died between the record and the first event
        view = run.view
        run.log.append(RunQueued(agent=view.agent, attempt=view.attempt, trigger=view.trigger), durable=True)
        return
    for event in each_event(run.file.path.parent / EVENTS):
        run.phases.recover(event)
        if run.chat:
            run.chat.recover(event)
        if isinstance(event, ModelRequest):
            run.spent.add(event)
        elif isinstance(event, Status):
            run.file.show(status_text=event.text)
    # The record is written when a run comes to another step, and not each time that it says or uses something.
    run.file.show(usage=run.spent.usage, cost_usd=run.spent.cost_usd, models=run.spent.models)


def _say_why_given_up(run: Run, away: FreeholdError | None) -> None:
    """Where more is known than that the container is gone."""
    if run.file.record.hasty_adoptions > MOST_ADOPTIONS:
        message = f"{MOST_ADOPTIONS + 1} keepers in a row ended while they kept this run; it is given up"
        run.stop(Stop(Result.LOST, RunError(Code.INTERNAL, message, "Report this with keeper.log.")))
    elif away is not None:
        message = f"its engine did not answer for {duration(PATIENCE_S)}: {away.message}"
        run.stop(Stop(Result.LOST, RunError(away.code, message, away.hint)))


def _is_nobodys(means: Means, run_id: str) -> bool:
    """Whether no record tells how to go on with it: the project's state was removed, or its file is damaged."""
    try:
        record = record_of(means.state, run_id)
    except FreeholdError:
        return True
    return record is None or record.step is Step.CLEANED


async def _remove(engine: Engine, run_id: str) -> None:
    _logger.warning("removing a run that has no record", extra={"run_id": run_id, "engine": engine.name})
    try:
        await engine.remove(run_id)
    except FreeholdError as error:
        _logger.warning("it could not be removed", extra={"run_id": run_id, "error": error.message})
