"""What a new keeper meets when it takes runs over: a broken configuration, engines that are away, lost records."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.keeper.adoption import adopt_all, look_back
from freehold.keeper.history import RUNS, records
from freehold.keeper.record import RECORD_FILE, Step
from freehold.runtime.fake_engine import FakeRun
from freehold.wire.events import Limit, ModelRequest, RunFinished
from freehold.wire.keeper import KillRun
from freehold.wire.runs import Result, Usage
from tests.support.stage import NOBODY, Stage, types, until


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path / "shop", tmp_path / "home")
    made.script(FakeRun(lasts_s=None))
    return made


async def running(stage: Stage) -> str:
    run_id = await stage.start()
    await until(lambda: stage.is_watched(run_id))
    return run_id


async def killed(stage: Stage, run_id: str) -> RunFinished:
    await stage.keeper.kill(NOBODY, KillRun(run_id))
    return await stage.finished(run_id)


async def test_a_broken_configuration_does_not_end_a_run_that_works(stage: Stage) -> None:
    run_id = await running(stage)
    config = stage.root / "config.toml"
    kept = config.read_text()
    config.write_text("not [toml")
    await stage.replace_keeper()
    await until(lambda: "taken over, but not served yet" in str(stage.events(run_id)[-1]))
    assert run_id in stage.host.processes
    before = stage.services[run_id]
    config.write_text(kept)
    await until(lambda: stage.services[run_id] is not before)
    assert (await killed(stage, run_id)).result == Result.KILLED


async def test_what_a_run_said_of_itself_and_used_is_shown_after_another_keeper_took_it_over(stage: Stage) -> None:
    run_id = await running(stage)
    run = stage.keeper.active(run_id)
    assert run is not None
    await stage.services[run_id].control.set_status("reading issue 7")
    request = ModelRequest(
        model="m", provider="p", wire_format="w", status=200, usage=Usage(983, 67, 0, 0, 1, 1), cost_usd=0.1,
        first_byte_s=0.1, duration_s=1.0,
    )  # fmt: skip
    run.note_request(request)
    before = stage.keeper.view(run_id)
    await stage.replace_keeper()
    await until(lambda: stage.is_watched(run_id))
    after = stage.keeper.view(run_id)
    assert (after.status_text, after.usage, after.models) == (before.status_text, before.usage, before.models)
    assert (after.status_text, after.usage.input) == ("reading issue 7", 983)
    await killed(stage, run_id)


async def test_a_project_that_was_renamed_meanwhile_finds_its_run_again(stage: Stage) -> None:
    run_id = await running(stage)
    (stage.root / ".env.toml").write_text('projectName = "other"\n')
    await stage.replace_keeper()
    await until(lambda: stage.is_watched(run_id))
    assert (await killed(stage, run_id)).result == Result.KILLED
    assert stage.host.processes == {}


async def test_an_edit_that_is_broken_is_told_once_and_the_next_is_taken_over(stage: Stage) -> None:
    run_id = await running(stage)
    config = stage.root / "config.toml"
    kept = config.read_text()
    config.write_text("not [toml")
    await until(lambda: isinstance(stage.events(run_id)[-1], Limit))
    config.write_text(kept)
    await until(lambda: stage.services[run_id].reloads > 0)
    assert types(stage.events(run_id)).count("limit") == 1
    await killed(stage, run_id)


async def test_a_defect_in_watching_ends_the_run_and_is_told(stage: Stage) -> None:
    run_id = await running(stage)

    def broken(*_: object) -> None:
        raise ValueError("a defect")

    stage.services[run_id].reload = broken  # type: ignore[method-assign,assignment]
    config = stage.root / "config.toml"
    config.write_text(config.read_text() + "\n")
    error = (await stage.finished(run_id)).outcome().error
    assert error is not None
    assert (error.code, error.message) == (Code.INTERNAL, "ValueError: a defect")


async def test_a_kill_is_repeated_until_the_engine_hears_it(stage: Stage) -> None:
    run_id = await running(stage)
    stage.host.unready = FreeholdError(Code.UNREACHABLE, "Docker is not running")
    await stage.keeper.kill(NOBODY, KillRun(run_id))
    await asyncio.sleep(0.2)
    assert stage.keeper.active_runs == 1
    stage.host.unready = None
    assert (await stage.finished(run_id)).result == Result.KILLED


async def test_an_engine_that_stays_away_loses_its_runs_with_its_own_reason(stage: Stage) -> None:
    run_id = await running(stage)
    stage.host.unready = FreeholdError(Code.UNREACHABLE, "Docker is not running", "Start it.")
    await stage.replace_keeper(FakeClock())
    finished = (await stage.finished(run_id)).outcome()
    assert finished.result is Result.LOST
    assert finished.error is not None
    assert (finished.error.code, finished.error.hint) == (Code.UNREACHABLE, "Start it.")
    assert "Docker is not running" in finished.error.message
    assert next(records(stage.means.state)).step is Step.FINISHED
    stage.host.unready = None
    await stage.replace_keeper()
    await until(lambda: next(records(stage.means.state)).step is Step.CLEANED)
    assert stage.host.processes == {}
    assert types(stage.events(run_id)).count("run.finished") == 1


async def test_what_a_keeper_left_that_was_killed_while_it_wrote_is_removed(stage: Stage) -> None:
    stage.script(FakeRun(lasts_s=None))
    run_id = await running(stage)
    await stage.keeper.let_go()
    state = stage.root / ".freehold"
    unborn = "dev-01hzx3k5a6b7c8d9e0f1g2h3j4"
    (state / RUNS / unborn).mkdir()
    (state / "active" / unborn).touch()
    left = [state / RUNS / name / f".{RECORD_FILE}.abcd_123" for name in (run_id, unborn)]
    for path in left:
        path.write_text('{"v": 1')
    await stage.replace_keeper()
    assert (await killed(stage, run_id)).result == Result.KILLED
    assert not any(path.exists() for path in left)
    assert not (state / RUNS / unborn).exists()
    assert (state / RUNS / run_id / RECORD_FILE).exists()


@pytest.mark.parametrize("damage", ["gone", "empty", "torn"])
async def test_a_run_without_a_record_is_removed(stage: Stage, damage: str) -> None:
    run_id = await running(stage)
    await stage.keeper.let_go()
    folder = stage.root / ".freehold" / RUNS / run_id
    if damage == "gone":
        shutil.rmtree(folder)
    else:
        (folder / RECORD_FILE).write_text("" if damage == "empty" else '{"v": 1, "vie')
    await stage.replace_keeper()
    assert stage.host.processes == {}
    assert stage.keeper.active_runs == 0


async def test_whoever_asks_for_a_run_waits_until_it_is_adopted(stage: Stage) -> None:
    run_id = await running(stage)
    await stage.keeper.let_go()
    stage.keeper = stage.new_keeper()
    left = look_back(stage.keeper, stage.means)
    killing = asyncio.create_task(stage.keeper.kill(NOBODY, KillRun(run_id)))
    await asyncio.sleep(0.05)
    assert not killing.done()
    await adopt_all(stage.keeper, stage.means, left)
    await killing
    assert (await stage.finished(run_id)).result == Result.KILLED


async def test_a_run_whose_files_cannot_be_used_does_not_keep_the_others_from_being_adopted(stage: Stage) -> None:
    stage.script(FakeRun(lasts_s=None))
    spoilt = await running(stage)
    other = await stage.start("ops")
    await until(lambda: stage.is_watched(other))
    await stage.keeper.let_go()
    events = stage.root / ".freehold" / RUNS / spoilt / "events.jsonl"
    events.unlink()
    events.mkdir()
    await stage.replace_keeper()
    assert (await killed(stage, other)).result == Result.KILLED


async def test_a_run_whose_events_no_reader_expects_does_not_either(stage: Stage) -> None:
    stage.script(FakeRun(lasts_s=None))
    spoilt = await running(stage)
    other = await stage.start("ops")
    await until(lambda: stage.is_watched(other))
    await stage.keeper.let_go()
    events = stage.root / ".freehold" / RUNS / spoilt / "events.jsonl"
    events.write_text('{"type": "phase.started", "seq": 1, "phase": "session", "ts": "no time at all"}\n')
    await stage.replace_keeper()
    assert (await killed(stage, other)).result == Result.KILLED
