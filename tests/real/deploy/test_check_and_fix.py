"""`env check --fix` on servers as they are found: each trouble of the page on deploying has a check, and a way out."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

import pytest

from freehold.hosts.host import Host, RemoteFile
from freehold.server.layout import FAIL2BAN_FILE, JOURNAL_FILE, SSHD_FILE
from tests.support.sandbox import SandboxServer
from tests.support.server_parts import on, says

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]
Check = dict[str, str]


def checked(server: SandboxServer, *words: str) -> dict[str, Check]:
    done = server.freehold("env", "check", "box", "--json", *words, timeout_s=300)
    assert done.stdout, done.stderr
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def states(found: dict[str, Check], state: str) -> set[str]:
    return {name for name, check in found.items() if check["state"] == state}


async def stand_in(host: Host, name: str, line: str) -> None:
    """A program that is found before the server's own."""
    await host.put([RemoteFile(name, f"#!/bin/sh\n{line}\n".encode(), 0o755)], "/usr/local/bin")


@pytest.fixture
async def host(server: SandboxServer) -> AsyncIterator[Host]:
    async with on(server) as made:
        yield made


async def test_what_a_push_would_set_right_is_found_and_repaired(server: SandboxServer, host: Host) -> None:
    await says(host, "systemctl disable --now --quiet fail2ban freehold-firewall || true")
    await says(host, f"rm -f {SSHD_FILE} {FAIL2BAN_FILE} {JOURNAL_FILE}")
    await says(host, "echo 'PasswordAuthentication yes' > /etc/ssh/sshd_config.d/40-test.conf; systemctl reload ssh")
    try:
        found = checked(server)
        wrong = {"ssh hardened", "fail2ban running", "firewall", "journal bounded"}
        assert states(found, "fail") == wrong
        assert all(found[name]["fixable"] for name in wrong)
        assert "passwordauthentication is yes" in found["ssh hardened"]["message"]
        unasked = server.freehold("env", "check", "box", "--fix")
        assert (unasked.returncode, unasked.stdout) == (2, ""), "nobody can be asked, and SSH is not what is wrong"
        assert "give --yes to agree" in unasked.stderr
        found = checked(server, "--fix", "--yes")
        assert states(found, "fixed") == wrong
        assert states(checked(server), "fail") == set()
        assert (await says(host, "sshd -T | grep -i ^passwordauthentication")).split()[1] == "no"
    finally:
        await says(host, "rm /etc/ssh/sshd_config.d/40-test.conf; systemctl reload ssh")


async def test_docker_that_does_not_run_or_is_too_old(server: SandboxServer, host: Host) -> None:
    await says(host, "systemctl stop docker.socket docker.service")
    found = checked(server)
    assert "its engine does not answer" in found["docker"]["message"]
    assert checked(server, "--fix", "--yes")["docker"]["state"] == "fixed"
    await stand_in(host, "docker", "echo 19.03.8")
    try:
        found = checked(server)
        assert found["docker"]["state"] == "fail"
        assert not found["docker"]["fixable"]
        assert "19.03.8 is older than 20.10" in found["docker"]["message"]
    finally:
        await says(host, "rm /usr/local/bin/docker")


async def test_python_that_is_missing_or_too_old(server: SandboxServer, host: Host) -> None:
    path = await says(host, "readlink -f /usr/bin/python3")
    await stand_in(host, "python3", '[ "$1" = -c ] && echo 3.9.2 || exit 97')
    try:
        found = checked(server)
        assert "Python 3.9 is older than 3.11" in found["python"]["message"]
        assert not found["python"]["fixable"]
        assert "older than 3.11" in found["edge"]["message"]
    finally:
        await says(host, "rm /usr/local/bin/python3")
    await says(host, f"mv {path} {path}.away")
    try:
        found = checked(server)
        assert found["python"]["message"] == "there is no python3"
        assert found["ssh hardened"]["state"] == "pass"  # the question needs no Python
    finally:
        await says(host, f"mv {path}.away {path}")


async def test_a_clock_that_is_wrong(server: SandboxServer, host: Host) -> None:
    """Its date says so; the kernel's clock is the machine's that the sandbox is on."""
    await stand_in(host, "date", 'exec /bin/date -d "10 minutes ago" "$@"')
    try:
        found = checked(server)
        assert found["clock"]["state"] == "fail"
        assert re.search("its clock is (9|10) min .* behind", found["clock"]["message"])
    finally:
        await says(host, "rm /usr/local/bin/date")


async def test_a_full_disk_is_cleared_of_what_nobody_misses(server: SandboxServer, host: Host) -> None:
    await says(host, "cd / && tar -c bin | docker import - kept:1 && tar -c bin | docker import -")
    await stand_in(host, "df", "/bin/df \"$@\" | sed '$ s/[0-9][0-9]* *\\([0-9]*%\\)/1000000 \\1/'")
    try:
        found = checked(server)
        assert found["disk"]["state"] == "fail"
        assert found["disk"]["fixable"]
        checked(server, "--fix", "--yes")
    finally:
        await says(host, "rm /usr/local/bin/df")
    images = await says(host, "docker images --all --format '{{.Repository}}'")
    assert "kept" in images
    assert "<none>" not in images


async def test_a_port_that_something_keeps_the_outside_from(server: SandboxServer, host: Host) -> None:
    checked(server, "--fix", "--yes")
    await says(host, "nft add table ip fht; nft add chain ip fht i '{ type filter hook input priority -9; }'")
    await says(host, "nft add rule ip fht i tcp dport 443 drop")
    try:
        found = checked(server)
        assert found["ports"]["state"] == "fail"
        assert "keeps the outside from 443" in found["ports"]["message"]
        assert (
            found["ports"]["hint"] == "Open them in the provider's firewall (the server's own firewall lets them in)."
        )
    finally:
        await says(host, "nft delete table ip fht")
