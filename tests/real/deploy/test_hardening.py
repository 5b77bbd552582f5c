"""A server is made right, Debian 12 and 13: sshd, fail2ban, firewall, journal; and looked at from outside."""

from __future__ import annotations

import asyncio
import socket
import subprocess

import pytest

from freehold.deploy.server_preparation import planned_changes, preparation, prepare
from freehold.hosts.host import Command, Host
from freehold.server.layout import (
    FAIL2BAN_FILE,
    FIREWALL_FILE,
    FIREWALL_UNIT,
    JOURNAL_FILE,
    SSHD_FILE,
    UNITS,
)
from tests.support.attacker import attacker
from tests.support.sandbox import SandboxServer, tiny_image_command
from tests.support.server_parts import log_in_to, on, says

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]
SAYS = """
import socket
there = socket.socket(socket.AF_UNIX)
there.bind("/run/said.sock")
there.listen()
there.accept()[0].sendall(b"heard")
"""


async def harden(sandbox: SandboxServer, *, exposed: bool = True) -> list[str]:
    """What was done, in its words; afterwards nothing is left to do."""
    parts = preparation(log_in_to(sandbox), exposed=exposed)
    async with on(sandbox) as host:
        planned = await planned_changes(host, parts)
        await prepare(host, planned)
        left = await planned_changes(host, parts)
        assert [change.what for each in left for change in each.changes] == []
    return [change.what for each in planned for change in each.changes]


async def as_it_came(server: SandboxServer) -> None:
    """Others may have made it right before."""
    async with on(server) as host:
        await says(host, f"rm -f {SSHD_FILE} {FAIL2BAN_FILE} {FIREWALL_FILE} {JOURNAL_FILE}; systemctl reload ssh")
        await says(host, f"systemctl disable --now {FIREWALL_UNIT} fail2ban || true; rm -f {UNITS}/{FIREWALL_UNIT}")
        await says(host, "systemctl daemon-reload; systemctl restart systemd-journald")


async def test_a_server_is_made_right_once(server: SandboxServer) -> None:
    await as_it_came(server)
    done = await harden(server)
    assert len(done) == 4, done
    assert await harden(server) == []
    async with on(server) as host:
        settings = await says(host, "sshd -T")
        for line in ("passwordauthentication no", "permitrootlogin without-password", "allowstreamlocalforwarding yes"):
            assert line in settings.splitlines()
        assert await says(host, "fail2ban-client get sshd journalmatch")
        assert await says(host, "systemctl is-enabled fail2ban freehold-firewall") == "enabled\nenabled"
        assert "SystemMaxUse=500M" in await says(host, "systemd-analyze cat-config systemd/journald.conf")
        assert await says(host, "ls /var/lib/freehold/undo/*.json 2>/dev/null | wc -l") == "0"
        assert await says(host, "systemctl list-units --all --no-legend 'freehold-undo-*' | wc -l") == "0"
        # Docker's rules are as they were: containers start, and names are still found.
        await says(host, tiny_image_command())
        assert await says(host, "docker run --rm tiny /bin/sh -c 'echo inside'") == "inside"
        assert "DOCKER" in await says(host, "nft list table ip nat")
        assert server.address in await says(host, f"getent hosts {server.container}")
        assert await says(host, "systemctl is-system-running --wait") == "running"


async def test_what_somebody_changed_is_set_right(server: SandboxServer) -> None:
    await harden(server)
    async with on(server) as host:
        await says(host, f"echo 'PasswordAuthentication yes' > {SSHD_FILE}; systemctl reload ssh")
        await says(host, "nft delete table inet freehold; systemctl disable --now fail2ban")
        await says(host, f"rm {JOURNAL_FILE}")
    done = await harden(server)
    assert [line.split(" ", 1)[0] for line in done] == ["write", "write", "let", "write"]
    async with on(server) as host:
        assert "passwordauthentication no" in (await says(host, "sshd -T")).splitlines()
        assert "policy drop" in await says(host, "nft list table inet freehold")


async def test_the_firewall_is_there_again_after_a_reboot(sandbox13: SandboxServer) -> None:
    await harden(sandbox13)
    before = started(sandbox13)
    sandbox13.run("reboot")
    async with asyncio.timeout(90):
        while started(sandbox13) == before:
            await asyncio.sleep(0.2)
    async with on(sandbox13) as host:
        await says(host, "systemctl is-system-running --wait")
    assert await harden(sandbox13) == []


async def test_from_outside_a_key_alone_lets_in_and_whoever_tries_is_shut_out(server: SandboxServer) -> None:
    await harden(server, exposed=False)
    with attacker(server) as other:
        refused = other.knocks(server.address)
        assert refused.returncode == 255
        assert "Permission denied (publickey)" in refused.stderr  # and no other way is offered
        async with on(server) as host:
            assert await says(host, "getent shadow root | cut -d: -f2") in ("*", "!")
            listening = asyncio.create_task(
                says(host, "python3 -m http.server 8099 --bind 0.0.0.0 & sleep 20; kill $!")
            )
            await until_listening(host, 8099)
            assert not other.looks(server.address, 8099)
            listening.cancel()
            for _ in range(6):
                other.knocks(server.address)
            await until_banned(host, other.address)
            assert not other.looks(server.address, 22)
            banned = await says(host, "fail2ban-client status sshd | grep -F 'IP list'")
            assert banned.split(":")[1].split() == [other.address]
        async with on(server) as host:  # who has the key is let in, then as before
            await says(host, f"fail2ban-client set sshd unbanip {other.address}")


async def test_own_logins_and_looks_are_no_attempts(server: SandboxServer) -> None:
    await harden(server)
    async with on(server) as host:
        ours = (await says(host, "echo $SSH_CONNECTION")).split()[0]
        before = await attempts(host, ours)
    for _ in range(8):
        async with on(server):
            pass
        # As monitors do, and whoever waits for a server; and as one who does not know its host key.
        with socket.create_connection((server.address, 22), timeout=2):
            pass
        scan = ["ssh-keyscan", "-t", "ed25519", server.address]
        assert (await asyncio.to_thread(subprocess.run, scan, capture_output=True)).stdout
    async with on(server) as host:
        # The journal is read in its order: once this one is counted, all before it were looked at.
        await says(
            host, "ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o ConnectTimeout=5 x@127.0.0.2 true || true"
        )
        assert await attempts(host, ours) == before


async def attempts(host: Host, address: str) -> int:
    return int(await says(host, f"grep -c 'Found {address}' /var/log/fail2ban.log || true"))


async def test_sockets_are_still_forwarded(server: SandboxServer) -> None:
    await harden(server)
    async with on(server) as host:
        await says(host, "rm -f /run/said.sock")
        task = asyncio.create_task(host.run(Command(("python3", "-c", SAYS))))
        while (await host.run(Command(("test", "-S", "/run/said.sock")))).status:
            await asyncio.sleep(0.1)
        connection = await host._forward_directly("/run/said.sock")
        with connection:
            assert await asyncio.to_thread(connection.recv, 16) == b"heard"
        await task


def started(sandbox: SandboxServer) -> str:
    words = ["docker", "inspect", "--format", "{{.State.StartedAt}}", sandbox.container]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


async def until_listening(host: Host, port: int) -> None:
    while not await says(host, f"ss -Hltn 'sport = :{port}'"):
        await asyncio.sleep(0.1)


async def until_banned(host: Host, address: str) -> None:
    async with asyncio.timeout(30):
        while address not in await says(host, "fail2ban-client status sshd"):
            await asyncio.sleep(0.2)
