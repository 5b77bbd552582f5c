"""What a run in a default container can see, reach and write: looked at from inside, by `probe.py`."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from freehold.base.clock import SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.base.sockets import listen_unix
from freehold.runtime.docker_engine import DockerEngine
from freehold.runtime.engine import Exit, Network, RunSpec
from freehold.runtime.run_directory import RunDirectory, sweep_secrets

pytestmark = pytest.mark.docker

PROJECT = f"fhi-{os.getpid()}"
IMAGE = "freehold-agent:latest"
MEGABYTE = 1024**2
PROBE = (Path(__file__).parent / "probe.py").read_text()
ASKED: dict[str, list[Any]] = {
    "directories": ["/", "/etc", "/app", "/app/agent", "/app/static/shared", "/credentials", "/run/freehold", "/run",
                    "/tmp", "/home/node", "/workspace"],
    "files": ["/run/freehold/run.sock", "/run/freehold/prompt.json", "/run/freehold/events.jsonl"],
    "read": ["/credentials/github_token/default/token", "/run/freehold/prompt.json", "/app/agent/SKILL.md"],
    "reach": [["169.254.169.254", 80], ["172.17.0.1", 22], ["1.1.1.1", 443], ["deb.debian.org", 80]],
}  # fmt: skip
READ_ONLY = "Read-only file system"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[DockerEngine]:
    engine = DockerEngine(SystemClock(), tmp_path / "workspaces")
    yield engine
    for found in await engine.find(PROJECT):
        await engine.remove(found.run_id)
    await engine.give_up_workspace(PROJECT, "dev", 0)
    await engine.close()
    await sweep_secrets(tmp_path / "runs", set())


def lay_out(tmp_path: Path, command: tuple[str, ...], network: Network = Network.ALLOWLIST) -> RunSpec:
    agent, shared = tmp_path / "agents" / "dev", tmp_path / "shared"
    for folder in (agent, shared):
        folder.mkdir(parents=True, exist_ok=True)
    (agent / "SKILL.md").write_text("Be kind.")
    run_id = new_run_id("dev")
    directory = RunDirectory(tmp_path / "runs" / run_id)
    directory.snapshot(agent, shared)
    token = directory.make_credentials_directory() / "github_token" / "default" / "token"
    token.parent.mkdir(parents=True)
    token.write_text("s3cret")
    token.chmod(0o444)
    (directory.mount / "prompt.json").write_text("{}")
    return RunSpec(
        run_id=run_id,
        project=PROJECT,
        agent="dev",
        attempt=1,
        slot=0,
        image=IMAGE,
        mount=directory.mount,
        agent_dir=directory.agent,
        credentials_dir=directory.credentials,
        shared_dir=directory.shared,
        network=network,
        memory_bytes=256 * MEGABYTE,
        cpus=1.0,
        timeout_s=60,
        started_at="2026-11-21T09:00:00.000Z",
        command=command,
    )


async def run_to_end(engine: DockerEngine, spec: RunSpec) -> Exit:
    await engine.start(spec)
    return await asyncio.wait_for(engine.wait(spec.run_id), 60)


async def probe(engine: DockerEngine, spec: RunSpec) -> dict[str, Any]:
    result = await run_to_end(engine, spec)
    assert result.code == 0, result.output
    found: dict[str, Any] = json.loads((spec.mount / "events.jsonl").read_text())
    return found


def probing(asked: dict[str, Any]) -> tuple[str, ...]:
    return ("/usr/bin/python3", "-I", "-c", PROBE, json.dumps(asked))


@pytest.fixture
async def facts(engine: DockerEngine, tmp_path: Path) -> dict[str, Any]:
    """The probe's findings where it would be easiest to do harm: the keeper's files belong to uid 1000 as well."""
    spec = lay_out(tmp_path, probing(ASKED))
    listener = listen_unix(spec.mount / "run.sock", 0o666)
    for path in (spec.mount, *spec.mount.iterdir()):
        os.chown(path, 1000, 1000)
    answering = asyncio.create_task(_greet(listener))
    try:
        return await probe(engine, spec)
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        listener.close()


async def _greet(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        connection, _ = await loop.sock_accept(listener)
        await loop.sock_sendall(connection, b"hello")
        connection.close()


@pytest.mark.root
async def test_a_default_container_from_inside(facts: dict[str, Any]) -> None:
    # One run, many facts: a container for each would tell nothing more.
    assert (facts["uid"], facts["gid"], facts["groups"]) == (1000, 1000, [1000])
    assert facts["capabilities"] == ["0000000000000000"] * 5
    assert facts["no_new_privileges"] == "1"
    assert facts["seccomp"] == "2"
    assert facts["docker_sockets"] == []
    assert facts["oom_score_adjustment"] == "500"
    assert facts["pids"] == "1024"
    assert facts["memory"] == str(256 * MEGABYTE)
    assert facts["cwd"] == "/tmp"
    assert all("probe" in program or "python3" in program for program in facts["programs"]), (
        "other programs are visible"
    )

    assert facts["socket"] == "hello", "the run's socket answers, though its directory is read-only"
    assert facts["interfaces"] == ["lo"]
    assert all("unreachable" in answer or "resolution" in answer for answer in facts["reach"].values()), facts["reach"]

    writable = {path for path, answer in facts["writable"].items() if answer is True}
    assert writable == {"/tmp", "/home/node", "/workspace"}
    assert facts["writable"]["/run/freehold"] == READ_ONLY
    assert True not in facts["replaceable"].values(), facts["replaceable"]
    assert facts["readable"] == dict.fromkeys(ASKED["read"], True)

    assert {"ro"} <= set(facts["mounts"]["/"][1].split(","))
    for path, size in {"/tmp": "size=2097152k", "/home/node": "size=65536k"}.items():
        kind, options = facts["mounts"][path]
        assert kind == "tmpfs"
        assert {"rw", "nosuid", "nodev", size} <= set(options.split(","))
        assert "noexec" not in options
    assert {"nosuid", "nodev"} <= set(facts["mounts"]["/workspace"][1].split(","))
    assert not [name for name, value in facts["environment"].items() if "s3cret" in value or "token" in name.lower()]
    assert facts["environment"]["FREEHOLD_RUN_DIR"] == "/run/freehold"


async def test_programs_in_tmp_can_be_run(engine: DockerEngine, tmp_path: Path) -> None:
    script = "printf '#!/bin/sh\\nexit 7\\n' > /tmp/tool && chmod +x /tmp/tool && exec /tmp/tool"
    assert (await run_to_end(engine, lay_out(tmp_path, ("sh", "-c", script)))).code == 7


@pytest.mark.parametrize(("path", "megabytes"), [("/home/node", 65), ("/tmp", 240)])
async def test_what_fills_a_tmpfs_hits_a_limit(engine: DockerEngine, tmp_path: Path, path: str, megabytes: int) -> None:
    spec = lay_out(tmp_path, ("sh", "-c", f"head -c {megabytes}M /dev/zero > {path}/fill"))
    result = await run_to_end(engine, replace(spec, memory_bytes=128 * MEGABYTE))
    assert result.code != 0
    assert "No space left" in result.output or result.out_of_memory


async def test_more_processes_than_allowed_are_refused(engine: DockerEngine, tmp_path: Path) -> None:
    script = """
import os, sys, time
for _ in range(1100):
    try:
        if os.fork() == 0:
            time.sleep(30)
    except OSError:
        sys.exit(9)
"""
    assert (await run_to_end(engine, lay_out(tmp_path, ("python3", "-c", script)))).code == 9


async def test_a_flood_on_the_standard_streams_is_bounded(engine: DockerEngine, tmp_path: Path) -> None:
    spec = lay_out(tmp_path, ("sh", "-c", "head -c 8M /dev/zero | tr '\\0' x; echo; echo last words; exit 4"))
    result = await run_to_end(engine, spec)
    assert result.code == 4
    assert result.output.endswith("last words\n")
    assert len(result.output.encode()) <= 4096


async def test_a_tool_that_is_killed_for_memory_is_named_though_the_run_survives(
    engine: DockerEngine, tmp_path: Path
) -> None:
    spec = lay_out(tmp_path, ("sh", "-c", 'python3 -c "bytearray(1024**3)"; exit 0'))
    result = await run_to_end(engine, spec)
    assert (result.code, result.out_of_memory) == (0, True)


async def test_a_run_that_is_killed_from_outside_says_so(engine: DockerEngine, tmp_path: Path) -> None:
    spec = lay_out(tmp_path, ("sleep", "60"))
    await engine.start(spec)
    waiting = asyncio.create_task(engine.wait(spec.run_id))
    await asyncio.sleep(0)
    name = f"fh-{PROJECT}-dev-{spec.run_id[-8:]}"
    removing = await asyncio.create_subprocess_exec("docker", "rm", "-f", name, stdout=asyncio.subprocess.DEVNULL)
    await removing.wait()
    assert (await asyncio.wait_for(waiting, 30)).code == 137


async def test_a_missing_image_is_told_with_the_command_that_builds_it(engine: DockerEngine, tmp_path: Path) -> None:
    for network in (Network.ALLOWLIST, Network.OPEN):
        spec = replace(lay_out(tmp_path, ("true",), network), image="freehold-no-such-image:1")
        with pytest.raises(FreeholdError) as caught:
            await engine.start(spec)
        assert caught.value.code is Code.IMAGE
        assert caught.value.hint == "Build it: freehold image build dev"
    assert await engine.find(PROJECT) == []


@pytest.fixture
def image_with_volumes() -> Iterator[str]:
    name = f"{PROJECT}-volume"
    build = ["docker", "build", "--quiet", "--tag", name, "-"]
    subprocess.run(build, input=f"FROM {IMAGE}\nVOLUME /data /more\n", check=True, capture_output=True, text=True)
    yield name
    subprocess.run(["docker", "image", "rm", name], check=True, capture_output=True)


async def test_an_image_with_a_volume_is_refused(
    engine: DockerEngine, tmp_path: Path, image_with_volumes: str
) -> None:  # fmt: skip
    """However it came by it: the container would have a disk of the host's without a bound."""
    with pytest.raises(FreeholdError, match="has a volume at /data, /more") as caught:
        await engine.start(replace(lay_out(tmp_path, ("true",)), image=image_with_volumes))
    assert caught.value.code is Code.IMAGE
    assert await engine.find(PROJECT) == []
