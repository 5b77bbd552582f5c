"""Whole runs through the keeper, against a fake engine: what is written, in which order, however a run ends."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.keeper.adoption import adopt_all, look_back
from freehold.keeper.control import MOST_PERMISSIONS
from freehold.keeper.fakes import FakeServices
from freehold.keeper.history import RUNS, records
from freehold.keeper.keeper import Keeper
from freehold.keeper.record import Step
from freehold.runtime.fake_engine import FakeRun
from freehold.wire import events as wire
from freehold.wire.keeper import KillRun, ListRuns
from freehold.wire.permission import PermissionOption
from freehold.wire.runs import Result, RunError, RunState, StartRun, Trigger, TriggerType
from freehold.wire.session import AskPermission, Conclusion, EnterPhase
from tests.support.stage import NOBODY, Stage, types, until


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "shop", tmp_path / "home")


async def test_a_run_tells_its_whole_story_in_order(stage: Stage) -> None:
    async def play(services: FakeServices) -> int:
        await services.control.from_runner(EnterPhase(phase="pre_hooks"))  # type: ignore[arg-type]
        await services.control.from_runner(EnterPhase(phase="session"))  # type: ignore[arg-type]
        await services.control.set_status("working")
        await services.control.set_return("42 commits")
        return 0

    stage.act(play)
    run_id = await stage.start(trigger=Trigger(TriggerType.MANUAL, source="cli", prompt="go"))
    finished = await stage.finished(run_id)
    assert types(stage.events(run_id)) == [
        "run.queued", "phase.started", "phase.finished", "phase.started", "build.step", "phase.finished",
        "phase.started", "phase.finished", "phase.started", "run.started", "phase.finished",
        "phase.started", "phase.finished", "phase.started", "status", "return", "phase.finished", "run.finished",
    ]  # fmt: skip
    assert [event.seq for event in stage.events(run_id)] == list(range(1, 19))
    assert (finished.result, finished.exit_code, finished.return_value) == (Result.COMPLETED, 0, "42 commits")
    assert list(finished.phases_s) == ["queue", "image", "credentials", "container", "pre_hooks", "session"]
    assert finished.trigger == Trigger(TriggerType.MANUAL, source="cli")
    [view] = await stage.keeper.list(NOBODY, ListRuns())
    assert (view.state, view.result, view.status_text) == (RunState.FINISHED, Result.COMPLETED, "working")


async def test_nothing_is_left_of_a_run_but_its_record(stage: Stage) -> None:
    run_id = await stage.start()
    await stage.finished(run_id)
    folder = stage.root / ".freehold" / RUNS / run_id
    assert sorted(path.name for path in folder.iterdir()) == ["events.jsonl", "run.json"]
    assert stage.host.processes == {}
    assert stage.services[run_id].closed
    assert next(records(stage.means.state)).step is Step.CLEANED


async def test_what_could_not_be_removed_is_removed_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "shop", tmp_path / "home", clock=FakeClock())
    stage.host.stuck = 2
    run_id = await stage.start()
    await stage.finished(run_id)
    assert stage.host.stuck == 0
    assert stage.host.processes == {}
    assert not (stage.root / ".freehold" / RUNS / run_id / "mount").exists()
    assert next(records(stage.means.state)).step is Step.CLEANED


async def test_a_known_run_id_is_not_begun_again(stage: Stage) -> None:
    stage.script(FakeRun(lasts_s=0.05))
    run_id = await stage.start()
    await stage.keeper.start(NOBODY, StartRun(run_id, "dev"))
    await stage.finished(run_id)
    again = await stage.keeper.start(NOBODY, StartRun(run_id, "dev"))
    assert again.result is Result.COMPLETED
    assert len(stage.host.starts) == 1


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        (StartRun("nobody-01hzx3k5a6b7c8d9e0f1g2h3j4", "nobody"), Code.NOT_FOUND, "dev, ops"),
        (StartRun("dev-1", "dev"), Code.USAGE, "dev-1"),
        (StartRun("dev-01hzx3k5a6b7c8d9e0f1g2h3j4", "../dev"), Code.USAGE, "../dev"),
    ],
)
async def test_what_cannot_begin_leaves_no_run(stage: Stage, request_: StartRun, code: Code, words: str) -> None:
    with pytest.raises(FreeholdError) as raised:
        await stage.keeper.start(NOBODY, request_)
    assert raised.value.code is code
    assert words in raised.value.message + raised.value.hint
    assert await stage.keeper.list(NOBODY, ListRuns()) == []


async def test_what_a_scheduler_asks_for_is_no_run_while_docker_is_away(stage: Stage) -> None:
    """It lets it wait, and asks again; a person who asks is told by a run that failed."""
    stage.host.unready = FreeholdError(Code.UNREACHABLE, "Docker is not running", "Start it.")
    asked = StartRun(str(new_run_id("dev")), "dev", Trigger(TriggerType.WEBHOOK, "hub", "t1"))
    with pytest.raises(FreeholdError, match="Docker is not running") as refused:
        await stage.keeper.start(NOBODY, asked)
    assert refused.value.code is Code.UNREACHABLE
    assert list(records(stage.means.state)) == []
    assert (await stage.run()).outcome().result is Result.ERROR
    stage.host.unready = None
    asked_twice = await asyncio.gather(*(stage.keeper.start(NOBODY, asked) for _ in range(2)))
    assert [view.run_id for view in asked_twice] == [asked.run_id, asked.run_id]
    assert (await stage.finished(asked.run_id)).result == "completed"
    assert types(stage.events(asked.run_id)).count("run.queued") == 1


async def test_a_broken_image_fails_that_run_with_its_reason(stage: Stage) -> None:
    stage.images.problem = FreeholdError(Code.IMAGE, "agent dev: step 2 failed", "Look at the Dockerfile.")
    finished = await stage.run()
    assert (finished.result, finished.exit_code) == (Result.ERROR, None)
    assert finished.outcome().error == RunError("image", "agent dev: step 2 failed", "Look at the Dockerfile.")


async def test_a_container_that_does_not_start_fails_the_run(stage: Stage) -> None:
    stage.script(FakeRun(refuses=FreeholdError(Code.UNREACHABLE, "Docker is not running", "Start it.")))
    finished = await stage.run()
    assert finished.outcome().error == RunError("unreachable", "Docker is not running", "Start it.")


async def test_out_of_memory_is_named(stage: Stage) -> None:
    stage.script(FakeRun(code=137, out_of_memory=True))
    error = (await stage.run()).outcome().error
    assert error is not None
    assert error.code == "out_of_memory"
    assert "4.0 GB" in error.message


async def test_a_timeout_ends_a_run_and_says_what_to_raise(stage: Stage) -> None:
    config = stage.root / "agents" / "dev" / "config.toml"
    config.write_text(config.read_text().replace("timeout = 60", "timeout = 1"))
    stage.script(FakeRun(lasts_s=None))
    finished = await stage.run()
    assert (finished.result, finished.exit_code) == (Result.TIMEOUT, 124)
    error = finished.outcome().error
    assert error is not None
    assert "timeout = 2" in error.hint


async def test_a_person_can_kill_a_run_at_any_time(stage: Stage) -> None:
    stage.script(FakeRun(lasts_s=None))
    run_id = await stage.start()
    while not stage.host.starts:
        await asyncio.sleep(0.01)
    await stage.keeper.kill(NOBODY, KillRun(run_id, "enough"))
    finished = await stage.finished(run_id)
    assert (finished.result, finished.exit_code) == (Result.KILLED, 137)
    assert (await stage.keeper.kill(NOBODY, KillRun(run_id))).result is Result.KILLED


async def test_a_run_can_be_killed_while_its_image_is_built(stage: Stage) -> None:
    stage.images.gate.clear()
    run_id = await stage.start()
    await asyncio.sleep(0.05)
    await stage.keeper.kill(NOBODY, KillRun(run_id))
    finished = await stage.finished(run_id)
    assert finished.result == Result.KILLED
    assert stage.host.starts == []


async def test_the_agent_may_end_its_own_run(stage: Stage) -> None:
    async def give_up(services: FakeServices) -> int:
        await services.control.request_exit(10)
        await asyncio.sleep(60)
        return 0

    stage.act(give_up)
    finished = await stage.run()
    assert (finished.result, finished.exit_code) == (Result.ERROR, 10)


async def test_shutdown_kills_with_its_reason(stage: Stage) -> None:
    async def alarm(services: FakeServices) -> int:
        await services.control.shutdown("exfiltration detected")
        await asyncio.sleep(60)
        return 0

    stage.act(alarm)
    finished = await stage.run()
    assert finished.result == Result.KILLED
    error = finished.outcome().error
    assert error is not None
    assert "exfiltration detected" in error.message


async def test_a_rerun_keeps_the_return_value(stage: Stage) -> None:
    async def again(services: FakeServices) -> int:
        await services.control.set_return("half done")
        await services.control.request_rerun()
        return 0

    stage.act(again)
    finished = await stage.run()
    assert (finished.result, finished.exit_code, finished.return_value) == (Result.RERUN, 42, "half done")


async def test_the_runner_explains_but_does_not_decide(stage: Stage) -> None:
    async def lie(services: FakeServices) -> int:
        await services.control.from_runner(Conclusion(error=RunError("hook", "pre hook 1 failed")))
        return 1

    stage.act(lie)
    finished = await stage.run()
    assert finished.outcome().error == RunError("hook", "pre hook 1 failed")


async def test_testimony_is_numbered_anew_and_forged_facts_are_audited(stage: Stage) -> None:
    forged = wire.encode(wire.RunStarted(engine="x", image="", harness="", network="", models=[], timeout_s=1))
    honest = wire.encode(wire.Message(seq=7, run_id="other", text="hello"))
    stage.script(FakeRun(lines=(honest, forged), lasts_s=0.1))
    run_id = await stage.start()
    await stage.finished(run_id)
    events = stage.events(run_id)
    [message] = [event for event in events if isinstance(event, wire.Message)]
    assert (message.run_id, message.container_seq) == (run_id, 1)
    [audit] = [event for event in events if isinstance(event, wire.Limit)]
    assert (audit.limit, audit.container_seq) == ("forged_event", 2)
    assert types(events).count("run.started") == 1


async def test_one_slot_one_run(stage: Stage) -> None:
    stage.script(FakeRun(lasts_s=0.5))
    first, second = await stage.start(), await stage.start()
    other = await stage.start("ops")
    await until(lambda: len(stage.host.starts) == 2)
    assert {spec.run_id for spec in stage.host.starts} == {first, other}
    await stage.finished(second)
    assert [spec.slot for spec in stage.host.starts] == [0, 0, 0]


async def test_a_run_that_waits_for_a_place_gives_none_back_when_it_is_killed(stage: Stage) -> None:
    stage.script(FakeRun(lasts_s=None))
    first, waiting, third = await stage.start(), await stage.start(), await stage.start()
    while not stage.host.starts:
        await asyncio.sleep(0.01)
    await stage.keeper.kill(NOBODY, KillRun(waiting))
    await asyncio.sleep(0.1)
    assert [spec.run_id for spec in stage.host.starts] == [first]
    for run_id in (third, first):
        await stage.keeper.kill(NOBODY, KillRun(run_id))
    assert (await stage.finished(first)).result == Result.KILLED


async def test_a_run_that_outlives_its_keeper_is_taken_over(stage: Stage) -> None:
    stage.script(FakeRun(lasts_s=0.3, lines=(wire.encode(wire.Message(text="once")),)))
    run_id = await stage.start()
    while not any(isinstance(event, wire.Message) for event in stage.events(run_id)):
        await asyncio.sleep(0.01)
    await stage.replace_keeper()
    finished = await stage.finished(run_id)
    assert finished.result == Result.COMPLETED
    assert [event.seq for event in stage.events(run_id)] == list(range(1, len(stage.events(run_id)) + 1))
    assert types(stage.events(run_id)).count("message") == 1
    assert len(stage.host.starts) == 1


async def test_a_run_whose_container_is_gone_is_lost(stage: Stage) -> None:
    stage.script(FakeRun(lasts_s=None))
    run_id = await stage.start()
    while not stage.host.starts:
        await asyncio.sleep(0.01)
    await stage.keeper.let_go()
    await stage.host.close()
    stage.host.processes.clear()
    stage.keeper = stage.new_keeper()
    await adopt_all(stage.keeper, stage.means, look_back(stage.keeper, stage.means))
    finished = await stage.finished(run_id)
    assert (finished.result, finished.exit_code) == (Result.LOST, None)


async def test_a_run_that_causes_events_without_end_is_ended(stage: Stage) -> None:
    """Its own event file is bounded (`test_testimony.py`); this bounds what it has the keeper write."""

    async def flood(services: FakeServices) -> int:
        while True:
            await services.control.set_return("x" * 1000)
            await asyncio.sleep(0)

    stage.keeper = Keeper(dataclasses.replace(stage.means, largest_log_bytes=20_000))
    stage.act(flood)
    run_id = await stage.start()
    finished = await stage.finished(run_id)
    assert finished.result == Result.ERROR
    error = finished.outcome().error
    assert error is not None
    assert error.code == Code.TOO_LARGE
    assert "of events" in error.message
    assert "limit" in types(stage.events(run_id))
    assert (stage.root / ".freehold" / RUNS / run_id / "events.jsonl").stat().st_size < 40_000


async def test_what_a_run_said_before_it_asked_stands_before_the_question(stage: Stage) -> None:
    stage.script(FakeRun(lasts_s=None))
    run_id = await stage.start()
    await until(lambda: stage.is_watched(run_id))
    run = stage.keeper.active(run_id)
    assert run is not None
    with run.directory.container_events.open("ab") as events:
        events.write(b'{"type": "message", "text": "I read the issue."}\n')
    question = AskPermission(permission_id="p1", title="Run rm", options=[PermissionOption("yes", "Yes", "allow_once")])
    await stage.services[run_id].control.from_runner(question)
    await until(lambda: "permission.asked" in types(stage.events(run_id)))
    told = types(stage.events(run_id))
    assert told.index("message") < told.index("permission.asked")
    await stage.keeper.kill(NOBODY, KillRun(run_id))
    await stage.finished(run_id)


async def test_a_run_that_asks_for_permission_without_end_is_ended(stage: Stage) -> None:
    async def ask(services: FakeServices) -> int:
        options = [PermissionOption("yes", "Yes", "allow_once")]
        for number in range(MOST_PERMISSIONS + 1):
            await services.control.from_runner(AskPermission(permission_id=f"p{number}", title="?", options=options))
            if number % 50 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(60)
        return 0

    stage.act(ask)
    finished = await stage.run()
    assert finished.result == Result.ERROR
    error = finished.outcome().error
    assert error is not None
    assert "permission without end" in error.message


async def test_a_run_ends_whatever_goes_wrong_with_what_served_it(stage: Stage) -> None:
    class Broken(FakeServices):
        async def close(self, *, run_over: bool) -> None:
            raise AttributeError(f"a defect of ours, {run_over}")

    async def play(services: FakeServices) -> int:
        services.__class__ = Broken
        return 0

    stage.act(play)
    assert (await stage.run()).result == Result.COMPLETED
    assert stage.host.processes == {}


async def test_what_the_runner_says_of_its_end_is_bounded(stage: Stage) -> None:
    async def conclude(services: FakeServices) -> int:
        await services.control.from_runner(Conclusion(error=RunError("x" * 9_000, "y" * 200_000, "z" * 200_000)))
        return 1

    stage.act(conclude)
    error = (await stage.run()).outcome().error
    assert error is not None
    assert (len(error.code), len(error.message) < 9_000, len(error.hint) < 9_000) == (100, True, True)
