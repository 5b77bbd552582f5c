"""A project's users and folders, made on a server."""

from __future__ import annotations

import pytest

from freehold.base.errors import Code, FreeholdError
from freehold.deploy.accounts import AccountsPart
from freehold.hosts.host import Command
from freehold.server.layout import Layout
from tests.support.sandbox import SandboxServer
from tests.support.server_parts import on, planned, says, settled

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]


async def test_users_and_folders_are_made_once(sandbox: SandboxServer) -> None:
    layout = Layout("shop")
    async with on(sandbox) as host:
        done = await settled(host, AccountsPart(layout))
        assert "let fh-shop-keeper use Docker" in done
        assert (await says(host, "id -nG fh-shop-keeper")).split() == ["fh-shop", "docker"]
        assert (await says(host, "id -nG fh-shop")).split() == ["fh-shop"]
        assert await says(host, "getent passwd fh-shop | cut -d: -f6,7") == "/nonexistent:/usr/sbin/nologin"
        assert await says(host, f"stat -c %U:%G:%a {layout.keeper_home}") == "fh-shop-keeper:fh-shop:700"
        # Neither user may put another folder in the place of one that the other trusts, or read the other's secrets.
        for line in (
            f"runuser -u fh-shop -- ls {layout.keeper_home}",
            f"runuser -u fh-shop-keeper -- ls {layout.gateway_home}",
            f"runuser -u fh-shop -- mv {layout.keeper_state} {layout.state}/x",
            f"runuser -u fh-shop -- touch {layout.releases}/x",
            f"runuser -u nobody -- ls {layout.releases}",
            "su -s /bin/sh fh-shop -c true < /dev/null && su fh-shop -c true",
        ):
            assert (await host.run(Command(("sh", "-c", line)))).status != 0, line
        await says(host, f"runuser -u fh-shop -- ls {layout.keeper_state} {layout.releases}")


async def test_what_was_changed_by_hand_is_set_right(sandbox: SandboxServer) -> None:
    layout = Layout("drifted")
    part = AccountsPart(layout)
    async with on(sandbox) as host:
        await settled(host, part)
        await says(
            host, f"chmod 755 {layout.gateway_home}; rmdir {layout.keeper_home}; gpasswd -d {layout.keeper_user} docker"
        )
        assert await settled(host, part) == [
            f"let {layout.keeper_user} use Docker",
            f"set owner and mode of {layout.gateway_home} (fh-drifted:fh-drifted 0700)",
            f"make the folder {layout.keeper_home} (fh-drifted-keeper:fh-drifted 0700)",
        ]


async def test_one_that_was_cut_off_half_way_is_finished(sandbox: SandboxServer) -> None:
    layout = Layout("halved")
    part = AccountsPart(layout)
    async with on(sandbox) as host:
        changes = await planned(host, part)
        await part.carry_out(host, changes[:2])
        left = await planned(host, part)
        assert [change.what for change in left] == [change.what for change in changes[2:]]
        await part.carry_out(host, changes)  # what is done already is passed over
        assert await planned(host, part) == []


@pytest.mark.parametrize(
    ("making", "words"),
    [
        ("useradd --no-create-home fh-taken", "a person's account"),
        ("useradd --system --no-create-home fh-taken", "somebody else's"),
        ("mkdir -p /opt/freehold /opt/elsewhere; ln -sfn /opt/elsewhere /opt/freehold/taken", "is no folder"),
    ],
)
async def test_what_is_taken_is_refused(sandbox: SandboxServer, making: str, words: str) -> None:
    async with on(sandbox) as host:
        await says(host, making)
        try:
            with pytest.raises(FreeholdError, match=words) as caught:
                await planned(host, AccountsPart(Layout("taken")))
            assert caught.value.code is Code.CONFLICT
        finally:
            await says(host, "userdel fh-taken || true; rm -f /opt/freehold/taken")
