"""Credentials on a server: who can read which, and that nothing else is left."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.base.secret import Secret
from freehold.deploy.accounts import AccountsPart
from freehold.deploy.credentials_choice import Chosen, Place
from freehold.deploy.credentials_part import CredentialsPart
from freehold.hosts.host import Command
from freehold.hosts.ssh_host import SshHost
from freehold.project.credential import CredentialRef
from freehold.server.layout import Layout
from tests.support.sandbox import SandboxServer
from tests.support.server_parts import on, planned, says, settled

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]
TOKEN, KEY, HOOK = (
    CredentialRef("github_token"),
    CredentialRef("anthropic_key"),
    CredentialRef("generic_webhook_secret"),
)
CHOSEN = Chosen(
    {
        Place.KEEPER: {TOKEN: {"token": Secret("open 'sesame' $(id)\nline")}, KEY: {"token": Secret("sk-1")}},
        Place.GATEWAY: {HOOK: {"secret": Secret("hook-sesame")}},
    }
)
FEWER = Chosen({Place.KEEPER: {KEY: {"token": Secret("sk-2")}}, Place.GATEWAY: {}})


@contextlib.asynccontextmanager
async def project(sandbox: SandboxServer, name: str) -> AsyncIterator[tuple[SshHost, Layout]]:
    layout = Layout(name)
    async with on(sandbox) as host:
        await settled(host, AccountsPart(layout))
        yield host, layout


async def is_refused(host: SshHost, user: str, line: str) -> bool:
    outcome = await host.run(Command(("sudo", "-n", "-u", user, "sh", "-c", line)))
    return outcome.status != 0 and b"ermission denied" in outcome.stderr


async def test_each_user_reads_its_own_and_nobody_else_any(sandbox: SandboxServer) -> None:
    async with project(sandbox, "creds") as (host, layout):
        assert await settled(host, CredentialsPart(layout, CHOSEN)) == [
            "give the keeper anthropic_key",
            "give the keeper github_token",
            "give the gateway generic_webhook_secret",
        ]
        token = f"{layout.keeper_home}/credentials/github_token/default/token"
        hook = f"{layout.gateway_home}/credentials/generic_webhook_secret/default/secret"
        assert await says(host, f"sudo -u {layout.keeper_user} cat {token}") == "open 'sesame' $(id)\nline"
        assert await says(host, f"sudo -u {layout.user} cat {hook}") == "hook-sesame"
        for user, path in ((layout.user, token), (layout.keeper_user, hook), ("nobody", token), ("nobody", hook)):
            assert await is_refused(host, user, f"cat {path}")
        owners = f"find {layout.keeper_home} {layout.gateway_home} -mindepth 1 -printf '%u:%g %m %y\\n' | sort -u"
        keeper, gateway = layout.keeper_user, layout.user
        found = (await says(host, owners)).splitlines()
        assert {line.split(":")[0] for line in found} == {keeper, gateway}
        assert {" ".join(line.split(" ")[1:]) for line in found} == {"700 d", "600 f"}
        assert await settled(host, CredentialsPart(layout, CHOSEN)) == []


async def test_what_no_release_lists_is_taken_away(sandbox: SandboxServer) -> None:
    async with project(sandbox, "fewer") as (host, layout):
        await settled(host, CredentialsPart(layout, CHOSEN))
        record = f"{layout.releases}/01/.freehold"
        await says(
            host, f'mkdir -p {record} && echo \'{{"credentials": ["github_token/default"]}}\' > {record}/release.json'
        )
        assert await settled(host, CredentialsPart(layout, FEWER)) == [
            "give the keeper anthropic_key",
            "take generic_webhook_secret from the gateway",
        ]
        assert await settled(host, replace(CredentialsPart(layout, FEWER), going=["01"])) == [
            "take github_token from the keeper"
        ]
        files = f"cd {layout.state} && find keeper-home gateway-home -mindepth 2"
        assert sorted((await says(host, files)).splitlines()) == [
            "keeper-home/credentials/anthropic_key",
            "keeper-home/credentials/anthropic_key/default",
            "keeper-home/credentials/anthropic_key/default/token",
        ]


async def test_a_user_cannot_make_root_write_elsewhere(sandbox: SandboxServer) -> None:
    """A keeper that was taken over puts a link in the place of its folder of credentials."""
    async with project(sandbox, "lured") as (host, layout):
        await says(host, "mkdir -p /var/lure/github_token")
        await says(host, f"sudo -u {layout.keeper_user} ln -s /var/lure {layout.keeper_home}/credentials")
        changes = await planned(host, CredentialsPart(layout, CHOSEN))
        with pytest.raises(FreeholdError) as caught:
            await CredentialsPart(layout, CHOSEN).carry_out(host, changes)
        assert caught.value.code is Code.FAILED
        assert "sesame" not in caught.value.message
        assert await says(host, "find /var/lure -type f") == ""


async def test_one_that_was_cut_off_is_finished(sandbox: SandboxServer) -> None:
    async with project(sandbox, "cutoff") as (host, layout):
        part = CredentialsPart(layout, CHOSEN)
        changes = await planned(host, part)
        await part.carry_out(host, changes[:1])
        folder = f"{layout.keeper_home}/credentials/github_token/default"
        await says(host, f"sudo -u {layout.keeper_user} mkdir -p {folder}")
        await says(host, f"sudo -u {layout.keeper_user} touch {folder}/.token.new")
        assert await settled(host, part) == [change.what for change in changes[1:]]
        assert await says(host, f"ls -A {folder}") == "token"


async def test_a_full_disk_leaves_the_old_value(sandbox: SandboxServer) -> None:
    async with project(sandbox, "full") as (host, layout):
        home = layout.keeper_home
        await says(host, f"mount -t tmpfs -o size=64k,mode=700,uid=$(id -u {layout.keeper_user}) none {home}")
        try:
            await settled(host, CredentialsPart(layout, CHOSEN))
            await host.run(Command(("sh", "-c", f"cat /dev/zero > {home}/filler")))
            other = Chosen({Place.KEEPER: {TOKEN: {"token": Secret("x" * 5000)}, KEY: {"token": Secret("sk-1")}}})
            with pytest.raises(FreeholdError) as caught:
                await settled(host, CredentialsPart(layout, replace(other, is_whole=False)))
            assert caught.value.code is Code.DISK
            token = f"{home}/credentials/github_token/default/token"
            assert (await says(host, f"cat {token}")).startswith("open")
        finally:
            await says(host, f"umount {home}")
