"""Servers that are reached in other ways than as root at port 22: made right, and still reached afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.server_preparation import planned_changes, preparation, prepare
from freehold.hosts.host import Command, Host
from freehold.server.layout import FAIL2BAN_FILE, FIREWALL_FILE, JOURNAL_FILE, SSHD_FILE
from tests.support.program import Freehold
from tests.support.sandbox import SandboxServer
from tests.support.server_parts import log_in_to, on, says
from tests.support.ssh_server import make_key, ssh_agent

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]
PORT_FILE = "/etc/ssh/sshd_config.d/02-freehold-port.conf"
FILES = f"{SSHD_FILE} {FAIL2BAN_FILE} {FIREWALL_FILE} {JOURNAL_FILE}"
FRESH = f"systemctl disable --now --quiet fail2ban freehold-firewall; rm -f {FILES}"


async def made_right(host: Host, sandbox: SandboxServer, user: str = "", port: int = 0) -> list[str]:
    parts = preparation(log_in_to(sandbox, user, port), exposed=True)
    planned = await planned_changes(host, parts)
    await prepare(host, planned)
    assert not [change for each in await planned_changes(host, parts) for change in each.changes]
    return [change.what for each in planned for change in each.changes]


@contextlib.asynccontextmanager
async def user(sandbox: SandboxServer, name: str, sudoers: str = "") -> AsyncIterator[None]:
    """One that logs in with the sandbox's key."""
    async with on(sandbox) as host:
        await says(host, f"userdel -r {name} 2>/dev/null; useradd -m -s /bin/bash {name}; usermod -p '*' {name}")
        await says(host, f"cp -r /root/.ssh /home/{name}/ && chown -R {name}: /home/{name}/.ssh")
        await says(host, f"printf '%s' '{sudoers}' > /etc/sudoers.d/90-{name}")
        try:
            yield
        finally:
            await says(
                host, f"rm -f /etc/sudoers.d/90-{name}; pkill -u {name}; sleep 0.5; userdel -r {name} 2>&1 || true"
            )


async def test_as_a_user_with_sudo_where_root_may_not_log_in_at_all(server: SandboxServer) -> None:
    async with on(server) as root:
        await says(root, FRESH)
        async with user(server, "deploy", "deploy ALL=(ALL) NOPASSWD: ALL\n"):
            await says(root, "echo 'PermitRootLogin no' > /etc/ssh/sshd_config.d/60-strict.conf; systemctl reload ssh")
            try:
                async with on(server, user="deploy") as host:
                    assert len(await made_right(host, server, user="deploy")) == 4
                    assert await made_right(host, server, user="deploy") == []
                with pytest.raises(FreeholdError) as caught:
                    async with on(server):
                        pass
                assert caught.value.code is Code.CREDENTIAL
            finally:
                await says(root, f"rm -f /etc/ssh/sshd_config.d/60-strict.conf {SSHD_FILE}; systemctl reload ssh")


@pytest.mark.parametrize("sudoers", ["", "poor ALL=(ALL) ALL\n", "poor ALL=(ALL) NOPASSWD: /bin/ls\n"])
async def test_as_a_user_whom_sudo_does_not_let(sandbox: SandboxServer, sudoers: str) -> None:
    async with user(sandbox, "poor", sudoers), on(sandbox, user="poor") as host:
        with pytest.raises(FreeholdError, match="poor cannot become root without a password") as caught:
            await planned_changes(host, preparation(log_in_to(sandbox, "poor"), exposed=True))
    assert caught.value.code is Code.DENIED
    assert "NOPASSWD" in caught.value.hint


async def test_at_another_port(server: SandboxServer) -> None:
    async with on(server) as host:
        await says(host, f"{FRESH}; printf 'Port 22\nPort 2222\n' > {PORT_FILE}; systemctl reload ssh")
    try:
        async with on(server, port=2222) as host:
            done = await made_right(host, server, port=2222)
            assert "port 22, 2222" in done[1]
            assert "let in TCP 22, 80, 443, 2222 and nothing else" in done[2]
            await says(host, f"echo 'Port 2222' > {PORT_FILE}; systemctl reload ssh")
        async with on(server, port=2222) as host:
            done = await made_right(host, server, port=2222)
            assert [line.partition(":")[0] for line in done][-1] == "let in TCP 80, 443, 2222 and nothing else"
    finally:
        async with on(server, port=2222) as host:
            await says(host, f"{FRESH}; rm {PORT_FILE}; systemctl reload ssh")


async def test_a_port_that_only_this_connection_knows_of_stays_open(sandbox: SandboxServer) -> None:
    """One that somebody else's rules lead to sshd, or an sshd that another unit runs."""
    async with on(sandbox) as host:
        await says(host, f"{FRESH}; systemctl reload ssh")
        await says(host, "systemd-run --quiet --unit fht-sshd /usr/sbin/sshd -D -p 2299 -o PidFile=none")
        try:
            async with on(sandbox, port=2299) as other:
                done = await made_right(other, sandbox, port=2299)
                assert "let in TCP 22, 80, 443, 2299 and nothing else" in done[2]
        finally:
            await says(host, "systemctl stop fht-sshd")


async def test_somebody_elses_firewall_is_left_alone_and_ours_makes_way(sandbox: SandboxServer) -> None:
    parts = preparation(log_in_to(sandbox), exposed=True)
    async with on(sandbox) as host:
        await made_right(host, sandbox)
        await says(host, "mkdir -p /etc/ufw; echo ENABLED=yes > /etc/ufw/ufw.conf")
        try:
            planned = await planned_changes(host, parts)
            assert [change.what for each in planned for change in each.changes] == [
                "take the rules of freehold-firewall.service away: ufw is at work"
            ]
            assert planned[3].advice.startswith(
                "ufw is at work, and is left as it is: to open 22, 80, 443: ufw allow 22/tcp"
            )
            await prepare(host, planned)
            assert (await host.run(Command(("nft", "list", "table", "inet", "freehold")))).status
            assert not [change for each in await planned_changes(host, parts) for change in each.changes]
            checked = json.loads(sandbox.freehold("env", "check", "box", "--json").stdout)["checks"]
            firewall = next(each for each in checked if each["name"] == "firewall")
            assert (firewall["state"], firewall["message"]) == ("pass", "ufw is at work")
        finally:
            await says(host, "rm /etc/ufw/ufw.conf")
        assert len(await made_right(host, sandbox)) == 1


def states(freehold: Freehold, *words: str) -> dict[str, str]:
    done = freehold("env", "check", "there", "--json", *words, timeout_s=300)
    assert done.stdout, done.stderr
    return {check["name"]: check["state"] for check in json.loads(done.stdout)["checks"]}


@pytest.fixture
def laptop(tmp_path: Path) -> Freehold:
    """A person's machine whose own configuration says how servers are reached; Freehold keeps no key for it."""
    (tmp_path / "user/.ssh").mkdir(parents=True, mode=0o700)
    return Freehold(tmp_path, tmp_path / "home", {"HOME": str(tmp_path / "user"), "SSH_AUTH_SOCK": "", "NO_COLOR": "1"})


def there(laptop: Freehold, host: str, *server: str) -> None:
    folder = laptop.home / "environments"
    folder.mkdir(parents=True)
    (folder / "there.toml").write_text("\n".join(["[server]", f'host = "{host}"', *server, ""]))
    (folder / "there.toml").chmod(0o600)


def trust(laptop: Freehold, *sandboxes: SandboxServer) -> None:
    (laptop.home / "known_hosts").write_text("".join((each.home / "known_hosts").read_text() for each in sandboxes))


async def test_through_a_jump_host(laptop: Freehold, sandbox: SandboxServer, sandbox13: SandboxServer) -> None:
    there(laptop, "inner")
    trust(laptop, sandbox, sandbox13)
    (Path(laptop.env["HOME"]) / ".ssh/config").write_text(
        f"Host inner\n  HostName {sandbox13.address}\n  User root\n  IdentityFile {sandbox13.key}\n  ProxyJump outer\n"
        f"Host outer\n  HostName {sandbox.address}\n  User root\n  IdentityFile {sandbox.key}\n"
    )
    async with on(sandbox13) as host:
        await says(host, FRESH)
        assert states(laptop)["fail2ban running"] == "fail"
        found = states(laptop, "--fix", "--yes")
        fixed = {name for name, state in found.items() if state == "fixed"}
        assert {"fail2ban running", "firewall"} <= fixed
        assert "fail" not in found.values()
        assert set(states(laptop).values()) <= {"pass", "skip", "warn"}
        await says(
            host, f"journalctl -t sshd -t sshd-session | grep -F 'Accepted publickey for root from {sandbox.address}'"
        )


async def test_with_a_key_that_an_agent_holds(laptop: Freehold, sandbox: SandboxServer, tmp_path: Path) -> None:
    key = tmp_path / "locked"
    public = make_key(key, passphrase="a b$(c)")
    there(laptop, sandbox.address, f'keyPath = "{key}"')
    trust(laptop, sandbox)
    async with on(sandbox) as host:
        await says(host, f"{FRESH}; echo '{public}' >> /root/.ssh/authorized_keys")
        assert states(laptop)["ssh"] == "fail"  # nobody opens it
        with ssh_agent(key, passphrase="a b$(c)") as agent:
            laptop.env["SSH_AUTH_SOCK"] = agent
            found = states(laptop, "--fix", "--yes")
        assert {name for name, state in found.items() if state == "fixed"} >= {"fail2ban running", "firewall"}
        assert "fail" not in found.values()


@pytest.fixture
def ipv6(sandbox13: SandboxServer) -> Iterator[str]:
    """An address of the server in a network of IPv6 that Docker makes; skips where it makes none."""
    name = f"fht-v6-{os.getpid()}"
    words = ["docker", "network", "create", "--ipv6", "--subnet", f"fd7a:{os.getpid() % 65536:x}::/64", name]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("this Docker makes no network with IPv6")
    try:
        subprocess.run(["docker", "network", "connect", name, sandbox13.container], check=True, capture_output=True)
        form = f'{{{{(index .NetworkSettings.Networks "{name}").GlobalIPv6Address}}}}'
        shown = subprocess.run(
            ["docker", "inspect", "--format", form, sandbox13.container], capture_output=True, text=True, check=True
        )
        yield shown.stdout.strip()
    finally:
        subprocess.run(["docker", "network", "disconnect", "--force", name, sandbox13.container], capture_output=True)
        subprocess.run(["docker", "network", "rm", name], capture_output=True)


async def test_by_ipv6_alone(laptop: Freehold, sandbox13: SandboxServer, ipv6: str) -> None:
    there(laptop, ipv6, f'keyPath = "{sandbox13.key}"')
    key = (sandbox13.home / "known_hosts").read_text().split(None, 1)[1]
    (laptop.home / "known_hosts").write_text(f"{ipv6} {key}")
    async with on(sandbox13) as host:
        await says(host, FRESH)
        found = states(laptop, "--fix", "--yes")
        assert {name for name, state in found.items() if state == "fixed"} >= {"fail2ban running", "firewall"}
        assert "fail" not in found.values()
        # By IPv4 nobody is let in now, as if there were none.
        await says(host, "nft add table ip fht; nft add chain ip fht i '{ type filter hook input priority -9; }'")
        await says(host, "nft add rule ip fht i ct state new tcp dport 22 drop")
        try:
            assert states(laptop)["ssh"] == "pass"
            with (
                pytest.raises(OSError, match="timed out"),
                socket.create_connection((sandbox13.address, 22), timeout=2),
            ):
                pass
        finally:
            await says(host, "nft delete table ip fht")
