"""Workspaces on a real engine: kept between runs, held to their size, and without a trace of loop devices."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from freehold.base.clock import FakeClock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.runtime.docker_engine import DockerEngine
from freehold.runtime.engine import Exit, Network, RunSpec

pytestmark = [pytest.mark.docker, pytest.mark.root]

MEGABYTE = 1024**2
PROJECT = f"fhw-{os.getpid()}"
VOLUME = f"fh-{PROJECT}-dev-0"
SMALL = 32 * MEGABYTE


class Site:
    """A project's workspaces, and engines on them."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.disks = base / "workspaces"
        self.engines: list[DockerEngine] = []

    def engine(self, *, measured: bool = False) -> DockerEngine:
        clock = FakeClock() if measured else SystemClock()
        engine = DockerEngine(clock, self.disks, workspace_bytes=SMALL, measure_workspaces=measured)
        self.engines.append(engine)
        return engine

    def spec(self, script: str, slot: int = 0) -> RunSpec:
        run_id = new_run_id("dev")
        base = self.base / run_id
        for part in ("mount", "agent", "credentials"):
            (base / part).mkdir(parents=True)
        events = base / "mount" / "events.jsonl"
        events.touch()
        events.chmod(0o666)
        return RunSpec(
            run_id=run_id,
            project=PROJECT,
            agent="dev",
            attempt=1,
            slot=slot,
            image="freehold-agent:latest",
            mount=base / "mount",
            agent_dir=base / "agent",
            credentials_dir=base / "credentials",
            shared_dir=None,
            network=Network.NONE,
            memory_bytes=256 * MEGABYTE,
            cpus=1.0,
            timeout_s=60,
            started_at="2026-11-21T09:00:00.000Z",
            command=("sh", "-c", script),
        )

    async def run(self, engine: DockerEngine, script: str, slot: int = 0) -> Exit:
        spec = self.spec(script, slot)
        await engine.start(spec)
        result = await asyncio.wait_for(engine.wait(spec.run_id), 60)
        await engine.remove(spec.run_id)
        return result

    def loop_devices(self) -> str:
        """Loop devices of this project's disks."""
        listed = subprocess.run(["losetup", "--list", "--noheadings"], check=True, capture_output=True, text=True)
        return "\n".join(line for line in listed.stdout.splitlines() if str(self.disks) in line)

    async def close(self) -> None:
        engine = self.engine()
        for found in await engine.find(PROJECT):
            await engine.remove(found.run_id)
        for slot in (0, 1):
            await engine.give_up_workspace(PROJECT, "dev", slot)
        for engine in self.engines:
            await engine.close()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    yield made
    await made.close()


@pytest.mark.parametrize("measured", [False, True])
async def test_what_is_in_it_is_kept_for_the_next_run(site: Site, measured: bool) -> None:
    engine = site.engine(measured=measured)
    assert (await site.run(engine, "echo kept > /workspace/note")).code == 0
    assert (await site.run(engine, "grep -q kept /workspace/note")).code == 0


@pytest.mark.parametrize("measured", [False, True])
async def test_each_slot_has_its_own(site: Site, measured: bool) -> None:
    engine = site.engine(measured=measured)
    await site.run(engine, "echo mine > /workspace/note")
    assert (await site.run(engine, "test -e /workspace/note", slot=1)).code == 1


async def test_a_full_one_is_a_full_disk(site: Site) -> None:
    result = await site.run(site.engine(), "head -c 64M /dev/zero > /workspace/fill")
    assert result.code != 0
    assert "No space left on device" in result.output
    assert not result.workspace_full, "the run saw it itself"


async def test_it_is_empty_at_first_so_that_a_clone_fits(site: Site) -> None:
    assert (await site.run(site.engine(), 'test -z "$(ls -A /workspace)" && git init -q /workspace')).code == 0


async def test_no_loop_device_outlives_its_run(site: Site) -> None:
    engine = site.engine()
    spec = site.spec("sleep 60")
    await engine.start(spec)
    assert "(deleted)" not in site.loop_devices()
    assert len(site.loop_devices().splitlines()) == 1
    assert list(site.disks.glob("*.device")) == []
    await engine.kill(spec.run_id)
    await engine.wait(spec.run_id)
    await engine.remove(spec.run_id)
    async with asyncio.timeout(10):  # the kernel detaches it once its last user is gone, and that takes a moment
        while site.loop_devices():
            await asyncio.sleep(0.05)


async def test_a_start_that_fails_gives_the_device_back(site: Site) -> None:
    engine = site.engine()
    with pytest.raises(FreeholdError):
        await engine.start(replace(site.spec(""), command=("/no/such/program",)))
    assert site.loop_devices() == ""
    assert (await site.run(engine, "true")).code == 0


async def test_a_run_in_a_slot_whose_last_run_is_not_removed_yet(site: Site) -> None:
    engine = site.engine()
    last = site.spec("echo kept > /workspace/note")
    await engine.start(last)
    await engine.wait(last.run_id)
    assert (await site.run(engine, "grep -q kept /workspace/note")).code == 0


async def test_two_containers_on_one_workspace_at_a_time(site: Site) -> None:
    """`freehold shell` looks at a workspace that a run is using."""
    engine = site.engine()
    running = site.spec("echo kept > /workspace/note; sleep 60")
    await engine.start(running)
    looking = "for i in $(seq 100); do grep -q kept /workspace/note && exit 0; sleep 0.1; done; exit 1"
    assert (await site.run(engine, looking)).code == 0
    assert [found.running for found in await engine.find(PROJECT)] == [True]


async def test_a_keeper_that_is_killed_between_attach_and_start_leaves_nothing_in_the_way(site: Site) -> None:
    script = """
        import asyncio, os, signal, sys
        from pathlib import Path
        from freehold.runtime.loop_disk import LoopDisk
        async def main():
            await LoopDisk(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), 1000).attach()
            os.kill(os.getpid(), signal.SIGKILL)
        asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(site.disks), VOLUME, str(SMALL)]
    killed = await asyncio.create_subprocess_exec(*command)
    assert await killed.wait() == -9
    assert site.loop_devices() != ""
    assert (await site.run(site.engine(), "true")).code == 0
    assert site.loop_devices() == ""


async def test_a_disk_that_lost_power_is_repaired(site: Site) -> None:
    engine = site.engine()
    await site.run(engine, "echo kept > /workspace/note; sync")
    image = site.disks / f"{VOLUME}.ext4"
    dirty = ["debugfs", "-w", "-R", "set_super_value state 0", str(image)]
    assert await (await asyncio.create_subprocess_exec(*dirty, stderr=asyncio.subprocess.DEVNULL)).wait() == 0
    assert (await site.run(engine, "grep -q kept /workspace/note")).code == 0


async def test_a_disk_beyond_repair_is_an_error_that_names_it(site: Site) -> None:
    engine = site.engine()
    await site.run(engine, "true")
    image = site.disks / f"{VOLUME}.ext4"
    image.write_bytes(b"not a file system")
    with pytest.raises(FreeholdError) as caught:
        await engine.start(site.spec("true"))
    assert caught.value.code is Code.DISK
    assert str(image) in caught.value.message
    assert await engine.find(PROJECT) == []
    image.unlink()
    assert (await site.run(engine, "true")).code == 0, "deleting it is the way out that the hint names"


async def test_a_project_that_moved_finds_its_disks(site: Site) -> None:
    await site.run(site.engine(), "echo kept > /workspace/note")
    site.disks = site.disks.rename(site.base / "elsewhere")
    assert (await site.run(site.engine(), "grep -q kept /workspace/note")).code == 0


@pytest.mark.parametrize("measured", [False, True])
async def test_another_agents_workspace_is_not_taken(site: Site, measured: bool) -> None:
    engine = site.engine(measured=measured)
    await site.run(engine, "true")
    project, _, last = PROJECT.rpartition("-")
    other = replace(site.spec("true"), project=project, agent=f"{last}-dev")
    with pytest.raises(FreeholdError) as caught:
        await engine.start(other)
    assert caught.value.code is Code.CONFLICT
    assert PROJECT in caught.value.message
    assert await engine.find(project) == []


async def test_a_measured_one_that_is_too_full_ends_the_run(site: Site) -> None:
    engine = site.engine(measured=True)
    spec = site.spec("head -c 64M /dev/zero > /workspace/fill; sleep 600")
    await engine.start(spec)
    result = await asyncio.wait_for(engine.wait(spec.run_id), 60)
    assert (result.code, result.workspace_full) == (137, True)
    again = await asyncio.wait_for(engine.wait(spec.run_id), 60)
    assert again.workspace_full, "a keeper that takes over learns it too"


async def test_a_measured_one_within_its_size_is_left_alone(site: Site) -> None:
    result = await site.run(site.engine(measured=True), "head -c 8M /dev/zero > /workspace/fill")
    assert (result.code, result.workspace_full) == (0, False)


async def test_a_disk_needs_root_and_says_so(site: Site) -> None:
    await site.run(site.engine(), "true")
    with pytest.raises(FreeholdError) as caught:
        await site.engine(measured=True).start(site.spec("true"))
    assert caught.value.code is Code.DISK
    assert f"docker volume rm {VOLUME}" in caught.value.hint
