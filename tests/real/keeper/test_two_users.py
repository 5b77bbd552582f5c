"""As on a server: the gateway and the keeper are two users, of whom one may use Docker, and two folders."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.client.gateway import Gateway
from freehold.client.gateway_address import LocalAddress
from freehold.project.state import KEEPER_PLACE, PLACED_NAME, STATE_PLACE
from freehold.wire.service import TriggerAccepted, TriggerDetail, TriggerRequest
from tests.support.installation import until
from tests.support.program import PROGRAM

pytestmark = [pytest.mark.docker, pytest.mark.root]
GATEWAY, KEEPER, GROUP = 61_001, 61_002, 61_001
SOCKET = Path("/var/run/docker.sock")


class Server:
    """A project whose files are root's, and the two users' folders, laid out as a push does."""

    def __init__(self, base: Path) -> None:
        base.chmod(0o755)
        self.base = base
        self.project = base / "release"
        self.gateway, self.keeper = base / "gateway", base / "keeper"
        self.processes: list[subprocess.Popen[bytes]] = []
        agent = self.project / "agents" / "dev"
        agent.mkdir(parents=True)
        (self.project / "config.toml").write_text("")
        (agent / "SKILL.md").write_text("---\nname: dev\ndescription: A test agent.\n---\nDo it.\n")
        (agent / "config.toml").write_text('schedule = "0 0 1 1 *"\ntimeout = 60\n')
        script = agent / "test-script.sh"
        script.write_text("#!/bin/bash\nfh return done\n")
        script.chmod(0o755)
        for user, name in ((GATEWAY, "gateway"), (KEEPER, "keeper")):
            for folder, mode in ((base / name, 0o750), (base / f"{name}-home", 0o700)):
                folder.mkdir()
                os.chown(folder, user, GROUP)
                folder.chmod(mode)

    def start(self, user: int, name: str, *words: str, groups: tuple[int, ...] = ()) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "FREEHOLD_HOME": str(self.base / f"{name}-home"),
            "HOME": str(self.base / f"{name}-home"),
            STATE_PLACE: str(self.gateway),
            KEEPER_PLACE: str(self.keeper),
            PLACED_NAME: "fhtwo",
        }
        command = [sys.executable, str(PROGRAM), "-p", str(self.project), *words]
        with (self.base / f"{name}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    command, env=environment, user=user, group=GROUP, extra_groups=groups, umask=0o027, cwd="/",
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
            )  # fmt: skip

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self.base.glob("*.log"))

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait(timeout=60)


@pytest.fixture
def server() -> Iterator[Server]:
    base = Path(tempfile.mkdtemp(prefix="fhtwo", dir="/var/tmp"))  # pytest's own folders are root's alone
    server = Server(base)
    yield server
    server.close()
    subprocess.run(["docker", "volume", "rm", "--force", "fh-fhtwo-dev-0"], capture_output=True)
    shutil.rmtree(base)


def test_a_run_goes_from_one_user_to_the_other(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATE_PLACE, str(server.gateway))
    server.start(KEEPER, "keeper", "keeper", "run", groups=(SOCKET.stat().st_gid,))
    server.start(GATEWAY, "gateway", "start", "--headless", "--port", "0")
    gateway = Gateway(LocalAddress(server.project))
    until(gateway.is_there)
    accepted = gateway.post("/agents/dev/trigger", TriggerAccepted, TriggerRequest())

    def detail() -> TriggerDetail:
        return gateway.get(f"/triggers/{accepted.trigger_id}", TriggerDetail)

    until(lambda: detail().trigger.state == "done")
    assert [run.result for run in detail().attempts] == ["completed"], server.logs()
    assert {path.lstat().st_uid for path in server.gateway.rglob("*")} == {GATEWAY}
    assert GATEWAY not in {path.lstat().st_uid for path in server.keeper.rglob("*")}
    assert stat.S_IMODE((server.keeper / "keeper.sock").stat().st_mode) == 0o660
    [revision] = (server.gateway / "revisions").glob("*/revision.json")
    assert stat.S_IMODE(revision.stat().st_mode) == 0o640
