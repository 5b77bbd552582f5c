"""One contract for all that keep workspaces: `WorkspaceKeeping` on Docker, as another user, and on the fake."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.containers.connection import DockerConnection
from freehold.containers.volume import Volume, Volumes
from freehold.runtime.container_names import volume_labels, volume_name
from freehold.runtime.docker_engine import DockerEngine
from freehold.runtime.fake_engine import FakeEngine, FakeHost
from freehold.runtime.host_user import HostUserEngine
from freehold.runtime.host_workspaces import HostUserWorkspaces
from freehold.runtime.kept_workspaces import KeptWorkspace, WorkspaceKeeping
from freehold.runtime.loop_disk import LoopDisk

PROJECT = f"fhg-{os.getpid()}"
MEGABYTE = 1024**2
RUN_AS = "freehold-test-nobody"
SMALL = 32 * MEGABYTE


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Subject:
    """`make` makes a workspace as a run would; `fill` puts a megabyte into it.

    `by_folder`: they lie in a folder of the project's own, so that what is there is its own whatever the name says.
    """

    keeping: WorkspaceKeeping
    make: Callable[[str, str, int], Awaitable[None]]
    fill: Callable[[str, str, int], None]
    by_folder: bool = False
    made: list[tuple[str, str, int]] = field(default_factory=list)

    async def keep(self, project: str, agent: str, slot: int) -> None:
        self.made.append((project, agent, slot))
        await self.make(project, agent, slot)


def fake(_folder: Path) -> Subject:
    host = FakeHost()

    def kept(project: str, agent: str, slot: int) -> KeptWorkspace:
        return KeptWorkspace(project, agent, slot, f"fake-{project}-{agent}-{slot}")

    async def make(project: str, agent: str, slot: int) -> None:
        host.workspaces[kept(project, agent, slot)] = 0

    def fill(project: str, agent: str, slot: int) -> None:
        host.workspaces[kept(project, agent, slot)] += MEGABYTE

    return Subject(FakeEngine(FakeClock(), host), make, fill)


def docker_volumes(folder: Path) -> Subject:
    async def make(project: str, agent: str, slot: int) -> None:
        connection = DockerConnection.open()
        try:
            labels = volume_labels(project, agent, slot)
            await Volumes(connection).create(Volume(volume_name(project, agent, slot), labels, {}))
        finally:
            await connection.close()

    def fill(project: str, agent: str, slot: int) -> None:
        name = volume_name(project, agent, slot)
        within = ("--rm", "--network", "none", "--user", "0", "--volume", f"{name}:/w", "--entrypoint", "sh")
        docker("run", *within, "freehold-agent:latest", "-c", "head -c 1M /dev/urandom > /w/fill")

    return Subject(DockerEngine(SystemClock(), folder / "workspaces", measure_workspaces=True), make, fill)


def docker_disks(folder: Path) -> Subject:
    """Disk images, whose volumes somebody removed: what has a volume is told in `test_docker_workspace.py`."""
    directory = folder / "workspaces"

    async def make(project: str, agent: str, slot: int) -> None:
        disk = LoopDisk(directory, volume_name(project, agent, slot), SMALL, 1000)
        await disk.attach()
        await disk.let_go()

    def fill(project: str, agent: str, slot: int) -> None:
        with (directory / f"{volume_name(project, agent, slot)}.ext4").open("r+b") as image:
            image.seek(SMALL // 2)
            image.write(os.urandom(MEGABYTE))

    return Subject(DockerEngine(SystemClock(), directory, workspace_bytes=SMALL), make, fill, by_folder=True)


def host_user(folder: Path) -> Subject:
    """As root, a user that root lends; else the caller."""
    state = folder / "state"
    engine = HostUserEngine(SystemClock(), state)
    ran: set[tuple[str, str, int]] = set()

    async def make(project: str, agent: str, slot: int) -> None:
        run_id = new_run_id(agent)
        await engine.place(run_id, project, agent, slot, run_as=RUN_AS, as_caller=True)
        await engine.remove(run_id)
        ran.add((project, agent, slot))

    keeping = HostUserWorkspaces(engine, state, lambda: [RUN_AS], lambda: ran)

    def fill(project: str, agent: str, slot: int) -> None:
        [one] = [one for one in keeping._look(project) if (one.agent, one.slot) == (agent, slot)]
        Path(one.where, "workspace", "fill").write_bytes(os.urandom(MEGABYTE))

    return Subject(keeping, make, fill)


SUBJECTS = {"fake": fake, "docker volumes": docker_volumes, "docker disks": docker_disks, "host-user": host_user}


@pytest.fixture(
    params=[
        "fake",
        "host-user",
        pytest.param("docker volumes", marks=pytest.mark.docker),
        pytest.param("docker disks", marks=[pytest.mark.docker, pytest.mark.root]),
    ]
)
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    made = SUBJECTS[request.param](tmp_path)
    yield made
    for workspace in made.made:
        await made.keeping.give_up_workspace(*workspace)
    if isinstance(made.keeping, DockerEngine):
        await made.keeping.close()


def places(kept: list[KeptWorkspace]) -> list[tuple[str, str, int]]:
    return [(one.project, one.agent, one.slot) for one in kept]


async def test_what_is_kept_is_named_until_it_is_given_up(subject: Subject) -> None:
    await subject.keep(PROJECT, "ops", 0)
    await subject.keep(PROJECT, "dev", 1)
    await subject.keep(PROJECT, "dev", 0)
    kept = await subject.keeping.workspaces(PROJECT)
    assert places(kept) == [(PROJECT, "dev", 0), (PROJECT, "dev", 1), (PROJECT, "ops", 0)]
    await subject.keeping.give_up_workspace(PROJECT, "dev", 1)
    assert places(await subject.keeping.workspaces(PROJECT)) == [(PROJECT, "dev", 0), (PROJECT, "ops", 0)]


async def test_another_projects_are_not_named(subject: Subject) -> None:
    """Not even those of one whose name begins with ours."""
    await subject.keep(f"{PROJECT}-more", "dev", 0)
    assert places(await subject.keeping.workspaces(PROJECT)) == (
        [(PROJECT, "more-dev", 0)] if subject.by_folder else []
    )
    assert await subject.keeping.workspaces(f"{PROJECT}-mo") == []


async def test_what_was_never_there_can_be_given_up(subject: Subject) -> None:
    await subject.keeping.give_up_workspace(PROJECT, "never", 0)
    assert await subject.keeping.workspaces(PROJECT) == []


async def test_sizes_are_those_of_what_is_in_it(subject: Subject) -> None:
    await subject.keep(PROJECT, "dev", 0)
    await subject.keep(PROJECT, "dev", 1)
    subject.fill(PROJECT, "dev", 0)
    kept = await subject.keeping.workspaces(PROJECT)
    full, empty = await subject.keeping.workspace_sizes(kept)
    assert full is not None
    assert empty is not None
    assert full - empty >= MEGABYTE // 2


@pytest.mark.docker
async def test_a_volume_that_a_container_has_stays(tmp_path: Path) -> None:
    subject = docker_volumes(tmp_path)
    await subject.keep(PROJECT, "dev", 0)
    name = volume_name(PROJECT, "dev", 0)
    container = docker("create", "--volume", f"{name}:/w", "freehold-agent:latest")
    try:
        with pytest.raises(FreeholdError) as caught:
            await subject.keeping.give_up_workspace(PROJECT, "dev", 0)
        assert caught.value.code is Code.CONFLICT
    finally:
        docker("rm", container)
    await subject.keeping.give_up_workspace(PROJECT, "dev", 0)
    assert isinstance(subject.keeping, DockerEngine)
    await subject.keeping.close()


@pytest.mark.docker
async def test_a_volume_of_the_same_name_that_is_another_agents_stays(tmp_path: Path) -> None:
    subject = docker_volumes(tmp_path)
    await subject.keep(PROJECT, "more-dev", 0)
    with pytest.raises(FreeholdError) as caught:
        await subject.keeping.give_up_workspace(f"{PROJECT}-more", "dev", 0)
    assert caught.value.code is Code.CONFLICT
    assert places(await subject.keeping.workspaces(PROJECT)) == [(PROJECT, "more-dev", 0)]
    await subject.keeping.give_up_workspace(PROJECT, "more-dev", 0)
    assert isinstance(subject.keeping, DockerEngine)
    await subject.keeping.close()


@pytest.mark.docker
@pytest.mark.root
async def test_a_disk_whose_volume_is_of_another_name_is_told_under_that_name(tmp_path: Path) -> None:
    """`P-more` and `dev` make the same name as `P` and `more-dev`; only the volume's labels say which it is."""
    volumes, disks = docker_volumes(tmp_path), docker_disks(tmp_path)
    await disks.keep(f"{PROJECT}-more", "dev", 0)
    await volumes.keep(f"{PROJECT}-more", "dev", 0)
    assert places(await disks.keeping.workspaces(PROJECT)) == []
    assert places(await disks.keeping.workspaces(f"{PROJECT}-more")) == [(f"{PROJECT}-more", "dev", 0)]
    await disks.keeping.give_up_workspace(f"{PROJECT}-more", "dev", 0)
    assert await disks.keeping.workspaces(f"{PROJECT}-more") == []
    for subject in (volumes, disks):
        assert isinstance(subject.keeping, DockerEngine)
        await subject.keeping.close()
