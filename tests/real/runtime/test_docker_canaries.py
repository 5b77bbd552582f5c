"""A secret that is given to a run is found in the run and nowhere else; and a run outlives its keeper."""

from __future__ import annotations

import asyncio
import os
import pickle
import secrets
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from freehold.base.clock import SystemClock
from freehold.base.ids import new_run_id
from freehold.base.secret import Secret
from freehold.project.credential import CredentialRef
from freehold.runtime.credential_staging import stage_credentials
from freehold.runtime.docker_engine import DockerEngine
from freehold.runtime.engine import Network, RunSpec
from freehold.runtime.run_directory import RunDirectory, sweep_secrets
from freehold.store.credentials import MemoryCredentialStore

pytestmark = [pytest.mark.docker, pytest.mark.root]

PROJECT = f"fhc-{os.getpid()}"
CANARY = f"canary-{secrets.token_hex(8)}"
KEY = CredentialRef("anthropic_key")
TOKEN, SSH = CredentialRef("github_token"), CredentialRef("git_ssh", "bot")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[DockerEngine]:
    engine = DockerEngine(SystemClock(), tmp_path / "workspaces")
    yield engine
    for found in await engine.find(PROJECT):
        await engine.remove(found.run_id)
    await engine.give_up_workspace(PROJECT, "dev", 0)
    await engine.close()
    await sweep_secrets(tmp_path / "runs", set())


def lay_out(tmp_path: Path, script: str, network: Network = Network.ALLOWLIST) -> tuple[RunDirectory, RunSpec]:
    store = MemoryCredentialStore()
    store.put(TOKEN, {"token": Secret(f"{CANARY}-token")})
    store.put(SSH, {"id_rsa": Secret(f"{CANARY}-key"), "username": Secret("Ada"), "email": Secret("a@example.com")})
    store.put(KEY, {"token": Secret(f"{CANARY}-model-key")})
    run_id = new_run_id("dev")
    directory = RunDirectory(tmp_path / "runs" / run_id)
    stage_credentials(directory, [TOKEN, SSH, KEY], store)
    agent = tmp_path / "agents" / "dev"
    agent.mkdir(parents=True, exist_ok=True)
    (agent / "SKILL.md").write_text("Be kind.")
    directory.snapshot(agent, None)
    return directory, RunSpec(
        run_id=run_id,
        project=PROJECT,
        agent="dev",
        attempt=1,
        slot=0,
        image="freehold-agent:latest",
        mount=directory.mount,
        agent_dir=directory.agent,
        credentials_dir=directory.credentials,
        shared_dir=None,
        network=network,
        memory_bytes=256 * 1024**2,
        cpus=1.0,
        timeout_s=60,
        started_at="2026-11-21T09:00:00.000Z",
        command=("sh", "-c", script),
    )


async def up(spec: RunSpec) -> str:
    events = spec.mount / "events.jsonl"
    async with asyncio.timeout(30):
        while not events.read_bytes().endswith(b"up\n"):
            await asyncio.sleep(0.02)
    return events.read_text()


def output_of(*command: str) -> bytes:
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stdout + done.stderr


def process_list() -> bytes:
    """Command lines of every process, and the environments that root can read: what any tool on the host could show."""
    found = b""
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        for name in ("cmdline", "environ"):
            try:
                found += (process / name).read_bytes()
            except OSError:
                continue
    return found


def files_with(needle: bytes, *folders: Path) -> list[str]:
    paths = [path for folder in folders if folder.exists() for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in paths if needle in content_of(path)]


def content_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # of another test's run, which has ended since
        return b""


async def test_a_staged_secret_is_in_the_run_and_nowhere_else(engine: DockerEngine, tmp_path: Path) -> None:
    script = "(find /credentials -type f -exec cat {} + ; echo; echo up) >> $FREEHOLD_RUN_DIR/events.jsonl; sleep 60"
    directory, spec = lay_out(tmp_path, script, Network.OPEN)
    await engine.start(spec)
    seen = await up(spec)
    assert f"{CANARY}-token" in seen
    assert f"{CANARY}-key" in seen
    assert "model-key" not in seen

    name = f"fh-{PROJECT}-dev-{spec.run_id[-8:]}"
    needle = CANARY.encode()
    identity = output_of("docker", "inspect", "--format", "{{.Id}}", name).decode().strip()
    assert needle not in output_of("docker", "inspect", name, f"{name}-net", f"fh-{PROJECT}-dev-0", spec.image)
    assert needle not in output_of("docker", "network", "inspect", f"{name}-net")
    assert needle not in output_of("docker", "logs", name)
    assert needle not in output_of("docker", "export", name)
    assert needle not in output_of("docker", "history", "--no-trunc", spec.image)
    assert needle not in process_list()
    assert files_with(needle, Path("/var/lib/docker/containers") / identity) == []

    await engine.remove(spec.run_id)
    (spec.mount / "events.jsonl").unlink()
    assert files_with(needle, directory.credentials) != [], "the control: it is found where it is"
    await directory.remove_secrets()
    assert files_with(needle, tmp_path, Path("/dev/shm")) == []


async def test_other_users_of_the_host_cannot_read_it(engine: DockerEngine, tmp_path: Path) -> None:
    directory, _ = lay_out(tmp_path, "true")
    token = directory.credentials / "github_token" / "default" / "token"
    for uid in (1000, 65534):
        reading = ["setpriv", f"--reuid={uid}", "--clear-groups", "cat", str(token)]
        process = await asyncio.create_subprocess_exec(*reading, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert await process.wait() != 0
    await directory.remove_secrets()


async def test_a_run_outlives_a_keeper_that_is_killed(engine: DockerEngine, tmp_path: Path) -> None:
    directory, spec = lay_out(tmp_path, "echo up >> $FREEHOLD_RUN_DIR/events.jsonl; test -d /workspace; sleep 60")
    keeper = """
        import asyncio, os, pickle, signal, sys
        from freehold.base.clock import SystemClock
        from freehold.runtime.docker_engine import DockerEngine
        async def main():
            spec, workspaces = pickle.load(sys.stdin.buffer)
            await DockerEngine(SystemClock(), workspaces).start(spec)
            os.kill(os.getpid(), signal.SIGKILL)
        asyncio.run(main())
    """
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", textwrap.dedent(keeper), stdin=subprocess.PIPE)
    await process.communicate(pickle.dumps((spec, tmp_path / "workspaces")))
    assert process.returncode == -9
    await up(spec)
    (found,) = await engine.find(PROJECT)
    assert (found.run_id, found.running, found.started) == (spec.run_id, True, True)
    await engine.kill(spec.run_id)
    assert (await engine.wait(spec.run_id)).code == 137
    await directory.remove_secrets()


async def test_a_container_that_was_made_and_not_started_is_started_anew(engine: DockerEngine, tmp_path: Path) -> None:
    """What a keeper leaves that is killed between `create` and `start`."""
    directory, spec = lay_out(tmp_path, "exit 5")
    labels = [word for key, value in spec.labels.items() for word in ("--label", f"{key}={value}")]
    name = f"fh-{PROJECT}-dev-{spec.run_id[-8:]}"
    await asyncio.to_thread(output_of, "docker", "create", "--name", name, *labels, spec.image)
    (found,) = await engine.find(PROJECT)
    assert (found.running, found.started) == (False, False)
    await engine.start(spec)
    assert (await asyncio.wait_for(engine.wait(spec.run_id), 60)).code == 5
    await directory.remove_secrets()
