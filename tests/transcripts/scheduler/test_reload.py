"""Edits while a scheduler runs: what is sound is taken over, what is not leaves the version before at work."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.project.load import Project, load_project
from freehold.runtime.revision import is_revision
from freehold.scheduler.reload import KEPT
from freehold.scheduler.scheduler import Scheduler
from freehold.wire.runs import RunOptions
from tests.support.folders import SKILL, write_files
from tests.support.scheduling import SchedulerWorld, manual, until

HOURLY = 'schedule = "0 * * * *"\ntimezone = "UTC"\n'
BROKEN = 'models = ["sonnet"]\nschedule = "every day"\n'


def of_run(world: SchedulerWorld, run_id: str) -> Project:
    """The project as the keeper loads it for a run."""
    [start] = [start for start in world.keeper.starts if start.run_id == run_id]
    path = world.revisions.path_of(start.options.revision)
    return load_project(world.project, home=world.folder / "home", revision=path)


async def run_of(world: SchedulerWorld, scheduler: Scheduler, agent: str = "dev") -> Project:
    """Let the agent run once; the project that the run is given."""
    before = len(world.runs_of(agent))
    await scheduler.intake.take(manual(agent))
    await until(lambda: len(world.runs_of(agent)) > before)
    view = world.runs_of(agent)[-1]
    closed = len(world.closed)
    world.keeper.end(view.run_id)
    await world.until_closed(closed + 1)
    return of_run(world, view.run_id)


async def test_an_edit_counts_from_the_next_run_on(world: SchedulerWorld) -> None:
    world.agent()
    async with world.reloading() as (scheduler, reload):
        first = await run_of(world, scheduler)
        write_files(world.project, {"agents/dev/SKILL.md": SKILL.replace("Do something.", "Do it well.")})
        half_edited = await run_of(world, scheduler)
        await reload.look()
        after = await run_of(world, scheduler)
    assert first.agent("dev").skill_body == half_edited.agent("dev").skill_body
    assert "Do it well." in after.agent("dev").skill_body
    assert after.unique_name == world.load().unique_name
    assert after.root == world.project


async def test_nothing_is_written_when_nothing_changed(world: SchedulerWorld) -> None:
    world.agent()
    async with world.reloading() as (scheduler, reload):
        before = scheduler.agents.edition
        (world.project / "agents/dev/SKILL.md").touch()
        await reload.look()
        assert scheduler.agents.edition is before
    assert len(list(world.revisions.folder.iterdir())) == 2  # it, and which one counts


BAD_EDITS: list[tuple[dict[str, str], str]] = [
    ({"agents/dev/config.toml": BROKEN}, "agents/dev/config.toml: schedule"),
    ({"agents/dev/config.toml": "models = [\n"}, "agents/dev/config.toml: end of document"),
    ({"agents/dev/SKILL.md": "---\ndescription: [\n---\n"}, "agents/dev/SKILL.md"),
    ({"agents/dev/config.toml": 'models = ["opus"]\n' + HOURLY}, "models"),
]


@pytest.mark.parametrize(("files", "said"), BAD_EDITS)
async def test_a_broken_agent_goes_on_as_it_was(world: SchedulerWorld, files: dict[str, str], said: str) -> None:
    world.agent()
    world.agent("ops")
    async with world.reloading() as (scheduler, reload):
        good = await run_of(world, scheduler)
        write_files(world.project, {**files, "agents/ops/SKILL.md": SKILL.replace("Do something.", "Changed.")})
        await reload.look()
        assert said in scheduler.agents.errors["dev"].message
        assert set(scheduler.agents.errors) == {"dev"}
        same = await run_of(world, scheduler)
        assert same.agent("dev").skill_body == good.agent("dev").skill_body
        assert "Changed." in (await run_of(world, scheduler, "ops")).agent("ops").skill_body
        world.agent()
        await reload.look()
        assert scheduler.agents.errors == {}


async def test_broken_files_of_the_project_leave_all_of_them_as_they_were(world: SchedulerWorld) -> None:
    world.project_config("maxReruns = 3")
    world.agent()
    async with world.reloading() as (scheduler, reload):
        world.project_config("maxReruns = 4\nmaxRerun = 1")
        write_files(world.project, {"agents/dev/SKILL.md": SKILL.replace("Do something.", "Changed.")})
        await reload.look()
        error = scheduler.agents.project_error
        assert error is not None
        assert "config.toml: maxRerun" in error.message
        assert scheduler.agents.errors == {}
        project = await run_of(world, scheduler)
        assert project.config.max_reruns == scheduler.agents.project.config.max_reruns == 3
        assert "Changed." in project.agent("dev").skill_body
        world.project_config("maxReruns = 4")
        await reload.look()
        assert scheduler.agents.project_error is None
        assert (await run_of(world, scheduler)).config.max_reruns == 4


async def test_an_agent_that_the_projects_edit_breaks_goes_on_with_the_project_as_it_was(world: SchedulerWorld) -> None:
    world.agent()
    other = '[models.opus]\nprovider = "anthropic"\nmodel = "claude-opus-4-20250514"\n'
    async with world.reloading() as (scheduler, reload):
        write_files(world.project, {"config.toml": f"maxReruns = 7\n{other}"})
        await reload.look()
        assert "sonnet" in scheduler.agents.errors["dev"].message
        assert scheduler.agents.project_error is None
        assert scheduler.agents.project.config.max_reruns == 7
        held = await run_of(world, scheduler)
        assert [model.name for model in held.agent("dev").models] == ["sonnet"]
    async with world.reloading() as (scheduler, reload):  # also after a restart, and after another edit
        assert "dev" in scheduler.agents.project.agents
        write_files(world.project, {"config.toml": f"maxReruns = 8\n{other}"})
        await reload.look()
        assert (await run_of(world, scheduler)).agent("dev").models == held.agent("dev").models
        write_files(world.project, {"agents/dev/config.toml": 'models = ["opus"]\n' + HOURLY})
        await reload.look()
        assert scheduler.agents.errors == {}
        taken = await run_of(world, scheduler)
        assert ([model.name for model in taken.agent("dev").models], taken.config.max_reruns) == (["opus"], 8)


async def test_an_agent_that_was_never_sound_does_not_begin_and_says_why(world: SchedulerWorld) -> None:
    world.agent()
    async with world.reloading() as (scheduler, reload):
        world.agent("ops")
        write_files(world.project, {"agents/ops/config.toml": BROKEN})
        await reload.look()
        assert "schedule" in scheduler.agents.errors["ops"].message
        with pytest.raises(FreeholdError, match=r"agents/ops/config\.toml: schedule"):
            await scheduler.intake.take(manual("ops"))
        world.agent("ops")
        await reload.look()
        await run_of(world, scheduler, "ops")


def _link_outside(agent: Path) -> None:
    (agent / "SKILL.md").unlink()
    (agent / "SKILL.md").symlink_to("/etc/hostname")


def _pipe(agent: Path) -> None:
    os.mkfifo(agent / "pipe")


def _link_as_folder(agent: Path) -> None:
    agent.rename(agent.parent.parent / "elsewhere")
    agent.symlink_to(agent.parent.parent / "elsewhere")


def _large(agent: Path) -> None:
    with (agent / "large").open("wb") as file:
        file.truncate(101 * 1024 * 1024)


@pytest.mark.parametrize("edit", [_link_outside, _pipe, _link_as_folder, _large])
async def test_what_must_not_be_copied_is_not(world: SchedulerWorld, edit: Callable[[Path], None]) -> None:
    world.agent()
    async with world.reloading() as (scheduler, reload):
        before = await run_of(world, scheduler)
        edit(world.project / "agents/dev")
        await reload.look()
        assert "agents/dev" in scheduler.agents.errors["dev"].message
        assert (await run_of(world, scheduler)).agent("dev").skill_body == before.agent("dev").skill_body
    async with world.reloading() as (scheduler, _):
        assert "dev" in scheduler.agents.errors
        await run_of(world, scheduler)


async def test_agents_that_cannot_be_listed_all_stay(world: SchedulerWorld) -> None:
    world.agent()
    async with world.reloading() as (scheduler, reload):
        (world.project / "agents").rename(world.project / "agents2")
        (world.project / "agents").symlink_to("agents2")
        await reload.look()
        assert scheduler.agents.project_error is not None
        assert "agents: is a link" in scheduler.agents.project_error.message
        await run_of(world, scheduler)


async def test_a_removed_agent_ends_its_run_and_its_triggers_wait_for_its_return(world: SchedulerWorld) -> None:
    world.agent(config=HOURLY)
    world.agent("ops")
    async with world.reloading() as (scheduler, reload):
        await until(lambda: "dev" in scheduler.timetable.next)
        for _ in range(2):
            await scheduler.intake.take(manual())
        [running] = await world.until_runs(1)
        shutil.move(world.project / "agents/dev", world.folder / "dev")
        await reload.look()
        await until(lambda: "dev" not in scheduler.timetable.next)
        world.keeper.end(running.run_id)
        await world.until_closed(1)
        facts = scheduler.agents.facts("dev", 0, world.clock.now())
        assert facts.held.startswith("agent dev is not in the project any more")
        assert scheduler.dispatcher.queues.length("dev") == 1
        with pytest.raises(FreeholdError) as refused:
            await scheduler.intake.take(manual())
        assert refused.value.code is Code.NOT_FOUND
        for _ in range(48):
            world.clock.advance(3600)
            await asyncio.sleep(0.001)
        shutil.move(world.folder / "dev", world.project / "agents/dev")
        await reload.look()
        await until(lambda: "dev" in scheduler.timetable.next)
        _, second = await world.until_runs(2)
        world.keeper.end(second.run_id)
        await world.until_closed(2)
        await asyncio.sleep(0.02)
        # What its schedule missed meanwhile is not made up for: it was not there.
        assert len(world.runs_of()) == 2
        assert scheduler.timetable.next["dev"] - world.clock.now() <= timedelta(hours=1)


async def test_a_credential_that_comes_lets_held_agents_go(world: SchedulerWorld) -> None:
    world.agent()
    async with world.reloading() as (scheduler, _):
        world.keeper.problem = FreeholdError(Code.CREDENTIAL, "no key")
        await scheduler.intake.take(manual())
        await until(lambda: scheduler.agents.held("dev", world.clock.now()) is not None)
        world.keeper.problem = None
        scheduler.let_go()
        await world.until_runs(1)  # no time has passed


async def test_files_changed_while_no_scheduler_ran(world: SchedulerWorld) -> None:
    world.agent()
    async with world.reloading():
        pass
    write_files(world.project, {"agents/dev/SKILL.md": SKILL.replace("Do something.", "Changed.")})
    async with world.reloading() as (scheduler, _):
        assert "Changed." in (await run_of(world, scheduler)).agent("dev").skill_body


async def test_a_project_that_is_broken_at_the_start_goes_on_as_it_was(world: SchedulerWorld) -> None:
    world.agent()
    write_files(world.project, {"config.toml": "models = 1"})
    with pytest.raises(FreeholdError, match=r"config.toml: models"):
        async with world.reloading():
            pass
    world.project_config("")
    async with world.reloading():
        pass
    write_files(world.project, {"config.toml": "models = 1"})
    async with world.reloading() as (scheduler, _):
        assert scheduler.agents.project_error is not None
        await run_of(world, scheduler)


async def test_a_branch_is_checked_out_and_left_again(world: SchedulerWorld) -> None:
    for number in range(30):
        world.agent(f"a{number}")
    async with world.reloading() as (scheduler, reload):
        first = scheduler.agents.edition.chosen
        for number in range(30):
            folder = world.project / f"agents/a{number}"
            shutil.move(folder, world.folder / "main" / folder.name)
            if number % 2:
                world.agent(f"b{number}", config="maxWorkQueueSize = 3")
        await reload.look()
        assert set(scheduler.agents.project.agents) == {f"b{number}" for number in range(1, 30, 2)}
        shutil.rmtree(world.project / "agents")
        shutil.move(world.folder / "main", world.project / "agents")
        await reload.look()
        assert scheduler.agents.edition.chosen == first
        assert len(scheduler.agents.project.agents) == 30
        assert len(kept_revisions(world)) == 2


def kept_revisions(world: SchedulerWorld) -> set[str]:
    return {path.name for path in world.revisions.folder.iterdir() if is_revision(path.name)}


async def test_a_run_under_way_keeps_its_revision_however_often_is_edited(world: SchedulerWorld) -> None:
    world.agent()
    async with world.reloading() as (scheduler, reload):
        await scheduler.intake.take(manual("dev"))
        await until(lambda: bool(world.keeper.starts))
        [start] = world.keeper.starts
        for number in range(6):
            world.agent(config=f"maxWorkQueueSize = {number + 3}")
            await reload.look()
            assert start.options.revision in kept_revisions(world)
        world.keeper.end(start.run_id)
        world.agent(config="maxWorkQueueSize = 30")
        await reload.look()
        assert start.options.revision not in kept_revisions(world)
        assert len(kept_revisions(world)) == KEPT


async def test_unchanged_files_are_shared_between_revisions_and_not_with_the_live_ones(world: SchedulerWorld) -> None:
    world.agent()
    async with world.reloading() as (scheduler, reload):
        before = scheduler.agents.edition.project
        write_files(world.project, {"agents/dev/SKILL.md": SKILL.replace("Do something.", "Changed.")})
        await reload.look()
        after = scheduler.agents.edition.project
    assert (before.files / "config.toml").stat().st_ino == (after.files / "config.toml").stat().st_ino
    assert (before.files / "config.toml").stat().st_ino != (world.project / "config.toml").stat().st_ino
    assert (before.files / "agents/dev/SKILL.md").read_text() == SKILL
    assert (world.revisions.folder.stat().st_mode & 0o777, after.files.stat().st_mode & 0o777) == (0o700, 0o700)


async def test_edits_that_keep_the_size_and_the_time_of_a_file_are_seen(world: SchedulerWorld) -> None:
    world.agent()
    skill = world.project / "agents/dev/SKILL.md"
    async with world.reloading() as (scheduler, reload):
        at = skill.stat().st_mtime_ns
        skill.write_text(SKILL.replace("Do something.", "Do anything!."))
        os.utime(skill, ns=(at, at))
        await reload.look()
        skill.write_text(SKILL.replace("Do something.", "Do nothing!!."))
        os.utime(skill, ns=(at, at))
        await reload.look()
        assert "Do nothing" in scheduler.agents.agent("dev").skill_body


async def test_a_revision_that_was_removed_by_hand_is_made_again(world: SchedulerWorld) -> None:
    world.agent()
    async with world.reloading() as (scheduler, reload):
        shutil.rmtree(world.revisions.folder)
        await reload.look()
        await run_of(world, scheduler)


async def test_what_a_killed_process_left_is_no_revision(world: SchedulerWorld) -> None:
    world.agent()
    composer = world.composer()
    edition = composer.compose(None, time.time_ns())
    assert edition.chosen is not None
    (world.revisions.folder / edition.chosen.revision / "revision.json").unlink()
    (world.revisions.folder / edition.chosen.revision / "files/config.toml").write_text("")
    (world.revisions.folder / ".aside").mkdir()
    (world.revisions.folder / ".aside/part").write_text("half")
    assert world.revisions.current() is None
    again = world.composer().compose(world.composer().restore(), time.time_ns())
    assert again.chosen == edition.chosen
    assert (again.project.files / "config.toml").read_text() != ""


async def test_the_environments_file_is_part_of_a_revision(world: SchedulerWorld) -> None:
    world.agent()
    prod = {"environments/prod.toml": 'maxReruns = 3\n[server]\nhost = "a.example"\n'}
    write_files(world.folder / "home", prod)
    (world.project / ".env.toml").write_text('environment = "prod"\n')
    async with world.reloading() as (scheduler, reload):
        before = await run_of(world, scheduler)
        assert world.keeper.starts[-1].options.environment == "prod"
        write_files(world.folder / "home", {"environments/prod.toml": "maxReruns = 'many'\n"})
        assert of_run(world, world.runs_of()[-1].run_id).config.max_reruns == before.config.max_reruns == 3
        await reload.look()
        assert scheduler.agents.project_error is not None
        assert "prod.toml: maxReruns" in scheduler.agents.project_error.message
        assert (await run_of(world, scheduler)).config.max_reruns == 3
        (world.folder / "home/environments/prod.toml").unlink()
        await reload.look()
        assert scheduler.agents.project_error is not None
        assert "there is no environment" in scheduler.agents.project_error.message
        assert (await run_of(world, scheduler)).config.max_reruns == 3


async def test_a_trigger_for_another_environment_reads_the_files_as_they_are(world: SchedulerWorld) -> None:
    world.agent()
    async with world.reloading() as (scheduler, _):
        await scheduler.intake.take(manual(options=RunOptions(environment="test")))
        await world.until_runs(1)
        options = world.keeper.starts[-1].options
        assert (options.environment, options.revision) == ("test", "")
