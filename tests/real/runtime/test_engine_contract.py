"""One contract for every engine: each promise of `Engine`'s docstring, on Docker, as another user, and on the fake."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import pytest

from freehold.base.clock import FakeClock, SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.runtime.docker_engine import DockerEngine
from freehold.runtime.engine import Engine, Exit, Found, Network, RunSpec
from freehold.runtime.fake_engine import FakeEngine, FakeHost, FakeRun
from freehold.runtime.host_user import HostUserEngine
from freehold.runtime.run_directory import RunDirectory, sweep_secrets

MEGABYTE = 1024**2
PROJECT = f"fht-{os.getpid()}"
IMAGE = "freehold-agent:latest"


class Behaviour(StrEnum):
    SUCCEEDS = "succeeds"
    FAILS = "fails with 3 after saying boom"
    LASTS = "lasts until SIGTERM"
    IGNORES_TERM = "lasts until SIGKILL"
    EATS_MEMORY = "asks for more memory than it may have"
    CANNOT_START = "cannot start"


class Subject(Protocol):
    """An engine under test: `engine()` is a new client of the same machine each time."""

    name: str

    def engine(self) -> Engine: ...

    async def spec(self, behaviour: Behaviour, slot: int = 1) -> RunSpec: ...

    async def close(self) -> None: ...


async def lay_out(engine: Engine, base: Path, behaviour: Behaviour, slot: int, *, run_as: str = "") -> RunSpec:
    """A run as the keeper lays it out: the engine's place first, then the run directory in it."""
    run_id = new_run_id("dev")
    place = await engine.place(run_id, PROJECT, "dev", slot, run_as=run_as, as_caller=True)
    directory = RunDirectory(base / "runs" / run_id, place)
    agent = base / "agents" / "dev"
    agent.mkdir(parents=True, exist_ok=True)
    directory.snapshot(agent, None)
    return RunSpec(
        run_id=run_id,
        project=PROJECT,
        agent="dev",
        attempt=2,
        slot=slot,
        image=IMAGE,
        mount=directory.mount,
        agent_dir=directory.agent,
        credentials_dir=directory.make_credentials_directory(),
        shared_dir=None,
        network=Network.NONE,
        memory_bytes=256 * MEGABYTE,
        cpus=1.0,
        timeout_s=900,
        started_at="2026-11-21T09:00:00.000Z",
        command=COMMANDS[behaviour],
        run_as=run_as,
        as_caller=True,
    )


def shell(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


SAY_UP = 'echo up >> "$FREEHOLD_RUN_DIR/events.jsonl"'

COMMANDS: dict[Behaviour, tuple[str, ...]] = {
    Behaviour.SUCCEEDS: shell("true"),
    Behaviour.FAILS: shell("echo boom >&2; exit 3"),
    Behaviour.LASTS: shell(f"trap 'exit 143' TERM; {SAY_UP}; while :; do sleep 0.05; done"),
    Behaviour.IGNORES_TERM: shell(f"trap '' TERM; {SAY_UP}; while :; do sleep 0.05; done"),
    Behaviour.EATS_MEMORY: ("python3", "-c", "bytearray(1024**3)"),
    Behaviour.CANNOT_START: ("/no/such/program",),
}

SCRIPTS: dict[Behaviour, FakeRun] = {
    Behaviour.SUCCEEDS: FakeRun(),
    Behaviour.FAILS: FakeRun(code=3, output="boom\n"),
    Behaviour.LASTS: FakeRun(lasts_s=None, lines=(b"up\n",)),
    Behaviour.IGNORES_TERM: FakeRun(lasts_s=None, ignores_term=True, lines=(b"up\n",)),
    Behaviour.EATS_MEMORY: FakeRun(code=137, out_of_memory=True),
    Behaviour.CANNOT_START: FakeRun(refuses=FreeholdError(Code.FAILED, "no such program")),
}


class FakeSubject:
    name = "fake"

    def __init__(self, tmp_path: Path) -> None:
        self._tmp_path = tmp_path
        by_command = {command: SCRIPTS[behaviour] for behaviour, command in COMMANDS.items()}
        self._host = FakeHost(lambda spec: by_command[spec.command])
        self._clock = FakeClock()

    def engine(self) -> Engine:
        return FakeEngine(self._clock, self._host)

    async def spec(self, behaviour: Behaviour, slot: int = 1) -> RunSpec:
        return await lay_out(self.engine(), self._tmp_path, behaviour, slot)

    async def close(self) -> None:
        await self._host.close()
        await sweep_secrets(self._tmp_path / "runs", set())


class DockerSubject:
    name = "docker"

    def __init__(self, tmp_path: Path) -> None:
        self._tmp_path = tmp_path
        self._engines: list[DockerEngine] = []

    def engine(self) -> Engine:
        self._engines.append(DockerEngine(SystemClock(), self._tmp_path / "workspaces"))
        return self._engines[-1]

    async def spec(self, behaviour: Behaviour, slot: int = 1) -> RunSpec:
        return await lay_out(self.engine(), self._tmp_path, behaviour, slot)

    async def close(self) -> None:
        engine = self._engines[0]
        for found in await engine.find(PROJECT):
            await engine.remove(found.run_id)
        for slot in (1, 2):
            await engine.give_up_workspace(PROJECT, "dev", slot)
        for engine in self._engines:
            await engine.close()
        await sweep_secrets(self._tmp_path / "runs", set())


class HostUserSubject:
    """As root, runs are users without a name, which root can always lend; else they are the caller."""

    name = "host-user"
    run_as = "freehold-test-nobody"

    def __init__(self, tmp_path: Path) -> None:
        self._tmp_path = tmp_path

    def engine(self) -> HostUserEngine:
        return HostUserEngine(SystemClock(), self._tmp_path / "state")

    async def spec(self, behaviour: Behaviour, slot: int = 1) -> RunSpec:
        return await lay_out(self.engine(), self._tmp_path, behaviour, slot, run_as=self.run_as)

    async def close(self) -> None:
        engine = self.engine()
        for folder in (self._tmp_path / "state" / "host-user").glob("dev-*"):
            await engine.remove(folder.name)
        for slot in (1, 2):
            await engine.give_up_workspace(PROJECT, "dev", slot, self.run_as)


SUBJECTS: dict[str, Callable[[Path], Subject]] = {
    "fake": FakeSubject,
    "docker": DockerSubject,
    "host-user": HostUserSubject,
}


@pytest.fixture(params=["fake", "host-user", pytest.param("docker", marks=pytest.mark.docker)])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    made = SUBJECTS[request.param](tmp_path)
    made.engine()
    yield made
    await made.close()


async def ended(engine: Engine, run_id: str) -> Exit:
    return await asyncio.wait_for(engine.wait(run_id), 60)


async def up(spec: RunSpec) -> None:
    """Return once the run's program is there, so that a signal meets its handler and not the shell before it."""
    events = spec.mount / "events.jsonl"
    async with asyncio.timeout(30):
        while not events.read_bytes():
            await asyncio.sleep(0.02)


async def test_it_is_ready_or_says_what_to_do(subject: Subject) -> None:
    readiness = await subject.engine().check()
    assert readiness.version
    assert readiness.ready or (subject.name == "host-user" and readiness.problem and readiness.hint)


@pytest.mark.parametrize(("behaviour", "code"), [(Behaviour.SUCCEEDS, 0), (Behaviour.FAILS, 3)])
async def test_wait_tells_how_it_ended_as_often_as_asked(subject: Subject, behaviour: Behaviour, code: int) -> None:
    engine, spec = subject.engine(), await subject.spec(behaviour)
    await engine.start(spec)
    first = await ended(engine, spec.run_id)
    assert first.code == code
    assert not first.out_of_memory
    assert await ended(engine, spec.run_id) == first
    assert await ended(subject.engine(), spec.run_id) == first


async def test_the_end_of_its_output_is_kept_for_errors(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.FAILS)
    await engine.start(spec)
    assert (await ended(engine, spec.run_id)).output.strip() == "boom"


async def test_out_of_memory_is_named(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.EATS_MEMORY)
    place = await engine.place(spec.run_id, PROJECT, "dev", 1)
    if any("memory" in warning for warning in place.warnings):
        return  # an engine that does not limit it says so
    await engine.start(spec)
    result = await ended(engine, spec.run_id)
    assert result.out_of_memory
    assert result.code == 137


async def test_start_is_idempotent(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.LASTS)
    await engine.start(spec)
    await up(spec)
    await engine.start(spec)
    await subject.engine().start(spec)
    assert [found.running for found in await engine.find(PROJECT)] == [True]
    await engine.kill(spec.run_id)
    killed = await ended(engine, spec.run_id)
    await engine.start(spec)
    assert await ended(engine, spec.run_id) == killed, "an ended run is not started again"


async def test_starts_at_the_same_moment_make_one_run(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.LASTS)
    await asyncio.gather(*(engine.start(spec) for _ in range(4)))
    assert len(await engine.find(PROJECT)) == 1


async def test_a_start_that_fails_leaves_nothing(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.CANNOT_START)
    with pytest.raises(FreeholdError) as caught:
        await engine.start(spec)
    assert "no such" in caught.value.message.lower()
    assert await engine.find(PROJECT) == []


async def test_kill_without_grace_ends_it_at_once(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.LASTS)
    await engine.start(spec)
    await up(spec)
    await engine.kill(spec.run_id)
    assert (await ended(engine, spec.run_id)).code == 137


async def test_kill_with_grace_lets_it_end_itself(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.LASTS)
    await engine.start(spec)
    await up(spec)
    await engine.kill(spec.run_id, grace_s=20)
    assert (await ended(engine, spec.run_id)).code == 143


async def test_kill_after_grace_ends_what_does_not_listen(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.IGNORES_TERM)
    await engine.start(spec)
    await up(spec)
    await engine.kill(spec.run_id, grace_s=1)
    assert (await ended(engine, spec.run_id)).code == 137


async def test_kill_is_nothing_to_a_run_that_ended_or_never_was(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.FAILS)
    await engine.kill("dev-00000000000000000000000000")
    await engine.start(spec)
    before = await ended(engine, spec.run_id)
    await engine.kill(spec.run_id)
    await engine.kill(spec.run_id, grace_s=5)
    assert await ended(engine, spec.run_id) == before


async def test_find_names_every_run_of_the_project_with_what_readoption_needs(subject: Subject) -> None:
    engine = subject.engine()
    lasting, over = await subject.spec(Behaviour.LASTS), await subject.spec(Behaviour.SUCCEEDS, slot=2)
    await engine.start(lasting)
    await engine.start(over)
    await ended(engine, over.run_id)
    found = {entry.run_id: entry for entry in await subject.engine().find(PROJECT)}
    assert found == {
        lasting.run_id: Found(lasting.run_id, "dev", 2, 1, "2026-11-21T09:00:00.000Z", 900, running=True),
        over.run_id: Found(over.run_id, "dev", 2, 2, "2026-11-21T09:00:00.000Z", 900, running=False),
    }
    assert await engine.find(f"{PROJECT}-other") == []


async def test_after_remove_nothing_is_left(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.IGNORES_TERM)
    await engine.start(spec)
    await engine.remove(spec.run_id)
    assert await engine.find(PROJECT) == []
    with pytest.raises(FreeholdError) as caught:
        await engine.wait(spec.run_id)
    assert caught.value.code is Code.NOT_FOUND
    await engine.remove(spec.run_id)


async def test_waiting_for_a_run_that_never_was_is_not_found(subject: Subject) -> None:
    with pytest.raises(FreeholdError) as caught:
        await subject.engine().wait("dev-00000000000000000000000000")
    assert caught.value.code is Code.NOT_FOUND


async def test_a_wait_that_is_given_up_leaves_the_run_alone(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.LASTS)
    await engine.start(spec)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(engine.wait(spec.run_id), 0.3)
    assert [found.running for found in await engine.find(PROJECT)] == [True]


async def test_place_can_be_asked_again(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.LASTS)
    place = await engine.place(spec.run_id, PROJECT, "dev", 1)
    assert await subject.engine().place(spec.run_id, PROJECT, "dev", 1) == place


async def test_a_shell_shows_what_is_typed_and_ends(subject: Subject) -> None:
    engine, spec = subject.engine(), await subject.spec(Behaviour.LASTS)
    await engine.start(spec)
    terminal = await engine.shell(spec.run_id, ("/bin/cat",), columns=80, rows=24)
    await terminal.resize(100, 30)
    await terminal.send(b"hello\n")
    shown = b""
    async with asyncio.timeout(30):
        async for data in terminal.output():
            shown += data
            if b"hello" in shown:
                break
    await terminal.send(b"\x04")
    await terminal.close()
    assert b"hello" in shown
