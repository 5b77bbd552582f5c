from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.runtime.engine import Place
from freehold.runtime.private_places import memory_base, own_directory
from freehold.runtime.run_directory import RunDirectory, sweep_secrets
from freehold.wire.brief import Brief, Harness, decode

BRIEF = Brief(run_id="dev-1", agent="dev", harness=Harness("builtin", ["harness"]), skill="Be kind.", prompt="Go.")


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "agents" / "dev"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("Be kind.")
    return folder


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    (tmp_path / "shm").mkdir()
    return tmp_path / "shm"


@pytest.fixture
def directory(tmp_path: Path, memory: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "runs" / "dev-1", memory=memory)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_the_layout_and_its_rights(directory: RunDirectory, agent: Path) -> None:
    shared = agent.parents[1] / "shared"
    shared.mkdir()
    (shared / "style.md").write_text("Plain.")
    (shared / ".hidden").write_text("x")
    old = os.umask(0o077)
    try:
        directory.snapshot(agent, shared)
        directory.write_brief(BRIEF)
    finally:
        os.umask(old)
    assert mode(directory.root) == 0o700
    assert mode(directory.mount) == 0o755
    assert mode(directory.container_events) == 0o666
    assert mode(directory.mount / "prompt.json") == 0o444
    assert decode((directory.mount / "prompt.json").read_bytes()) == BRIEF
    assert (directory.agent / "SKILL.md").read_text() == "Be kind."
    assert [path.name for path in directory.shared.iterdir()] == ["style.md"]


def test_laying_it_out_again_keeps_what_the_run_wrote(directory: RunDirectory, agent: Path) -> None:
    directory.snapshot(agent, None)
    directory.container_events.write_text("line\n")
    directory.snapshot(agent, None)
    assert directory.container_events.read_text() == "line\n"
    assert not directory.shared.exists()


def test_credentials_lie_in_memory_behind_private_directories(directory: RunDirectory, memory: Path) -> None:
    made = directory.make_credentials_directory()
    assert made == directory.credentials
    assert made.is_relative_to(memory)
    assert mode(made) == 0o755
    between = [parent for parent in made.parents if parent.is_relative_to(memory) and parent != memory]
    assert [mode(parent) for parent in between] == [0o700] * 3


def test_without_memory_credentials_lie_in_the_private_run_directory(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "runs" / "dev-1")
    directory._memory = None
    assert directory.make_credentials_directory() == tmp_path / "runs" / "dev-1" / "credentials"
    assert mode(directory.root) == 0o700


def test_an_engine_may_choose_other_places(tmp_path: Path, agent: Path, memory: Path) -> None:
    for name in ("exposed", "secret"):
        (tmp_path / name).mkdir()
    place = Place(exposed=tmp_path / "exposed", credentials=tmp_path / "secret")
    directory = RunDirectory(tmp_path / "runs" / "dev-1", place, memory=memory)
    directory.snapshot(agent, None)
    assert directory.mount == tmp_path / "exposed" / "mount"
    assert (tmp_path / "exposed" / "agent" / "SKILL.md").exists()
    assert directory.make_credentials_directory() == tmp_path / "secret" / "credentials"
    assert list(memory.iterdir()) == []


async def test_removing_parts(directory: RunDirectory, agent: Path) -> None:
    directory.snapshot(agent, None)
    directory.make_credentials_directory().joinpath("token").write_text("s3cret")
    (directory.root / "run.json").write_text("{}")
    await directory.remove_secrets()
    assert not directory.credentials.parent.parent.exists()
    await directory.remove_scratch()
    assert [path.name for path in directory.root.iterdir()] == ["run.json"]
    await directory.remove()
    await directory.remove()
    assert not directory.root.exists()


async def test_secrets_on_disk_are_removed_by_a_keeper_that_would_put_them_in_memory(
    directory: RunDirectory, agent: Path
) -> None:
    directory.snapshot(agent, None)
    (directory.root / "credentials").mkdir()
    await directory.remove_secrets()
    assert not (directory.root / "credentials").exists()


async def test_the_sweep_spares_the_living_and_other_installations(tmp_path: Path, memory: Path) -> None:
    def staged(runs: str, run_id: str) -> RunDirectory:
        directory = RunDirectory(tmp_path / runs / run_id, memory=memory)
        directory.make_credentials_directory()
        return directory

    alive, dead, other = staged("runs", "a-1"), staged("runs", "a-2"), staged("other/runs", "a-3")
    on_disk = tmp_path / "runs" / "a-4" / "credentials"
    on_disk.mkdir(parents=True)
    assert await sweep_secrets(tmp_path / "runs", {"a-1"}, memory) == ["a-2", "a-4"]
    assert alive.credentials.exists()
    assert other.credentials.exists()
    assert not dead.credentials.exists()
    assert not on_disk.exists()


async def test_the_sweep_takes_what_a_deleted_project_left(tmp_path: Path, memory: Path) -> None:
    gone = RunDirectory(tmp_path / "gone" / "runs" / "a-1", memory=memory)
    gone.make_credentials_directory()
    shutil.rmtree(tmp_path / "gone")
    assert await sweep_secrets(tmp_path / "runs", set(), memory) == []
    assert not gone.credentials.exists()


async def test_the_sweep_of_nothing_is_nothing(tmp_path: Path, memory: Path) -> None:
    assert await sweep_secrets(tmp_path / "runs", set(), memory) == []


def test_a_disk_that_refuses_is_named(tmp_path: Path, agent: Path, memory: Path) -> None:
    (tmp_path / "runs").write_text("a file where a directory should be")
    with pytest.raises(FreeholdError) as caught:
        RunDirectory(tmp_path / "runs" / "dev-1", memory=memory).snapshot(agent, None)
    assert caught.value.code is Code.DISK


def test_a_shared_place_that_somebody_took_is_refused(tmp_path: Path) -> None:
    (tmp_path / "freehold-0").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FreeholdError) as caught:
        own_directory(tmp_path, "freehold-0", 0o700)
    assert caught.value.code is Code.DENIED


def test_an_own_place_that_is_too_open_is_narrowed(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir(mode=0o755)
    assert mode(own_directory(tmp_path, "ours", 0o700)) == 0o700


def test_a_machine_without_shared_memory_has_no_memory_base(tmp_path: Path) -> None:
    assert memory_base(0, tmp_path / "absent") is None
    assert memory_base(0, tmp_path) == tmp_path
