"""Workspaces of agents that are gone: found, and removed unless a run has them or somebody wants them again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.keeper.gone_workspaces import GoneWorkspaces
from freehold.runtime.fake_engine import FakeRun
from freehold.runtime.kept_workspaces import KeptWorkspace
from freehold.wire.keeper import KillRun, ListGoneWorkspaces, RemoveWorkspace, WorkspaceView
from tests.support.stage import NOBODY, Stage, until


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "shop", tmp_path / "home")


async def gone(stage: Stage) -> list[WorkspaceView]:
    return await GoneWorkspaces(stage.means).find(NOBODY, ListGoneWorkspaces())


async def remove(stage: Stage, view: WorkspaceView) -> None:
    request = RemoveWorkspace(view.engine, view.project, view.agent, view.slot)
    await GoneWorkspaces(stage.means).remove(NOBODY, request)


def forget(stage: Stage, agent: str) -> None:
    shutil.rmtree(stage.root / "agents" / agent)


def size_is(stage: Stage, size_bytes: int) -> None:
    stage.host.workspaces = dict.fromkeys(stage.host.workspaces, size_bytes)


async def test_what_agents_use_is_not_listed(stage: Stage) -> None:
    await stage.run("dev")
    assert await gone(stage) == []


async def test_an_agent_that_is_gone_leaves_a_workspace_that_can_be_removed(stage: Stage) -> None:
    await stage.run("dev")
    await stage.run("ops")
    size_is(stage, 4096)
    forget(stage, "dev")
    [view] = await gone(stage)
    name = stage.means.project_name()
    assert view == WorkspaceView(
        engine="docker", project=name, agent="dev", slot=0, where=f"fake-{name}-dev-0",
        why='there is no agent "dev" any more', size_bytes=4096,
    )  # fmt: skip
    await remove(stage, view)
    assert await gone(stage) == []
    assert [one.agent for one in stage.host.workspaces] == ["ops"]


async def test_another_projects_are_never_listed(stage: Stage) -> None:
    stage.host.workspaces[KeptWorkspace("other-1234", "dev", 0, "theirs")] = 1
    forget(stage, "dev")
    assert await gone(stage) == []
    theirs = WorkspaceView(engine="docker", project="other-1234", agent="dev", slot=0, where="theirs", why="")
    with pytest.raises(FreeholdError) as caught:
        await remove(stage, theirs)
    assert caught.value.code is Code.CONFLICT
    assert len(stage.host.workspaces) == 1


async def test_what_a_run_has_is_listed_and_stays(stage: Stage) -> None:
    stage.script(FakeRun(lasts_s=None))
    run_id = await stage.start("dev")
    await until(lambda: stage.is_watched(run_id))
    forget(stage, "dev")
    [view] = await gone(stage)
    assert view.in_use
    with pytest.raises(FreeholdError) as caught:
        await remove(stage, view)
    assert caught.value.code is Code.CONFLICT
    assert "in use by a run" in caught.value.message
    assert len(stage.host.workspaces) == 1
    await stage.keeper.kill(NOBODY, KillRun(run_id))
    await stage.finished(run_id)
    await remove(stage, view)
    assert stage.host.workspaces == {}


async def test_an_agent_that_came_back_keeps_what_it_had(stage: Stage) -> None:
    await stage.run("dev")
    forget(stage, "dev")
    [view] = await gone(stage)
    (stage.root / "agents" / "dev").mkdir()  # somebody begins to write it again
    with pytest.raises(FreeholdError) as caught:
        await remove(stage, view)
    assert caught.value.code is Code.CONFLICT
    assert len(stage.host.workspaces) == 1


async def test_a_project_that_was_given_another_name(stage: Stage) -> None:
    await stage.run("dev")
    before = stage.means.project_name()
    (stage.root / ".env.toml").write_text('projectName = "Store"\n')
    [view] = await gone(stage)
    assert (view.project, view.why) == (before, f'the project was called "{before}" then')
    await remove(stage, view)
    assert await gone(stage) == []


async def test_a_project_that_came_from_elsewhere_does_not_touch_what_is_there(stage: Stage, tmp_path: Path) -> None:
    """A copy of a project brings its records along; the workspaces they name are the original's."""
    await stage.run("dev")
    shutil.copytree(stage.root, tmp_path / "copy")
    copy = Stage.__new__(Stage)
    copy.__dict__.update(vars(stage), root=tmp_path / "copy")
    copy.keeper = copy.new_keeper()
    assert await gone(copy) == []


async def test_an_engine_that_is_away_is_passed_over(stage: Stage) -> None:
    await stage.run("dev")
    forget(stage, "dev")
    stage.host.unready = FreeholdError(Code.UNREACHABLE, "Docker is not running")
    assert await gone(stage) == []
    stage.host.unready = FreeholdError(Code.FAILED, "Docker could not list volumes")
    with pytest.raises(FreeholdError, match="could not list volumes"):
        await gone(stage)
