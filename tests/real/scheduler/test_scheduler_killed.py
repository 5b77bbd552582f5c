"""The scheduler is killed at every step of a trigger: the next one goes on, and each trigger has one final attempt."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from freehold.scheduler.step import Step
from freehold.store import run_index, triggers
from freehold.store.database import Database
from freehold.store.triggers import StoredTrigger, TriggerState
from tests.support.installation import ROOT, Installation, until

pytestmark = pytest.mark.docker

PROGRAM = Path(__file__).parents[2] / "support" / "mortal_service.py"


def serve(here: Installation, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), str(here.project), str(here.home), *words]
    environment = {**here.environment, "PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


async def ended(here: Installation) -> list[StoredTrigger]:
    """Every trigger, all of them done, with the runs that there were."""
    database = Database.at(here.state / "state.db")
    found = await database.read(lambda connection: triggers.in_state(connection, *TriggerState))
    for trigger in found:
        attempts = await database.read(lambda c, trigger_id=trigger.id: run_index.attempts_of(c, trigger_id))  # type: ignore[misc]
        assert [view.run_id for view in attempts] == [trigger.run_id]
    await database.close()
    return found


@pytest.mark.parametrize("step", list(Step))
async def test_the_next_scheduler_goes_on(here: Installation, step: Step) -> None:
    here.agent(script="fh return $RANDOM\n", scale=2)
    killed = serve(here, "--take", "3", "--die-at", step)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    went_on = serve(here)
    assert went_on.returncode == 0, went_on.stderr
    done = await ended(here)
    assert {trigger.state for trigger in done} == {TriggerState.DONE}
    assert {trigger.result for trigger in done} == {"completed"}
    assert set(killed.stdout.split()) <= {trigger.id for trigger in done}
    # No run that no trigger knows of: nothing was begun twice.
    assert Counter(here.run_ids()) == Counter(trigger.run_id for trigger in done)
    until(lambda: here.containers == [])


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("first", ["fh rerun", "exit 1"])
async def test_another_attempt_follows_all_the_same(here: Installation, first: str, step: Step) -> None:
    """What the first attempt asks for, or its failure, is met once: by whichever scheduler is there."""
    here.agent(script=f"if mkdir /workspace/been; then {first}; else fh return again; fi\n", retries=1, retry_delay=1)
    killed = serve(here, "--take", "1", "--die-at", step)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    went_on = serve(here)
    assert went_on.returncode == 0, went_on.stderr
    database = Database.at(here.state / "state.db")
    [trigger] = await database.read(lambda connection: triggers.in_state(connection, *TriggerState))
    attempts = await database.read(lambda connection: run_index.attempts_of(connection, trigger.id))
    await database.close()
    assert (trigger.state, trigger.result, trigger.attempts) == (TriggerState.DONE, "completed", 2)
    assert [view.attempt for view in attempts] == [1, 2]
    assert (attempts[-1].run_id, attempts[-1].return_value) == (trigger.run_id, "again")
    assert here.run_ids() == sorted(view.run_id for view in attempts)


def test_a_second_scheduler_is_told_of_the_first(here: Installation) -> None:
    here.agent(script="sleep 60\n")
    command = [sys.executable, str(PROGRAM), str(here.project), str(here.home), "--take", "1"]
    environment = {**here.environment, "PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline()
        second = serve(here)
        first.kill()
    assert second.returncode != 0
    assert f"is running already: process {first.pid}" in second.stderr
