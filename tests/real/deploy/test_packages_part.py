"""What a server is missing is installed, on Debian as providers hand it out; and what is said when it cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.packages import PackagesPart
from freehold.hosts.host import Command
from tests.support.sandbox import SandboxServer, sandbox_server
from tests.support.server_parts import on, planned, says, settled

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]
ARCHIVES = "/etc/apt/sources.list /etc/apt/sources.list.d"
HOLD = """
import fcntl, sys, time
held = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(held, fcntl.LOCK_EX)
open("/run/held", "w").close()
time.sleep(600)
"""


@pytest.fixture(scope="module", params=["12", "13"])
def plain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    folder = tmp_path_factory.mktemp("plain")
    with sandbox_server(folder, "--plain", "--debian", request.param, called=f"-plain{request.param}") as server:
        yield server


async def test_an_archive_that_cannot_be_reached(plain: SandboxServer) -> None:
    async with on(plain) as host:
        await says(host, f"mkdir /root/apt && mv {ARCHIVES} /root/apt/ 2>/dev/null; mkdir -p /etc/apt/sources.list.d")
        await says(host, "echo 'deb http://127.0.0.1:1/debian stable main' > /etc/apt/sources.list")
        part = PackagesPart(edge=False)
        with pytest.raises(FreeholdError) as caught:
            await part.carry_out(host, await planned(host, part))
        await says(
            host, "rm -r /etc/apt/sources.list /etc/apt/sources.list.d; mv /root/apt/* /etc/apt/; rmdir /root/apt"
        )
    assert caught.value.code is Code.FAILED
    assert "is missing fail2ban, python3-systemd, docker.io" in caught.value.message
    assert "reaches no archive to install them from: " in caught.value.message
    assert "apt-get install fail2ban python3-systemd docker.io" in caught.value.hint


async def test_what_is_missing_comes_once_others_let_go_of_apt(plain: SandboxServer) -> None:
    said: list[str] = []
    async with on(plain) as host:
        # Somebody was cut off between unpacking and setting up.
        await says(host, "cd /tmp && apt-get update -qq && apt-get download -qq python3-systemd libsystemd0 2>&1")
        await host.run(Command(("sh", "-c", "dpkg --unpack /tmp/python3-systemd*.deb"), as_root=True))
        holder = asyncio.create_task(host.run(Command(("python3", "-I", "-c", HOLD), timeout_s=900)))
        while (await host.run(Command(("test", "-e", "/run/held")))).status:
            await asyncio.sleep(0.1)

        def let_go(line: str) -> None:
            said.append(line)
            process = line.partition("(process ")[2].partition(")")[0]
            killing.append(asyncio.create_task(says(host, f"kill {process}")))

        killing: list[asyncio.Task[str]] = []
        part = PackagesPart(edge=False, say=let_go)
        done = await settled(host, part)
        await asyncio.gather(holder, *killing)
        assert [line.partition(" (")[0] for line in said] == ["waiting until python3"]
        assert "docker.io" in done[0]
        assert await says(host, "docker version --format '{{.Server.Version}}'")
        assert await says(host, "python3 -c 'import systemd.journal'") == ""
        assert "haproxy" not in await says(host, "dpkg-query -W -f '${Package}\\n'")


async def test_dockers_own_packages_are_left_alone(sandbox: SandboxServer) -> None:
    async with on(sandbox) as host:
        assert await planned(host, PackagesPart(edge=True)) == []
        await says(host, "dpkg --force-depends --remove docker.io >/dev/null && mkdir -p /usr/local/bin")
        await says(host, "for each in docker dockerd; do ln -sf /bin/true /usr/local/bin/$each; done")
        try:
            assert await planned(host, PackagesPart(edge=True)) == []
        finally:
            await says(host, "rm /usr/local/bin/docker /usr/local/bin/dockerd")
        changes = await planned(host, PackagesPart(edge=True))
        assert [change.what for change in changes] == ["install docker.io (apt-get)"]
        await settled(host, PackagesPart(edge=True))
