"""`network = "open"` for real: the network is there, the metadata service is not, and nothing is left behind."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from freehold.base.clock import SystemClock
from freehold.base.errors import Code, FreeholdError
from freehold.base.ids import new_run_id
from freehold.runtime.docker_engine import DockerEngine
from freehold.runtime.engine import Network, RunSpec

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.xdist_group("docker-network")]

PROJECT = f"fhn-{os.getpid()}"
METADATA = "169.254.77.77"
"""Within the range of metadata services; the address itself is nobody's."""
ELSEWHERE = "198.51.100.77"
"""TEST-NET-2: an ordinary address."""


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"reached")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[int]:
    """A port that answers on two addresses of this host: one like a metadata service's, one like any other."""
    for address in (METADATA, ELSEWHERE):
        subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True)
    listener = HTTPServer(("0.0.0.0", 0), _Answer)
    serving = threading.Thread(target=listener.serve_forever)
    serving.start()
    yield listener.server_port
    listener.shutdown()
    serving.join()
    listener.server_close()
    for address in (METADATA, ELSEWHERE):
        subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"], check=True)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[DockerEngine]:
    engine = DockerEngine(SystemClock(), tmp_path / "workspaces")
    yield engine
    for found in await engine.find(PROJECT):
        await engine.remove(found.run_id)
    await engine.give_up_workspace(PROJECT, "dev", 0)
    await engine.close()


def spec_for(tmp_path: Path, command: tuple[str, ...], network: Network = Network.OPEN) -> RunSpec:
    run_id = new_run_id("dev")
    base = tmp_path / run_id
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
        slot=0,
        image="freehold-agent:latest",
        mount=base / "mount",
        agent_dir=base / "agent",
        credentials_dir=base / "credentials",
        shared_dir=None,
        network=network,
        memory_bytes=256 * 1024**2,
        cpus=1.0,
        timeout_s=60,
        started_at="2026-11-21T09:00:00.000Z",
        command=command,
    )


def fetching(port: int) -> tuple[str, ...]:
    urls = " ".join(f"http://{address}:{port}/" for address in (METADATA, ELSEWHERE))
    look = 'for url in {}; do echo "$(curl -sS --max-time 5 $url 2>&1)" >> $FREEHOLD_RUN_DIR/events.jsonl; done'
    return ("sh", "-c", look.format(urls))


async def answers(engine: DockerEngine, spec: RunSpec) -> list[str]:
    await engine.start(spec)
    result = await asyncio.wait_for(engine.wait(spec.run_id), 60)
    assert result.code == 0, result.output
    return (spec.mount / "events.jsonl").read_text().splitlines()


def docker(*arguments: str, told: str = "") -> str:
    return subprocess.run(["docker", *arguments], input=told, check=True, capture_output=True, text=True).stdout


def process_status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


def left_over(run_id: str) -> str:
    label = f"label=dev.freehold.helper-of={run_id}"
    return docker("ps", "--all", "--quiet", "--filter", label) + docker("network", "ls", "--quiet", "--filter", label)


async def test_the_world_is_reached_and_the_metadata_service_is_not(
    engine: DockerEngine, tmp_path: Path, server: int
) -> None:
    metadata, elsewhere = await answers(engine, spec_for(tmp_path, fetching(server)))
    assert elsewhere == "reached"
    assert "Failed to connect" in metadata
    assert "timed out" not in metadata.lower(), "refused by a route, and not by chance"


async def test_without_the_helper_the_metadata_service_would_be_reached(server: int) -> None:
    """The control: the test above can fail."""
    url = f"http://{METADATA}:{server}/"
    command = ["--rm", "--entrypoint", "curl", "freehold-agent:latest", "-sS", "--max-time", "5", url]
    assert docker("run", *command) == "reached"


@pytest.mark.parametrize("network", [Network.ALLOWLIST, Network.NONE])
async def test_other_networks_reach_neither(
    engine: DockerEngine, tmp_path: Path, server: int, network: Network
) -> None:
    assert "reached" not in await answers(engine, spec_for(tmp_path, fetching(server), network))


async def test_the_run_cannot_undo_it(engine: DockerEngine, tmp_path: Path) -> None:
    assert await answers(engine, spec_for(tmp_path, ("python3", "-c", _DELETE_ROUTE))) == [str(errno.EPERM)]


_DELETE_ROUTE = """
import os, socket, struct
head = struct.pack("=BBBBBBBBI", 2, 16, 0, 0, 254, 4, 0, 7, 0)
body = head + struct.pack("=HH", 8, 1) + socket.inet_aton("169.254.0.0")
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
    netlink.send(struct.pack("=IHHII", 16 + len(body), 25, 5, 1, 0) + body)
    error = -struct.unpack_from("=i", netlink.recv(4096), 16)[0]
open(os.environ["FREEHOLD_RUN_DIR"] + "/events.jsonl", "a").write(f"{error}\\n")
"""


async def test_the_helper_has_given_up_its_rights(engine: DockerEngine, tmp_path: Path) -> None:
    spec = spec_for(tmp_path, ("sleep", "60"))
    await engine.start(spec)
    helper = docker("ps", "--quiet", "--filter", f"label=dev.freehold.helper-of={spec.run_id}").strip()
    (state,) = json.loads(docker("inspect", helper))
    status = process_status(state["State"]["Pid"])
    capabilities = {line.split()[0]: line.split()[1] for line in status.splitlines() if line.startswith("Cap")}
    assert {capabilities[name] for name in ("CapInh:", "CapPrm:", "CapEff:", "CapAmb:")} == {"0" * 16}
    assert state["HostConfig"]["CapDrop"] == ["ALL"]


async def test_each_run_has_its_own_network(engine: DockerEngine, tmp_path: Path) -> None:
    first, second = spec_for(tmp_path, ("sleep", "60")), spec_for(tmp_path, ("sleep", "60"))
    second = replace(second, slot=1)
    try:
        await engine.start(first)
        await engine.start(second)
        assert len(left_over(first.run_id).split()) == 2
        assert set(left_over(first.run_id).split()) & set(left_over(second.run_id).split()) == set()
    finally:
        await engine.remove(second.run_id)
        await engine.give_up_workspace(PROJECT, "dev", 1)


async def test_the_network_goes_with_the_run(engine: DockerEngine, tmp_path: Path) -> None:
    spec = spec_for(tmp_path, ("true",))
    await engine.start(spec)
    assert left_over(spec.run_id) != ""
    assert [found.run_id for found in await engine.find(PROJECT)] == [spec.run_id], "the helper is not a run"
    await engine.remove(spec.run_id)
    assert left_over(spec.run_id) == ""


async def test_a_start_that_fails_takes_the_network_with_it(engine: DockerEngine, tmp_path: Path) -> None:
    spec = spec_for(tmp_path, ("/no/such/program",))
    with pytest.raises(FreeholdError):
        await engine.start(spec)
    assert left_over(spec.run_id) == ""


async def test_the_agents_own_image_has_no_hand_in_it(engine: DockerEngine, tmp_path: Path, server: int) -> None:
    """One whose Python says that all is well, and does nothing."""
    lie = "RUN printf '#!/bin/sh\\necho network is ready\\nexec sleep 60\\n' > /usr/bin/python3"
    runnable = "RUN chmod +x /usr/bin/python3"
    dockerfile = f"FROM freehold-agent:latest\nUSER root\nRUN rm -f /usr/bin/python3\n{lie}\n{runnable}\n"
    docker("build", "--quiet", "--tag", f"{PROJECT}-liar", "-", told=dockerfile)
    try:
        spec = replace(spec_for(tmp_path, fetching(server)), image=f"{PROJECT}-liar")
        metadata, elsewhere = await answers(engine, spec)
        assert elsewhere == "reached"
        assert "Failed to connect" in metadata
    finally:
        await engine.remove(spec.run_id)
        docker("image", "rm", f"{PROJECT}-liar")


async def test_without_the_helpers_image_nothing_is_started(engine: DockerEngine, tmp_path: Path) -> None:
    spec = replace(spec_for(tmp_path, ("true",)), base_image=f"{PROJECT}-nowhere:latest")
    with pytest.raises(FreeholdError, match=f"{PROJECT}-nowhere:latest, which is not there") as caught:
        await engine.start(spec)
    assert caught.value.code is Code.IMAGE
    assert left_over(spec.run_id) == ""


async def test_a_network_that_cannot_be_guarded_is_not_used(engine: DockerEngine, tmp_path: Path) -> None:
    """A base image without Python: the run does not start, and the error says why."""
    dockerfile = "FROM freehold-agent:latest\nUSER root\nRUN rm -f /usr/bin/python3\nUSER node\n"
    docker("build", "--quiet", "--tag", f"{PROJECT}-bare", "-", told=dockerfile)
    try:
        spec = replace(spec_for(tmp_path, ("true",)), base_image=f"{PROJECT}-bare")
        with pytest.raises(FreeholdError) as caught:
            await engine.start(spec)
        assert left_over(spec.run_id) == ""
        assert "python3" in caught.value.message
    finally:
        docker("image", "rm", f"{PROJECT}-bare")
