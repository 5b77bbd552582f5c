"""The runner as PID 1 of a locked-down container: children reaped, signals heard, shells set up."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from freehold.wire import brief as briefs
from freehold.wire import session
from freehold.wire.brief import Brief, Harness
from freehold.wire.events import HookOutput, Message
from freehold.wire.exits import ExitCode
from tests.support.fake_keeper import HARNESSES, FakeKeeper
from tests.support.images import docker

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("images")]

LOCKED = (
    "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true",
    "--user", "1000:1000", "--tmpfs", "/tmp:rw,exec,nosuid,uid=1000,gid=1000", "--tmpfs", "/workspace:uid=1000",
    "--tmpfs", "/home/node:uid=1000",
)  # fmt: skip


class Container:
    """A run's container beside a fake keeper: the run directory is a bind mount."""

    def __init__(self, keeper: FakeKeeper) -> None:
        self.keeper = keeper
        self.name = f"fhr-test-{uuid.uuid4().hex[:8]}"

    def start(self, harness: str, *arguments: str, **told: Any) -> None:
        script = f"/app/agent/tests/harnesses/{harness}.py"
        command = ["/usr/bin/python3", script, *arguments]
        made = Harness(name=harness, command=command, env={"PYTHONPATH": "/app/agent"})
        brief = Brief(run_id="dev-1", agent="dev", skill="", prompt="Do it.", harness=made, **told)
        run_dir = self.keeper.run_dir
        (run_dir / "prompt.json").write_bytes(briefs.encode(brief))
        for path, mode in ((run_dir, 0o777), (run_dir / "prompt.json", 0o644), (run_dir / "run.sock", 0o666)):
            path.chmod(mode)
        tests = f"{HARNESSES}:/app/agent/tests/harnesses:ro"
        docker(
            "run", "-d", "--name", self.name, *LOCKED, "-v", f"{run_dir}:/run/freehold", "-v", tests,
            "freehold-agent:latest",
        )  # fmt: skip

    def execute(self, script: str) -> str:
        return docker("exec", self.name, "/bin/sh", "-c", script)

    async def ended(self) -> int:
        return int(await asyncio.to_thread(docker, "wait", self.name))

    async def said(self, text: str) -> None:
        await self.keeper.wait_for(
            lambda: any(isinstance(event, Message) and text in event.text for event in self.keeper.events())
        )


@pytest.fixture
async def container(tmp_path: Path) -> AsyncIterator[Container]:
    keeper = FakeKeeper(tmp_path)
    await keeper.open()
    container = Container(keeper)
    yield container
    docker("rm", "--force", container.name)
    await keeper.close()


async def test_orphans_of_anybody_are_reaped(container: Container) -> None:
    container.start("polite", "busy")
    await container.said("ready")
    container.execute("for n in 1 2 3 4 5; do (sh -c 'sleep 0.1' &) ; done; sleep 0.5")
    states = container.execute("cat /proc/[0-9]*/stat | sed 's/.*) //' | cut -c1")
    assert "Z" not in states
    assert container.execute("tr '\\0' ' ' < /proc/1/cmdline").startswith("/usr/bin/python3 -IS /app/bin/runner")
    await container.keeper.send(session.Cancel(reason="enough"))
    assert await container.ended() == ExitCode.ABORTED


@pytest.mark.parametrize("harness", ["polite", "stubborn"])
async def test_docker_stop_is_heard(container: Container, harness: str) -> None:
    container.start(harness, post_hooks=["echo never"])
    await container.said("ready")
    await asyncio.to_thread(docker, "stop", "--time", "30", container.name)
    assert await container.ended() == 128 + 15, "it ended by itself, not by SIGKILL after 30 s"
    conclusions = [message for message in container.keeper.said if isinstance(message, session.Conclusion)]
    assert conclusions[0].error is not None
    assert "SIGTERM" in conclusions[0].error.message


async def test_every_kind_of_shell_has_what_setenv_keeps(container: Container) -> None:
    hooks = [
        "setenv KEPT 'it lasts'",
        "for shell in 'sh -c' 'bash -c' 'bash -lc'; do $shell '. ${BASH_ENV}; command -v fh; echo $KEPT'; done",
        "bash -c 'echo $KEPT'; bash -lc 'command -v setenv; echo $KEPT'",
    ]
    container.start("echo", pre_hooks=hooks)
    assert await container.ended() == 0
    output = {"pre 1": "", "pre 2": "", "pre 3": ""}
    for event in container.keeper.events():
        if isinstance(event, HookOutput):
            output[event.hook] += event.text
    assert output["pre 2"].split("\n")[:-1] == ["/app/bin/fh", "it lasts"] * 3
    assert output["pre 3"].split("\n")[:-1] == ["it lasts", "setenv", "it lasts"]


async def test_somebody_who_looks_in_sees_what_the_agent_sees(container: Container) -> None:
    container.start("echo", idle_shell=True)
    await container.keeper.wait_for(lambda: bool(container.keeper.said))
    await container.keeper.wait_for(lambda: any(isinstance(m, session.EnterPhase) for m in container.keeper.said))
    seen = container.execute("/app/bin/fh shell bash -c 'echo $ANTHROPIC_BASE_URL $HTTPS_PROXY $AL_INSTANCE_ID; pwd'")
    assert seen.splitlines() == ["http://127.0.0.1:7701/model/anthropic http://127.0.0.1:7702 dev-1", "/tmp"]
    docker("stop", container.name)
    assert await container.ended() == 0
