"""Real users of this host for runs, made by what `doctor --fix` does, and a project whose runs are they."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

from freehold.base.clock import SystemClock
from freehold.base.ids import new_run_id
from freehold.runtime.engine import Exit, Network, RunSpec
from freehold.runtime.host.setup import Wanted, fix
from freehold.runtime.host_user import HostUserEngine
from freehold.runtime.run_directory import RunDirectory


def kill_processes_of(user: str) -> None:
    """Those of this host: in a container, a sandbox among them, somebody else may have the same number."""
    subprocess.run(["pkill", "-KILL", "--ns", str(os.getpid()), "--nslist", "pid", "-u", user])


@contextlib.contextmanager
def host_users(run_as: str, count: int) -> Iterator[list[str]]:
    """The users, for root's own runs; gone afterwards, with all that they have."""
    wanted = Wanted(run_as, count, "root")
    asyncio.run(fix(wanted))
    try:
        yield wanted.accounts
    finally:
        for name in wanted.accounts:
            kill_processes_of(name)
            subprocess.run(["userdel", name], check=True)
            shutil.rmtree(f"/var/lib/{name}")
            Path(f"/var/tmp/freehold-0/claims/{name}").unlink(missing_ok=True)


class HostSite:
    """A project's engine. `spec` lays a run out as the keeper does, with a credential `token`."""

    def __init__(self, base: Path, project: str, run_as: str) -> None:
        self.base = base
        self.project = project
        self.run_as = run_as
        self.state = base / "state"
        self.engine = HostUserEngine(SystemClock(), self.state)

    async def spec(
        self, command: tuple[str, ...], slot: int = 0, network: Network = Network.ALLOWLIST, agent: str = "dev"
    ) -> RunSpec:
        run_id = new_run_id(agent)
        place = await self.engine.place(run_id, self.project, agent, slot, run_as=self.run_as)
        directory = RunDirectory(self.base / "runs" / run_id, place)
        folder = self.base / "agents" / agent
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "SKILL.md").write_text("Be kind.")
        directory.snapshot(folder, folder)
        token = directory.make_credentials_directory() / "token"
        token.write_text("s3cret")
        token.chmod(0o444)
        (directory.mount / "prompt.json").write_text("{}")
        return RunSpec(
            run_id=run_id,
            project=self.project,
            agent=agent,
            attempt=1,
            slot=slot,
            image="",
            mount=directory.mount,
            agent_dir=directory.agent,
            credentials_dir=directory.credentials,
            shared_dir=directory.shared,
            network=network,
            memory_bytes=256 * 1024**2,
            cpus=1.0,
            timeout_s=60,
            started_at="2026-11-21T09:00:00.000Z",
            command=command,
            run_as=self.run_as,
        )

    async def run(self, spec: RunSpec) -> Exit:
        await self.engine.start(spec)
        return await asyncio.wait_for(self.engine.wait(spec.run_id), 60)

    async def close(self, *agents: str) -> None:
        for folder in (self.state / "host-user").glob("*-*"):
            await self.engine.remove(folder.name)
        for agent in ("dev", *agents):
            for slot in range(3):
                await self.engine.give_up_workspace(self.project, agent, slot, self.run_as)


def sh(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", textwrap.dedent(script))


def python(script: str, *arguments: str) -> tuple[str, ...]:
    return ("/usr/bin/python3", "-c", textwrap.dedent(script), *arguments)


def uid_of(name: str) -> int:
    return pwd.getpwnam(name).pw_uid


async def up(spec: RunSpec) -> None:
    """Until the run has written to its event file."""
    events = spec.mount / "events.jsonl"
    async with asyncio.timeout(30):
        while not events.read_bytes():
            await asyncio.sleep(0.02)


def as_user(name: str, *command: str) -> subprocess.CompletedProcess[str]:
    """A command as that user, beside any run of theirs."""
    become = ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", "--"]
    return subprocess.run([*become, *command], capture_output=True, text=True, cwd="/")


def processes() -> set[int]:
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208
