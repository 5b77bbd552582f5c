"""As on a server: the gateway and the keeper are two users, of whom one may use Docker, and two folders."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest

from freehold.client.gateway import Gateway
from freehold.client.gateway_address import LocalAddress
from freehold.project.state import KEEPER_PLACE, PLACED_NAME, STATE_PLACE
from freehold.runtime.revision_scan import Scanner
from freehold.runtime.revisions import Revisions
from freehold.server.release import RECORD_FILE, ReleaseRecord
from freehold.wire.service import Health, TriggerAccepted, TriggerDetail, TriggerRequest
from tests.support.installation import until
from tests.support.program import PROGRAM

pytestmark = [pytest.mark.docker, pytest.mark.root]
GATEWAY, KEEPER, GROUP = 61_001, 61_002, 61_001
FIRST, SECOND, THIRD = (f"01jd000000000000000000000{number}" for number in (1, 2, 3))
SOCKET = Path("/var/run/docker.sock")


class Server:
    """A project whose files are root's, and the two users' folders, laid out as a push does."""

    def __init__(self, base: Path) -> None:
        base.chmod(0o755)
        self.base = base
        self.project = base / "shop" / "current"
        self.gateway, self.keeper = base / "gateway", base / "keeper"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.push(FIRST, "fh return done\n")
        for user, name in ((GATEWAY, "gateway"), (KEEPER, "keeper")):
            for folder, mode in ((base / name, 0o750), (base / f"{name}-home", 0o700)):
                folder.mkdir()
                os.chown(folder, user, GROUP)
                folder.chmod(mode)

    def push(self, release_id: str, script: str, config: str = "timeout = 60\n") -> None:
        """A release whose files are root's, which nobody else may write to; `current` leads to it then."""
        folder = self.project.parent / "releases" / release_id
        record = ReleaseRecord(
            id=release_id, project="shop", content="", program="", pushed_at="", pushed_by="", version="1"
        )
        agent = folder / "agents" / "dev"
        agent.mkdir(parents=True)
        (folder / "config.toml").write_text("")
        (agent / "SKILL.md").write_text("---\nname: dev\ndescription: A test agent.\n---\nDo it.\n")
        (agent / "config.toml").write_text(f'schedule = "0 0 1 1 *"\n{config}')
        (agent / "test-script.sh").write_text(f"#!/bin/bash\n{script}")
        (folder / RECORD_FILE).parent.mkdir()
        (folder / RECORD_FILE).write_bytes(msgspec.json.encode(record))
        for path in folder.rglob("*"):
            path.chmod(0o555 if path.is_dir() or path.suffix == ".sh" else 0o444)
        beside = self.project.with_name(".current")
        beside.symlink_to(f"releases/{release_id}")
        beside.replace(self.project)

    def start(self, user: int, name: str, *words: str, groups: tuple[int, ...] = ()) -> None:
        command = [sys.executable, str(PROGRAM), "-p", str(self.project), *words]
        environment = self.environment(name)
        with (self.base / f"{name}.log").open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    command, env=environment, user=user, group=GROUP, extra_groups=groups, umask=0o027, cwd="/",
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
            )  # fmt: skip

    def environment(self, name: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "FREEHOLD_HOME": str(self.base / f"{name}-home"),
            "HOME": str(self.base / f"{name}-home"),
            STATE_PLACE: str(self.gateway),
            KEEPER_PLACE: str(self.keeper),
            PLACED_NAME: "fhtwo",
        }

    def says(self, *words: str) -> str:
        """What a command says to the gateway's user, whom people are there."""
        done = subprocess.run(
            [sys.executable, str(PROGRAM), "-p", str(self.project), *words],
            env=self.environment("gateway"), user=GATEWAY, group=GROUP, extra_groups=(), cwd="/", capture_output=True,
            text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self.base.glob("*.log"))

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait(timeout=60)


def returned(gateway: Gateway) -> str | None:
    """What a run of the agent that is asked for now returns."""
    accepted = gateway.post("/agents/dev/trigger", TriggerAccepted, TriggerRequest())

    def detail() -> TriggerDetail:
        return gateway.get(f"/triggers/{accepted.trigger_id}", TriggerDetail)

    until(lambda: detail().trigger.state == "done")
    [run] = detail().attempts
    assert run.result == "completed", run
    return run.return_value


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
    assert returned(gateway) == "done", server.logs()
    assert "completed" in server.says("runs")
    assert "done" in server.says("logs", "dev")
    assert {path.lstat().st_uid for path in server.gateway.rglob("*")} == {GATEWAY}
    assert GATEWAY not in {path.lstat().st_uid for path in server.keeper.rglob("*")}
    assert stat.S_IMODE((server.keeper / "keeper.sock").stat().st_mode) == 0o660
    [revision] = (server.gateway / "revisions").glob("*/revision.json")
    assert stat.S_IMODE(revision.stat().st_mode) == 0o640


def test_a_push_is_taken_over_and_one_with_errors_is_not(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATE_PLACE, str(server.gateway))
    server.start(KEEPER, "keeper", "keeper", "run", groups=(SOCKET.stat().st_gid,))
    server.start(GATEWAY, "gateway", "start", "--headless", "--port", "0")
    gateway = Gateway(LocalAddress(server.project))
    until(gateway.is_there)
    assert health(server) == (FIRST, [])
    server.push(SECOND, "fh return again\n")
    until(lambda: health(server) == (SECOND, []))
    assert returned(gateway) == "again", server.logs()
    server.push(THIRD, "fh return broken\n", "timeout = 'soon'\n")
    until(lambda: health(server)[0] == THIRD)
    [refused] = health(server)[1]
    assert "agents/dev/config.toml: timeout" in refused
    assert returned(gateway) == "again", server.logs()


_ASK = """\
import json, socket, sys
with socket.socket(socket.AF_UNIX) as keeper:
    keeper.connect(sys.argv[1])
    for number, (method, params) in enumerate(json.load(sys.stdin), 1):
        told = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        keeper.sendall(json.dumps(told).encode() + b"\\n")
    lines = keeper.makefile()
    print(json.dumps(sorted((json.loads(lines.readline()) for _ in range(number)), key=lambda told: told["id"])))
"""


def test_who_broke_into_the_gateway_has_the_keeper_run_nothing_of_his_own(server: Server) -> None:
    server.start(KEEPER, "keeper", "keeper", "run", groups=(SOCKET.stat().st_gid,))
    until((server.keeper / "keeper.sock").exists)
    forged = server.base / "forged"
    shutil.copytree(server.project, forged)
    shutil.rmtree(forged / ".freehold")
    (forged / "agents/dev/test-script.sh").write_text("#!/bin/bash\ncat /credentials/*/*/*\n")
    (forged / "agents/dev/config.toml").write_text('credentials = ["github_token"]\n')
    revisions = Revisions(server.gateway)
    with revisions.scanned(Scanner(forged, server.base), [], 0) as live:
        revisions.write(live.manifest, live, [])
        name = revisions.complete(live.manifest)
    for path in (server.gateway, *server.gateway.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    started = {"run_id": f"dev-{FIRST}", "agent": "dev"}
    asked = [
        ("run/start", {**started, "options": {"revision": name}}),
        ("run/start", {**started, "options": {"record": str(server.keeper / "written")}}),
        ("run/start", {**started, "options": {"as_caller": True}}),
        ("image/build", {"base_from": "somebodys/image"}),
        ("image/prune", {}),
        ("shell/open", {"target": "dev", "columns": 80, "rows": 24, "command": ["id"]}),
        ("workspace/remove", {"engine": "docker", "project": "fhtwo", "agent": "dev", "slot": 0}),
        ("keeper/stop", {}),
    ]
    done = subprocess.run(
        [sys.executable, "-c", _ASK, str(server.keeper / "keeper.sock")], input=json.dumps(asked), text=True,
        user=GATEWAY, group=GROUP, extra_groups=(), cwd="/", capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    codes = [told["error"]["data"]["code"] for told in json.loads(done.stdout)]
    assert codes == ["denied"] * len(asked), done.stdout


def health(server: Server) -> tuple[str, list[str]]:
    """The release that was looked at last, and what of it is refused: asked as root, through the gateway's socket."""
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(server.gateway / "gateway.sock"))) as client:
        found = msgspec.json.decode(client.get("http://localhost/health").content, type=Health)
    return found.release, found.refused
