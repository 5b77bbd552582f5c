"""An engine that goes away before a run has said its first word, and after: whose failure that is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.keeper.outage import MOST_IN_VAIN, PATIENCE_S
from freehold.runtime.engine import RunSpec
from freehold.runtime.fake_engine import FakeRun
from freehold.wire.events import Limit
from freehold.wire.keeper import KillRun
from freehold.wire.runs import Result, RunState, StartRun, Trigger, TriggerType
from tests.support.stage import NOBODY, Stage, types, until

AWAY = FreeholdError(Code.UNREACHABLE, "Docker is not running", "Start it.")
SPOKE = b'{"type": "log", "level": "info", "text": "runner started"}\n'


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "shop", tmp_path / "home")


async def dispatched(stage: Stage) -> str:
    """A run that a scheduler asked for."""
    run_id = str(new_run_id("dev"))
    await stage.keeper.start(NOBODY, StartRun(run_id, "dev", Trigger(TriggerType.WEBHOOK, "hub", "t1")))
    return run_id


def goes_away(stage: Stage, script: FakeRun, error: FreeholdError = AWAY) -> None:
    """The engine is away when it is asked to start the first container; then `script` is what a run does."""

    def first(_spec: RunSpec) -> FakeRun:
        stage.host.unready = AWAY
        stage.script(script)
        return FakeRun(refuses=error)

    stage.host.script = first


@pytest.mark.parametrize("error", [AWAY, FreeholdError(Code.FAILED, "Docker could not start container: canceled")])
async def test_a_run_waits_for_an_engine_that_went_away_and_says_so(stage: Stage, error: FreeholdError) -> None:
    goes_away(stage, FakeRun(lines=(SPOKE,)), error)
    run_id = await dispatched(stage)
    await until(lambda: "waits for docker" in stage.keeper.view(run_id).status_text)
    view = stage.keeper.view(run_id)
    assert (view.state, view.started_at) == (RunState.STARTING, None)
    assert "Docker is not running" in view.status_text
    assert any(isinstance(event, Limit) and "waits for docker" in event.message for event in stage.events(run_id))
    stage.host.unready = None
    end = await stage.finished(run_id)
    assert (end.result, end.attempt) == (Result.COMPLETED, 1)
    assert stage.keeper.view(run_id).status_text == ""
    assert types(stage.events(run_id)).count("run.started") == 1
    assert len(stage.host.starts) == 1


async def test_an_engine_that_refuses_while_it_is_stopped_is_waited_for(stage: Stage) -> None:
    """It answered when it was asked right after; a moment later it is away."""
    refused = FreeholdError(Code.FAILED, "Docker could not look at volume x: database not open")

    def first(_spec: RunSpec) -> FakeRun:
        asyncio.get_running_loop().call_later(0.2, lambda: setattr(stage.host, "unready", AWAY))
        stage.script(FakeRun(lines=(SPOKE,)))
        return FakeRun(refuses=refused)

    stage.host.script = first
    run_id = await dispatched(stage)
    await until(lambda: "waits for docker" in stage.keeper.view(run_id).status_text)
    stage.host.unready = None
    assert (await stage.finished(run_id)).result == Result.COMPLETED


async def test_what_an_engine_refuses_that_goes_on_is_a_failure(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "shop", tmp_path / "home", FakeClock())
    stage.script(FakeRun(refuses=FreeholdError(Code.FAILED, "Docker could not start container: no such device")))
    end = (await stage.finished(await dispatched(stage))).outcome()
    assert end.result == Result.ERROR
    assert end.error is not None
    assert "no such device" in end.error.message


async def test_a_build_that_is_cut_off_is_done_again(stage: Stage) -> None:
    stage.images.gate.clear()
    run_id = await dispatched(stage)
    await until(lambda: "build.step" in types(stage.events(run_id)))
    stage.host.unready, stage.images.problem = AWAY, FreeholdError(Code.IMAGE, "agent dev: step 2 failed")
    stage.images.gate.set()
    await until(lambda: "waits for docker" in stage.keeper.view(run_id).status_text)
    stage.host.unready = stage.images.problem = None
    assert (await stage.finished(run_id)).result == Result.COMPLETED


async def test_a_container_that_ended_with_its_engine_before_its_first_word_is_made_anew(stage: Stage) -> None:
    scripts = [FakeRun(code=137, engine_was_away=True), FakeRun(lines=(SPOKE,))]
    stage.host.script = lambda _spec: scripts.pop(0)
    end = await stage.finished(await dispatched(stage))
    assert (end.result, end.attempt) == (Result.COMPLETED, 1)
    assert len(stage.host.starts) == 2
    assert stage.host.processes == {}


async def test_one_that_had_said_something_is_lost_with_its_engine(stage: Stage) -> None:
    """What it did until then would be done twice: whether that may be is for its agent's `retries` to say."""
    stage.script(FakeRun(code=137, engine_was_away=True, lines=(SPOKE,)))
    end = (await stage.finished(await dispatched(stage))).outcome()
    assert end.result == Result.LOST
    assert end.error is not None
    assert "its engine went away" in end.error.message
    assert len(stage.host.starts) == 1


@pytest.mark.parametrize("code", [137, 143])
async def test_one_that_its_engine_ended_before_it_went_away_is_lost_too(stage: Stage, code: int) -> None:
    def stopped(_spec: RunSpec) -> FakeRun:
        asyncio.get_running_loop().call_later(0.2, lambda: setattr(stage.host, "unready", AWAY))
        return FakeRun(code=code, lines=(SPOKE,))

    stage.host.script = stopped
    assert (await stage.finished(await dispatched(stage))).result == Result.LOST


@pytest.mark.parametrize(("code", "result"), [(137, Result.KILLED), (143, Result.ERROR)])
async def test_one_that_somebody_ended_is_not_its_engines(tmp_path: Path, code: int, result: Result) -> None:
    stage = Stage(tmp_path / "shop", tmp_path / "home", FakeClock())
    stage.script(FakeRun(code=code, lines=(SPOKE,)))
    assert (await stage.finished(await dispatched(stage))).result == result


async def test_a_container_that_fails_without_a_word_is_not_taken_for_an_outage(stage: Stage) -> None:
    stage.script(FakeRun(code=13, output="no seal"))
    end = await stage.finished(await dispatched(stage))
    assert (end.result, end.exit_code) == (Result.ERROR, 13)
    assert len(stage.host.starts) == 1


async def test_an_engine_that_stays_away_loses_the_run_and_it_is_known_that_it_never_began(tmp_path: Path) -> None:
    clock = FakeClock()
    stage = Stage(tmp_path / "shop", tmp_path / "home", clock)
    goes_away(stage, FakeRun())
    run_id = await dispatched(stage)
    end = (await stage.finished(run_id)).outcome()
    assert clock.monotonic() >= PATIENCE_S
    assert end.result == Result.LOST
    assert end.error is not None
    assert end.error.message == "its engine did not answer for 2 min 00 s: Docker is not running"
    assert stage.keeper.view(run_id).never_began
    assert stage.keeper.view(run_id).status_text == ""


async def test_a_run_that_waits_for_its_engine_can_be_ended(stage: Stage) -> None:
    goes_away(stage, FakeRun())
    run_id = await dispatched(stage)
    await until(lambda: "waits for docker" in stage.keeper.view(run_id).status_text)
    await stage.keeper.kill(NOBODY, KillRun(run_id))
    await until(lambda: stage.keeper.view(run_id).result is not None)
    assert stage.keeper.view(run_id).result is Result.KILLED
    stage.host.unready = None
    await stage.finished(run_id)


async def test_an_engine_that_is_there_and_refuses_is_asked_a_few_times(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "shop", tmp_path / "home", FakeClock())
    asked: list[str] = []
    stage.host.script = _counting(asked)
    end = (await stage.finished(await dispatched(stage))).outcome()
    assert (end.result, len(asked)) == (Result.ERROR, MOST_IN_VAIN + 1)


def _counting(asked: list[str]) -> Callable[[RunSpec], FakeRun]:
    def refuse(spec: RunSpec) -> FakeRun:
        asked.append(spec.run_id)
        return FakeRun(refuses=AWAY)

    return refuse


async def test_a_keeper_that_is_replaced_while_a_run_waits_goes_on_waiting(stage: Stage) -> None:
    goes_away(stage, FakeRun(lines=(SPOKE,)))
    run_id = await dispatched(stage)
    await until(lambda: "waits for docker" in stage.keeper.view(run_id).status_text)
    replacing = asyncio.create_task(stage.replace_keeper())
    await asyncio.sleep(0.05)
    stage.host.unready = None
    await replacing
    assert (await stage.finished(run_id)).result == Result.COMPLETED
