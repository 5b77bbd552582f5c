"""A server that is rented from a strict provider, and stands here: its first boot is carried out as on a real one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.base.secret import Secret
from freehold.providers.cloud_init import FIRST_BOOT_DONE, FirstBoot, cloud_config
from freehold.providers.firewall import rules_for
from freehold.providers.hetzner import Hetzner
from freehold.providers.machine import Machine, ServerSpec
from freehold.providers.ownership import Owner
from freehold.providers.sandbox.recipe import SUITES
from freehold.server.sshd import effective, weaknesses
from tests.support.sandbox import SandboxServer
from tests.support.sandbox_room import SandboxRoom
from tests.support.ssh_server import make_key
from tests.support.strict_hetzner import StrictHetzner

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("sandbox")]

OWNER = Owner("test", "rented")
READY_WITHIN_S = 420.0
"""The distribution's archive is asked for Docker meanwhile."""


@pytest.fixture(params=list(SUITES))
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hetzner(version: str) -> Iterator[StrictHetzner]:
    room = SandboxRoom(suite=SUITES[version])
    api = StrictHetzner(room=room)
    try:
        yield api
    finally:
        api.close()
        room.close()


async def over_ssh(machine: Machine, key: Path, line: str) -> str:
    """What a command there says; empty while nobody lets us in."""
    options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes")
    words = [word for option in (*options, f"IdentityFile={key}", "ConnectTimeout=5") for word in ("-o", option)]
    process = await asyncio.create_subprocess_exec(
        "ssh", "-F", "none", *words, "-l", "root", str(machine.address), line,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    said, _ = await process.communicate()
    return said.decode().strip()


async def test_stock_debian_is_prepared_by_our_first_boot(
    hetzner: StrictHetzner, version: str, sandbox: SandboxServer, tmp_path: Path
) -> None:
    public = make_key(tmp_path / "key")
    provider = Hetzner(Secret(hetzner.token), base_url=hetzner.url)
    catalogue = await provider.catalogue()
    images = catalogue.images_for(catalogue.plan("cx23"))
    image = next(one for one in images if (one.distribution, one.version) == ("debian", version))
    key = await provider.add_key(public, OWNER)
    firewall = await provider.put_firewall(rules_for(ssh_port=22), OWNER)
    document = cloud_config(FirstBoot(OWNER.name, (public,), image.distribution, image.version))
    made = await provider.create(ServerSpec(OWNER, "cx23", "fsn1", image.id, (key.id,), firewall.id, document))
    async with asyncio.timeout(READY_WITHIN_S):
        while (seen := await provider.machine(made.id)) is None or not seen.ready:
            await asyncio.sleep(1)
        while await over_ssh(seen, tmp_path / "key", f"test -e {FIRST_BOOT_DONE} && echo done") != "done":
            await asyncio.sleep(2)
    active = await over_ssh(seen, tmp_path / "key", "systemctl is-active docker fail2ban ssh")
    assert active.split() == ["active", "active", "active"]
    assert await over_ssh(seen, tmp_path / "key", "docker info --format '{{.Driver}}'") == "overlay2"
    settings = effective(await over_ssh(seen, tmp_path / "key", "sshd -T"))
    assert weaknesses(settings) == []

    for leftover in await provider.leftovers(OWNER):
        await provider.remove(leftover)
    assert await provider.leftovers(OWNER) == ()
    await provider.close()
