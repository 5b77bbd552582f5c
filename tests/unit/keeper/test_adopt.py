"""What a new keeper does with each run it finds: a table, complete over the steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from freehold.keeper.adopt import KEPT_FOR, MOST_ADOPTIONS, Adoption, count, decide
from freehold.keeper.outcome import Stop
from freehold.keeper.record import Record, Step
from freehold.runtime.engine import Found
from freehold.wire.runs import Result, RunState, RunView, StartRun, Trigger

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUN = "dev-01hzx3k5a6b7c8d9e0f1g2h3j4"


def record(step: Step, **changes: object) -> Record:
    view = RunView(run_id=RUN, agent="dev", attempt=1, trigger=Trigger(), state=RunState.RUNNING, queued_at="")
    made = Record(view=view, start=StartRun(RUN, "dev"), step=step)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def found(*, running: bool, started: bool = True) -> Found:
    return Found(RUN, "dev", 1, 0, "", 900, running=running, started=started)


UP, ENDED, MADE = found(running=True), found(running=False), found(running=False, started=False)

NOTHING_FOUND = {
    Step.QUEUED: Adoption.PREPARE,
    Step.IMAGE: Adoption.PREPARE,
    Step.CREDENTIALS: Adoption.PREPARE,
    Step.DIRECTORY: Adoption.PREPARE,
    Step.SOCKET: Adoption.PREPARE,
    Step.CONTAINER: Adoption.PREPARE,
    Step.RUNNING: Adoption.GIVE_UP,
    Step.STOPPING: Adoption.GIVE_UP,
    Step.FINISHED: Adoption.CLEAN,
    Step.CLEANED: Adoption.NOTHING,
}


def test_every_step_is_decided() -> None:
    assert set(NOTHING_FOUND) == set(Step)


@pytest.mark.parametrize("step", list(Step))
def test_a_run_that_no_engine_knows(step: Step) -> None:
    assert decide(record(step), None, result_logged=False) is NOTHING_FOUND[step]


@pytest.mark.parametrize("step", [Step.CONTAINER, Step.RUNNING])
def test_a_run_whose_container_is_there(step: Step) -> None:
    assert decide(record(step), UP, result_logged=False) is Adoption.WATCH
    assert decide(record(step), ENDED, result_logged=False) is Adoption.FINISH


def test_a_container_that_was_made_but_never_ran_is_started() -> None:
    assert decide(record(Step.CONTAINER), MADE, result_logged=False) is Adoption.PREPARE


def test_a_run_that_was_being_stopped_is_stopped() -> None:
    stopping = record(Step.STOPPING, stop=Stop(Result.TIMEOUT))
    assert decide(stopping, UP, result_logged=False) is Adoption.STOP
    assert decide(stopping, None, result_logged=False) is Adoption.STOP


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.CLEANED])
def test_a_result_that_is_out_is_never_told_twice(step: Step) -> None:
    assert decide(record(step), UP, result_logged=True) is Adoption.CLEAN


def test_a_run_that_kills_every_keeper_is_given_up() -> None:
    cursed = adopted_every(KEPT_FOR - timedelta(seconds=1), MOST_ADOPTIONS + 1)
    assert decide(cursed, UP, result_logged=False) is Adoption.GIVE_UP


def test_a_run_that_is_there_when_keepers_come_and_go_is_kept() -> None:
    kept = adopted_every(KEPT_FOR, 10 * MOST_ADOPTIONS)
    assert kept.adoptions == 10 * MOST_ADOPTIONS
    assert decide(kept, UP, result_logged=False) is Adoption.WATCH


def test_only_keepers_in_a_row_that_did_not_last_count() -> None:
    kept = adopted_every(timedelta(seconds=1), MOST_ADOPTIONS)
    count(kept, NOW + timedelta(hours=1))
    assert (kept.hasty_adoptions, decide(kept, UP, result_logged=False)) == (1, Adoption.WATCH)


def adopted_every(lasted: timedelta, times: int) -> Record:
    made = record(Step.RUNNING)
    for number in range(times):
        count(made, NOW + number * lasted)
    return made
