"""A server by hand: the page, typed as it stands there on a server, up to a reboot."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import httpx2
import msgspec
import pytest

from freehold.wire.service import Health
from tests.support.installation import until
from tests.support.pages import DOCS, ROOT, Page
from tests.support.sandbox import SandboxServer, sandbox_server

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]
PAGE = Page(DOCS / "by-hand.md")
SOURCES = ("src", "pyproject.toml", "README.md", "LICENSE")
"""What a clone has that is needed to install it."""
UNITS = ("freehold@project.socket", "freehold@project.service", "freehold-keeper@project.service")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    with sandbox_server(tmp_path_factory.mktemp("hand"), called="-hand") as made:
        packed = subprocess.run(
            ["tar", "-cz", "--exclude=__pycache__", *SOURCES], cwd=ROOT, capture_output=True, check=True
        ).stdout
        unpack = "mkdir /opt/freehold-source && tar -xz -C /opt/freehold-source"
        subprocess.run(["docker", "exec", "-i", made.container, "sh", "-c", unpack], input=packed, check=True)
        yield made


def health(server: SandboxServer) -> Health | None:
    """What somebody elsewhere is told; None while nobody answers."""
    try:
        found = httpx2.get(f"http://{server.address}:8080/health", timeout=10, trust_env=False)
    except httpx2.TransportError:
        return None
    return msgspec.json.decode(found.content, type=Health)


def is_well(server: SandboxServer) -> bool:
    found = health(server)
    return found is not None and found.status == "ok"


def try_it(server: SandboxServer, line: str) -> None:
    """What the page lets run in the foreground, until Ctrl-C."""
    command = ["docker", "exec", server.container, "bash", "-euc", line]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        until(lambda: is_well(server) or process.poll() is not None)
        server.says("pkill -INT --uid shop --full 'start --expose'")
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "stopped; runs go on" in said


def active(server: SandboxServer) -> list[str]:
    return server.run("systemctl", "is-active", *UNITS).stdout.split()


def test_the_page_is_true(server: SandboxServer) -> None:
    for block in PAGE.blocks("sh"):
        if block.title:
            try_it(server, block.text)
            continue
        done = server.run(f"bash -ec {_quoted(block.text)}", timeout_s=600)
        assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"
        if "systemctl" in block.text:  # nobody types as fast as this test
            until(lambda: is_well(server))
    until(lambda: active(server) == ["active"] * 3)
    until(lambda: is_well(server))
    _is_as_a_push_has_it(server)
    subprocess.run(["docker", "restart", server.container], check=True, capture_output=True)
    until(lambda: is_well(server))
    assert active(server) == ["active"] * 3


def _is_as_a_push_has_it(server: SandboxServer) -> None:
    """The gateway without Docker and with no capability; the keeper with Docker, and as the same user."""
    for unit, has_docker in (("freehold@project", False), ("freehold-keeper@project", True)):
        pid = server.says(f"systemctl show --value -p MainPID {unit}")
        status = server.says(f"cat /proc/{pid}/status")
        values = {line.partition(":")[0]: line.partition(":")[2].split() for line in status.splitlines()}
        assert values["Uid"][0] == server.says("id -u shop")
        assert values["CapEff"] == ["0000000000000000"]
        assert (server.says("stat -c %g /run/docker.sock") in values["Groups"]) is has_docker
    ask = "runuser -u shop -- env HOME=/srv/shop freehold -p /srv/shop/project keeper status"
    assert "Docker: " in server.says(ask)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
